//! Tests on a network of two Lightning implementations: LND processes and LDK nodes, over real sockets, processes and payments.
//!
//! `go.mod`, beside this crate's `Cargo.toml`, says which LND. `just interop-build` builds it from the Go module proxy, once per
//! version, and `just interop` runs everything in `tests/`. Each test there is marked
//! `#[ignore = "needs LND: just interop"]`, so that `cargo test --workspace` is green on a machine without Go, and says what it
//! left out; `just interop` includes them, and they fail where there is no LND.
//!
//! A test declares the network that it needs ([`l402_regtest::Network`]), and what it starts ends with it. The folder of a test
//! that failed is kept, and standard error names it; `L402_KEEP=1` keeps all.
//!
//! What sells and buys on such a network is the real thing, in the test's own process: a [`Gateway`] in front of an [`Upstream`]
//! with a node of the network as its payee, and a [`Buyer`] with a node of the network as its [`Wallet`]. [`Matrix`] is a network
//! on which every kind of one meets every kind of the other.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a step that fails, fails the test")]

mod backend;
mod buyer;
mod gateway;
mod http_client;
mod matrix;
mod process;

pub use backend::{Wallet, kind, lnd_config, payee};
pub use buyer::{Answer, Buyer, settings};
pub use gateway::{GOODS, Gateway, PRICE_MSAT, Upstream};
pub use http_client::{Http, HttpError, HttpVersion};
pub use l402_regtest::Network;
pub use matrix::{Cell, HOPS, KINDS, Matrix, Sale};
pub use process::Process;
