#![no_std]
#[cfg(test)]
extern crate std;
pub use l402_macaroon as macaroon;

mod identifier;
mod payment;
mod scheme;

pub use identifier::{Identifier, IdentifierError, TokenId};
pub use payment::{PaymentHash, PaymentHashError, Preimage, PreimageError, PreimageHex};
pub use scheme::Scheme;
