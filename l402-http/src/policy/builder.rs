//! From what an operator states to a [`Policy`], or to the reason why it is none.

use super::error::{PolicyError, RouteFault};
use super::pattern::Pattern;
use super::raw::reaches_under;
use super::sale::{Free, Handling, Sale};
use super::tree::Tree;
use super::{Policy, Route, RouteId};
use crate::method;
use core::time::Duration;
use http::Method;
use l402_core::{Msat, Name, Offer, Unit, Uses};
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
        self.routes.push(Stated::Sale(Box::new(sale)));
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
    let alone = |fault| PolicyError::of(stated.path(), fault);
    let route = stated.route(RouteId(policy.routes.len())).map_err(alone)?;
    let pattern = Pattern::parse(stated.path()).map_err(|fault| alone(RouteFault::Pattern(fault)))?;
    let lowercase = pattern.lowercase();
    policy.has_capitals |= pattern != lowercase;
    for (tree, pattern, fault) in [
        (&mut policy.tree, pattern, RouteFault::Duplicate),
        (&mut policy.caseless, lowercase, RouteFault::SameButForCase),
    ] {
        let placed = place(tree, &pattern, stated.methods(), route.id).map_err(alone)?;
        placed.map_err(|earlier| {
            PolicyError::between(route.pattern(), policy.routes.get(earlier).map(Route::pattern), fault)
        })?;
    }
    refuse_conflicting_terms(&policy.routes, &route)?;
    policy.elsewhere = policy.elsewhere.or(&route.cors);
    policy.routes.push(route);
    Ok(())
}

/// Lets the paths of a route go on as they came, unless another route's price could be bypassed that way.
fn add_raw(policy: &mut Policy, stated: &Stated, all: &[Stated]) -> Result<(), PolicyError> {
    let pattern = |stated: &Stated| {
        Pattern::parse(stated.path()).map_err(|fault| PolicyError::of(stated.path(), RouteFault::Pattern(fault)))
    };
    let raw = pattern(stated)?;
    policy.raw.add(&raw).map_err(|fault| PolicyError::of(stated.path(), fault))?;
    for other in all {
        if reaches_under(&pattern(other)?, &raw) {
            return Err(PolicyError::between(stated.path(), Some(other.path()), RouteFault::RawOverlap));
        }
    }
    Ok(())
}

/// A route as it was stated.
#[derive(Debug, Clone)]
enum Stated {
    Sale(Box<Sale>),
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
                let (offer, description, handling) = (Some(Arc::new(offer)), description(sale)?, sale.handling);
                Ok(Route { id, pattern, service, offer, description, invoice_expiry, handling, cors })
            }
            Self::Free(Free { service, cors, .. }) => {
                let service = service.as_deref().map(Name::new).transpose().map_err(RouteFault::Service)?;
                let (offer, invoice_expiry, handling) = (None, None, Handling::default());
                let (description, cors) = (Arc::default(), cors.clone());
                Ok(Route { id, pattern, service, offer, description, invoice_expiry, handling, cors })
            }
        }
    }
}

fn offer(sale: &Sale) -> Result<Offer, RouteFault> {
    if sale.price_msat == Msat::ZERO {
        return Err(RouteFault::ZeroPrice);
    }
    if sale.valid_for.as_secs() == 0 {
        return Err(RouteFault::ZeroValidity);
    }
    match &sale.handling.meter {
        None if sale.uses == Uses::Metered => return Err(RouteFault::NoMeter),
        Some(_) if sale.uses != Uses::Metered => return Err(RouteFault::NoMeter),
        Some(_) if sale.handling.keep_answer.is_some() => return Err(RouteFault::KeptMeter),
        Some(_) if sale.price_msat.get() > Unit::Msat.most() => return Err(RouteFault::LargeBalance),
        Some(meter) if meter.reservation() > sale.price_msat => return Err(RouteFault::SmallBalance),
        _ => {}
    }
    let offer = Offer::new(Name::new(&sale.service).map_err(RouteFault::Service)?, sale.price_msat)
        .tier(sale.tier)
        .capability(sale.capability.as_deref().map(Name::new).transpose().map_err(RouteFault::Capability)?)
        .valid_for(sale.valid_for)
        .uses(sale.uses);
    Ok(match &sale.plan {
        Some(plan) => offer.plan(Name::new(plan).map_err(RouteFault::Plan)?),
        None => offer,
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
        return Err(PolicyError::between(route.pattern(), Some(other.pattern()), fault));
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
mod tests;
