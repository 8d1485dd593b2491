//! Lightning networks for tests: a regtest chain and a miner in this process, with nodes and channels on it.
//!
//! It is for tests, for the demonstration, and for trying things out before there is a node. **All its money is play
//! money**: anybody can mine it. The parts are real: LDK nodes open channels on a chain that verifies every script, and a
//! payment moves through HTLCs like any other. No library of this workspace depends on this crate, and nothing in it is
//! meant to be reached from another machine.
//!
//! - [`Network`]: any number of LND processes and LDK nodes, declared as a topology. `cargo run -p l402-regtest -- up` keeps
//!   one running for a person.
//! - [`Sandbox`]: everything at once, two LDK nodes, in a folder of its own or a temporary one. It is ready within seconds.
//! - [`chain::Chain`] and [`rpc::RpcServer`]: the chain, and bitcoind's RPC over it. Further nodes can join: the RPC
//!   serves what LND calls, too.
//! - [`wallet`]: the payer's wallet for other processes on this machine.
//!
//! ```no_run
//! use core::time::Duration;
//! use l402_core::Msat;
//! use l402_lightning::{InvoiceRequest, InvoiceSource as _, PayLimit, PaymentSource as _};
//! use l402_regtest::Sandbox;
//!
//! # async fn run() -> Result<(), Box<dyn core::error::Error>> {
//! let sandbox = Sandbox::builder().start().await?;
//! let expiry = Duration::from_mins(5);
//! let request = InvoiceRequest { amount_msat: Msat::from_sat(21), description: "weather", expiry };
//! let invoice = sandbox.payee().create_invoice(request).await?;
//! let paid = sandbox.payer().pay(&invoice, PayLimit::fee(Msat::ZERO)).await?;
//! assert!(paid.preimage.matches(&invoice.payment_hash()));
//! sandbox.stop().await?;
//! # Ok(())
//! # }
//! ```

mod background;
mod caretaker;
pub mod chain;
mod folder;
pub mod lnd;
mod loopback;
mod network;
mod pair;
#[cfg(feature = "payee")]
mod payee;
mod ports;
mod reset;
pub mod rpc;
mod sandbox;
mod secret;
mod start_error;
mod wait;
pub mod wallet;

pub use network::{
    Channel, DEFAULT_CHANNEL_SAT, Network, NetworkBuilder, NetworkError, NodeKind, PAYEES, PAYERS, TopologyError,
};
#[cfg(feature = "payee")]
pub use payee::{SandboxPayee, SandboxSetup};
pub use reset::ResetError;
pub use sandbox::{Sandbox, SandboxBuilder};
pub use start_error::SandboxStartError;
pub use wait::Overdue;

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
