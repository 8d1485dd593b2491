//! The backend for Nostr Wallet Connect, against a wallet service that breaks as it is told, over a relay that does.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod access;
mod conform;
mod pay;
mod real;
mod relays;
mod sell;
mod stand;
