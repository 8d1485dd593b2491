//! For tests only: a fake node that makes real invoices and moves no money, and the suite that every backend passes.
//!
//! ```
//! use l402_core::Msat;
//! use l402_lightning::testing::{FakeFault, FakeNetwork};
//! use l402_lightning::{InvoiceRequest, InvoiceSource, PayLimit, PaymentSource, SettlementSource};
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let network = FakeNetwork::new();
//! let (payee, payer) = (network.node(), network.node());
//!
//! let request = InvoiceRequest { amount_msat: Msat::from_sat(21), description: "weather", expiry: core::time::Duration::from_mins(5) };
//! let invoice = payee.create_invoice(request).await?;
//! let paid = payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await?;
//! assert!(paid.preimage.matches(&invoice.payment_hash()));
//! assert_eq!(payee.settled_msat(&invoice.payment_hash()).await?, Some(Msat::from_sat(21)));
//!
//! payee.misbehave(FakeFault::Unreachable);
//! assert!(payee.create_invoice(request).await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod conformance;
mod fake;
mod forge;

pub use fake::{FakeFault, FakeNetwork, FakeNode};
pub use forge::{ForgedInvoice, forge};
