//! What a gateway is told: addresses, services with their prices, limits and deadlines.
//!
//! Nothing here reads a file or the environment: the program that builds a gateway fills these in, as `l402-server` does from its
//! configuration file. Every setting has a default except the data directory and the services.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroUsize;
use core::time::Duration;
use http::Method;
use l402_core::ledger::{DoubtRule, Idempotence};
use l402_core::{GatePolicy, Msat, Name, Offer};
use l402_http::cors::Cors;
use l402_http::policy::{Free, Meter, Policy, PolicyBuilder, PolicyError, Sale};
use l402_http::proxy::{HEADER_FIELDS, IpRange, UpstreamConfig};
use l402_http::service::Rate;
use l402_http::service::kept::Answers;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

/// Settings of one gateway.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The address and port that clients connect to; `127.0.0.1:8402` unless set.
    pub listen: SocketAddr,
    /// How many threads serve; one for each core unless set.
    pub threads: NonZeroUsize,
    /// The directory of everything that the gateway keeps.
    pub data_dir: PathBuf,
    /// The directory of the key file; `keys` in the data directory unless set.
    pub key_dir: PathBuf,
    /// What becomes of requests for `/health`, `/ready` and `/info`.
    pub own_paths: OwnPaths,
    /// The name and version of the program, as `/info` tells them; those of this library unless set.
    pub product: Product,
    /// How long a key signs tokens before the gateway rotates; it does not unless set.
    pub rotate_every: Option<Duration>,
    /// Whether a challenge is sent in the older LSAT form as well.
    pub lsat_line: LsatLine,
    /// How credentials are judged.
    pub gate: GatePolicy,
    /// Whether the log has a line for each request.
    pub request_lines: RequestLines,
    /// How long a client may take for the head of a request; 30 seconds unless set.
    pub request_head: Duration,
    /// How long a client may take nothing of an answer; 60 seconds unless set.
    pub idle: Duration,
    /// How long requests under way may take to end at a stop; 20 seconds unless set.
    pub shutdown: Duration,
    /// How much there may be at once.
    pub limits: Limits,
    /// Proxies that stand for many clients; none unless set.
    pub trusted_proxies: Vec<IpRange>,
    /// Files and directories that must exist once the gateway has used them, besides the key file.
    pub kept: Vec<Kept>,
    pub(crate) services: Vec<Service>,
    pub(crate) policy: Arc<Policy>,
}

impl Settings {
    /// Takes the data directory and what is sold; everything else has its default.
    ///
    /// # Errors
    /// [`PolicyError`] when two routes contradict each other, or a pattern is not one.
    pub fn new(data_dir: impl Into<PathBuf>, services: Vec<Service>) -> Result<Self, PolicyError> {
        let data_dir = data_dir.into();
        let policy = services.iter().fold(Policy::builder(), |builder, service| service.state(builder)).build()?;
        Ok(Self {
            listen: LISTEN,
            threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
            key_dir: data_dir.join("keys"),
            data_dir,
            own_paths: OwnPaths::default(),
            product: Product::default(),
            rotate_every: None,
            lsat_line: LsatLine::default(),
            gate: GatePolicy::default(),
            request_lines: RequestLines::default(),
            request_head: REQUEST_HEAD,
            idle: IDLE,
            shutdown: SHUTDOWN,
            limits: Limits::default(),
            trusted_proxies: Vec::new(),
            kept: Vec::new(),
            services,
            policy: Arc::new(policy),
        })
    }

    /// Returns what is sold.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Returns how long a token can last that is sold now: its invoice is paid at the last moment, and then its validity begins.
    ///
    /// ```
    /// # use l402_core::Msat;
    /// # use l402_gateway::settings::{Service, Settings};
    /// # use l402_http::proxy::UpstreamConfig;
    /// let upstream = UpstreamConfig::new(&"http://127.0.0.1:3000".parse()?)?;
    /// let settings = Settings::new("data", vec![Service::new("weather".parse()?, upstream).sell("/v1/*", Msat::from_sat(21))])?;
    /// assert_eq!(settings.longest_sale().as_secs(), 3_600 + 600); // an hour, and ten minutes to pay
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn longest_sale(&self) -> Duration {
        let routes = self.services.iter().flat_map(|service| &service.routes);
        routes.map(|route| route.invoice_expiry.saturating_add(route.offer.valid_for)).max().unwrap_or_default()
    }

    /// Returns the routes of all services, in their order: first what a service sells, then what is free.
    pub const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }
}

/// Something that must exist once the gateway has used it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its name in the data directory's list.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What a start without it would mean, for the error.
    pub loss: &'static str,
}

/// What becomes of requests for `/health`, `/ready` and `/info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnPaths {
    /// The gateway answers them itself.
    #[default]
    Answered,
    /// They go to an upstream like any other path.
    Forwarded,
}

/// The name and version of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Product {
    /// The name, such as `l402-server`.
    pub name: &'static str,
    /// The version, such as `0.2.0`.
    pub version: &'static str,
}

impl Default for Product {
    fn default() -> Self {
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

/// Whether a challenge is sent in the older LSAT form as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LsatLine {
    /// It is, for older clients.
    #[default]
    Sent,
    /// Only the L402 form is sent.
    LeftOut,
}

/// Whether the log has a line for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RequestLines {
    /// It has none. A line costs a write for each request.
    #[default]
    Off,
    /// Each request has a line, without query, credential or preimage.
    On,
}

/// How paths of a route reach the upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paths {
    /// In canonical form; paths with `%2F`, `;` or `//` are refused.
    #[default]
    Canonical,
    /// As they came. Only for a pattern such as `/npm/*`, beneath which no other route lies.
    AsTheyCame,
}

/// One service: an upstream, and what is sold of it.
///
/// ```
/// use l402_core::Msat;
/// use l402_gateway::settings::Service;
/// use l402_http::proxy::UpstreamConfig;
///
/// let upstream = UpstreamConfig::new(&"http://127.0.0.1:3000".parse()?)?;
/// let service = Service::new("weather".parse()?, upstream).sell("/v1/*", Msat::from_sat(21)).free("/status");
/// assert_eq!(service.routes[0].offer.valid_for.as_secs(), 3_600);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Service {
    /// The name in tokens.
    pub name: Name,
    /// Where requests go.
    pub upstream: UpstreamConfig,
    /// Patterns of paths that cost nothing.
    pub free: Vec<String>,
    /// What is sold.
    pub routes: Vec<PricedRoute>,
    /// Which pages of other origins may call; none unless set.
    pub cors: Cors,
    /// How often the tokens of one payment may be used; as often as they like unless set.
    pub rate: Option<Rate>,
}

impl Service {
    /// Begins with an upstream of which nothing is sold yet.
    pub fn new(name: Name, upstream: UpstreamConfig) -> Self {
        Self { name, upstream, free: Vec::new(), routes: Vec::new(), cors: Cors::off(), rate: None }
    }

    /// Sells a path for any method, for this price an hour. For other terms, push a [`PricedRoute`].
    ///
    /// A token opens every path that is sold in this way, so all of them must have one price.
    #[must_use]
    pub fn sell(mut self, path: &str, price_msat: Msat) -> Self {
        let service = self.name.clone();
        let offer = Offer::new(service, price_msat).valid_for(VALID_FOR);
        self.routes.push(PricedRoute::new(path, offer));
        self
    }

    /// Lets a path pass without payment.
    #[must_use]
    pub fn free(mut self, path: &str) -> Self {
        self.free.push(path.to_owned());
        self
    }

    fn state(&self, builder: PolicyBuilder) -> PolicyBuilder {
        let sold = |builder: PolicyBuilder, route: &PricedRoute| builder.sell(route.sale().cors(self.cors.clone()));
        let builder = self.routes.iter().fold(builder, sold);
        let free = self.free.iter().map(|path| Free::new(path).service(self.name.as_str()));
        free.map(|free| free.cors(self.cors.clone())).fold(builder, PolicyBuilder::free)
    }
}

/// A route that is sold.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PricedRoute {
    /// The methods; none stands for any.
    pub methods: Vec<Method>,
    /// The pattern of its path.
    pub path: String,
    /// What is sold, and for how much.
    pub offer: Offer,
    /// What the buyer's wallet shows.
    pub description: String,
    /// How long an invoice can be paid; ten minutes unless set. A token's time begins at its end.
    pub invoice_expiry: Duration,
    /// How its paths reach the upstream.
    pub paths: Paths,
    /// Whether the upstream does a request once however often it comes ([`Sale::idempotent`]); it does not unless set.
    pub idempotence: Idempotence,
    /// Whether even a GET has an effect ([`Sale::side_effects`]).
    pub has_side_effects: bool,
    /// What becomes of a use whose outcome is not known ([`Sale::doubt`]); a person decides unless set.
    pub doubt: DoubtRule,
    /// For how long whole answers are kept, to be given again ([`Sale::keep_answer`]); none is unless set.
    pub keep_answer: Option<Duration>,
    /// What it charges for, where its offer is metered ([`Sale::meter`]).
    pub meter: Option<Meter>,
    /// How often the tokens of one payment may be used for this route, besides the rate of its service; no limit unless set.
    pub rate: Option<Rate>,
}

impl PricedRoute {
    /// Sells a path for any method.
    pub fn new(path: impl Into<String>, offer: Offer) -> Self {
        let path = path.into();
        let description = format!("{} {path}", offer.service);
        Self {
            methods: Vec::new(),
            path,
            offer,
            description,
            invoice_expiry: Sale::INVOICE_EXPIRY,
            paths: Paths::default(),
            idempotence: Idempotence::default(),
            has_side_effects: false,
            doubt: DoubtRule::default(),
            keep_answer: None,
            meter: None,
            rate: None,
        }
    }

    /// States the route to a policy.
    fn sale(&self) -> Sale {
        let Self { methods, path, offer, description, invoice_expiry, .. } = self;
        let mut sale = Sale::new(offer.service.as_str(), path, offer.price_msat)
            .tier(offer.tier)
            .uses(offer.uses)
            .valid_for(offer.valid_for)
            .invoice_expiry(*invoice_expiry)
            .doubt(self.doubt)
            .description(description);
        if let Some(meter) = self.meter {
            sale = sale.meter(meter);
        }
        if let Some(plan) = &offer.plan {
            sale = sale.plan(plan.as_str());
        }
        if let Some(capability) = &offer.capability {
            sale = sale.capability(capability.as_str());
        }
        if self.paths == Paths::AsTheyCame {
            sale = sale.raw_path();
        }
        if self.idempotence == Idempotence::Repeatable {
            sale = sale.idempotent();
        }
        if let Some(keep_for) = self.keep_answer {
            sale = sale.keep_answer(keep_for);
        }
        if self.has_side_effects {
            sale = sale.side_effects();
        }
        if methods.is_empty() { sale } else { sale.methods(methods.iter().cloned()) }
    }
}

/// How much there may be at once; [`None`] where the system's limit of descriptors decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections of all clients.
    pub connections: Option<usize>,
    /// Connections of one client.
    pub connections_per_client: Option<usize>,
    /// Requests of one client that are under way.
    pub requests_per_client: Option<usize>,
    /// Connections to all upstreams.
    pub upstream_connections: Option<usize>,
    /// The leading bits of an IPv4 address that tell one client from another; 32 unless set.
    pub ipv4_prefix: u8,
    /// The same for an IPv6 address; 64 unless set.
    pub ipv6_prefix: u8,
    /// Fields in the header of a request, or of an upstream's response; 100 unless set.
    pub header_fields: usize,
    /// The fewest bytes of a request's body in a second; 16 unless set.
    pub slowest_upload: u64,
    /// Challenges that one client gets; [`None`] for no limit, [`CHALLENGES_PER_CLIENT`](Self::CHALLENGES_PER_CLIENT) unless set.
    pub challenges_per_client: Option<Rate>,
    /// Challenges that all clients get together; [`None`] for no limit, [`CHALLENGES`](Self::CHALLENGES) unless set.
    pub challenges: Option<Rate>,
    /// Invoices that may be open at once, where the node stores each, of which one client has a twentieth; [`None`] for no limit,
    /// [`UNPAID_INVOICES`](Self::UNPAID_INVOICES) unless set.
    pub unpaid_invoices: Option<NonZeroUsize>,
    /// Bytes of the body of an answer that is kept; a mebibyte unless set.
    pub keep_size: usize,
    /// Bytes of all kept answers; a gibibyte unless set.
    pub keep_total: u64,
}

impl Limits {
    /// Challenges for one client, unless set.
    pub const CHALLENGES_PER_CLIENT: Rate = Rate::per_minute(3_000);
    /// Challenges for all clients together, unless set.
    pub const CHALLENGES: Rate = Rate::per_minute(60_000);
    /// Invoices that may be open at once, unless set.
    pub const UNPAID_INVOICES: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: None,
            connections_per_client: None,
            requests_per_client: None,
            upstream_connections: None,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
            header_fields: HEADER_FIELDS,
            slowest_upload: 16,
            challenges_per_client: Some(Self::CHALLENGES_PER_CLIENT),
            challenges: Some(Self::CHALLENGES),
            unpaid_invoices: Some(Self::UNPAID_INVOICES),
            keep_size: Answers::SIZE,
            keep_total: 1 << 30,
        }
    }
}

/// The gateway does not end TLS, so that by default tokens stay on this machine.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8402);
const REQUEST_HEAD: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_mins(1);
const VALID_FOR: Duration = Duration::from_hours(1);
const SHUTDOWN: Duration = Duration::from_secs(20);

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Sells every path of an upstream that is not there.
    pub(crate) fn settings() -> Settings {
        let name: Name = "default".parse().expect("a name");
        let upstream = UpstreamConfig::new(&"http://a".parse().expect("a URI")).expect("an upstream");
        Settings::new("data", vec![Service::new(name, upstream).sell("/*", Msat::from_sat(1))]).expect("one route")
    }

    #[test]
    fn p9_free_paths_answer_pages_as_sold_ones_do() {
        let upstream = UpstreamConfig::new(&"http://a".parse().expect("a URI")).expect("an upstream");
        let mut service =
            Service::new("default".parse().expect("a name"), upstream).sell("/v1/*", Msat::from_sat(1)).free("/status");
        service.cors = Cors::any();
        let settings = Settings::new("data", vec![service]).expect("two routes");
        let cors: Vec<_> = settings.policy().routes().iter().map(l402_http::policy::Route::cors).collect();
        assert_eq!(cors, [&Cors::any(), &Cors::any()]);
    }
}
