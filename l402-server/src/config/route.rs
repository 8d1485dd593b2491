//! Routes: what is sold of a service, and why one token does not open another route (T3).

use core::time::Duration;
use http::Method;
use l402_core::{Name, NameError, Offer};
use l402_http::service::Rate;

use super::at::{At, ValueOrigin};
use super::file;
use super::price::RoutePrice;
use super::resolver::{Noted, Resolver};
use super::span::Span;
use super::uses::{UseTerms, Written};
use l402_gateway::settings::{Paths, PricedRoute};

/// What a service says for all of its routes.
pub(super) struct Defaults<'a> {
    pub(super) service: &'a Name,
    pub(super) price: Option<RoutePrice>,
    /// How long a token is valid, where the service says that.
    pub(super) valid_for: Option<Duration>,
    pub(super) uses: UseTerms,
    pub(super) invoice_expiry: Duration,
    pub(super) tier: u32,
}

impl Resolver<'_> {
    /// The routes of one service.
    pub(super) fn routes(&mut self, written: &[file::Route], defaults: &Defaults<'_>) -> Option<Vec<PricedRoute>> {
        let routes: Vec<Option<PricedRoute>> = written.iter().map(|route| self.route(route, defaults)).collect();
        let routes: Vec<PricedRoute> = routes.into_iter().collect::<Option<_>>()?;
        let pairs: Vec<_> = routes.iter().zip(written).collect();
        let mut apart = true;
        for (index, later) in pairs.iter().enumerate() {
            for earlier in pairs.iter().take(index) {
                apart &= self.are_apart(*earlier, *later);
            }
        }
        Some(routes).filter(|_| apart)
    }

    fn route(&mut self, written: &file::Route, defaults: &Defaults<'_>) -> Option<PricedRoute> {
        let methods = self.methods(&written.methods);
        let price = self.route_price(written, defaults);
        let valid_for = self.validity("service.route.valid_for", written.valid_for.as_ref());
        let terms = self.use_terms("service.route", use_terms(written), &defaults.uses);
        let meter = self.meter(written);
        let expiry = written.invoice_expiry.as_ref();
        let invoice_expiry = self.invoice_expiry("service.route.invoice_expiry", expiry, defaults.invoice_expiry);
        let capability = self.capability(written);
        let rate = self.token_rate("service.route.rate", written.rate.as_ref());
        let (valid_for, terms) = (valid_for.ok()?.or(defaults.valid_for), terms.ok()?);
        let (uses, meter) = match meter.ok()? {
            Some((uses, meter)) => (uses, Some(meter)),
            None => (self.uses_or_default(&written.path.value, terms.uses, valid_for), None),
        };
        if let (Some(at), None) = (&written.doubt, uses.limit()) {
            self.problems.wrong_at(
                "service.route.doubt",
                &at.origin,
                "add a number of `uses`; without one, no use can be in doubt",
            );
            return None;
        }
        if let (Some(at), None) = (&written.keep_answer, uses.limit()) {
            self.problems.wrong(
                "service.route.keep_answer",
                at,
                "add a number of `uses`; without one, a client just asks again",
            );
            return None;
        }
        self.note_unlimited(&written.path.value, uses, &terms);
        let offer = Offer::new(defaults.service.clone(), price?.msat())
            .tier(written.tier.unwrap_or(defaults.tier))
            .capability(capability?)
            .uses(uses)
            .valid_for(valid_for.unwrap_or(Offer::VALID_FOR));
        let (methods, path) = (methods?, written.path.value.clone());
        let description = match &written.description {
            Some(at) => at.value.clone(),
            None => description(defaults.service, &methods, &path),
        };
        let mut route = PricedRoute::new(path, offer);
        (route.methods, route.description) = (methods, description);
        route.invoice_expiry = invoice_expiry?;
        terms.state(&mut route);
        (route.meter, route.rate) = (meter, rate.ok()?);
        route.keep_answer = route.keep_answer.filter(|_| meter.is_none()); // what the service says is for its other routes
        route.paths = if written.raw_path { Paths::AsTheyCame } else { Paths::Canonical };
        Some(route)
    }

    fn methods(&mut self, written: &[At<String>]) -> Option<Vec<Method>> {
        let method = |text: &str| {
            let upper = !text.bytes().any(|byte| byte.is_ascii_lowercase());
            let method = Method::from_bytes(text.as_bytes()).ok().filter(|_| upper);
            method.ok_or("write the method in upper case, such as \"GET\"")
        };
        let methods: Vec<Option<Method>> =
            written.iter().map(|at| self.problems.parse_with("service.route.methods", at, method)).collect();
        methods.into_iter().collect()
    }

    fn route_price(&mut self, written: &file::Route, defaults: &Defaults<'_>) -> Option<RoutePrice> {
        match &written.price {
            Some(at) => self.problems.parse("service.route.price", at),
            None if defaults.price.is_some() => defaults.price,
            None => {
                self.problems.wrong(
                    "service.route.path",
                    &written.path,
                    "the route needs a `price`, such as \"21 sat\"",
                );
                None
            }
        }
    }

    /// How long tokens are valid: a caveat counts in whole seconds.
    pub(super) fn validity(&mut self, key: &str, at: Option<&At<String>>) -> Result<Option<Duration>, Noted> {
        let Some(at) = at else { return Ok(None) };
        let valid_for = self.problems.parse::<Span>(key, at).map(Span::duration).ok_or(Noted)?;
        if valid_for.subsec_millis() != 0 {
            self.problems.wrong(key, at, "write whole seconds");
            return Err(Noted);
        }
        Ok(Some(valid_for))
    }

    /// How long an invoice can be paid: long enough to pay it, and not so long that a price stands for days.
    pub(super) fn invoice_expiry(&mut self, key: &str, at: Option<&At<String>>, default: Duration) -> Option<Duration> {
        let expiry = self.span(key, at, default)?;
        match at {
            Some(at) if expiry.subsec_millis() != 0 || !(SHORTEST_INVOICE..=LONGEST_INVOICE).contains(&expiry) => {
                self.problems.wrong(key, at, "write whole seconds, from \"10s\" to \"24h\"");
                None
            }
            _ => Some(expiry),
        }
    }

    /// How often the tokens of one payment may be used.
    pub(super) fn token_rate(&mut self, key: &str, at: Option<&At<String>>) -> Result<Option<Rate>, Noted> {
        at.map(|at| self.problems.parse(key, at).ok_or(Noted)).transpose()
    }

    fn capability(&mut self, written: &file::Route) -> Option<Name> {
        if let Some(at) = &written.capability {
            return self.problems.parse("service.route.capability", at);
        }
        let named = slug(written);
        if named.is_err() {
            let message = "cannot derive a capability from this path; set `capability`";
            self.problems.wrong("service.route.path", &written.path, message);
        }
        named.ok()
    }

    /// Notes a route whose tokens would by accident have the name of another's. Where both capabilities were written the
    /// policy compares their terms.
    fn are_apart(&mut self, earlier: (&PricedRoute, &file::Route), later: (&PricedRoute, &file::Route)) -> bool {
        let ((first, first_written), (second, second_written)) = (earlier, later);
        let meant = first_written.capability.is_some() && second_written.capability.is_some();
        if meant || first.offer.capability != second.offer.capability {
            return true;
        }
        let message = format!("its tokens would open {} as well; set a `capability`", first.path);
        self.problems.wrong("service.route.path", &second_written.path, message);
        false
    }
}

/// A route for every path, as a service without routes sells it.
pub(super) fn every_path(origin: ValueOrigin) -> file::Route {
    file::Route {
        path: At { value: EVERY_PATH.to_owned(), origin },
        methods: Vec::new(),
        price: None,
        uses: None,
        meter: None,
        valid_for: None,
        invoice_expiry: None,
        capability: None,
        tier: None,
        idempotent: None,
        side_effects: None,
        doubt: None,
        doubt_after: None,
        keep_answer: None,
        rate: None,
        raw_path: false,
        description: None,
    }
}

/// What a route says of its uses.
const fn use_terms(route: &file::Route) -> Written<'_> {
    Written {
        uses: route.uses.as_ref(),
        idempotent: route.idempotent,
        side_effects: route.side_effects,
        doubt: route.doubt.as_ref(),
        doubt_after: route.doubt_after.as_ref(),
        keep_answer: route.keep_answer.as_ref(),
    }
}

/// What a buyer's wallet shows unless the file says it.
fn description(service: &Name, methods: &[Method], path: &str) -> String {
    let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
    let path = if path == EVERY_PATH { "every path" } else { path };
    [service.as_str(), &methods.join(" or "), path]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The default capability: methods and path, in letters that a caveat may hold.
fn slug(route: &file::Route) -> Result<Name, NameError> {
    let methods = route.methods.iter().map(|at| at.value.to_ascii_lowercase());
    let segments = route.path.value.split('/').map(|segment| {
        segment.trim_matches(['{', '}']).replace(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_')), "-")
    });
    let segments = segments.map(|segment| if segment == "-" { "all".to_owned() } else { segment });
    let parts: Vec<String> = methods.chain(segments).filter(|part| !part.is_empty()).collect();
    let name = parts.join("-");
    Name::new(if name.is_empty() { "root" } else { &name })
}

const EVERY_PATH: &str = "/*";
const SHORTEST_INVOICE: Duration = Duration::from_secs(10);
const LONGEST_INVOICE: Duration = Duration::from_hours(24);
