//! The broker: it holds wallet, store and budgets as one user, and does errands for programs of other users, over a unix socket.
//!
//! HTTP/1.1, one request for each connection. Every request but those on the owner's socket carries a budget's key, as
//! `Authorization: Bearer KEY`.
//!
//! | request | body | response |
//! |---|---|---|
//! | `POST /v1/fetch` | an [`Ask`](crate::errand::Ask) as one line of JSON, then the body to send | a [`FetchHead`](crate::errand::FetchHead) as one line of JSON, then the body |
//! | `POST /v1/preview` | an `Ask` as one line of JSON | a [`Preview`](crate::errand::Preview) |
//! | `GET /v1/budget` | | a [`BudgetSeen`](crate::errand::BudgetSeen) |
//! | `GET /v1/purchases?most=20` | | an array of [`PurchaseSeen`](crate::errand::PurchaseSeen) |
//!
//! Everything else is a status of 400 or more and an [`ErrandError`](crate::errand::ErrandError). A body that does not arrive whole ends
//! without the last chunk; who sends `TE: trailers` gets the error in the trailer `L402-Fault` instead.
//!
//! 1. The key is the only way in, and opens one budget. There is no request that shows a token, an invoice or a proof of payment, and
//!    none that changes anything of the owner's.
//! 2. The broker resolves names, connects, checks certificates and follows redirects by itself. A caller cannot say how.
//! 3. Connections, requests, headers, bodies and times are bounded, for each user and each key.
//! 4. The owner's socket is another one, for the user of the broker only.
//! 5. A socket is replaced only if this user has left it behind.
//!
//! ```
//! use l402_agent::Agent;
//! use l402_agent::broker::{Broker, BrokerClient, Folder, Socket};
//! use l402_agent::errand::Errands;
//! use l402_agent::store::budget::MAIN;
//! use l402_agent::store::private::PrivateDir;
//! use l402_lightning::testing::FakeNetwork;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let home = tempfile::tempdir()?;
//! let data = home.path().join("data");
//! let wallet = FakeNetwork::new().node(); // any `PaymentSource`
//! let agent = Agent::builder(&data, wallet, "fake").build()?;
//! let (_, key) = agent.keys().make(MAIN, None)?; // shown once
//! let folder = Folder::open(&PrivateDir::open(&data)?)?;
//! let (agents, owner) = (Socket::bind(folder.agents(), 0o600)?, Socket::bind(folder.owner(), 0o600)?);
//! let address = format!("unix:{}", agents.path().display());
//!
//! let client = BrokerClient::new(&address, key.expose())?;
//! let (asked, stopped) = tokio::sync::oneshot::channel::<()>();
//! let serving = Broker::new(agent).serve(agents, owner, async { drop(stopped.await) });
//! let asking = async {
//!     let budget = client.budget().await;
//!     drop(asked);
//!     budget
//! };
//! let ((), budget) = tokio::join!(serving, asking);
//! assert_eq!(budget?.name, "main");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Threats: A5, A7.

mod client;
mod door;
mod owner;
mod place;
mod reply;
mod server;
mod wire;

pub use client::{BrokerClient, BrokerError};
pub use owner::{OwnerClient, ResolvedSeen, StatusSeen};
pub use place::{Folder, PlaceError, Socket};
pub use server::{Broker, BrokerLimits};
