//! SHA-256, HMAC and base64 on the vector units of a processor, for callers whose own safe code is the rule.
//!
//! 1. Two engines: [`Sha256`] (HMAC, two streams interleaved where it can; x86-64 SHA extensions, `AArch64` SHA2) and
//!    [`Base64`] (AVX2).
//! 2. An engine is a token without content that only `detect` makes, and only on a processor that has the instructions: who
//!    holds one may call it. Elsewhere, and on every other architecture, `detect` returns [`None`] and the caller goes on
//!    with its own code.
//! 3. Whatever an engine returns is, bit for bit, what FIPS 180-4, RFC 2104 and RFC 4648 say.
//! 4. This is the one crate of the workspace that may contain `unsafe`: to call a function that needs a processor feature
//!    (the token is the proof), and to load and store vectors (a reference to an array of that size is the proof). Nothing
//!    else is unsafe, and each block says which of the two it is.
//!
//! There is no allocation, no I/O, and no `std`.
//!
//! # Constant time
//!
//! Time and memory access depend on lengths alone, not on states, keys, messages or text. No branch and no address is made
//! of them; there are no tables but the round constants, which are read in order.
//!
//! ```
//! use l402_accel::Sha256;
//!
//! let key = [0x0b0b_0b0b; 8];
//! if let Some(engine) = Sha256::detect() {
//!     let tag = engine.hmac(&key, b"Hi There");
//!     assert_eq!(engine.hmac(&tag, b""), engine.hmac(&tag, b""));
//! }
//! ```
#![no_std]

mod base64;
mod marks;
mod sha256;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod engine;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod hmac;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86_64"))]
mod none;

#[cfg(target_arch = "aarch64")]
use aarch64 as arch;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use none as arch;
#[cfg(target_arch = "x86_64")]
use x86_64 as arch;

pub use base64::Base64;
pub use marks::Marks;
pub use sha256::Sha256;

/// A SHA-256 state: eight words, in the order of FIPS 180-4 §5.3.3.
pub type State = [u32; 8];

/// Bytes in a block.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const BLOCK: usize = 64;

/// The initial state (FIPS 180-4 §5.3.3).
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const IV: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The round constants (FIPS 180-4 §4.2.2).
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[rustfmt::skip]
static K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];
