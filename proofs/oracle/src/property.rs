//! One function for each property: it takes the bytes of a case and panics where the property does not hold.
//!
//! 1. Every byte string is a case. What a property needs besides a text (a time, an offer, a position) it takes from the first bytes,
//!    where those that are missing count as zero; lists are lines.
//! 2. A property that compares with [`crate::second`] compares what was read and whether anything was, not the name of the fault.
#![allow(clippy::missing_panics_doc, reason = "a panic is how a property says that it does not hold")]

mod caveat;
#[cfg(feature = "engines")]
mod engines;
mod gate;
mod header;
mod input;
mod macaroon;
mod text;

pub use caveat::{caveat, identifier, narrowing, offer, permits};
#[cfg(feature = "engines")]
pub use engines::engines;
pub use gate::{credential, credential_line, gate};
pub use header::{challenge, challenge_line, params, token_facts};
#[cfg(feature = "v1")]
pub use macaroon::macaroon_v1;
pub use macaroon::{macaroon_v2, mint, token_file, verify};
pub use text::{base64, hex, mac};

/// A property of the bytes of a case.
pub type Property = fn(&[u8]);

/// All properties, by the names that their fuzz targets bear.
pub const ALL: &[(&str, Property)] = &[
    ("base64", base64),
    ("hex", hex),
    ("mac", mac),
    #[cfg(feature = "engines")]
    ("engines", engines),
    ("macaroon_v2", macaroon_v2),
    #[cfg(feature = "v1")]
    ("macaroon_v1", macaroon_v1),
    ("verify", verify),
    ("mint", mint),
    ("token_file", token_file),
    ("params", params),
    ("challenge", challenge),
    ("challenge_line", challenge_line),
    ("token_facts", token_facts),
    ("credential", credential),
    ("credential_line", credential_line),
    ("identifier", identifier),
    ("caveat", caveat),
    ("permits", permits),
    ("narrowing", narrowing),
    ("offer", offer),
    ("gate", gate),
];
