//! Tells the owner what happens: that a breaker was tripped, what was lost, that a payment waits for a confirmation.
//!
//! 1. An alert is a JSON object with an `id`, an `event`, a `time` and a `message`. It is on the disk before it goes out, and is sent again
//!    until each [`Channel`] has taken it: at least once, and the id says that it is the same.
//! 2. A command gets it on its standard input, and has taken it where it ends with 0.
//! 3. A webhook gets it as the body of a `POST`, with a [signature](Signature) of its time and body, and has taken it with a status of 2xx.
//! 4. It holds no secret, and no word of a server but its origin.

mod courier;
mod secret;
mod signature;
mod webhook;

pub use courier::Courier;
pub use secret::{SecretError, SecretFile};
pub use signature::Signature;
pub use webhook::{Webhook, WebhookError};

use crate::command::Program;

/// Where alerts go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Channel {
    /// A command of the owner's.
    Command(Program),
    /// A web server.
    Webhook(Webhook),
}
