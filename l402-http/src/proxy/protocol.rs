//! The version of HTTP between the gateway and its upstream.

/// The version of HTTP that the upstream is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/2 or HTTP/1.1 over TLS, as the upstream prefers (ALPN, RFC 7301); HTTP/1.1 without TLS.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without TLS by prior knowledge (RFC 9113 §3.3). There are no upgrades then, such as to a WebSocket.
    Http2,
}

/// The fields in a header that hyper has room for without asking for memory.
pub const HEADER_FIELDS: usize = 100;
