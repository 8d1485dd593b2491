//! What the protocol crates are measured against: a second implementation, and the properties that hold between the two.
//!
//! 1. [`second`] reads and decides what `l402-macaroon` and `l402-core` do, in plain Rust that allocates and copies, and computes
//!    with the `hmac` and `base64ct` crates. It follows the wire format's description and shares no code with what it judges.
//! 2. [`property`] holds one function for each property. It takes the bytes of a case, whatever they are, and panics where the
//!    property does not hold.
//! 3. Fuzz targets (`fuzz/`) and the tests of this crate run the same functions, so that no property is written twice.
//! 4. [`seeds`] takes the first cases of both from the files of `spec-vectors`.
//!
//! Used by tests only, and never published.

pub mod property;
pub mod second;
pub mod seeds;
