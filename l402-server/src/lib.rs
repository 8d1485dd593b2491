//! The gateway: sells the calls of any HTTP upstream for Lightning payments.
//!
//! Everything that decides lives in `l402-core` and `l402-http`; this crate reads a configuration, keeps the key file,
//! starts a node and serves from one single-threaded runtime per core.

pub mod config;
pub mod keys;
