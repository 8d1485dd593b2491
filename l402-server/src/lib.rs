//! The gateway: sells the calls of any HTTP upstream for Lightning payments.
//!
//! Everything that decides lives in `l402-core` and `l402-http`; this crate reads a configuration ([`config`]), keeps the
//! key file ([`keys`]), starts a node ([`lightning`]) and serves from one single-threaded runtime per core ([`Server`]).
//! The program is [`program`]; other programs can run the same gateway inside themselves.

pub mod banner;
pub mod config;
pub mod keys;
#[cfg(any(feature = "ldk", feature = "lnd", feature = "sandbox"))]
pub mod lightning;
pub mod logging;
#[cfg(any(feature = "ldk", feature = "sandbox"))]
pub mod node;
#[cfg(any(feature = "ldk", feature = "lnd", feature = "sandbox"))]
pub mod program;
mod serve;
pub mod settings;
pub mod state;

pub use serve::{Bound, Check, Checks, Payee, Server, StartError};
