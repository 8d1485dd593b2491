//! The `reason` of every response stands in one table.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use std::fs;
use std::path::{Path, PathBuf};

/// `Problem` takes nothing but a `Reason`, so that a code can come from elsewhere in one way only.
#[test]
fn no_crate_of_this_workspace_gives_a_reason_of_its_own() {
    let crates = ["l402-http", "l402-gateway", "l402-server"];
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for source in crates.iter().flat_map(|name| sources(&workspace.join(name).join("src"))) {
        let text = fs::read_to_string(&source).unwrap();
        assert!(!text.contains("Reason::custom("), "{}: put the reason into the table", source.display());
    }
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[cfg(any(feature = "proxy", feature = "server"))]
#[test]
fn the_docs_name_every_reason() {
    let page = include_str!("../../docs/gateway/refusals.md");
    for reason in l402_http::response::Reason::ALL {
        assert!(page.contains(&format!("`{reason}`")), "docs/gateway/refusals.md does not name {reason}");
    }
}
