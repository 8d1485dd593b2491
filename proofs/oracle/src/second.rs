//! The second implementation: short, slow, and written from the description of the wire format.
//!
//! 1. Every value is owned; nothing is borrowed from the input, and nothing is returned half-read.
//! 2. A refusal is [`None`] and says no more: which fault is reported first is the vectors' business.

pub mod challenge;
pub mod credential;
pub mod gate;
pub mod macaroon;
pub mod permit;
pub mod text;
pub mod token_facts;
pub mod token_file;
