//! How often clients may ask for a challenge, and how often a token may be used.
//!
//! 1. Limits are buckets by GCRA: a [`Rate`] of `60/m` lets 60 requests come at once, and gives one back each second.
//! 2. A request that would get a challenge is counted for its client, then for all clients together. This comes before anything
//!    is asked of a [`Pricer`](super::Pricer) or of the node. A request that its client's limit refuses is not counted for all.
//! 3. A request whose token opens the route is counted for its payment and service, before the node or the ledger is asked: a refused
//!    request takes no use.
//! 4. The two are apart: no number of unpaid requests gets a paid one refused.
//! 5. Tables are bounded: so many clients, or payments, are told apart at once. Who has a full bucket again is forgotten when room is
//!    needed. While there is none, new clients share one bucket, and new payments have no limit.
//! 6. The response is 429, or gRPC status 8. It has `Retry-After`, `RateLimit` and `RateLimit-Policy`
//!    (draft-ietf-httpapi-ratelimit-headers-10 §3, §4), and the older `X-RateLimit-Limit`, `-Remaining` and `-Reset`. All times are in
//!    seconds from now.
//!
//! Counters live in the process. Replicas count each for themselves.

// L1 of docs/threats.md.

mod limiter;
mod rate;
mod refused;
mod table;

pub use rate::{Rate, RateError};

use super::head::RequestHead;
use crate::response::Reason;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use l402_core::{Decision, Name, Offer, PaymentHash};
use limiter::{All, Each, Stopwatch};
use refused::{Limit, Refused};
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
    tokens: Arc<HashMap<Name, Arc<Each<PaymentHash>>>>,
}

/// Tells clients apart.
type Identify = Arc<dyn Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync>;

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
        let each = Each::new(rate, Self::ENTRIES, Newcomers::Pass, self.stopwatch.clone());
        Arc::make_mut(&mut self.tokens).insert(service, Arc::new(each));
        self
    }

    /// Counts a request that would get a challenge.
    pub(super) fn challenge(&self, request: &RequestHead<'_>) -> Result<(), Refused> {
        if let Some((each, identify)) = &self.each
            && let Some(client) = identify(request)
        {
            each.take(&client).map_err(|wait| Refused { limit: &EACH_CLIENT, wait })?;
        }
        self.all.as_ref().map_or(Ok(()), |all| all.take()).map_err(|wait| Refused { limit: &ALL_CLIENTS, wait })
    }

    /// Counts a request whose token opens the route.
    #[inline]
    pub(super) fn paid(&self, decision: &Decision, offer: &Offer) -> Result<(), Refused> {
        if self.tokens.is_empty() { Ok(()) } else { self.count(decision, offer) }
    }

    #[inline(never)]
    fn count(&self, decision: &Decision, offer: &Offer) -> Result<(), Refused> {
        let payment = match decision {
            Decision::Admit(grant) | Decision::Settle(grant) => grant.payment_hash(),
            Decision::Reserve { grant, .. } => grant.payment_hash(),
            Decision::Charge(_) | Decision::Refuse(_) => return Ok(()),
        };
        let Some(each) = self.tokens.get(&offer.service) else { return Ok(()) };
        each.take(&payment).map_err(|wait| Refused { limit: &EACH_TOKEN, wait })
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
static EACH_TOKEN: Limit = Limit {
    name: "token",
    reason: Reason::TOKEN_RATE,
    message: "this token is used too often; try again later, without paying",
};
