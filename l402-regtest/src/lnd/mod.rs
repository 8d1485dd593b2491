//! LND processes on the regtest chain.
//!
//! A [`Network`](crate::Network) makes them. What is under test reaches a node as it would any LND: gRPC at
//! [`LndNode::rpc_address`], its certificate, a [macaroon](LndNode::macaroon) or one that is [baked](LndNode::bake) for the
//! purpose. A test steers the node itself: [`LndNode::pause`], [`LndNode::kill`], [`LndNode::start_locked`], and every call of
//! LND's REST interface with [`LndNode::get`] and [`LndNode::post`].
//!
//! 1. No process outlives this one, however this one ends.
//! 2. A node keeps its ports, its files and its log over all its starts.
//! 3. Where to find the programs: [`Binaries::find`].

mod binaries;
mod config;
mod error;
mod macaroon;
mod node;
mod operate;
mod process;
mod rest;
mod wallet;

pub use binaries::{Binaries, NotBuilt, VARIABLE};
pub use error::LndError;
pub use macaroon::{Macaroon, PAY, SELL};
pub use node::LndNode;
