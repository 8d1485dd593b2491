//! A Lightning network in one process, for tests and demonstrations.

pub mod chain;
mod loopback;
pub mod rpc;
mod secret;
