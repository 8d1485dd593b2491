//! The gateway as a library: sells the calls of any HTTP upstream for Lightning payments.
//!
//! Everything that decides lives in `l402-core` and `l402-http`. This crate keeps the key file ([`keys`]), watches over what it has
//! stored ([`state`]), serves from one single-threaded runtime per core ([`Server`]) and takes the operator's commands for an
//! embedded node. It reads no configuration file: [`settings`] are filled in by the program that it is a part of.

pub mod keys;
pub mod node;
mod serve;
pub mod settings;
pub mod state;

pub use serve::{Bound, Check, Checks, Payee, Server, StartError};
