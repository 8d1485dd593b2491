//! What an agent may ask for, of an agent in the same process.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod local;
mod shop;
