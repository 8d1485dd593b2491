//! The documents quote the example programs, line by line: behind `<!-- snippet: path -->` stands code of that file.

use std::collections::HashSet;

#[test]
fn every_quoted_line_stands_in_its_program() {
    let mut quoted = HashSet::new();
    for (document, text) in DOCUMENTS {
        let mut program = None;
        let mut is_code = false;
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("<!-- snippet: ").and_then(|rest| rest.strip_suffix(" -->")) {
                program = PROGRAMS.iter().find(|(known, _)| *known == path);
                assert!(program.is_some(), "{document} quotes {path}, which this test does not know");
                continue;
            }
            match (line, program) {
                ("```rust", Some(_)) => is_code = true,
                ("```", _) => (program, is_code) = (None, false),
                (line, Some((path, source))) if is_code => {
                    let is_there = source.lines().any(|found| found.trim() == line.trim());
                    assert!(is_there, "{document} shows a line that {path} does not have: {line:?}");
                    quoted.insert((document, path));
                }
                _ => {}
            }
        }
    }
    assert_eq!(quoted.len(), DOCUMENTS.len() * PROGRAMS.len(), "{quoted:?}");
}

const DOCUMENTS: [(&str, &str); 2] =
    [("README.md", include_str!("../../../README.md")), ("docs/library.md", include_str!("../../../docs/library.md"))];

const PROGRAMS: [(&str, &str); 2] = [
    ("examples/axum/src/main.rs", include_str!("../src/main.rs")),
    ("examples/reqwest/src/main.rs", include_str!("../../reqwest/src/main.rs")),
];
