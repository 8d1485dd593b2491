//! What the client must withstand: servers that lie, over real sockets, and a wallet that counts what it is asked.
//!
//! | row | proof |
//! |---|---|
//! | A1: the invoice says the amount and the network | [`invoice`] |
//! | A2: a declared price never counts | [`price`] |
//! | A3: the invoice buys the token, the preimage proves it | [`proof`] |
//! | A6: a token goes to its own origin | [`origin`] |
//! | A4: no payment twice | `a4_…` in `tests/client`, with processes that are killed |
//! | A9: no payment for what is held or was refused | `a9_…` in `tests/client`, with processes at the same time |
//! | A6: no downgrade; one limit for all redirects | `a6_nothing_is_paid_behind_a_downgrade`, `redirects_are_paid_from_one_limit` in `tests/client` |

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod buyer;
mod invoice;
mod origin;
mod price;
mod proof;
mod server;
