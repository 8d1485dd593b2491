//! One canonical path for matching, pricing and forwarding.
//!
//! A path is canonicalised once; the result is what routes are matched against and what the inner service receives. A path
//! that two programs could read in two ways is refused, so that the priced path cannot differ from the served one:
//!
//! 1. It begins with `/` and holds no `?` or `#`.
//! 2. No segment but the last is empty (`//`), and none is `.` or `..`, plain or encoded.
//! 3. `/` and `\` do not occur encoded, `\`, control characters and `;` (matrix parameters) do not occur at all, and nothing
//!    is encoded twice (`%252F`).
//! 4. Characters that a segment may hold as they are stand decoded, all others encoded, with upper-case digits
//!    (RFC 3986 §6.2.2).
//!
//! # Deviation
//! RFC 3986 §6.2.2.2 decodes only unreserved characters. Here `:`, `@` and the sub-delimiters are decoded too: programs that
//! match decoded paths take `%3A` for `:`, and a route that ends in `:generate` must not be reached around its price. `+`
//! and `%2B` stay as they are, because some programs read a plain `+` as a space.

use core::fmt;
use std::borrow::Cow;

/// A path in its canonical form.
///
/// ```
/// use l402_http::path::{CanonicalPath, PathError};
///
/// assert_eq!(CanonicalPath::parse("/v1/%7euser/caf%c3%a9")?.as_str(), "/v1/~user/caf%C3%A9");
/// assert_eq!(CanonicalPath::parse("/free/..%2fpaid"), Err(PathError::EncodedSlash));
/// # Ok::<(), PathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalPath<'a>(Cow<'a, str>);

impl<'a> CanonicalPath<'a> {
    /// Canonicalises the path of a request, without its query. Borrows where the path is canonical already.
    ///
    /// # Errors
    /// [`PathError`], to be answered with 400.
    pub fn parse(raw: &'a str) -> Result<Self, PathError> {
        if !raw.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        let path = if raw.bytes().all(|byte| byte == b'/' || stands_plain(byte)) {
            Cow::Borrowed(raw)
        } else {
            Some(normalise(raw.as_bytes())?).filter(|path| path != raw).map_or(Cow::Borrowed(raw), Cow::Owned)
        };
        refuse_ambiguous_segments(&path)?;
        Ok(Self(path))
    }

    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether the path was canonical as it came.
    pub const fn is_unchanged(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }
}

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`.
    NotAbsolute,
    /// It holds a `?` or `#`.
    Delimiter,
    /// A segment before the last is empty.
    EmptySegment,
    /// A segment is `.` or `..`.
    DotSegment,
    /// `%2F`.
    EncodedSlash,
    /// `\` or `%5C`.
    Backslash,
    /// `%00` or another control character.
    Control,
    /// `;` or `%3B`.
    Parameter,
    /// `%25` before two hexadecimal digits.
    EncodedTwice,
    /// `%` without two hexadecimal digits.
    Escape,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "the path does not begin with a slash",
            Self::Delimiter => "the path contains a question mark or number sign",
            Self::EmptySegment => "the path contains two slashes in a row",
            Self::DotSegment => "the path contains a dot segment",
            Self::EncodedSlash => "the path contains an encoded slash",
            Self::Backslash => "the path contains a backslash",
            Self::Control => "the path contains a control character",
            Self::Parameter => "the path contains a semicolon",
            Self::EncodedTwice => "the path is percent-encoded twice",
            Self::Escape => "a percent sign in the path is not followed by two hexadecimal digits",
        })
    }
}

impl core::error::Error for PathError {}

fn normalise(raw: &[u8]) -> Result<String, PathError> {
    let mut path = String::with_capacity(raw.len().saturating_mul(3));
    let mut rest = raw;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'%' => {
                let (decoded, after) = escape(after)?;
                rest = after;
                push_decoded(decoded, &mut path)?;
            }
            b'/' => path.push('/'),
            b'?' | b'#' => return Err(PathError::Delimiter),
            &byte => push_plain(byte, &mut path)?,
        }
    }
    // Only now, when digits that were encoded themselves stand plain.
    if path.split("%25").skip(1).any(|behind| escape(behind.as_bytes()).is_ok()) {
        return Err(PathError::EncodedTwice);
    }
    Ok(path)
}

/// Reads the two digits behind a percent sign.
fn escape(digits: &[u8]) -> Result<(u8, &[u8]), PathError> {
    let ([high, low], rest) = digits.split_first_chunk().ok_or(PathError::Escape)?;
    let digit =
        |c: &u8| char::from(*c).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(PathError::Escape);
    Ok(((digit(high)? << 4) | digit(low)?, rest))
}

fn push_decoded(byte: u8, path: &mut String) -> Result<(), PathError> {
    match byte {
        b'/' => Err(PathError::EncodedSlash),
        b'+' => {
            push_encoded(byte, path);
            Ok(())
        }
        _ => push_plain(byte, path),
    }
}

fn push_plain(byte: u8, path: &mut String) -> Result<(), PathError> {
    match byte {
        b'\\' => return Err(PathError::Backslash),
        b';' => return Err(PathError::Parameter),
        byte if byte.is_ascii_control() => return Err(PathError::Control),
        byte if stands_plain(byte) => path.push(char::from(byte)),
        byte => push_encoded(byte, path),
    }
    Ok(())
}

fn push_encoded(byte: u8, path: &mut String) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    path.extend(['%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// Whether a byte stands for itself in a canonical segment: RFC 3986's `pchar` without escapes and `;`.
const fn stands_plain(byte: u8) -> bool {
    matches!(byte,
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~'
        | b':' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=')
}

fn refuse_ambiguous_segments(path: &str) -> Result<(), PathError> {
    if path.as_bytes().windows(2).any(|pair| pair == b"//") {
        return Err(PathError::EmptySegment);
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(PathError::DotSegment);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn p3_ambiguous_paths_are_refused() {
        for (raw, fault) in [
            ("", PathError::NotAbsolute),
            ("*", PathError::NotAbsolute),
            ("a/b", PathError::NotAbsolute),
            ("/a?b", PathError::Delimiter),
            ("//", PathError::EmptySegment),
            ("/a//b", PathError::EmptySegment),
            ("/.", PathError::DotSegment),
            ("/a/../b", PathError::DotSegment),
            ("/a/%2e%2E/b", PathError::DotSegment),
            ("/a/.%2e", PathError::DotSegment),
            ("/a%2fb", PathError::EncodedSlash),
            ("/a%2Fb", PathError::EncodedSlash),
            ("/a\\b", PathError::Backslash),
            ("/a%5cb", PathError::Backslash),
            ("/a%00", PathError::Control),
            ("/a%0d%0a", PathError::Control),
            ("/a\u{7f}", PathError::Control),
            ("/a;v=1/b", PathError::Parameter),
            ("/a%3bv=1/b", PathError::Parameter),
            ("/a%252fb", PathError::EncodedTwice),
            ("/a%2525b", PathError::EncodedTwice),
            ("/%25a%30", PathError::EncodedTwice),
            ("/%25%61%30", PathError::EncodedTwice),
            ("/%25%32f", PathError::EncodedTwice),
            ("/a%", PathError::Escape),
            ("/a%2", PathError::Escape),
            ("/a%g0", PathError::Escape),
            ("/a%+1", PathError::Escape),
        ] {
            assert_eq!(CanonicalPath::parse(raw), Err(fault), "{raw}");
        }
    }

    #[test]
    fn p3_spellings_of_one_path_become_one() {
        for (raw, canonical) in [
            ("/", "/"),
            ("/a/b/", "/a/b/"),
            ("/%61%2D%7E", "/a-~"),
            ("/m:generate", "/m:generate"),
            ("/m%3agenerate", "/m:generate"),
            ("/%40me", "/@me"),
            ("/a+b", "/a+b"),
            ("/a%2bb", "/a%2Bb"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/café", "/caf%C3%A9"),
            ("/{id}", "/%7Bid%7D"),
            ("/100%25", "/100%25"),
            ("/a%20b", "/a%20b"),
            ("/...", "/..."),
        ] {
            let path = CanonicalPath::parse(raw).expect(raw);
            assert_eq!((path.as_str(), path.is_unchanged()), (canonical, raw == canonical));
        }
    }

    /// Paths made of the pieces that matter, so that most of them are nearly legal.
    fn raw_paths() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[a-zA-Z0-9._~:@!$&'()*+,=-]{1,3}",
            "%[0-9a-fA-F]{2}",
            "%25[0-9a-f]{0,2}",
            Just("/".to_owned()),
            "\\PC",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn p3_canonical_paths_stay_as_they_are(raw in raw_paths()) {
            if let Ok(path) = CanonicalPath::parse(&raw) {
                let again = CanonicalPath::parse(path.as_str());
                prop_assert!(again.as_ref().is_ok_and(|again| again == &path), "{raw:?} -> {path:?} -> {again:?}");
            }
        }

        #[test]
        fn p3_canonical_paths_hold_nothing_ambiguous(raw in raw_paths()) {
            if let Ok(path) = CanonicalPath::parse(&raw) {
                let path = path.as_str();
                let lower = path.to_ascii_lowercase();
                for bad in ["//", "\\", ";", "?", "#", "%2f", "%5c", "%3b", "%00", "%0d", "%0a", "%2e", "%7f", "/./", "/../"] {
                    prop_assert!(!lower.contains(bad), "{path:?} holds {bad:?}");
                }
                prop_assert!(path.starts_with('/') && path.is_ascii() && !path.bytes().any(|b| b <= b' '));
                prop_assert!(!path.ends_with("/.") && !path.ends_with("/.."));
            }
        }

        #[test]
        fn p3_no_input_is_taken_for_another(raw in raw_paths()) {
            if let Ok(path) = CanonicalPath::parse(&raw) {
                prop_assert_eq!(decoded(path.as_str()), decoded(&raw));
            }
        }
    }

    /// What a program sees that decodes a path once.
    fn decoded(path: &str) -> Vec<u8> {
        let mut bytes = path.as_bytes();
        let mut out = Vec::new();
        while let [first, rest @ ..] = bytes {
            let (byte, rest) = if *first == b'%' { escape(rest).unwrap() } else { (*first, rest) };
            out.push(byte);
            bytes = rest;
        }
        out
    }
}
