//! Pays for HTTP requests over Lightning, keeps what was bought, and never pays for the same thing twice.
//!
//! Give an [`Agent`] a data directory, a wallet and limits, and fetch URLs:
//!
//! ```no_run
//! use http::Request;
//! use l402_agent::Agent;
//! use l402_core::Msat;
//! use l402_lightning::testing::FakeNetwork;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let wallet = FakeNetwork::new().node(); // any `PaymentSource`
//!     let agent = Agent::builder("/var/lib/my-agent", wallet, "fake").max_price(Msat::from_sat(50)).build()?;
//!
//!     let url = "https://api.example.com/weather";
//!     let price = agent.price(Request::get(url).body(())?).await?; // pays nothing
//!     println!("{:?}", price.invoice.and_then(|invoice| invoice.amount_msat));
//!
//!     let fetched = agent.fetch(Request::get(url).body(())?).await?;
//!     println!("{} for {}", fetched.response.status(), fetched.spent_msat());
//!     println!("{}", String::from_utf8_lossy(&fetched.bytes(1 << 20).await?));
//!     Ok(())
//! }
//! ```
//!
//! # Money
//! 1. A payment is on the disk before the wallet is asked for it, and its token with the proof before it is used.
//! 2. A payment whose outcome is unknown is never replaced by another: the next call asks the wallet, and
//!    [`l402_core::purchase`] decides what follows.
//! 3. Limits hold for one call, its redirects included. The price is that of the invoice, whatever else the server says.
//! 4. A token goes to the origin that sold it and to no other.
//!
//! # Parts
//! [`errand`] is what a program that something else drives may ask for, [`broker`] does it for programs of other users. [`http`] is plain HTTP: the client, proxies and redirects. [`policy`] is what the owner allows. [`store`] keeps tokens and payments. [`resolve`] asks what became of
//! payments. [`delegate`] makes a part of a token for somebody else, [`inspect`] explains one, [`withheld`] says when one is not served now. [`wallet`] opens a wallet when it is first needed. Paying itself is [`l402_http::pay`].

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod agent;
pub mod alerts;
pub mod amount;
pub mod broker;
pub mod command;
pub mod confirm;
pub mod delegate;
pub mod errand;
mod fetch;
mod gate;
pub mod http;
pub mod inspect;
pub mod json;
mod outcome;
pub mod policy;
pub mod price;
pub mod resolve;
pub mod span;
pub mod store;
pub mod text;
pub mod unpaid;
pub mod wallet;
pub mod withheld;

pub use agent::{Agent, AgentBuilder, BuildError, DEFAULT_MAX_FEE, DEFAULT_MAX_PRICE};
pub use fetch::{BodyError, CredentialUsed, FetchError, FetchFault, Fetched, Handover};
pub use store::Reuse;
