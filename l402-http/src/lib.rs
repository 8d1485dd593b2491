//! L402 over HTTP: a tower layer that sells the routes of a service, a reverse proxy for a service that knows nothing
//! of payments, and a client layer that pays.
//!
//! Everything that decides lives in [`l402_core`]; this crate moves bytes, asks, and answers.
//!
//! | feature | module | what it is |
//! |---|---|---|
//! | none needed | `path` | the one spelling of a path, which is priced and forwarded |
//! | none needed | `usage` | how many tokens of a language model a response says that it used |
//! | `server` | `cors`, `policy`, `response`, `service` | any axum, hyper or tower service becomes paid |
//! | `proxy` | `proxy`, the problems of `response` | a streaming reverse proxy to an upstream |
//! | `client` | `pay` | wraps any HTTP client; pays a 402 within limits and repeats the request |

#[cfg(any(feature = "proxy", feature = "server"))]
mod claim;
#[cfg(feature = "server")]
pub mod cors;
#[cfg(any(feature = "proxy", feature = "server"))]
mod framing;
#[cfg(any(feature = "proxy", feature = "server"))]
mod method;
#[cfg(any(feature = "proxy", feature = "server"))]
mod opened;
pub mod path;
#[cfg(feature = "client")]
pub mod pay;
#[cfg(feature = "server")]
pub mod policy;
#[cfg(feature = "proxy")]
pub mod proxy;
#[cfg(any(feature = "proxy", feature = "server"))]
pub mod response;
#[cfg(feature = "server")]
pub mod service;
pub mod usage;

/// The examples of the README, which run as tests.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
