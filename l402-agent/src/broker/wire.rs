//! What both sides agree on.

use crate::errand::{ErrandError, Reason};
use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;
use http::header::HeaderName;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) const FETCH: &str = "/v1/fetch";
pub(super) const PREVIEW: &str = "/v1/preview";
pub(super) const BUDGET: &str = "/v1/budget";
pub(super) const PURCHASES: &str = "/v1/purchases";
pub(super) const STATUS: &str = "/v1/status";
pub(super) const RESOLVE: &str = "/v1/resolve";

/// The trailer of a body that did not arrive whole.
pub(super) const FAULT: HeaderName = HeaderName::from_static("l402-fault");

/// The longest line: a response may have many headers.
pub(super) const MAX_LINE: usize = 1 << 20;

/// How many purchases are listed where nothing is said.
pub(super) const PURCHASES_SHOWN: u32 = 20;

/// Writes a line of JSON. What is written here has no map whose keys are no text, and so it never fails.
pub(super) fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

/// Takes the first line off what has come; [`None`] while it has not ended.
pub(super) fn take_line(come: &mut BytesMut) -> Option<Bytes> {
    let end = come.iter().position(|byte| *byte == b'\n')?;
    let line = come.split_to(end).freeze();
    come.advance(1);
    Some(line)
}

/// Reads JSON that the other side wrote.
pub(super) fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T, ErrandError> {
    serde_json::from_slice(line).map_err(|cause| {
        // Its text repeats names of fields, never values.
        ErrandError::new(Reason::InvalidRequest, format!("cannot read the JSON: {cause}"))
    })
}

/// The status that goes with a reason.
pub(super) const fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::InvalidRequest | Reason::InvalidUrl | Reason::HeaderRefused | Reason::MethodRefused => {
            StatusCode::BAD_REQUEST
        }
        Reason::Unauthorized => StatusCode::UNAUTHORIZED,
        Reason::AddressRefused | Reason::Policy | Reason::OverLimit => StatusCode::FORBIDDEN,
        Reason::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::Busy | Reason::PaymentUnknown | Reason::MayHaveServed => StatusCode::CONFLICT,
        Reason::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Reason::Local => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_GATEWAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_the_body_begins() {
        let mut come = BytesMut::from(&b"{\"a\":1}"[..]);
        assert!(take_line(&mut come).is_none());
        come.extend_from_slice(b"\nbody\n\0");
        assert_eq!(take_line(&mut come).unwrap(), "{\"a\":1}");
        assert_eq!(come, &b"body\n\0"[..]);
        assert_eq!(line(&1), "1\n");
    }

    #[test]
    fn every_reason_is_an_error() {
        for reason in Reason::ALL {
            assert!(status(reason).is_client_error() || status(reason).is_server_error(), "{reason:?}");
        }
    }
}
