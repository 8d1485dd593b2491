//! The program `l402-server`: sells the calls of any HTTP upstream for Lightning payments.
//!
//! It reads a configuration ([`config`]), starts a node ([`lightning`]) and runs the gateway of `l402-gateway` with both; see
//! [`program`]. Programs that run a gateway inside themselves begin with `l402-gateway`.

mod backends;
pub mod banner;
mod books;
pub mod config;
pub mod exit;
mod failure;
pub mod keys;
pub mod lightning;
pub mod logging;
pub mod node;
pub mod program;
pub mod reference;
mod replicas;
pub mod revoke;
mod signals;
pub mod stores;
mod times;
pub mod uses;
pub mod variables;

/// Whether this build has a backend: a program without one has nothing to do.
pub const HAS_BACKEND: bool = !backends::BUILT.is_empty();
