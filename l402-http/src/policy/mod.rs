//! What is sold, and where: from a method and a path to an offer.
//!
//! ```
//! use http::Method;
//! use l402_core::Msat;
//! use l402_http::path::CanonicalPath;
//! use l402_http::policy::{Access, Free, Policy, Sale};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let policy = Policy::builder()
//!         .sell(Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo").methods([Method::GET]))
//!         .sell(Sale::new("plannt", "/v1/data/*", Msat::from_sat(100)).capability("data"))
//!         .free(Free::new("/status"))
//!         .build()?;
//!     let path = CanonicalPath::parse("/v1/data/2024/rain")?;
//!     assert!(matches!(policy.route(&Method::POST, &path), Access::Priced(_, offer) if offer.price_msat == Msat::from_sat(100)));
//!     Ok(())
//! }
//! ```
//!
//! # Placement
//!
//! [`Paywall::new`](crate::service::Paywall::new) takes the policy. An inner service looks up the route of a request with
//! [`Policy::get`], by the [`RouteId`] among the request's extensions.
//!
//! # Rules
//!
//! 1. A path that no route covers is not found (404). A path whose routes do not take the method is refused (405). Nothing
//!    is free by accident.
//! 2. A token opens every route of its service, tier and capability. Routes that share all three sell the same thing, so
//!    [`PolicyBuilder::build`] refuses them different prices or validities. Where the token of one route opens another's
//!    too, because its tier is higher, it must not be the cheaper one. A token for no capability opens the routes that ask
//!    for none, and no others.
//! 3. The most specific pattern decides: a literal segment before a parameter, a parameter before `*`.
//! 4. HEAD goes with GET where no route names HEAD itself.
//! 5. OPTIONS is a method like any other, except for a browser's preflight: that costs nothing, and is answered as the
//!    [`Cors`] of the route says.
//! 6. A path that without its case would reach a route on other terms is not found. Many servers ignore the case of a path,
//!    so that `/DATA`, which `/*` gives away, would be served as `/data`, which is sold. For the same reason two routes must
//!    not differ in case alone. Only the case of ASCII letters is looked at.
//! 7. A sale of a whole prefix at one price can have its paths forwarded as they came ([`Sale::raw_path`]).

// Rule 2 keeps T3 of docs/threats.md, rules 6 and 7 keep P3.

mod builder;
mod error;
mod meter;
mod pattern;
mod raw;
mod sale;
mod tree;

pub use builder::PolicyBuilder;
pub use error::{PolicyError, RouteFault};
pub(crate) use meter::by_millisecond;
pub use meter::{Meter, TokenTariff};
pub use pattern::PatternError;
pub use sale::{Free, Sale};

use crate::cors::Cors;
use crate::path::{CanonicalPath, PathError};
use core::time::Duration;
use http::{HeaderValue, Method};
use l402_core::ledger::{DoubtRule, Idempotence};
use l402_core::{Name, Offer};
pub use meter::Metered;
use raw::RawPrefixes;
use sale::Handling;
use std::sync::Arc;
use tree::{Methods, Tree};

/// All routes of a server.
#[derive(Debug, Default)]
pub struct Policy {
    routes: Vec<Route>,
    tree: Tree,
    /// The same routes under lower-case patterns.
    caseless: Tree,
    /// Whether a pattern is not in lower case.
    has_capitals: bool,
    /// The prefixes whose paths go on as they came.
    raw: RawPrefixes,
    /// What holds for answers that belong to no route.
    elsewhere: Cors,
}

impl Policy {
    /// Begins with no route.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// Finds what a request to a path means.
    pub fn route(&self, method: &Method, path: &CanonicalPath<'_>) -> Access<'_> {
        let Some(methods) = self.tree.find(path.as_str()) else { return Access::NotFound };
        let route = self.chosen(methods, method);
        match route {
            Some(route) if self.depends_on_case(method, path.as_str(), route) => Access::NotFound,
            Some(route @ Route { offer: Some(offer), .. }) => Access::Priced(route, offer),
            Some(route) => Access::Free(route),
            None => Access::MethodNotAllowed { allow: methods.allow() },
        }
    }

    /// Finds the prefix of a path that goes on as it came ([`Sale::raw_path`]): a canonical path that is routed as the request
    /// is. [`None`] where the path has to be canonical.
    ///
    /// # Errors
    /// [`PathError`] where some program could take the path for one outside of the prefix; to be answered with 400.
    pub fn raw_prefix(&self, path: &str) -> Option<Result<CanonicalPath<'_>, PathError>> {
        self.raw.find(path)
    }

    fn chosen(&self, methods: &Methods, method: &Method) -> Option<&Route> {
        self.routes.get(methods.route(method)?)
    }

    /// Tells whether a server that ignores the case of a path would serve what is sold on other terms.
    fn depends_on_case(&self, method: &Method, path: &str, found: &Route) -> bool {
        if !self.has_capitals && !path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return false;
        }
        let caseless = self.caseless.find(&path.to_ascii_lowercase());
        let caseless = caseless.and_then(|methods| self.chosen(methods, method));
        caseless.is_none_or(|caseless| caseless.offer != found.offer)
    }

    /// Returns the routes, in the order in which they were given.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// Returns which pages may read answers that belong to no route: those that may read the answers of any route.
    pub const fn elsewhere(&self) -> &Cors {
        &self.elsewhere
    }

    /// Returns the route that a request was matched with, from the [`RouteId`] among the request's extensions.
    pub fn get(&self, id: RouteId) -> Option<&Route> {
        self.routes.get(id.0)
    }
}

/// What a request means to a policy.
#[derive(Debug)]
pub enum Access<'p> {
    /// Forward it without payment.
    Free(&'p Route),
    /// Forward it against a token for the offer.
    Priced(&'p Route, &'p Arc<Offer>),
    /// No route covers the path.
    NotFound,
    /// A route covers the path, for other methods.
    MethodNotAllowed {
        /// The value of `Allow` (RFC 9110 §10.2.1).
        allow: HeaderValue,
    },
}

/// One route of a policy.
#[derive(Debug)]
pub struct Route {
    id: RouteId,
    pattern: Box<str>,
    service: Option<Name>,
    offer: Option<Arc<Offer>>,
    description: Arc<str>,
    invoice_expiry: Option<Duration>,
    handling: Handling,
    cors: Cors,
}

impl Route {
    /// Returns the number of the route, which is its position in [`Policy::routes`].
    pub const fn id(&self) -> RouteId {
        self.id
    }

    /// Returns the path pattern as it was given.
    pub const fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Returns the service, if the route belongs to one; every priced route does.
    pub const fn service(&self) -> Option<&Name> {
        self.service.as_ref()
    }

    /// Returns what the route sells; [`None`] where it is free.
    pub fn offer(&self) -> Option<&Offer> {
        self.offer.as_deref()
    }

    /// Returns what a payer's wallet shows.
    pub const fn description(&self) -> &Arc<str> {
        &self.description
    }

    /// Returns how long an invoice for the route can be paid, where the route says so.
    pub const fn invoice_expiry(&self) -> Option<Duration> {
        self.invoice_expiry
    }

    /// Returns whether a request may be made again while its outcome is in doubt ([`Sale::idempotent`]).
    pub const fn idempotence(&self) -> Idempotence {
        self.handling.idempotence
    }

    /// Tells whether even a GET has an effect ([`Sale::side_effects`]).
    pub const fn has_side_effects(&self) -> bool {
        self.handling.has_side_effects
    }

    /// Returns what becomes of a use that is in doubt ([`Sale::doubt`]).
    pub const fn doubt(&self) -> DoubtRule {
        self.handling.doubt
    }

    /// Returns for how long answers are kept, where they are ([`Sale::keep_answer`]).
    pub const fn keep_answer(&self) -> Option<Duration> {
        self.handling.keep_answer
    }

    /// Returns what the route is metered by ([`Sale::meter`]).
    pub const fn meter(&self) -> Option<&Meter> {
        self.handling.meter.as_ref()
    }

    /// Returns which pages of other origins may call.
    pub const fn cors(&self) -> &Cors {
        &self.cors
    }
}

/// The number of a route. The paid service puts it among the extensions of every request that it forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteId(usize);

impl RouteId {
    /// Returns the position in [`Policy::routes`].
    pub const fn index(self) -> usize {
        self.0
    }
}
