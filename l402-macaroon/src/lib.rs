//! Macaroons in the binary format V2, for verifiers that may not allocate.
//!
//! This crate is a general codec: it knows bytes, HMAC chains and base64, and nothing of L402. It owns
//!
//! 1. the format ([`MacaroonRef`]): one macaroon, nothing after it, at most [`MAX_LEN`] bytes and [`MAX_CAVEATS`] caveats;
//! 2. the signature chain: [`MacaroonRef::verify`] compares once, in constant time, before a caveat can be asked for;
//! 3. [`mint`] and [`attenuate`], which write into the caller's buffer;
//! 4. the constant-time text codecs that tokens travel in ([`base64`], [`hex`]);
//! 5. the keys ([`RootKey`], [`MacKey`]): redacted, and wiped when dropped.
//!
//! There is no clock, no random source, no I/O, no allocation and no `unsafe`.
//!
//! # Constant time
//!
//! The instructions that run in [`MacaroonRef::verify`], [`mint`], [`attenuate`], [`sha256`], [`base64`] and [`hex`], and the
//! addresses that they use, depend on lengths and on the verdict, and on neither keys, signatures, nor the position of a
//! wrong byte. `proofs/ct` proves it on the compiled code: valgrind with undefined secrets, and equal instruction traces.
//!
//! Public are the structure of a token (its lengths, field types and number of caveats), its identifier and its caveats, where
//! the padding of a text stands, and the verdict with its kind. The limit: it is proven for one compiler and x86-64, not for
//! yours; other compilers can make a branch of the same source. What a processor does beneath the instructions is outside.
//!
//! ```
//! use l402_macaroon::{MacaroonRef, RootKey, attenuate, mint};
//!
//! let key = RootKey::new(b"a root key that only the service knows");
//! let (mut first, mut second) = ([0; 256], [0; 256]);
//! let token = mint(&key, b"example.org", b"token 1", &[b"tier = 1"], &mut first)?;
//! let narrowed = attenuate(token, b"expires = 1700000000", &mut second)?;
//!
//! let authentic = MacaroonRef::parse(narrowed.as_bytes())?.verify(&key)?;
//! assert_eq!(authentic.caveats().count(), 2);
//! assert!(narrowed.verify(&RootKey::new(b"another key")).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![no_std]

#[cfg(test)]
extern crate std;

mod authentic;
pub mod base64;
mod caveat;
mod chain;
pub mod hex;
mod mac;
mod mint;
mod secret;
pub mod sha256;
mod smear;
#[cfg(feature = "v1")]
mod v1;
mod view;
mod wire;

pub use authentic::{Authentic, Forged};
pub use caveat::RawCaveat;
pub use mac::MacKey;
pub use mint::{MintError, attenuate, mint};
pub use secret::RootKey;
pub use subtle;
pub use view::{Caveats, MacaroonRef};
pub use wire::ParseError;

/// The most bytes that a macaroon may have, encoded.
///
/// A buffer of this size holds whatever [`mint`] and [`attenuate`] write, and any token that [`base64`] or [`hex`] decodes.
pub const MAX_LEN: usize = 8192;

/// The most caveats that a macaroon may have.
pub const MAX_CAVEATS: usize = 32;

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
