//! The tower layer that sells: it asks the [`Gate`](l402_core::Gate), performs the I/O that the gate names, and returns.
//!
//! For each request, in this order:
//!
//! 1. TRACE and its like are refused with 501: whoever answers them sends back what was added to the request (threat P7).
//!    Another transfer coding than `chunked`, alone and once, is refused and ends the connection (P1).
//!    The path is put into canonical form, else 400 (threat P3); the [`Policy`](crate::policy::Policy) finds the route,
//!    else 404 or 405. A free route is forwarded.
//! 2. The gate decides from the credential fields. Nothing is asked of the Lightning node before that (P5).
//! 3. *Admit*: forwarded. *Settle*: forwarded once the node has recorded the payment; 503 where it cannot say or has not,
//!    and 402 where it received less than the price.
//! 4. *Charge*: where it is known that what the route sells cannot be delivered, the answer is 503 with `Retry-After`
//!    ([`Paywall::deliverable`]). Else the node makes an invoice, which must be what was asked for (L3); a token is minted for its payment hash,
//!    which nobody but the node chose (L2); both go into a 402 or 401. Where any of it fails or takes too long: 503 with
//!    `Retry-After` and no invoice, since an agent would pay for nothing or twice. A token's validity counts from the latest
//!    moment at which its invoice can be paid: whoever pays in time gets at least the validity that the route sells.
//!    Challenges take turns with everything else that is ready, and only so many wait for theirs (P10): what was paid for is not
//!    held up by a flood of what was not.
//! 5. *Refuse*: 400 or 401.
//! 6. What is forwarded has the canonical path, no credential (H2), no `X-L402-*` field of the client's and none that names
//!    another path or method, such as `X-Original-URL` or `X-HTTP-Method-Override`, whoever sent it (P3). Among its
//!    extensions are the [`RouteId`](crate::policy::RouteId) and, where it was paid for, the [`Grant`](l402_core::Grant).
//! 7. The answer to what was paid for has one line of `Cache-Control`, `private` unless the inner service forbids to store it,
//!    without `public` and `s-maxage`, and no field of the kind of `CDN-Cache-Control`: no shared cache serves to others what
//!    one client has bought (H3, RFC 9111 §5.2.2.7).
//! 8. A browser's preflight is answered, refused or forwarded as the [`Cors`](crate::cors::Cors) of its route says, whatever
//!    credential it carries; it is never priced (P9). Every other answer says which pages of other origins may read it.
//!
//! The admitted path allocates nothing but the room for those extensions and that field. Deadlines need a tokio timer, of any flavour.
//!
//! Put the layer around the whole router, so that the router sees the canonical path: `layer.layer(router)`. A layer that
//! runs after routing, as that of axum's `Router::layer` does, would come too late for that. `axum::serve` takes no body but
//! its own: `layer.layer(router).map_response(|response| response.map(axum::body::Body::new))`.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use l402_core::{DerivedKeys, MasterKey};
//! use l402_http::policy::{Policy, Sale};
//! use l402_http::service::Paywall;
//! use l402_lightning::{Network, testing::FakeNetwork};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::builder().sell(Sale::new("weather", "/*", 21_000)).build()?;
//! let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])); // from a file that only its owner can read
//! let node = FakeNetwork::new().node(); // any InvoiceSource and SettlementSource
//! let layer = Paywall::new(policy, keys, node, Network::Regtest).layer();
//!
//! let rain = service_fn(async |_: Request<String>| Ok::<_, std::convert::Infallible>(Response::new("rain".to_owned())));
//! let response = layer.layer(rain).oneshot(Request::get("/today").body(String::new())?).await?;
//! assert_eq!(response.status(), StatusCode::PAYMENT_REQUIRED);
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(example()).unwrap();
//! ```

mod future;
mod judge;
mod lane;
mod layer;
mod node;
mod paywall;
mod private;
mod request;

pub use future::PaidFuture;
pub use layer::{PaidLayer, PaidService};
pub use paywall::{Paywall, Undeliverable};
