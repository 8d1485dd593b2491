//! Everything that can go wrong with a payment, on the real network: what a payer learns of it, and what it means for the money.
//!
//! What fails without doing harm to a node runs on one [network](town::Town) that its tests share; what pauses, kills or restarts
//! nodes has a network of its own.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod crash;
mod gateway;
mod hold;
mod lies;
mod offline;
mod payment;
mod town;
