//! Makes the stack large enough for the memory that the vectors are lent.

fn main() {
    println!("cargo::rustc-link-arg=-zstack-size=4194304");
}
