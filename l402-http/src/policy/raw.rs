//! Routes whose paths go on as they came.
//!
//! Some upstreams need what a canonical path may not hold: `%2F` in the name of a package, `//` in a URL within a path, `;`.
//! A sale of a whole prefix can ask for that ([`Sale::raw_path`](super::Sale::raw_path)):
//!
//! 1. Its pattern is `/…/*` without parameters, and no other pattern reaches to the prefix or beneath it, in whatever case:
//!    all that lies there has one price, however it is read.
//! 2. A request is such a route's where its path begins with the prefix, byte for byte.
//! 3. Nothing leads out of the prefix: dot segments are refused, also encoded, encoded more than once, or with a parameter
//!    (`..;`), a query (`..%3F`) or blanks, and so are backslashes and control characters.

use super::error::RouteFault;
use super::pattern::{Pattern, Segment};
use crate::path::{CanonicalPath, PathError};
use std::borrow::Cow;

/// The prefixes of such routes, without a final `/`.
#[derive(Debug, Default)]
pub(super) struct RawPrefixes(Vec<Box<str>>);

impl RawPrefixes {
    /// Adds the prefix of a pattern.
    pub(super) fn add(&mut self, pattern: &Pattern) -> Result<(), RouteFault> {
        if !pattern.subtree {
            return Err(RouteFault::RawPath);
        }
        let mut prefix = String::new();
        for segment in &pattern.segments {
            let Segment::Literal(text) = segment else { return Err(RouteFault::RawPath) };
            prefix.extend(["/", text]);
        }
        if !self.0.iter().any(|known| **known == *prefix) {
            self.0.push(prefix.into());
        }
        Ok(())
    }

    /// Returns the prefix that a path begins with, as a path to be routed by; [`None`] where there is no such route.
    pub(super) fn find(&self, path: &str) -> Option<Result<CanonicalPath<'_>, PathError>> {
        let under =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let prefix = self.0.iter().find(|prefix| under(prefix))?;
        let routed = if prefix.is_empty() { "/" } else { prefix };
        Some(refuse_ways_out(path).and_then(|()| CanonicalPath::parse(routed)))
    }
}

/// Whether a pattern reaches to the prefix of another, or beneath it, without being the same.
pub(super) fn reaches_under(other: &Pattern, raw: &Pattern) -> bool {
    let (other, raw) = (other.lowercase(), raw.lowercase());
    let alike = |(one, two): (&Segment, &Segment)| one == two || matches!(one, Segment::Parameter);
    other != raw && other.segments.len() >= raw.segments.len() && other.segments.iter().zip(&raw.segments).all(alike)
}

/// Refuses whatever some program could take for a way out of the prefix.
fn refuse_ways_out(path: &str) -> Result<(), PathError> {
    let mut read = Cow::Borrowed(path.as_bytes());
    for level in 0..MOST_LEVELS {
        if read.iter().any(u8::is_ascii_control) {
            return Err(PathError::Control);
        }
        if read.contains(&b'\\') {
            return Err(PathError::Backslash);
        }
        let named = |segment: &[u8]| {
            let name = segment.split(|byte| matches!(byte, b';' | b'?' | b'#')).next().unwrap_or_default();
            matches!(name.trim_ascii(), b"." | b"..")
        };
        if read.split(|byte| *byte == b'/').any(named) {
            return Err(PathError::DotSegment);
        }
        let decoded = decoded(&read);
        if decoded.has_stray_percent && level == 0 {
            return Err(PathError::Escape);
        }
        if decoded.bytes == *read {
            return Ok(());
        }
        read = Cow::Owned(decoded.bytes);
    }
    Err(PathError::EncodedTwice)
}

struct Decoded {
    bytes: Vec<u8>,
    /// Whether a percent sign had no two digits behind it; such a one stays.
    has_stray_percent: bool,
}

fn decoded(text: &[u8]) -> Decoded {
    let (mut bytes, mut has_stray_percent, mut rest) = (Vec::with_capacity(text.len()), false, text);
    while let [first, behind @ ..] = rest {
        rest = behind;
        match behind
            .split_first_chunk()
            .and_then(|([high, low], after)| Some((digit(*high)? << 4 | digit(*low)?, after)))
        {
            Some((byte, after)) if *first == b'%' => {
                bytes.push(byte);
                rest = after;
            }
            _ => {
                has_stray_percent |= *first == b'%';
                bytes.push(*first);
            }
        }
    }
    Decoded { bytes, has_stray_percent }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// How often a path may be encoded.
const MOST_LEVELS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes(pattern: &str) -> RawPrefixes {
        let mut prefixes = RawPrefixes::default();
        prefixes.add(&Pattern::parse(pattern).unwrap()).unwrap();
        prefixes
    }

    #[test]
    fn p3_a_raw_path_holds_anything_but_a_way_out() {
        let prefixes = prefixes("/npm/*");
        for path in [
            "/npm",
            "/npm/",
            "/npm/@scope%2fname",
            "/npm/a//b",
            "/npm//",
            "/npm/a;v=1/b",
            "/npm/https://x.example/%3Fa",
            "/npm/...",
            "/npm/..a%3f/%20b/..%2e%20c",
            "/npm/a%252fb",
            "/npm/%7e/~",
        ] {
            assert_eq!(prefixes.find(path).unwrap().unwrap().as_str(), "/npm", "{path}");
        }
        for (path, fault) in [
            ("/npm/../paid", PathError::DotSegment),
            ("/npm/%2e%2E/paid", PathError::DotSegment),
            ("/npm/a%2f..%2f..%2fpaid", PathError::DotSegment),
            ("/npm/%252e%252e/paid", PathError::DotSegment),
            ("/npm/%25%32%65./paid", PathError::DotSegment),
            ("/npm/..;/paid", PathError::DotSegment),
            ("/npm/..;a=b/paid", PathError::DotSegment),
            ("/npm/..%3b/paid", PathError::DotSegment),
            ("/npm/..%3fa/paid", PathError::DotSegment),
            ("/npm/..%23", PathError::DotSegment),
            ("/npm/..%20/paid", PathError::DotSegment),
            ("/npm/%20%2e%2e%2520/paid", PathError::DotSegment),
            ("/npm/./a", PathError::DotSegment),
            ("/npm/..", PathError::DotSegment),
            ("/npm/..\\paid", PathError::Backslash),
            ("/npm/..%5cpaid", PathError::Backslash),
            ("/npm/..%255cpaid", PathError::Backslash),
            ("/npm/a%00", PathError::Control),
            ("/npm/a%250d%250a", PathError::Control),
            ("/npm/a%", PathError::Escape),
            ("/npm/a%g0", PathError::Escape),
            ("/npm/%252525252525252e", PathError::EncodedTwice),
        ] {
            assert_eq!(prefixes.find(path).unwrap(), Err(fault), "{path}");
        }
        for path in ["/npm2", "/", "/Npm/a", "/%6epm/a", "/npm%2fa", "/npm;a/b", "//npm/a", "npm"] {
            assert!(prefixes.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn p3_patterns_that_reach_under_a_prefix_are_known() {
        let under = |other: &str| reaches_under(&Pattern::parse(other).unwrap(), &Pattern::parse("/a/b/*").unwrap());
        for other in ["/a/b", "/a/b/c", "/A/B/c", "/a/b/{id}", "/{x}/b/c", "/a/{y}/*", "/a/{y}", "/a/b/c/*"] {
            assert!(under(other), "{other}");
        }
        for other in ["/a/b/*", "/a", "/a/*", "/*", "/", "/b/b/c", "/a/c/*", "/{x}"] {
            assert!(!under(other), "{other}");
        }
    }
}
