//! A Lightning network in one process, for tests and demonstrations.

mod background;
pub mod chain;
mod loopback;
pub mod rpc;
mod secret;
pub mod wallet;
