//! The paying client against shops that are honest, and shops and wallets that are not.
#![cfg(feature = "client")]
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a result")]

mod field;
mod held;
mod honest;
mod hostile;
mod money;
mod opaque;
mod refused;
mod share;
mod shop;
mod spent;
mod stall;
