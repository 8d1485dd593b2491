//! For tests only: a relay that is none, and a wallet service in front of any node.
//!
//! [`FakeWallet`] speaks NIP-47 over a real relay too. What it pays with and is paid by, is what it is given: fake nodes, or real ones.
//!
//! ```
//! use l402_core::Msat;
//! use l402_lightning::testing::FakeNetwork;
//! use l402_lightning::{InvoiceRequest, InvoiceSource, PayLimit, PayeeNode, PayerWallet, PaymentSource};
//! use l402_nwc::NwcPayer;
//! use l402_nwc::testing::{FakeRelay, FakeWallet};
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let (network, relay, folder) = (FakeNetwork::new(), FakeRelay::start().await, tempfile::tempdir()?);
//! let (seller, node) = (network.node(), network.node());
//! let wallet = FakeWallet::new(PayeeNode::new(node.clone()), PayerWallet::new(node)).start(&[relay.url()]).await;
//!
//! let payer = NwcPayer::connect(&wallet.config(), folder.path()).await?;
//! let request = InvoiceRequest { amount_msat: Msat::from_sat(21), description: "weather", expiry: core::time::Duration::from_mins(5) };
//! let invoice = seller.create_invoice(request).await?;
//! let paid = payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await?;
//! assert!(paid.preimage.matches(&invoice.payment_hash()));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod desk;
mod mood;
mod relay;
mod wallet;

pub use mood::Mood;
pub use relay::FakeRelay;
pub use wallet::{FakeWallet, RunningWallet};
