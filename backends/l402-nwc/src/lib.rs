//! A wallet that runs elsewhere, over Nostr Wallet Connect (NIP-47): [`NwcPayee`] makes invoices and
//! knows settlements, [`NwcPayer`] pays.
//!
//! 1. The wallet is known by its public key. Nothing that another key has signed is believed, and relays are trusted with nothing.
//! 2. Questions and answers are encrypted with NIP-44, or with NIP-04 where the wallet has only that.
//! 3. Every request carries its end (`expiration`): what a relay keeps and brings too late is ignored by the wallet.
//! 4. A wallet that cannot be asked is an error, never "not settled" and never "not paid" (L5, A4).
//! 5. Preimages of what is to be *received* are not read at all (L4, T1).
//! 6. The connection string is a secret: wiped on drop, shown nowhere (O2).
//!
//! Everything works on the caller's tokio runtime, with I/O and time.
//!
//! # Differences
//!
//! Both this and `LndPayer` of `l402-lnd` pass the same suite. What the traits leave open:
//!
//! | | a wallet over NWC | LND |
//! |---|---|---|
//! | limits on fee and blocks | neither: there is no room for them in a request ([`EnforcedLimits::NONE`](l402_lightning::EnforcedLimits)) | both |
//! | a fee that the wallet does not report | counts as the whole limit | is always reported |
//! | a payment that the wallet does not know | is pending, once it was asked for here | is not there, when its invoice has expired |
//! | payments that this process has asked for | are files, with the signed request | are LND's to know |
//! | a success without a preimage | stops the wallet | does not happen |
//! | who signs an invoice | is not checked: a wallet may be paid by way of another node | must be LND's key |
//! | a settlement | is learned when it is looked up, or when the wallet tells of it | is told by LND |

#[cfg(feature = "backend")]
mod backend;
mod client;
mod config;
mod crypt;
mod error;
mod find;
mod identity;
mod incoming;
mod outcome;
mod pace;
mod payee;
mod payer;
mod relay;
mod sent;
mod unpaid;
mod uri;
mod watch;
mod wire;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "payee")]
pub use backend::NwcNode;
#[cfg(feature = "backend")]
pub use backend::NwcWallet;
pub use config::NwcConfig;
pub use crypt::Encryption;
pub use error::{NwcError, NwcRefusal, RefusalCode};
pub use find::FindError;
pub use identity::{Identity, Inspection, inspect};
pub use payee::NwcPayee;
pub use payer::NwcPayer;
pub use relay::{RelayError, RelayState, RelayUrl, RelayUrlError};
pub use uri::{NwcUri, UriError};
pub use watch::Readiness;

/// The examples of the README, which run as tests.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../README.md")]
struct Readme;
