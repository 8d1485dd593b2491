//! The `reason` of every response stands in one table.
#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

use l402_http::response::Reason;
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

/// The page for operators tells every reason with its status.
#[test]
fn the_page_of_reasons_is_whole() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/gateway/refusals.md");
    let page = fs::read_to_string(page).unwrap();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    for reason in Reason::ALL {
        let code = format!("`{reason}`");
        let row = rows.iter().find(|row| row.split('|').nth(1).unwrap().contains(&code));
        let row = row.unwrap_or_else(|| panic!("docs/gateway/refusals.md lacks {code}"));
        let told = row.split('|').nth(2).unwrap();
        assert!(reason.statuses().iter().any(|status| told.contains(&status.to_string())), "{code}: {told}");
    }
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}
