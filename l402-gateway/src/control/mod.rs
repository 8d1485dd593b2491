//! The operator's hand on the running gateway: commands that come over a local socket. `l402-server node …` asks about the embedded
//! node, `l402-server uses …` about the uses that the ledger counts, `l402-server revoke …` about the tokens that it denies, and `l402-server keys …` about the key file.
//!
//! 1. The socket is `control/node.sock` in the data folder, with mode 0600 in a folder of mode 0700. Only the gateway's own user, and
//!    root, are answered.
//! 2. What moves money has an id. The intent is on the disk, in `control/operations`, before anything is sent.
//! 3. An id that was used sends nothing: the recorded outcome is told again. Where none was recorded, because the gateway ended in
//!    the middle, the node is asked what became of it. What the node cannot tell either is told as unknown.
//! 4. Each call leaves a line in `control/audit.log`, and in the log. What changes something leaves one before and one after.
//! 5. The reserve for closing channels is kept.

mod audit;
mod books;
mod client;
mod desk;
mod keys;
mod node;
mod revoke;
mod socket;
pub mod uses;
mod wire;

pub use books::Books;
pub use client::{AskError, ask};
pub use node::FEE_RATES;
pub use socket::{Control, ControlError, answer, kept, path as socket_path};
pub use wire::{Call, Decided, KeysCall, Money, Outcome, Reply, Request, RevokeCall, UsesCall};
