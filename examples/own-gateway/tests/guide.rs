//! The guide quotes the program, word for word.

use std::collections::HashSet;

#[test]
fn every_line_of_code_in_the_guide_stands_in_the_program() {
    let program: HashSet<_> = include_str!("../src/main.rs").lines().map(str::trim).collect();
    let mut quoted = 0;
    let mut is_code = false;
    for line in include_str!("../../../docs/own-gateway.md").lines() {
        match line {
            "```rust" => is_code = true,
            "```" => is_code = false,
            _ if is_code => {
                assert!(program.contains(line.trim()), "the program has no line {line:?}");
                quoted += 1;
            }
            _ => {}
        }
    }
    assert!(quoted > 20, "{quoted} lines of code");
}

#[test]
fn the_program_is_short() {
    assert!(include_str!("../src/main.rs").lines().count() < 150);
}
