//! Whose a token is.
//!
//! 1. A token belongs to the budget that paid for it.

mod tables;

pub(super) use tables::TABLES;
