//! The Plannt API behind the gateway: an upstream that knows nothing of payments, and a stand-in for its language model.
//!
//! `plannt.toml` beside this crate is what puts prices on it.

pub mod model;
pub mod stand_in_model;
pub mod upstream;
