//! A tower layer that sells the routes of any axum, hyper or tower service.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use l402_core::{DerivedKeys, MasterKey, Msat};
//! use l402_http::policy::{Policy, Sale};
//! use l402_http::service::Paywall;
//! use l402_lightning::{Network, testing::FakeNetwork};
//! use std::convert::Infallible;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let policy = Policy::builder().sell(Sale::new("weather", "/*", Msat::from_sat(21))).build()?;
//!     let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])); // from a file that only its owner can read
//!     let node = FakeNetwork::new().node(); // any InvoiceSource and SettlementSource
//!     let layer = Paywall::new(policy, keys, node, Network::Regtest).layer();
//!
//!     let rain = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new("rain".to_owned())));
//!     let response = layer.layer(rain).oneshot(Request::get("/today").body(String::new())?).await?;
//!     assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
//!     Ok(())
//! }
//! ```
//!
//! # Placement
//!
//! Put the layer around the whole router, so that the router sees the canonical path: `layer.layer(router)`. A layer that
//! runs after routing, as that of axum's `Router::layer` does, comes too late for that. `axum::serve` takes no body but
//! its own: `layer.layer(router).map_response(|response| response.map(axum::body::Body::new))`.
//!
//! The inner service finds the [`RouteId`](crate::policy::RouteId) among the extensions of a request and, where the request was
//! paid for, the [`Grant`](l402_core::Grant). An outer layer finds a [`Rejection`](crate::response::Rejection) among the
//! extensions of each response that the paywall made itself. Deadlines need a tokio timer, of any flavour.
//!
//! # Phases
//!
//! A request goes through named phases. Each has one input and one output, a file of its own, and one [`Event`] for those
//! who [observe](Paywall::observe):
//!
//! ```text
//!                                          ┌──── a token that is counted ────┐
//! request ─▶ route ─▶ judge ─▶ settle ─▶ reserve ─▶ forward ─▶ outcome ─▶ commit ─▶ response
//!              │        │         │         │      inner service             └─ lost: 409, 503
//!              │        │         │         ├─ none free now: 409, 429, 503
//!              │        │         │         └─ spent ─────────────┐
//!              │        │         └─ less than was sold arrived ──┤
//!              │        └─ charge ─▶ price ─▶ invoice ─▶ mint ─▶ challenge ─▶ 402, 401
//!              │                     nothing here is asked before the judge has decided
//!              └─ free: forward      └─ no such route, refused: 4xx, 501     └─ cannot be sold now: 503
//! ```
//!
//! | phase | from | to | asks |
//! |---|---|---|---|
//! | `route` | request | a route of the [policy](crate::policy), or a response | nothing |
//! | `judge` | credential headers, the offer of the route | [`Decision`](l402_core::Decision) | your caveat rule |
//! | `settle` | [`Grant`](l402_core::Grant) | whether the payment arrived; only under strict settlement | the node's memory, then the node |
//! | `give` | a request whose answer may be kept | the answer that was kept for it, or "none" | the [store of answers](kept), before `reserve` and where it finds no use |
//! | `reserve` | [`CountedGrant`](l402_core::CountedGrant), what the request asks for | an attempt that holds a use, or why there is none | the ledger, once |
//! | `outcome` | the response of the inner service | [`Attempted`](l402_core::ledger::Attempted) | the first message, for gRPC alone |
//! | `commit` | what became of the request | what the response says of the use | the ledger, until the deadline |
//! | `price` | the decision to charge | the price, or "not now" | [`Pricer`], [`Paywall::deliverable`] |
//! | `invoice` | the order | an invoice that says what was ordered | the node |
//! | `mint` | the payment hash of the invoice | a token | root keys, random bytes |
//! | `challenge` | invoice and token | the response with `WWW-Authenticate` | nothing |
//! | `forward` | the request | the response of the inner service | the inner service |
//!
//! # Uses
//!
//! A token that was sold for a number of uses needs a [ledger](Paywall::ledger). [`l402_core::ledger`] has the table of what each
//! outcome does to a use.
//!
//! 1. The inner service is called only after the ledger has named a use for the request. The head of its response leaves only after
//!    the ledger has confirmed that the use is gone, or given back. If it does not, the response is dropped: 503, or 409 where
//!    another request holds the use.
//! 2. A lease is renewed as long as the inner service works. An attempt that cannot renew ends before its lease does.
//! 3. A client that goes away before the head gives its use back, which counts as a try. A request that may have an effect runs on to
//!    its head, and the table decides.
//! 4. What is still to be said to the ledger when a request ends is said in the background.
//! 5. Two requests are the same where method, path, query, and the `Idempotency-Key` or the body are; an outer layer hashes the body
//!    ([`BodyDigest`]). The inner service gets an `Idempotency-Key` of the gateway's, in place of the client's, with each request that
//!    may have an effect.
//! 6. `X-L402: spent` says that the last use went, `X-L402: third-try` that this failed try cost one, `X-L402: in-doubt` that it is not
//!    known what became of it. `X-L402-Remaining` says how many are left of the counter that has least.
//! 7. A route can [keep answers](kept): a request that comes again gets the answer that its client lost, and takes no use.
//! 8. HEAD takes no use of a token that opens GET. A browser's prefetch without a token gets 503, and no invoice is made.
//! 9. While the ledger does not answer, or its clock and the gateway's are more than five minutes apart, nothing is sold by number and no
//!    counted token is served: 503. What is not counted goes on.
//!
//! # Revocation
//!
//! After the verdict and before anything is asked, a token is looked for in the [deny-list](Paywall::deny_list), which is memory. One
//! that is on it gets 402 and a new challenge. While the list is unknown, no token is served: 503.
//!
//! # Rates
//!
//! [`RateLimits`] bound how many challenges each client and all clients get, and how often the tokens of one payment are used. Both are
//! memory: a challenge is refused before anything is asked, and a paid request before its use is reserved. Without them there is no limit.
//! [`UnpaidInvoices`] bound how many invoices are open at once, where the node stores each.
//!
//! # Responses
//!
//! 1. *Route*: TRACE and its like get 501, because a service that answers them sends back what was added to the request.
//!    Another transfer coding than `chunked`, alone and once, is refused and ends the connection. A path that two programs
//!    could read in two ways gets 400; one without a route 404 or 405.
//! 2. *Admit*: the request is forwarded. *Settle*: it is forwarded once the node has recorded the payment; 503 where the
//!    node cannot say or has not, and 402 where it received less than the price.
//! 3. *Charge*: where it is known that what the route sells cannot be delivered, the response is 503 with `Retry-After`
//!    ([`Paywall::deliverable`]). Otherwise the node makes an invoice, a token is minted for its payment hash, and both go
//!    into a 402 or 401. Where any of it fails or takes too long: 503 with `Retry-After` and no invoice, because an agent
//!    would pay for nothing or twice. A token's validity counts from the latest moment at which its invoice can be paid.
//!    A buyer who pays in time gets at least the validity that the route sells.
//! 4. Challenges take turns with everything else that is ready, and only so many wait for theirs
//!    ([`Paywall::challenges`]): a flood of unpaid requests does not hold up paid ones.
//! 5. *Refuse*: 400 or 401, without a challenge.
//! 6. A forwarded request has the canonical path and no credential. It has no `X-L402-*` header of the client's, and none
//!    that names another path or method, such as `X-Original-URL` or `X-HTTP-Method-Override`.
//! 7. A browser's preflight is answered, refused or forwarded as the [`Cors`](crate::cors::Cors) of its route says,
//!    whatever credential it carries; it is never priced. Every other response says which pages of other origins may read it.
//!
//! # Caching
//!
//! Challenges and refusals are `no-store`. A response to what was paid for has one line of `Cache-Control`: `private`,
//! unless the inner service forbids to store it, without `public` and `s-maxage`. It has no header of the kind of
//! `CDN-Cache-Control`. So no shared cache serves to others what one client has bought (RFC 9111 §5.2.2.7).
//!
//! # Cost
//!
//! The admitted path allocates nothing but the room for those extensions and that header. Where no
//! subscriber wants the events of all requests, they cost one comparison each. What only a request that waits for the node or is
//! counted needs is boxed.

// Where a row of docs/threats.md is met: P1, P3, P7, P9 in `route`; P5 by the order of the phases, `judge` before all I/O;
// L5 and T5 in `settle`; S1 to S6 in `reserve`, `commit` and `uses`; L3 in `invoice`; L2 in `mint`; P10 in `lane`; L1 in `rates` and `unpaid`; H2, P2 in `forward`; H3 in `private` and in `response`.

mod challenge;
mod charge;
mod commit;
mod counted;
mod denied;
pub mod event;
mod fault;
mod forward;
mod future;
mod give;
mod head;
mod invoice;
mod judge;
pub mod kept;
mod lane;
mod layer;
mod log;
mod looks;
pub(crate) mod meter;
mod metered;
mod mint;
mod observe;
mod outcome;
mod paywall;
mod price;
mod pricer;
mod private;
mod rates;
mod reserve;
mod route;
mod rules;
mod settle;
mod unpaid;
mod uses;

pub use event::{Event, Phase, PhaseKind, RequestId};
pub use future::PaidFuture;
pub use head::RequestHead;
pub use layer::{PaidLayer, PaidService};
pub use log::LogFaults;
pub use observe::Observe;
pub use paywall::{Paywall, Undeliverable};
pub use pricer::Pricer;
pub use rates::{Rate, RateError, RateLimits};
pub use unpaid::UnpaidInvoices;
pub use uses::{BodyDigest, Digested};
