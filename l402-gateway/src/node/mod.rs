//! The operator's hand on the embedded node: what is there, money in and out, channels. `l402-server node …` asks the running gateway
//! over a local socket.
//!
//! 1. The socket is `control/node.sock` in the data folder, with mode 0600 in a folder of mode 0700. Only the gateway's own user, and
//!    root, are answered.
//! 2. What moves money has an id. The intent is on the disk, in `control/operations`, before anything is sent.
//! 3. An id that was used sends nothing: the recorded outcome is told again. Where none was recorded, because the gateway ended in
//!    the middle, the node is asked what became of it. What the node cannot tell either is told as unknown.
//! 4. Each call leaves a line in `control/audit.log`, and in the log. What moves money leaves one before and one after.
//! 5. The reserve for closing channels is kept.

mod audit;
mod client;
mod desk;
mod journal;
mod money;
mod resolve;
mod socket;
mod wire;

pub use client::{AskError, ask};
pub use money::FEE_RATES;
pub use socket::{Control, ControlError, kept, path as socket_path};
pub use wire::{Call, Money, Outcome, Reply, Request};
