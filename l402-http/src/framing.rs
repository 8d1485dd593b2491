//! How a request over HTTP/1.1 says where its body ends (threat P1, RFC 9112 §6).
//!
//! 1. `Transfer-Encoding` is `chunked`, alone and once. Another coding before it is not implemented (501): the body would go on
//!    with its coding and without the field that names it. `chunked` twice is malformed (400). Where `chunked` is not the
//!    last, hyper answers 400 itself.
//! 2. Where `Content-Length` stands beside `Transfer-Encoding`, hyper reads the body as chunked, leaves the length out and ends
//!    the connection after the answer, as RFC 9112 §6.3 allows. Two lengths that differ are a 400.
//! 3. What is wrong with the framing ends the connection: it is unknown where the next request begins.

use crate::response::Reason;
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, TRANSFER_ENCODING};

/// Says, among the extensions of an upstream's response, that its body ends with the connection: nobody knows then whether it came
/// whole (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct UntilClose;

/// Why the framing of a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FramingFault {
    /// A transfer coding that is not implemented.
    Coding,
    /// `chunked` more than once.
    Twice,
}

impl FramingFault {
    /// Finds what is wrong with a request's framing.
    pub(crate) fn of(fields: &HeaderMap) -> Option<Self> {
        let mut lines = fields.get_all(TRANSFER_ENCODING).iter().map(HeaderValue::as_bytes).peekable();
        lines.peek()?;
        let (mut chunked, mut others) = (0_usize, false);
        for coding in lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
            if coding.eq_ignore_ascii_case(b"chunked") {
                chunked = chunked.saturating_add(1);
            } else {
                others |= !coding.is_empty();
            }
        }
        match (chunked, others) {
            (1, false) => None,
            (0 | 1, _) => Some(Self::Coding),
            _ => Some(Self::Twice),
        }
    }

    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::Twice => StatusCode::BAD_REQUEST,
        }
    }

    /// The reason for programs.
    pub(crate) const fn reason(self) -> Reason {
        match self {
            Self::Coding => Reason::TRANSFER_CODING_NOT_IMPLEMENTED,
            Self::Twice => Reason::MALFORMED_FRAMING,
        }
    }

    /// A sentence for people.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Coding => "the only supported transfer coding is chunked",
            Self::Twice => "the transfer coding chunked is named more than once",
        }
    }
}

/// Whether a request over HTTP/1.1 has a body, or one over HTTP/2 says that it has.
#[cfg(feature = "server")]
pub(crate) fn announces_body(fields: &HeaderMap) -> bool {
    fields.contains_key(TRANSFER_ENCODING)
        || fields.get(http::header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
}

/// Marks a request that goes on unpaid, and only without a body: a preflight (threat P9).
#[cfg(feature = "server")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoBody;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_chunked_stands_alone_and_once() {
        let of = |lines: &[&'static str]| {
            let mut fields = HeaderMap::new();
            for line in lines {
                fields.append(TRANSFER_ENCODING, HeaderValue::from_static(line));
            }
            FramingFault::of(&fields)
        };
        for lines in [&[][..], &["chunked"], &[" Chunked ,"], &["", "chunked"]] {
            assert_eq!(of(lines), None, "{lines:?}");
        }
        for lines in
            [&["gzip, chunked"][..], &["gzip", "chunked"], &["identity"], &["chunked;a=b"], &["x\"chunked\""], &[""]]
        {
            assert_eq!(of(lines), Some(FramingFault::Coding), "{lines:?}");
        }
        for lines in [&["chunked, chunked"][..], &["chunked", "CHUNKED"], &["chunked, gzip, chunked"]] {
            assert_eq!(of(lines), Some(FramingFault::Twice), "{lines:?}");
        }
    }
}
