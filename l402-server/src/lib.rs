//! The gateway: sells the calls of any HTTP upstream for Lightning payments.
//!
//! Everything that decides lives in `l402-core` and `l402-http`; this crate reads a configuration ([`config`]), keeps the
//! key file ([`keys`]), starts a node and serves from one single-threaded runtime per core ([`Server`]).

pub mod config;
pub mod keys;
mod serve;

pub use serve::{Payee, Server, StartError};
