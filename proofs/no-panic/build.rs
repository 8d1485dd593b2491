//! Links the C library for its start code and `memcpy`, which a program without `std` does not ask for.

fn main() {
    println!("cargo::rustc-link-arg-bins=-lc");
    println!("cargo::rerun-if-changed=build.rs");
}
