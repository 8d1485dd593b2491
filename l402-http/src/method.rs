//! Methods that are never served.
//!
//! A server that answers TRACE sends the request back as it came (RFC 9110 §9.3.8): with the key that the gateway added for
//! it (threat P7). TRACK and DEBUG are other servers' names for the like. Nothing is sold under such a method, and
//! none is forwarded, in whatever case it is written: some servers ignore it.

use crate::response::Reason;
use http::Method;

/// Whether a server may answer the method with the request itself.
pub(crate) fn reflects(method: &Method) -> bool {
    REFLECTING.iter().any(|known| method.as_str().eq_ignore_ascii_case(known))
}

/// What is said about it.
pub(crate) const MESSAGE: &str = "this method is not served";

/// The reason for programs.
pub(crate) const REASON: Reason = Reason::METHOD_NOT_IMPLEMENTED;

const REFLECTING: [&str; 3] = ["TRACE", "TRACK", "DEBUG"];
