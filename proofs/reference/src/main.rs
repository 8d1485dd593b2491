//! Prints the page; see `just reference`.

fn main() {
    print!("{}", reference::page());
}
