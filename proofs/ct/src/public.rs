//! The source lines that may branch on a secret, because what they decide is public.
//!
//! Everything else that memcheck reports is a leak. A line is named by its file and by what it says, so that one that moves is
//! still found and one that changes must be looked at again. A line that no run reports is an error: the list holds no more
//! than what is needed.

use std::path::Path;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The end of the file's path.
    pub file: &'static str,
    /// What the line says.
    pub says: &'static str,
    /// Whether it looks through a text: then the place up to which it has looked is an address that depends on the text.
    pub scans: bool,
}

/// What a branch on secrets may decide.
pub const LINES: &[Line] = &[
    // The verdicts.
    decides("l402-macaroon/src/authentic.rs", "if bool::from(verdict)"),
    decides("l402-macaroon/src/base64.rs", "if invalid {"),
    decides("l402-macaroon/src/base64.rs", "} else if mixed {"),
    #[cfg(feature = "accel")]
    decides("l402-macaroon/src/base64.rs", "} else if spare != 0 {"),
    decides("l402-macaroon/src/hex.rs", "if any(&invalid)"),
    // Whether commas part the credential into several tokens.
    scans("l402-core/src/credential/collected.rs", "tokens.contains(&b',')"),
    // Whether two metadata fields of one request are the same.
    scans("l402-core/src/credential.rs", "earlier.eq_ignore_ascii_case(value)"),
    // Whether the text that was written is UTF-8: it is ASCII for every value.
    scans("l402-macaroon/src/base64.rs", "core::str::from_utf8(out).ok()"),
    scans("l402-macaroon/src/hex.rs", "core::str::from_utf8(out).ok()"),
    scans("l402-core/src/payment.rs", "core::str::from_utf8(&self.0).unwrap_or_default()"),
];

/// Returns what a line of these files says, as it was when this binary was built.
pub fn says(file: &Path, line: usize) -> &'static str {
    let source = SOURCES.iter().find(|(path, _)| file.ends_with(path));
    source.and_then(|(_, text)| text.lines().nth(line.checked_sub(1)?)).map_or("", str::trim)
}

/// The files of the list.
const SOURCES: &[(&str, &str)] = &[
    ("l402-core/src/credential.rs", include_str!("../../../l402-core/src/credential.rs")),
    ("l402-core/src/credential/collected.rs", include_str!("../../../l402-core/src/credential/collected.rs")),
    ("l402-core/src/payment.rs", include_str!("../../../l402-core/src/payment.rs")),
    ("l402-macaroon/src/authentic.rs", include_str!("../../../l402-macaroon/src/authentic.rs")),
    ("l402-macaroon/src/base64.rs", include_str!("../../../l402-macaroon/src/base64.rs")),
    ("l402-macaroon/src/hex.rs", include_str!("../../../l402-macaroon/src/hex.rs")),
];

const fn decides(file: &'static str, says: &'static str) -> Line {
    Line { file, says, scans: false }
}

const fn scans(file: &'static str, says: &'static str) -> Line {
    Line { file, says, scans: true }
}
