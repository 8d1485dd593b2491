//! A running LND, over its gRPC interface: [`LndPayee`] makes invoices and knows settlements, [`LndPayer`] pays.
//!
//! 1. LND is recognised by its certificate, byte for byte, or by one that an authority of the operator's own has signed for its
//!    name, and nothing else is told the macaroon ([`Certificate`]).
//! 2. Each side needs no more than its own permissions (threat O2): a payee `info:read invoices:read invoices:write`, a payer
//!    `info:read offchain:read offchain:write`. What a macaroon allows is read from itself: [`Permissions::missing`],
//!    [`Permissions::excess`], and [`Role::bake`] for the command that makes the right one. No payer works with a file that every
//!    user of the machine can read ([`LndMacaroon::exposed`]).
//! 3. An invoice is decoded and held against the request, the network and the node's key before anybody sees it (L3).
//! 4. An LND that cannot be asked is an error, never "not settled" and never "not paid" (L5, A4).
//! 5. A payment whose outcome is not known is asked for until it is, and never sent twice (A4).
//! 6. LND may restart, lock or hang: every question has a deadline, the connection comes back by itself, and
//!    [`LndPayee::readiness`] tells in between.
//!
//! Everything works on the caller's tokio runtime, with I/O and time.
//!
//! # Differences
//!
//! Both this and `LdkNode` of `l402-ldk` pass the same suite. What the traits leave open:
//!
//! | | LND | ldk-node |
//! |---|---|---|
//! | an unpaid invoice | is a row in LND's database, so that a gateway bounds how many are open (threat L1) | leaves nothing |
//! | a second wallet pays a paid invoice | is refused | is taken too, and gets the proof: nothing was kept to tell by |
//! | more than the channels can receive | LND makes the invoice all the same: it takes `offchain:read` to know | `NoInboundLiquidity` |
//! | the longest expiry, the largest amount | a year, 100,000 bitcoin | 136 years, all bitcoin |
//! | hints at unannounced channels | as [`LndConfig::private_hints`] says; while LND has found no such channel, it looks once a second | always |
//! | a settlement | is recorded before the payer has the preimage: never waited for | is waited for up to 2 s |
//! | settlements while the node is away | the last 131,072 that this process was told of; the rest is an error | there is no away |
//! | payments at once | as many as LND takes | 24 |
//! | fails for lack of money | after LND has looked for a route | before anything is sent |
//! | a limit on blocks above `--max-cltv-expiry` of LND | is refused by LND: [`Unavailable`](l402_lightning::PayError::Unavailable) | has no such bound |
//! | a payment that was begun by a process that was killed | LND knows it, but for a request that it has not read yet: until the invoice has expired, [`NotFound`](l402_lightning::PaymentStatus::NotFound) is no proof, and only the same invoice may be paid | is on our own disk before it is sent |
//!
//! # Why the messages are written by hand
//!
//! The published clients bind to an older tonic or to OpenSSL, or need `protoc` and LND's own files at build time. Nine calls
//! with some forty fields are less than that.

#[cfg(feature = "backend")]
mod backend;
mod backoff;
mod certificate;
mod config;
mod connect;
mod connect_error;
mod error;
mod hints;
mod identity;
mod macaroon;
mod material;
mod open;
mod outcome;
mod payee;
mod payer;
mod permission;
mod rpc;
mod sent;
mod socket;
mod uri;
mod watch;

#[cfg(feature = "payee")]
pub use backend::LndNode;
#[cfg(feature = "backend")]
pub use backend::LndWallet;
pub use certificate::Certificate;
pub use config::LndConfig;
pub use connect_error::ConnectError;
pub use error::{LndError, LndRefusal};
pub use identity::{Identity, inspect};
pub use macaroon::LndMacaroon;
pub use material::{ExposedFile, Setting, SettingError, SettingFault};
pub use payee::LndPayee;
pub use payer::LndPayer;
pub use permission::{Permission, Permissions, Role};
pub use socket::Socket;
pub use uri::LndUri;
pub use watch::Readiness;

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
