//! How often clients may ask for a challenge, and how often a token may be used.
//!
//! 1. Limits are buckets by GCRA: a [`Rate`] of `60/m` lets 60 requests come at once, and gives one back each second.
//! 2. A request that would get a challenge is counted for its client, then for all clients together. This comes before anything
//!    is asked of a [`Pricer`](super::Pricer) or of the node. A request that its client's limit refuses is not counted for all.
//! 3. A request whose token opens the route is counted for its payment and route, then for its payment and service, before the node or
//!    the ledger is asked: a refused request takes no use.
//! 4. The two are apart: no number of unpaid requests gets a paid one refused.
//! 5. Tables are bounded: so many clients, or payments, are told apart at once. Who has a full bucket again is forgotten when room is
//!    needed. While there is none, new clients share one bucket, and new payments have no limit.
//! 6. The response is 429, or gRPC status 8. It has `Retry-After`, `RateLimit` and `RateLimit-Policy`
//!    (draft-ietf-httpapi-ratelimit-headers-10 §3, §4), and the older `X-RateLimit-Limit`, `-Remaining` and `-Reset`. All times are in
//!    seconds from now.
//!
//! 7. Counters live in the process. Those of tokens can be [shared](RateLimits::shared) by replicas besides: then a request that the
//!    process lets pass is asked for there, in one round trip, and waits for that. A store that does not answer within half a second
//!    is left alone for a while; until it answers, the process decides alone.

// L1 of docs/threats.md.

mod limiter;
mod question;
mod rate;
mod refused;
mod table;

pub use rate::{Rate, RateError};

pub(super) use question::Question;
pub(super) use refused::{Limit, Refused};

use super::head::RequestHead;
use crate::policy::{Route, RouteId};
use crate::response::Reason;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use l402_core::{Decision, Name, Offer, PaymentHash};
use l402_ledger::{Bucket, SharedRates};
use limiter::{All, Each, Stopwatch};
use question::Shared;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;
use table::Newcomers;

/// Limits on the rate of requests, which clones share.
///
/// ```
/// use core::net::IpAddr;
/// # use l402_core::{DerivedKeys, MasterKey, Msat};
/// # use l402_http::{policy::{Policy, Sale}, service::Paywall};
/// # use l402_lightning::{Network, testing::FakeNetwork};
/// use l402_http::service::RateLimits;
///
/// # let policy = Policy::builder().sell(Sale::new("weather", "/*", Msat::from_sat(21))).build()?;
/// # let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
/// # let node = FakeNetwork::new().node();
/// let limits = RateLimits::new()
///     .each_client("60/m".parse()?, |request| request.extensions().get::<IpAddr>().copied()) // put there by the server
///     .all_clients("1000/s".parse()?)
///     .each_token("weather".parse()?, "10/s".parse()?);
/// let paywall = Paywall::new(policy, keys, node, Network::Regtest).rate_limits(limits);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RateLimits {
    stopwatch: Stopwatch,
    all: Option<Arc<All>>,
    each: Option<(Arc<Each<IpAddr>>, Identify)>,
    tokens: Arc<Tokens>,
}

/// The limits on tokens.
#[derive(Clone, Default)]
struct Tokens {
    of_services: HashMap<Name, Arc<TokenRate>>,
    of_routes: HashMap<RouteId, Arc<TokenRate>>,
    shared: Option<Arc<Shared>>,
}

/// A limit on the tokens of each payment.
struct TokenRate {
    limit: &'static Limit,
    rate: Rate,
    each: Each<PaymentHash>,
    /// The same where it is shared.
    bucket: Bucket,
}

/// Tells clients apart.
pub(super) type Identify = Arc<dyn Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync>;

impl RateLimits {
    /// How many clients, or payments of a service, are told apart at once.
    pub const ENTRIES: usize = 50_000;

    /// Begins without a limit.
    pub fn new() -> Self {
        let begun = Instant::now();
        Self::with_stopwatch(move || begun.elapsed())
    }

    /// Begins with a clock of your own, which returns the time since some fixed moment and never goes back.
    pub fn with_stopwatch(stopwatch: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { stopwatch: Stopwatch::new(stopwatch), all: None, each: None, tokens: Arc::default() }
    }

    /// Limits how many challenges one client gets. `identify` returns the address, or the first address of the network, that stands
    /// for the client; a request for which it returns [`None`] is counted for all clients only.
    #[must_use]
    pub fn each_client(
        mut self,
        rate: Rate,
        identify: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        let each = Each::new(rate, Self::ENTRIES, Newcomers::ShareOne, self.stopwatch.clone());
        self.each = Some((Arc::new(each), Arc::new(identify)));
        self
    }

    /// Limits how many challenges all clients get together.
    #[must_use]
    pub fn all_clients(mut self, rate: Rate) -> Self {
        self.all = Some(Arc::new(All::new(rate, self.stopwatch.clone())));
        self
    }

    /// Limits how often the tokens of one payment may be used for a service.
    #[must_use]
    pub fn each_token(mut self, service: Name, rate: Rate) -> Self {
        let of_service = self.token_rate(&EACH_TOKEN, rate, service.as_str());
        Arc::make_mut(&mut self.tokens).of_services.insert(service, of_service);
        self
    }

    /// Limits how often the tokens of one payment may be used for a route of the paywall's policy. What its service allows counts, too.
    #[must_use]
    pub fn each_token_of_route(mut self, route: &Route, rate: Rate) -> Self {
        let service = route.service().map_or("", Name::as_str);
        let name = format!("{service} {} {}", route.id().index(), route.pattern());
        let of_route = self.token_rate(&EACH_TOKEN_OF_ROUTE, rate, &name);
        Arc::make_mut(&mut self.tokens).of_routes.insert(route.id(), of_route);
        self
    }

    /// Counts the uses of tokens in a store besides, together with others who do. Their services have the same names, and their routes
    /// the same paths, in the same order. Each request that such a limit is for waits for one answer of the store.
    #[must_use]
    pub fn shared(mut self, rates: Arc<dyn SharedRates>) -> Self {
        Arc::make_mut(&mut self.tokens).shared = Some(Arc::new(Shared::new(rates)));
        self
    }

    fn token_rate(&self, limit: &'static Limit, rate: Rate, name: &str) -> Arc<TokenRate> {
        let each = Each::new(rate, Self::ENTRIES, Newcomers::Pass, self.stopwatch.clone());
        Arc::new(TokenRate { limit, rate, each, bucket: rate.bucket(name) })
    }

    /// Counts a request that would get a challenge.
    pub(super) fn challenge(&self, request: &RequestHead<'_>) -> Result<(), Refused> {
        if let Some((each, identify)) = &self.each
            && let Some(client) = identify(request)
        {
            each.take(&client).map_err(|wait| Refused::by(&EACH_CLIENT, wait))?;
        }
        self.all.as_ref().map_or(Ok(()), |all| all.take()).map_err(|wait| Refused::by(&ALL_CLIENTS, wait))
    }

    /// Counts a request whose token opens the route. What others count is still to be asked for, where there is a question.
    #[inline]
    pub(super) fn paid(&self, decision: &Decision, route: &Route, offer: &Offer) -> Result<Option<Question>, Refused> {
        if self.tokens.is_empty() { Ok(None) } else { self.tokens.count(decision, route, offer) }
    }
}

impl Tokens {
    fn is_empty(&self) -> bool {
        self.of_services.is_empty() && self.of_routes.is_empty()
    }

    #[inline(never)]
    fn count(&self, decision: &Decision, route: &Route, offer: &Offer) -> Result<Option<Question>, Refused> {
        let payment = match decision {
            Decision::Admit(grant) | Decision::Settle(grant) => grant.payment_hash(),
            Decision::Reserve { grant, .. } => grant.payment_hash(),
            Decision::Charge(_) | Decision::Refuse(_) => return Ok(None),
        };
        let rates = [self.of_routes.get(&route.id()), self.of_services.get(&offer.service)];
        for rate in rates.into_iter().flatten() {
            rate.each.take(&payment).map_err(|wait| Refused::by(rate.limit, wait))?;
        }
        let rates: Vec<_> = rates.into_iter().flatten().cloned().collect();
        let shared = self.shared.as_ref().filter(|_| !rates.is_empty());
        Ok(shared.map(|shared| Question::new(Arc::clone(shared), payment, rates)))
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}

static EACH_CLIENT: Limit = Limit {
    name: "challenges-per-client",
    reason: Reason::TOO_MANY_CHALLENGES,
    message: "this client asks for too many invoices; try again later",
};
static ALL_CLIENTS: Limit = Limit {
    name: "challenges",
    reason: Reason::TOO_MANY_CHALLENGES,
    message: "too many requests for an invoice; try again later",
};
static EACH_TOKEN_OF_ROUTE: Limit = Limit {
    name: "token-of-route",
    reason: Reason::TOKEN_RATE,
    message: "this token is used too often for this route; try again later, without paying",
};
static EACH_TOKEN: Limit = Limit {
    name: "token",
    reason: Reason::TOKEN_RATE,
    message: "this token is used too often; try again later, without paying",
};
