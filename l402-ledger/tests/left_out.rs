//! What a plain `cargo test` leaves out: the suites that need a server.

use std::io::Write;

/// Each has a recipe `_stores-<name>`, which `just stores` runs.
const LEFT_OUT: &[&str] = &["postgres", "redis"];

#[test]
fn a_recipe_runs_each_suite_that_is_left_out() {
    let recipes = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../justfile")).expect("the recipes");
    let stores = recipes.lines().find_map(|line| line.strip_prefix("stores:")).expect("a recipe `stores`");
    for suite in LEFT_OUT {
        assert!(stores.split_whitespace().any(|recipe| recipe == format!("_stores-{suite}")), "{suite} is in `stores`");
    }
    // Not `println!`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "left out: the ledger on {}; run `just stores`", LEFT_OUT.join(", ")).expect("a line");
}
