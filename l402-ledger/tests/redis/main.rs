//! The store in Redis, on real servers: one alone, one with TLS and users, a cluster of three. `just stores` runs these tests.

#![cfg(all(feature = "redis", feature = "testing"))]
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod conforms;
mod crashes;
mod keeps;
mod opens;
mod server;
#[path = "../servers/clock.rs"]
mod server_clock;
