//! The engines of x86-64.
#![expect(unsafe_code, reason = "this crate exists to hold it; each block says why it is sound")]

mod avx2;
mod memory;
pub(crate) mod sha;

pub(crate) use crate::engine::Engine as Sha256;
pub(crate) use avx2::Engine as Base64;
