//! The reverse proxy over real sockets: what the upstream sees, what the client sees, and when.
#![cfg(feature = "proxy")]
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

mod deadlines;
mod failures;
mod fields;
mod http2;
mod kept;
mod refusals;
mod resets;
mod streaming;
mod support;
mod tls;
mod tunnel;
