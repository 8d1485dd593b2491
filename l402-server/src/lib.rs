//! The program `l402-server`: sells the calls of any HTTP upstream for Lightning payments.
//!
//! It reads a configuration ([`config`]), starts a node ([`lightning`]) and runs the gateway of `l402-gateway` with both; see
//! [`program`]. Programs that run a gateway inside themselves begin with `l402-gateway`.

pub mod banner;
pub mod config;
pub mod exit;
#[cfg(any(feature = "ldk", feature = "lnd", feature = "sandbox"))]
mod failure;
#[cfg(any(feature = "ldk", feature = "lnd", feature = "sandbox"))]
pub mod lightning;
pub mod logging;
#[cfg(any(feature = "ldk", feature = "sandbox"))]
pub mod node;
#[cfg(any(feature = "ldk", feature = "lnd", feature = "sandbox"))]
pub mod program;
pub mod reference;
pub mod variables;
