//! Calls about the embedded node: what is there, money in and out, channels.

mod desk;
mod journal;
mod money;
mod resolve;

pub(super) use desk::{NodeDesk, OPERATIONS};
pub use money::FEE_RATES;
