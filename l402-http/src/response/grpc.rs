//! Answers that a gRPC client understands: "Trailers-Only" of the gRPC-over-HTTP/2 protocol.

use super::Reason;
use bytes::Bytes;
use core::fmt::Write;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// Answers with the gRPC status that belongs to an HTTP status, and with the reason for programs, which has no place in a
/// body here, as the metadata field `l402-reason`.
pub(super) fn answer(status: StatusCode, reason: Reason, message: &str) -> Response<Bytes> {
    let mut response = super::answer(StatusCode::OK, HeaderValue::from_static("application/grpc"), Bytes::new());
    let fields = response.headers_mut();
    fields.insert(HeaderName::from_static("grpc-status"), HeaderValue::from_static(grpc_status(status)));
    if let Ok(reason) = HeaderValue::try_from(reason.code()) {
        fields.insert(HeaderName::from_static("l402-reason"), reason);
    }
    if let Ok(message) = HeaderValue::try_from(percent_encoded(message)) {
        fields.insert(HeaderName::from_static("grpc-message"), message);
    }
    response
}

const fn grpc_status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "3",                                    // INVALID_ARGUMENT
        StatusCode::UNAUTHORIZED => "16",                                  // UNAUTHENTICATED
        StatusCode::TOO_MANY_REQUESTS => "8",                              // RESOURCE_EXHAUSTED
        StatusCode::CONFLICT => "10",                                      // ABORTED
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "12",    // UNIMPLEMENTED
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY => "14", // UNAVAILABLE
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => "4",  // DEADLINE_EXCEEDED
        StatusCode::PAYMENT_REQUIRED => "13",                              // INTERNAL, which deployed clients pay on
        _ => "2",                                                          // UNKNOWN
    }
}

/// `grpc-message` holds printable ASCII; everything else, and `%`, is percent-encoded.
fn percent_encoded(message: &str) -> String {
    message.bytes().fold(String::with_capacity(message.len()), |mut text, byte| {
        match byte {
            b' '..=b'~' if byte != b'%' => text.push(char::from(byte)),
            _ => _ = write!(text, "%{byte:02X}"),
        }
        text
    })
}
