//! The backend for LND, against a fake one that speaks gRPC over TLS and breaks as it is told.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod access;
mod away;
mod conform;
mod fake;
mod pay;
