//! The tower layer that sells, seen from outside: what a client gets, what the inner service sees, what the node is asked.
#![cfg(feature = "server")]
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

mod cors;
mod events;
mod forms;
mod memory;
mod node;
mod own;
mod priority;
mod rates;
mod revoked;
mod routes;
mod secrets;
mod sockets;
mod statuses;
mod support;
mod unpaid;
mod uses;
