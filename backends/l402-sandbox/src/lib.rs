//! A wallet in another process of this machine and this user: play money, for demonstrations and tests.
//!
//! 1. Plain HTTP over the loopback interface only; an address elsewhere is refused.
//! 2. Every request carries a bearer secret, read from a file that only its owner can read ([`SandboxFile`]).
//! 3. The server finishes a payment that it has begun, though the client goes away: a connection lost after the request was
//!    sent is [`PayError::Unknown`](l402_lightning::PayError::Unknown), never a failure.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/pay` with a [`PayRequest`] | [`PaidReply`] |
//! | `GET /v1/payments/<payment hash>` | [`PaymentReply`] |
//! | `GET /v1/info` | [`InfoReply`] |
//!
//! Bodies are JSON. Success is status 200; everything else has an [`ErrorReply`] with the status that
//! [`ErrorKind::status`] names.

#[cfg(feature = "backend")]
mod backend;
mod client;
mod file;
mod http;
mod wire;

#[cfg(feature = "backend")]
pub use backend::SandboxPayer;
pub use client::{DiscoverError, SandboxWallet};
pub use file::{SandboxFile, SandboxFileError, default_path};
pub use l402_lightning::secret_file::SecretFileError;
pub use wire::{ErrorKind, ErrorReply, InfoReply, PaidReply, PayRequest, PaymentReply};

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
