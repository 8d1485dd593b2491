//! From what an operator states to a [`Policy`], or to the reason why it is none.

use super::pattern::{Pattern, PatternError};
use super::raw::reaches_under;
use super::sale::{Free, Sale};
use super::tree::Tree;
use super::{Policy, Route, RouteId};
use crate::method;
use core::fmt;
use core::time::Duration;
use http::Method;
use l402_core::{Name, NameError, Offer};
use std::sync::Arc;

/// Collects routes.
#[derive(Debug, Clone, Default)]
pub struct PolicyBuilder {
    routes: Vec<Stated>,
}

impl PolicyBuilder {
    /// Adds a route that is sold.
    #[must_use]
    pub fn sell(mut self, sale: Sale) -> Self {
        self.routes.push(Stated::Sale(sale));
        self
    }

    /// Adds a route that costs nothing.
    #[must_use]
    pub fn free(mut self, free: Free) -> Self {
        self.routes.push(Stated::Free(free));
        self
    }

    /// Joins the routes to a policy.
    ///
    /// # Errors
    /// [`PolicyError`] for the first route that cannot be meant so.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let mut policy = Policy::default();
        for stated in &self.routes {
            add(&mut policy, stated)?;
        }
        for stated in self.routes.iter().filter(|stated| stated.is_raw()) {
            add_raw(&mut policy, stated, &self.routes)?;
        }
        Ok(policy)
    }
}

fn add(policy: &mut Policy, stated: &Stated) -> Result<(), PolicyError> {
    let alone = |fault| PolicyError::of(stated, fault);
    let route = stated.route(RouteId(policy.routes.len())).map_err(alone)?;
    let pattern = Pattern::parse(stated.path()).map_err(|fault| alone(RouteFault::Pattern(fault)))?;
    let lowercase = pattern.lowercase();
    policy.has_capitals |= pattern != lowercase;
    for (tree, pattern, fault) in [
        (&mut policy.tree, pattern, RouteFault::Duplicate),
        (&mut policy.caseless, lowercase, RouteFault::SameButForCase),
    ] {
        let placed = place(tree, &pattern, stated.methods(), route.id).map_err(alone)?;
        placed.map_err(|earlier| PolicyError::between(&route, policy.routes.get(earlier), fault))?;
    }
    refuse_conflicting_terms(&policy.routes, &route)?;
    policy.elsewhere = policy.elsewhere.or(&route.cors);
    policy.routes.push(route);
    Ok(())
}

/// Lets the paths of a route go on as they came, unless another route's price could be bypassed that way.
fn add_raw(policy: &mut Policy, stated: &Stated, all: &[Stated]) -> Result<(), PolicyError> {
    let pattern = |stated: &Stated| {
        Pattern::parse(stated.path()).map_err(|fault| PolicyError::of(stated, RouteFault::Pattern(fault)))
    };
    let raw = pattern(stated)?;
    policy.raw.add(&raw).map_err(|fault| PolicyError::of(stated, fault))?;
    for other in all {
        if reaches_under(&pattern(other)?, &raw) {
            return Err(PolicyError {
                other: Some(other.path().into()),
                ..PolicyError::of(stated, RouteFault::RawOverlap)
            });
        }
    }
    Ok(())
}

/// Why routes are no policy: the route, the other one where two do not go together, and the fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    route: Box<str>,
    other: Option<Box<str>>,
    fault: RouteFault,
}

impl PolicyError {
    /// Returns the pattern of the route.
    pub const fn route(&self) -> &str {
        &self.route
    }

    /// Returns what is wrong.
    pub const fn fault(&self) -> RouteFault {
        self.fault
    }

    fn of(stated: &Stated, fault: RouteFault) -> Self {
        Self { route: stated.path().into(), other: None, fault }
    }

    fn between(route: &Route, other: Option<&Route>, fault: RouteFault) -> Self {
        Self { route: route.pattern.clone(), other: other.map(|other| other.pattern.clone()), fault }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { route, other, fault } = self;
        match other {
            Some(other) => write!(f, "routes {other} and {route}: {fault}"),
            None => write!(f, "route {route}: {fault}"),
        }
    }
}

impl core::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            RouteFault::Pattern(fault) => Some(fault),
            RouteFault::Service(fault) | RouteFault::Capability(fault) => Some(fault),
            _ => None,
        }
    }
}

/// What is wrong with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteFault {
    /// The path is no pattern.
    Pattern(PatternError),
    /// The service has no proper name.
    Service(NameError),
    /// The capability has no proper name.
    Capability(NameError),
    /// A sale for nothing; what costs nothing is stated as free.
    ZeroPrice,
    /// Tokens would never be valid.
    ZeroValidity,
    /// An invoice could never be paid.
    ZeroExpiry,
    /// The list of methods is empty.
    NoMethod,
    /// A method that is never served, such as TRACE: an upstream would send back what the gateway added for it.
    UnservedMethod,
    /// Only the paths of a prefix without parameters, such as `/npm/*`, can go on as they came.
    RawPath,
    /// Beneath a prefix whose paths go on as they came, another route has a price of its own.
    RawOverlap,
    /// No invoice can hold a description of more than 639 bytes.
    LongDescription,
    /// Two routes take the same method of the same path.
    Duplicate,
    /// Two routes take the same method of paths that differ in case alone, which the upstream may ignore.
    SameButForCase,
    /// Two routes sell the same service, tier and capability on different terms.
    DifferentTerms,
    /// The token of the cheaper route opens the dearer one too, because its tier is higher.
    Undercut,
}

impl fmt::Display for RouteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(fault) => fault.fmt(f),
            Self::Service(fault) => write!(f, "service: {fault}"),
            Self::Capability(fault) => write!(f, "capability: {fault}"),
            Self::ZeroPrice => f.write_str("the price is zero; state the route as free instead"),
            Self::ZeroValidity => f.write_str("the validity is below a second"),
            Self::ZeroExpiry => f.write_str("an invoice ends within a second"),
            Self::RawPath => f.write_str("raw_path needs a prefix without parameters, such as '/npm/*'"),
            Self::RawOverlap => f.write_str(
                "the first lies beneath the second, whose paths are forwarded as they come: its price could be bypassed",
            ),
            Self::NoMethod => f.write_str("the list of methods is empty"),
            Self::UnservedMethod => f.write_str("TRACE and its like are never forwarded; take the method out of the list"),
            Self::LongDescription => f.write_str("the description is longer than 639 bytes"),
            Self::Duplicate => f.write_str("both take the same method of the same path"),
            Self::SameButForCase => {
                f.write_str("both take the same method of paths that differ in case alone, which the upstream may ignore")
            }
            Self::DifferentTerms => f.write_str(
                "both sell the same service, tier and capability, so price, validity and invoice_expiry must be equal; give each a capability",
            ),
            Self::Undercut => f.write_str(
                "a token for the cheaper opens the dearer too; give each a capability, or the higher tier no lower price",
            ),
        }
    }
}

/// A route as it was stated.
#[derive(Debug, Clone)]
enum Stated {
    Sale(Sale),
    Free(Free),
}

impl Stated {
    fn path(&self) -> &str {
        match self {
            Self::Sale(sale) => &sale.path,
            Self::Free(free) => &free.path,
        }
    }

    fn is_raw(&self) -> bool {
        matches!(self, Self::Sale(sale) if sale.raw_path)
    }

    fn methods(&self) -> Option<&[Method]> {
        match self {
            Self::Sale(sale) => sale.methods.as_deref(),
            Self::Free(free) => free.methods.as_deref(),
        }
    }

    fn route(&self, id: RouteId) -> Result<Route, RouteFault> {
        let pattern = self.path().into();
        match self {
            Self::Sale(sale) => {
                let offer = offer(sale)?;
                let service = Some(offer.service.clone());
                let (invoice_expiry, cors) = (invoice_expiry(sale)?, sale.cors.clone());
                let (offer, description) = (Some(Arc::new(offer)), description(sale)?);
                Ok(Route { id, pattern, service, offer, description, invoice_expiry, cors })
            }
            Self::Free(Free { service, cors, .. }) => {
                let service = service.as_deref().map(Name::new).transpose().map_err(RouteFault::Service)?;
                let cors = cors.clone();
                Ok(Route { id, pattern, service, offer: None, description: Arc::default(), invoice_expiry: None, cors })
            }
        }
    }
}

fn offer(sale: &Sale) -> Result<Offer, RouteFault> {
    if sale.price_msat == 0 {
        return Err(RouteFault::ZeroPrice);
    }
    if sale.valid_for.as_secs() == 0 {
        return Err(RouteFault::ZeroValidity);
    }
    Ok(Offer {
        service: Name::new(&sale.service).map_err(RouteFault::Service)?,
        tier: sale.tier,
        capability: sale.capability.as_deref().map(Name::new).transpose().map_err(RouteFault::Capability)?,
        price_msat: sale.price_msat,
        valid_for: sale.valid_for.as_secs(),
    })
}

fn invoice_expiry(sale: &Sale) -> Result<Option<Duration>, RouteFault> {
    let is_nothing = sale.invoice_expiry.is_some_and(|expiry| expiry.as_secs() == 0);
    if is_nothing { Err(RouteFault::ZeroExpiry) } else { Ok(sale.invoice_expiry) }
}

fn description(sale: &Sale) -> Result<Arc<str>, RouteFault> {
    let text = sale.shown();
    if text.len() > LONGEST_DESCRIPTION { Err(RouteFault::LongDescription) } else { Ok(text.into()) }
}

/// Puts a route into the tree; the inner [`Err`] holds the route that has its place.
fn place(
    tree: &mut Tree,
    pattern: &Pattern,
    methods: Option<&[Method]>,
    id: RouteId,
) -> Result<Result<(), usize>, RouteFault> {
    let place = tree.place(pattern);
    match methods {
        None => Ok(place.add_any(id.0)),
        Some([]) => Err(RouteFault::NoMethod),
        Some(methods) if methods.iter().any(method::reflects) => Err(RouteFault::UnservedMethod),
        Some(methods) => Ok(methods.iter().try_for_each(|method| place.add(method.clone(), id.0))),
    }
}

fn refuse_conflicting_terms(earlier: &[Route], route: &Route) -> Result<(), PolicyError> {
    let Some(new) = &route.offer else { return Ok(()) };
    for other in earlier {
        let Some(old) = &other.offer else { continue };
        let fault = match (opens(old, new), opens(new, old)) {
            (true, true) if new != old || route.invoice_expiry != other.invoice_expiry => RouteFault::DifferentTerms,
            (true, false) if old.price_msat < new.price_msat => RouteFault::Undercut,
            (false, true) if new.price_msat < old.price_msat => RouteFault::Undercut,
            _ => continue,
        };
        return Err(PolicyError::between(route, Some(other), fault));
    }
    Ok(())
}

/// Whether a token bought for one offer opens another: its tier suffices, and both ask for the same capability or for none.
fn opens(bought: &Offer, wanted: &Offer) -> bool {
    bought.service == wanted.service && bought.tier >= wanted.tier && bought.capability == wanted.capability
}

/// What a BOLT11 invoice can hold (BOLT 11 §Tagged Fields).
const LONGEST_DESCRIPTION: usize = 639;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::{CanonicalPath, PathError};
    use crate::policy::Access;

    fn fault(builder: PolicyBuilder) -> RouteFault {
        builder.build().expect_err("a fault").fault()
    }

    fn sale(path: &str, price_msat: u64) -> Sale {
        Sale::new("plannt", path, price_msat)
    }

    #[test]
    fn t3_a_price_belongs_to_what_a_token_opens() {
        let of = |a, b| Policy::builder().sell(a).sell(b).build().map(|_| ()).map_err(|error| error.fault());
        let (demo, data) = (sale("/demo", 21), sale("/data", 100));
        assert_eq!(of(demo.clone(), data.clone()), Err(RouteFault::DifferentTerms));
        assert_eq!(of(demo.clone(), sale("/data", 21)), Ok(()));
        assert_eq!(
            of(demo.clone(), sale("/data", 21).valid_for(Duration::from_secs(5))),
            Err(RouteFault::DifferentTerms)
        );
        assert_eq!(
            of(demo.clone(), sale("/data", 21).invoice_expiry(Duration::from_secs(5))),
            Err(RouteFault::DifferentTerms),
            "a token's time begins when the invoice ends"
        );
        assert_eq!(of(demo.clone().capability("demo"), data.clone().capability("data")), Ok(()));
        assert_eq!(
            of(demo.clone(), data.clone().capability("data")),
            Ok(()),
            "no capability opens no capability's route"
        );
        assert_eq!(of(demo.clone().capability("demo"), data.clone()), Ok(()), "nor the other way round");
        assert_eq!(of(demo.clone(), data.clone().tier(1)), Ok(()), "a higher tier is dearer");
        assert_eq!(of(demo.tier(1), data), Err(RouteFault::Undercut));
    }

    #[test]
    fn mistakes_are_named() {
        let one = |sale| fault(Policy::builder().sell(sale));
        assert_eq!(one(sale("/a", 0)), RouteFault::ZeroPrice);
        assert_eq!(one(sale("/a", 1).valid_for(Duration::from_millis(999))), RouteFault::ZeroValidity);
        assert_eq!(one(sale("/a", 1).invoice_expiry(Duration::from_millis(999))), RouteFault::ZeroExpiry);
        assert_eq!(one(sale("/a", 1).methods([])), RouteFault::NoMethod);
        assert_eq!(one(sale("/a", 1).description(&"x".repeat(640))), RouteFault::LongDescription);
        assert_eq!(one(sale("/a", 1).capability("a b")), RouteFault::Capability(NameError::Character(' ')));
        assert_eq!(one(Sale::new("a,b", "/a", 1)), RouteFault::Service(NameError::Character(',')));
        let relative = RouteFault::Pattern(PatternError::Path(PathError::NotAbsolute));
        assert_eq!(one(sale("a", 1)), relative);
        assert_eq!(fault(Policy::builder().free(Free::new("a"))), relative);
        assert_eq!(fault(Policy::builder().free(Free::new("/a").service(""))), RouteFault::Service(NameError::Empty));
    }

    #[test]
    fn duplicates_are_refused_however_they_are_spelt() {
        for (one, two) in [("/a", "/a/"), ("/{id}", "/{name}"), ("/a/*", "/a/*"), ("/~", "/%7e")] {
            let error = Policy::builder().sell(sale(one, 1)).free(Free::new(two)).build().expect_err(one);
            assert_eq!(error.fault(), RouteFault::Duplicate);
            assert_eq!(
                error.to_string(),
                format!("routes {one} and {two}: both take the same method of the same path")
            );
        }
        let twice = sale("/a", 1).methods([Method::GET, Method::POST, Method::GET]);
        assert_eq!(fault(Policy::builder().sell(twice)), RouteFault::Duplicate);
    }

    #[test]
    fn p3_a_raw_path_has_one_price_beneath_it() {
        let of = |raw: &str, other: &str| {
            let policy = Policy::builder().free(Free::new(other)).sell(sale(raw, 1).raw_path()).build();
            policy.map(|_| ()).map_err(|error| error.fault())
        };
        for other in ["/npm/a", "/npm", "/NPM/a", "/npm/a/*", "/{x}/a", "/npm/{x}"] {
            assert_eq!(of("/npm/*", other), Err(RouteFault::RawOverlap), "{other}");
        }
        for other in ["/*", "/", "/other/*", "/other"] {
            assert_eq!(of("/npm/*", other), Ok(()), "{other}");
        }
        for raw in ["/npm", "/{x}/*", "/npm/{x}/*"] {
            assert_eq!(of(raw, "/other"), Err(RouteFault::RawPath), "{raw}");
        }
        assert_eq!(of("/*", "/status"), Err(RouteFault::RawOverlap));
    }

    #[test]
    fn p3_routes_do_not_differ_in_case_alone() {
        let error =
            Policy::builder().sell(sale("/v1/Data", 1)).free(Free::new("/v1/data/")).build().expect_err("a fault");
        assert_eq!(error.fault(), RouteFault::SameButForCase);
        assert!(error.to_string().starts_with("routes /v1/Data and /v1/data/: "), "{error}");
    }

    #[test]
    fn p3_another_case_is_no_way_round_a_price() {
        let policy = Policy::builder()
            .sell(sale("/data", 100).capability("data"))
            .sell(sale("/Reports/{id}", 200).capability("reports"))
            .sell(sale("/v1/caf\u{e9}", 300).methods([Method::GET]).capability("cafe"))
            .sell(sale("/{any}", 1).capability("any"))
            .free(Free::new("/files/*"))
            .free(Free::new("/files/readme"))
            .free(Free::new("/*"))
            .build()
            .expect("a policy");
        let ask = |method, path| match policy.route(method, &CanonicalPath::parse(path).expect(path)) {
            Access::Priced(_, offer) => offer.price_msat,
            Access::Free(_) => 0,
            Access::NotFound => 404,
            Access::MethodNotAllowed { .. } => 405,
        };
        for (path, expected) in [
            ("/data", 100),
            ("/DATA", 404),
            ("/%44ata/", 404),
            ("/Reports/A", 200),
            ("/reports/A", 404),
            ("/reports/7", 404),
            ("/REPORTS/a", 404),
            ("/v1/caf%c3%a9", 300),
            ("/v1/Caf%c3%a9", 404),
            ("/Other", 1),
            ("/FILES/x", 0),
            ("/files/README", 0),
            ("/Data/deeper", 0),
        ] {
            assert_eq!(ask(&Method::GET, path), expected, "{path}");
        }
        assert_eq!(ask(&Method::POST, "/v1/caf%c3%a9"), 405);
        assert_eq!(ask(&Method::POST, "/v1/CAF%c3%a9"), 404, "nor is another method");
    }

    #[test]
    fn methods_choose_among_the_routes_of_a_path() {
        let policy = Policy::builder()
            .sell(sale("/a", 1).methods([Method::GET]).capability("read"))
            .sell(sale("/a", 2).methods([Method::POST]).capability("write"))
            .free(Free::new("/a").methods([Method::OPTIONS]))
            .sell(sale("/*", 3).capability("rest"))
            .build()
            .expect("a policy");
        let ask = |method: &Method, path| match policy.route(method, &CanonicalPath::parse(path).expect(path)) {
            Access::Priced(_, offer) => offer.price_msat.to_string(),
            Access::Free(_) => "free".to_owned(),
            Access::NotFound => "not found".to_owned(),
            Access::MethodNotAllowed { allow } => allow.to_str().expect("ASCII").to_owned(),
        };
        assert_eq!(ask(&Method::GET, "/a"), "1");
        assert_eq!(ask(&Method::HEAD, "/a"), "1");
        assert_eq!(ask(&Method::POST, "/a"), "2");
        assert_eq!(ask(&Method::OPTIONS, "/a"), "free");
        assert_eq!(ask(&Method::DELETE, "/a"), "GET, POST, OPTIONS, HEAD");
        assert_eq!(ask(&Method::DELETE, "/b"), "3");
        assert_eq!(ask(&Method::OPTIONS, "/b"), "3");
    }
}
