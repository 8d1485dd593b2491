//! The engine of `AArch64`. The base64 of x86-64 has no counterpart here.
#![expect(unsafe_code, reason = "this crate exists to hold it; each block says why it is sound")]

pub(crate) mod sha;

pub(crate) use crate::engine::Engine as Sha256;
pub(crate) use crate::none::Base64;
