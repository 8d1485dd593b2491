//! What an agent may ask for, of an agent in the same process, and of a broker.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod broker;
mod local;
mod other_user;
mod shop;
