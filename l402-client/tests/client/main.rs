//! The command against a server that sells, with a fake node as the wallet.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod breaker;
mod broker;
mod budgets;
mod buyer;
mod cookies;
mod gateway;
mod get;
mod handed;
mod kept;
mod mcp;
mod mcp_foreign;
mod net;
#[cfg(feature = "nwc")]
mod nwc;
mod options;
mod oracle;
mod origins;
mod policy;
mod process;
mod report;
mod shop;
mod together;
mod tokens;
mod told;
mod unsettled;
mod uses;
mod wallet;
