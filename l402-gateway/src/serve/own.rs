//! The paths that the gateway answers itself: `/health`, which says that it is alive, `/ready`, which says whether it can sell, and
//! `/info`, which says what it sells.
//!
//! A route or free path of the settings with exactly that pattern goes before them.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use l402_http::policy::Metered;
use l402_lightning::Network;
use serde::Serialize;

use super::ready::Checks;
use crate::settings::{self, PricedRoute, Service, Settings};

/// What is answered, if anything.
#[derive(Debug)]
pub(super) struct OwnPaths {
    health: Option<Bytes>,
    ready: Option<Checks>,
    info: Option<Bytes>,
}

impl OwnPaths {
    pub(super) fn new(settings: &Settings, network: Network, checks: Checks) -> Self {
        let own = |pattern| {
            settings.own_paths == settings::OwnPaths::Answered
                && settings.policy().routes().iter().all(|route| route.pattern() != pattern)
        };
        Self {
            health: own(HEALTH).then_some(Bytes::from_static(b"{\"status\":\"ok\"}\n")),
            ready: own(READY).then_some(checks),
            info: own(INFO).then(|| info(settings, network)),
        }
    }

    /// Answers a request for one of the paths.
    pub(super) fn answer<B>(&self, request: &Request<B>) -> Option<Response<Full<Bytes>>> {
        let (status, body) = match request.uri().path() {
            HEALTH => (StatusCode::OK, self.health.clone()?),
            INFO => (StatusCode::OK, self.info.clone()?),
            READY => match self.ready.as_ref()?.look() {
                (true, said) => (StatusCode::OK, said.into()),
                (false, said) => (StatusCode::SERVICE_UNAVAILABLE, said.into()),
            },
            _ => return None,
        };
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let mut response = Response::new(Full::new(if reads { body } else { Bytes::new() }));
        *response.status_mut() = status;
        let fields = response.headers_mut();
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if reads {
            fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        } else {
            fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        }
        Some(response)
    }
}

/// What is sold, as JSON.
fn info(settings: &Settings, network: Network) -> Bytes {
    let info = Info {
        name: settings.product.name,
        version: settings.product.version,
        network: network.as_str(),
        services: settings.services().iter().map(Sold::of).collect(),
    };
    serde_json::to_vec(&info).unwrap_or_default().into() // it has no map whose keys are no text
}

#[derive(Serialize)]
struct Info<'a> {
    name: &'static str,
    version: &'static str,
    network: &'static str,
    services: Vec<Sold<'a>>,
}

#[derive(Serialize)]
struct Sold<'a> {
    name: &'a str,
    free: &'a [String],
    routes: Vec<Priced<'a>>,
}

impl<'a> Sold<'a> {
    fn of(service: &'a Service) -> Self {
        Self {
            name: service.name.as_str(),
            free: &service.free,
            routes: service.routes.iter().map(Priced::of).collect(),
        }
    }
}

#[derive(Serialize)]
struct Priced<'a> {
    methods: Vec<&'a str>,
    path: &'a str,
    price_msat: u64,
    /// How often a token can be used.
    uses: Uses<'a>,
    /// What is charged for, where the price buys a balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    meter: Option<Metered>,
    /// For a client that pays at the last moment.
    valid_for_seconds: u64,
    /// For a client that pays at once.
    valid_for_at_most_seconds: u64,
    invoice_expiry_seconds: u64,
    description: &'a str,
}

/// A number, or `"unlimited"`, as the configuration has it, or `"metered"`.
#[derive(Serialize)]
#[serde(untagged)]
enum Uses<'a> {
    Number(u32),
    Word(&'a str),
}

impl<'a> Priced<'a> {
    fn of(route: &'a PricedRoute) -> Self {
        let PricedRoute { methods, path, offer, description, invoice_expiry, meter, .. } = route;
        Self {
            methods: methods.iter().map(Method::as_str).collect(),
            path,
            price_msat: offer.price_msat.get(),
            uses: match offer.uses {
                l402_core::Uses::Unlimited => Uses::Word("unlimited"),
                l402_core::Uses::Metered => Uses::Word("metered"),
                l402_core::Uses::Times(uses) => Uses::Number(uses.get()),
            },
            meter: meter.as_ref().map(Metered::of),
            valid_for_seconds: offer.valid_for.as_secs(),
            valid_for_at_most_seconds: offer.valid_for.saturating_add(*invoice_expiry).as_secs(),
            invoice_expiry_seconds: invoice_expiry.as_secs(),
            description,
        }
    }
}

const HEALTH: &str = "/health";
const READY: &str = "/ready";
const INFO: &str = "/info";
