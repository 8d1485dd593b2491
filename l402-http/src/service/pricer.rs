//! Prices that are set while the service runs.

use super::head::RequestHead;
use crate::policy::Route;
use l402_core::Msat;

/// Sets the price of a request that is going to be charged. Closures implement it.
///
/// 1. It is asked after the judge has decided to charge, once for each challenge, and never about a request that a token
///    opens. It must answer from memory, because the request waits for it.
/// 2. The price of the route is the least: a lower one is raised to it.
/// 3. The price is what the *token* costs, not what this request costs. A token bought at any price opens what every token of
///    its service, tier and capability opens, for as long as the route sells. So set a price by what does not depend on the
///    request's cost: the time of day, the load, who the client is. Where two requests must cost different amounts, give them
///    routes with capabilities of their own.
///
/// ```
/// use l402_core::Msat;
/// use l402_http::policy::Route;
/// use l402_http::service::{Pricer, RequestHead};
///
/// /// Twice the price for clients that an outer layer has marked.
/// struct Marked;
///
/// impl Pricer for Marked {
///     fn price_msat(&self, route: &Route, request: &RequestHead<'_>) -> Msat {
///         let price = route.offer().map_or(Msat::ZERO, |offer| offer.price_msat);
///         if request.extensions().get::<Marked>().is_some() { price.saturating_add(price) } else { price }
///     }
/// }
/// ```
pub trait Pricer: Send + Sync {
    /// Returns the price. The request is as the inner service would see it: with its canonical path and without
    /// credentials.
    fn price_msat(&self, route: &Route, request: &RequestHead<'_>) -> Msat;
}

impl<F: Fn(&Route, &RequestHead<'_>) -> Msat + Send + Sync> Pricer for F {
    fn price_msat(&self, route: &Route, request: &RequestHead<'_>) -> Msat {
        self(route, request)
    }
}
