//! What L402 needs of a Lightning node: to make invoices, to pay them, and to know which were settled.
//!
//! Three traits, split by role, so that a server needs no more than the permission to make invoices:
//! [`InvoiceSource`] and [`SettlementSource`] for the payee, [`PaymentSource`] for the payer. [`Invoice`] is a BOLT11 invoice
//! that was decoded; nothing here believes what stands beside one.
//!
//! # Backends
//!
//! | | `LdkNode` | `LndPayee`, `LndPayer` | `SandboxWallet` | `FakeNode` |
//! |---|---|---|---|---|
//! | crate | `l402-ldk` | `l402-lnd` | `l402-sandbox` | this one, feature `testing` |
//! | what it is | a node in this process | an LND that runs elsewhere, over gRPC | a wallet in another process of this user | a stand-in for tests |
//! | money | on the network that it is set to | on the network that LND is on | play money | none |
//! | makes invoices | yes, statelessly: an unpaid one leaves nothing | yes, and LND stores each | no | yes, and remembers each |
//! | knows settlements | yes, on disk; waits up to 2 s for one on its way | yes, LND does; never waits | no | yes, in memory; never waits |
//! | pays | yes, 24 at once; more wait for a place | yes, as many as LND | yes, as many as the wallet | yes, at once and for free |
//! | knows its payments after a restart | yes | yes, LND does | as long as the wallet runs | no |
//! | keeps secrets | in a directory, 0700, seed 0600 | no; is shown LND's macaroon | an address and a secret, in a file, 0600 | no |
//!
//! All of them pass the same suite, `testing::conformance`. `l402-ldk` and `l402-sandbox` are for Unix. The documentation of
//! `l402-lnd` has a table of what it does differently from `l402-ldk`.
//!
//! # Failures
//!
//! Every [`PayError`] says what became of the money: for all but [`PayError::Unknown`] it is certain that this call moved none. An
//! unknown payment is resolved by [`PaymentSource::payment`], or by paying the same invoice again, which never pays twice.
//!
//! # Example
//!
//! A server that makes invoices, and believes no answer that it has not read:
//!
//! ```
//! use core::time::Duration;
//! use l402_core::{Msat, UnixSeconds};
//! use l402_lightning::{Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, Network};
//!
//! async fn challenge(node: &impl InvoiceSource, now: UnixSeconds) -> Result<Invoice, InvoiceSourceError> {
//!     let expiry = Duration::from_mins(10);
//!     let request = InvoiceRequest { amount_msat: Msat::from_sat(21), description: "weather", expiry };
//!     let invoice = node.create_invoice(request).await?;
//!     invoice.answers(&request, Network::Bitcoin, None, now).map_err(InvoiceSourceError::Mismatch)?;
//!     Ok(invoice)
//! }
//! ```

mod amount;
#[cfg(feature = "backend")]
pub mod backend;
mod cause;
mod clock;
mod draft;
mod erased;
#[cfg(unix)]
pub mod folder;
mod invoice;
mod network;
pub mod operate;
mod pay_error;
mod payment;
mod request;
#[cfg(unix)]
pub mod secret_file;
mod settled;
#[cfg(unix)]
pub mod socket;
mod source;

pub use amount::AmountError;
pub use cause::{Cause, LookupError};
pub use clock::unix_now;
pub use draft::{DraftError, InvoiceDraft, InvoiceSigner};
pub use erased::{BoxFuture, PayeeNode, PayerWallet};
pub use invoice::{Invoice, InvoiceError, Mismatch};
pub use network::{Network, NetworkError, NodeId, NodeIdError};
pub use pay_error::{FailureReason, PayError};
pub use payment::{EnforcedLimits, Paid, PayLimit, PaymentSource, PaymentStatus, TimedOut};
pub use request::{InvalidRequest, InvoiceRequest};
pub use settled::{SettledMemory, Settlement, SettlementPage};
pub use source::{InvoiceSource, InvoiceSourceError, OpenInvoice, SettlementSource};

#[cfg(feature = "testing")]
pub mod testing;

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
