//! Stores that count paid uses.
//!
//! A token that was sold for 100 calls opens its route 100 times, over crashes, threads and replicas. What a use goes through is
//! [`l402_core::ledger`]; here is where it is kept.
//!
//! ```
//! use l402_core::ledger::{AttemptId, Event, Refused, Reply};
//! use l402_core::PaymentHash;
//! use l402_ledger::{LedgerStore, testing::{FakeStore, reserve}};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let store = FakeStore::new(); // your program opens one that remembers
//! let payment = PaymentHash::from_bytes([1; 32]);
//! let (first, second) = (AttemptId::from_bytes([1; 16]), AttemptId::from_bytes([2; 16]));
//!
//! let once = Event::Reserve(reserve(1)); // a token that was sold for one use
//! assert!(matches!(store.apply(&payment, first, once).await?, Reply::Reserved { .. }));
//! assert_eq!(store.apply(&payment, second, once).await?, Reply::Refused(Refused::Busy));
//! store.apply(&payment, first, Event::Commit { amount: 1 }).await?;
//! assert_eq!(store.apply(&payment, second, once).await?, Reply::Refused(Refused::Spent));
//! # Ok::<(), l402_ledger::StoreError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod account;
#[cfg(feature = "embedded")]
pub mod embedded;
mod erased;
mod error;
mod future;
#[cfg(feature = "postgres")]
pub mod postgres;
mod rates;
#[cfg(feature = "redis")]
pub mod redis;
mod revoke;
mod settlements;
mod store;
#[cfg(any(feature = "testing", test))]
pub mod testing;

pub use account::Account;
pub use erased::Ledger;
pub use error::{StoreError, StoreErrorKind};
pub use future::BoxFuture;
pub use rates::{Bucket, SharedRates, Taken};
pub use revoke::{Denied, DenyList, Revocation, Revocations, Revoked};
pub use settlements::SharedSettlements;
pub use store::{DoubtfulUse, LedgerStore, PaymentUses};

/// The examples of the README, which run as tests.
#[cfg(all(doctest, feature = "embedded"))]
#[doc = include_str!("../README.md")]
struct Readme;
