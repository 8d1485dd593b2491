//! A gateway that sells the requests of any HTTP server for Lightning payments, as a library.
//!
//! This program sells every path below `/v1` for 21 sat an hour. A request to `/status` is free. The node is a stand-in; any type with the traits of
//! `l402-lightning` takes its place.
//!
//! ```
//! use l402_core::Msat;
//! use l402_gateway::settings::{Service, Settings};
//! use l402_gateway::{Payee, Server};
//! use l402_http::proxy::UpstreamConfig;
//! use l402_lightning::{Network, testing::FakeNetwork};
//!
//! # async fn stop() {}
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let upstream = UpstreamConfig::new(&"http://127.0.0.1:3000".parse()?)?;
//!     let weather = Service::new("weather".parse()?, upstream).sell("/v1/*", Msat::from_sat(21)).free("/status");
//!     let data = std::env::temp_dir().join("gateway-data");
//! #   let data = tempfile::tempdir()?; let data = data.path();
//!     let mut settings = Settings::new(data, vec![weather])?;
//!     settings.listen = "127.0.0.1:0".parse()?; // any free port; 127.0.0.1:8402 unless set
//!
//!     let node = FakeNetwork::new().node();
//!     let payee = Payee::new(node.clone(), Network::Regtest).id(node.node_id());
//!     let server = Server::start(&settings, &payee)?;
//!     println!("selling on http://{}/", server.address());
//!
//!     stop().await; // until your program ends, such as tokio::signal::ctrl_c()
//!     server.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! # Parts
//!
//! - [`settings`] says what is sold, and for how much; everything else has a default. No file is read: `l402-server` has a configuration
//!   file, and fills the settings in from it.
//! - [`Payee`] is the node that is paid, with what `/ready` looks at of it.
//! - [`Server`] serves from one single-threaded runtime per core. It answers `/health`, `/ready` and `/info`, and leaves every decision
//!   about a token to `l402-core`, every response to `l402-http`.
//! - [`LedgerKeeper`] looks after the ledger, which counts the uses of what is sold by number.
//! - [`Payee::shared`] lets gateways with one ledger know what arrived at each other's node; [`Seals`] is how they know each other.
//! - [`keys`] keeps the file with the root keys. It is made at the first start; without it every token that was sold is void.
//! - [`inventory`] notices when something in the data directory is missing, before a new node or key takes its place.
//! - [`control`] takes an operator's commands over a local socket: for a node in this process, and for the ledger.
//!
//! # Placement
//!
//! Clients connect over HTTP/1.1 or HTTP/2 without TLS. Put the gateway behind a server that ends TLS, and name that server in
//! [`Settings::trusted_proxies`](settings::Settings::trusted_proxies), so that limits count clients and not the server.
//! The upstream must be reachable through the gateway alone: a client that reaches it directly pays nothing.
//!
//! # Responses
//!
//! A path that is not sold and not free is a 404. An unpaid request is a 402, a client with too many requests a 429, and a node or
//! upstream that is away a 503 with `Retry-After`. `docs/reference.md` lists every reason.

mod answers;
pub mod control;
mod deny;
mod fresh_keys;
pub mod inventory;
mod keeper;
pub mod keys;
mod seals;
mod serve;
pub mod settings;
mod shared;

pub use keeper::LedgerKeeper;
pub use seals::Seals;
pub use serve::{Bound, Check, Checks, Payee, Server, StartError};
pub use shared::Shared;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
