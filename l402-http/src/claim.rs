//! Fields by which a request claims what only a gateway may say, or that it is another request than it is.
//!
//! 1. `X-L402-*` says what was paid for.
//! 2. `X-Original-URL` and its like name another path or method than the request line. Many frameworks obey them, so that a
//!    cheap path would be priced and a dear one served (threats P3, T3).
//! 3. Many servers take `_` and `-` in a name as one, so this does too.

/// Whether only a gateway may send the field. Names are in lower case, as those of [`http::HeaderName`] are.
pub(crate) fn is_claim(name: &str) -> bool {
    name.starts_with('x') && (begins_with(name, "x-l402-") || OVERRIDES.iter().any(|known| is_same(name, known)))
}

/// Whether a server may take two names for one.
pub(crate) fn is_same(name: &str, other: &str) -> bool {
    name.len() == other.len() && begins_with(name, other)
}

/// Whether a server may find that a name begins so.
pub(crate) fn begins_with(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len() && name.bytes().zip(prefix.bytes()).all(|(byte, wanted)| dashed(byte) == dashed(wanted))
}

const fn dashed(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte }
}

/// Fields that override the path or the method.
const OVERRIDES: [&str; 6] = [
    "x-original-url",
    "x-rewrite-url",
    "x-original-method",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_known_however_they_are_spelt() {
        for name in ["x-l402-verified", "x_l402_verified", "x-l402_", "x-http-method", "x_http-method_override"] {
            assert!(is_claim(name), "{name}");
        }
        for name in ["x-l402", "x-original-urls", "x-http-methods", "original-url", "x", ""] {
            assert!(!is_claim(name), "{name}");
        }
    }
}
