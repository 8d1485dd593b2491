//! Invoices from the node of another gateway, for gateways without a node.
//!
//! 1. A request and a reply are one frame each, on a connection of their own: see the [README](https://docs.rs/l402-replica).
//! 2. A frame is believed only with a seal under a key of the key file that both gateways have. A reply repeats the nonce of its
//!    request.
//! 3. A request is refused if its time is more than 60 seconds off, or before the start of the gateway with the node, or if its
//!    nonce has come before.
//! 4. What the replica gets is decoded, and held against what it asked for, as any invoice is.
//! 5. No preimage crosses the connection. Settlements come through the ledger's store.

// Threats L3, L4, L6.

mod address;
#[cfg(feature = "payee")]
mod backend;
mod desk;
mod error;
mod node;
mod nonces;
mod wire;

pub use address::{Address, AddressError};
#[cfg(feature = "payee")]
pub use backend::GatewayPayee;
pub use desk::{Desk, Kept};
pub use error::ReplicaError;
pub use node::{GatewayNode, Who};

use l402_core::Sealer;
use std::sync::Arc;

/// Keys that gateways with one key file know each other by.
pub type Seals = Arc<dyn Sealer + Send + Sync>;

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
