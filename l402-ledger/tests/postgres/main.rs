//! The store in PostgreSQL, on real servers, and behind a pgbouncer in transaction mode. `just stores` runs these tests.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

#[cfg(all(feature = "postgres", feature = "testing"))]
mod conforms;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod crashes;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod crowds;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod opens;
#[cfg(all(feature = "postgres", feature = "testing"))]
#[allow(dead_code, reason = "the tests of gateways use the rest")]
mod server;
#[cfg(all(feature = "postgres", feature = "testing"))]
#[allow(dead_code, reason = "the tests of gateways move it")]
#[path = "../servers/clock.rs"]
mod server_clock;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod tls;

/// Says what was left out.
#[cfg(not(all(feature = "postgres", feature = "testing")))]
#[test]
#[ignore = "left out: the store in PostgreSQL. Run `just stores`"]
fn the_store_in_postgresql() {
    panic!("built without the features `postgres` and `testing`");
}
