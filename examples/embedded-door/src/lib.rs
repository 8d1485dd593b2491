//! A lock that opens for a paid token, offline.
//!
//! A person pays for a token somewhere with a network, and carries it to a door without one. The door knows a master key
//! and the time, and needs nothing else: signature, preimage, service and end of validity are checked on the spot, without
//! allocation.
//!
//! 1. [`Lines`]: bytes from any transport (a UART, BLE, NFC) become lines. A line that is too long is dropped whole.
//! 2. [`Clock`]: seconds since power-on, which the board counts, become the time once a signed message has told it.
//! 3. [`Door`]: a line in, an [`Answer`] out. Whatever is not understood, proven, or on time keeps the door closed.
//!
//! # What the door cannot know
//! - Whether a credential was shown before. It is good for any number of openings until it ends, for anyone who holds it, and
//!   who listens to the transport holds it too. Sell short validity, and let the transport be near or encrypted.
//! - Whether a token was revoked. Change the master key, or wait for its end.
//! - What happened while it had no power. See [`Clock`].
#![no_std]

mod clock;
mod door;
mod lines;

pub use clock::{Clock, Earlier, Monotonic};
pub use door::{Answer, Door, TOKEN_LEN, sign_time};
pub use lines::{LineError, Lines};
