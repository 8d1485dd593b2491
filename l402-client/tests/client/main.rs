//! The command against a server that sells, with a fake node as the wallet.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod buyer;
mod get;
#[cfg(feature = "sandbox")]
mod net;
mod origins;
#[cfg(feature = "sandbox")]
mod process;
mod report;
mod shop;
#[cfg(feature = "sandbox")]
mod together;
mod unsettled;
#[cfg(feature = "sandbox")]
mod wallet;
