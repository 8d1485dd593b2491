//! The four things that an agent may ask for: fetch a URL, preview its price, see its budget, list its purchases.
//!
//! [`Errands`] is one door with two places behind it: an [`Agent`](crate::Agent) in this process ([`LocalErrands`]), or a broker that
//! another user runs, over a socket. A program that a language model drives holds nothing but this.
//!
//! 1. There is no other way to money: no wallet, no token, no invoice, no proof of payment goes through here.
//! 2. Who asks is a [`Caller`]. A [`Caller::Agent`] cannot set the headers that speak for the owner or for the connection, and never
//!    sees a challenge. That is decided here, in one place.
//! 3. What a caller asks for only narrows what the owner allows: a price, a time, a length above the owner's has no effect.
//! 4. A refusal is an [`ErrandError`]: a stable [`Reason`] for programs, a sentence for people, and what was paid all the same. The
//!    sentence never quotes a server.
//!
//! ```
//! use l402_agent::Agent;
//! use l402_agent::errand::{Ask, Caller, Errands, LocalErrands, Reason};
//! use l402_lightning::testing::FakeNetwork;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let data = tempfile::tempdir()?;
//! let wallet = FakeNetwork::new().node(); // any `PaymentSource`
//! let agent = Agent::builder(data.path().join("data"), wallet, "fake").build()?;
//! let errands = LocalErrands::new(agent, Caller::Agent);
//! assert_eq!(errands.budget().await?.name, "main");
//!
//! let mut ask = Ask::get("https://api.example.com/weather");
//! ask.headers.push(("Cookie".to_owned(), "session=1".to_owned()));
//! assert_eq!(errands.fetch(ask).await.unwrap_err().reason, Reason::HeaderRefused);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Threats: A5, A7.

mod ask;
mod body;
mod error;
mod fault;
mod headers;
mod local;
mod seen;

pub use ask::{Ask, Limits};
pub use body::FetchBody;
pub use error::{ErrandError, Reason};
pub use headers::Caller;
pub use local::LocalErrands;
pub use seen::{BudgetSeen, Credential, FetchHead, Fetched, LimitsSeen, Outcome, PaidSeen, Preview, PurchaseSeen};

use core::fmt;
use core::pin::Pin;

/// What an errand becomes.
pub type Errand<'a, T> = Pin<Box<dyn Future<Output = Result<T, ErrandError>> + Send + 'a>>;

/// What an agent may ask for.
pub trait Errands: Send + Sync + fmt::Debug {
    /// Sends a request, pays for it within the budget, and returns the response.
    fn fetch(&self, ask: Ask) -> Errand<'_, Fetched>;

    /// Says what a request would cost, and pays nothing. The request is sent: a method that may have an effect is refused.
    fn preview(&self, ask: Ask) -> Errand<'_, Preview>;

    /// Returns the budget of the caller.
    fn budget(&self) -> Errand<'_, BudgetSeen>;

    /// Returns the last purchases of the caller's budget, the newest first, at most `most` and never more than [`MOST_PURCHASES`].
    fn purchases(&self, most: u32) -> Errand<'_, Vec<PurchaseSeen>>;
}

/// The most purchases in one answer.
pub const MOST_PURCHASES: u32 = 100;
