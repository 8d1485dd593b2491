//! Services: upstreams, and what they are told.

use core::net::{IpAddr, SocketAddr};
use http::{HeaderName, HeaderValue, Uri};
use l402_core::Name;
use l402_http::policy::Sale;
use l402_http::proxy::{Protocol, Timeouts, UpstreamConfig, UpstreamConfigError};
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::at::{At, ValueOrigin};
use super::cors::Pages;
use super::file::{self, File, UpstreamProtocol};
use super::price::RoutePrice;
use super::resolver::{Noted, Resolver};
use super::route::{Defaults, every_path};
use super::uses::{UseTerms, Written};
use crate::variables;
use l402_gateway::settings::{Service, Settings};
use l402_program::config::Text;

/// What holds for the upstreams of all services.
#[derive(Clone, Copy)]
pub(super) struct Common {
    pub(super) listen: Option<SocketAddr>,
    pub(super) timeouts: Timeouts,
}

impl Resolver<'_> {
    /// All services and their routes, whether the file has the short form or the long one.
    pub(super) fn sold(&mut self, file: File, data_dir: Option<PathBuf>, common: Common) -> Option<Settings> {
        let written = self.written_services(file)?;
        let services: Vec<Option<Service>> = written.iter().map(|service| self.service(service, common)).collect();
        let distinct = self.names_are_distinct(&written);
        let services: Vec<Service> = services.into_iter().collect::<Option<_>>().filter(|_| distinct)?;
        self.settings(services, data_dir?, &written)
    }

    fn names_are_distinct(&mut self, written: &[file::Service]) -> bool {
        let earlier =
            |index, name: &At<String>| written.iter().take(index).any(|service| service.name.value == name.value);
        let twice = written.iter().map(|service| &service.name).enumerate().find(|(index, name)| earlier(*index, name));
        if let Some((_, name)) = twice {
            self.problems.wrong("service.name", name, "another service has this name");
        }
        twice.is_none()
    }

    /// Services share one space of paths. Where two contradict each other the later one is told.
    fn settings(&mut self, services: Vec<Service>, data_dir: PathBuf, written: &[file::Service]) -> Option<Settings> {
        let fault = match Settings::new(data_dir, services) {
            Ok(settings) => return Some(settings),
            Err(fault) => fault,
        };
        let sold = written.iter().flat_map(|service| &service.route).map(|route| ("service.route.path", &route.path));
        let free = written.iter().flat_map(|service| &service.free).map(|path| ("service.free", path));
        let culprit = sold.chain(free).rfind(|(_, path)| path.value == fault.route());
        // A service without routes sells a path that the file does not name.
        let whole =
            written.iter().rfind(|service| service.route.is_empty()).map(|service| ("service.name", &service.name));
        match culprit.or(whole) {
            Some((key, at)) => self.problems.wrong(key, at, fault),
            None => self.problems.missing("service", fault),
        }
        None
    }

    fn written_services(&mut self, mut file: File) -> Option<Vec<file::Service>> {
        let services = core::mem::take(&mut file.service);
        match (file.upstream.take(), services.is_empty()) {
            (Some(upstream), true) => {
                self.problems.short_form = true;
                Some(vec![short_form(upstream, file)])
            }
            (Some(upstream), false) => {
                let message = "`upstream` cannot be combined with [[service]]; give each service its own `upstream`";
                self.problems.wrong("upstream", &upstream, message);
                None
            }
            (None, true) => {
                let variable = variables::UPSTREAM.name;
                self.problems
                    .missing("", format_args!("nothing to sell: set {variable}=http://127.0.0.1:3000, or {SELL_WITH}"));
                None
            }
            (None, false) => {
                let spans = [("valid_for", &file.valid_for), ("invoice_expiry", &file.invoice_expiry)];
                for (key, value) in [("price", &file.price)].into_iter().chain(spans) {
                    if let Some(at) = value {
                        self.problems.wrong(key, at, MISPLACED);
                    }
                }
                if let Some(at) = &file.uses {
                    self.problems.wrong("uses", at, MISPLACED);
                }
                if let Some(at) = &file.cors {
                    self.problems.wrong_at("cors", &at.origin, MISPLACED);
                }
                Some(services)
            }
        }
    }

    fn service(&mut self, written: &file::Service, common: Common) -> Option<Service> {
        let upstream = self.upstream(written, common);
        let name = self.problems.parse::<Name>("service.name", &written.name);
        let price = self.service_price(written);
        let valid_for = self.validity("service.valid_for", written.valid_for.as_ref());
        let uses = self.use_terms("service", use_terms(written), &UseTerms::DEFAULT);
        let expiry = written.invoice_expiry.as_ref();
        let expiry = self.invoice_expiry("service.invoice_expiry", expiry, Sale::INVOICE_EXPIRY);
        let cors = self.cors("service.cors", written.cors.as_ref());
        let rate = self.token_rate("service.rate", written.rate.as_ref());
        let (name, price, tier) = (name?, price.ok()?, written.tier.unwrap_or(0));
        let (valid_for, uses) = (valid_for.ok()?, uses.ok()?);
        let defaults = Defaults { service: &name, price, valid_for, uses, invoice_expiry: expiry?, tier };
        let routes = if written.route.is_empty() {
            self.routes(&[every_path(written.name.origin.clone())], &defaults)
        } else {
            self.routes(&written.route, &defaults)
        };
        let free = written.free.iter().map(|at| at.value.clone()).collect();
        let mut service = Service::new(name.clone(), upstream?);
        (service.free, service.routes, service.cors, service.rate) = (free, routes?, cors?, rate.ok()?);
        Some(service)
    }

    /// The price of the routes that name none; a service without routes must have one.
    fn service_price(&mut self, written: &file::Service) -> Result<Option<RoutePrice>, Noted> {
        match &written.price {
            Some(at) => self.problems.parse("service.price", at).map(Some).ok_or(Noted),
            None if written.route.is_empty() => {
                let message = "the service needs a `price` for every path, or a [[service.route]]";
                self.problems.wrong("service.name", &written.name, message);
                Err(Noted)
            }
            None => Ok(None),
        }
    }

    fn upstream(&mut self, written: &file::Service, common: Common) -> Option<UpstreamConfig> {
        let mut upstream = self.problems.parse_with("service.upstream", &written.upstream, origin)?;
        if common.listen.is_some_and(|listen| is_own(&written.upstream.value, listen)) {
            self.problems.wrong("service.upstream", &written.upstream, OWN_ADDRESS);
            return None;
        }
        upstream = upstream.service(&written.name.value).timeouts(common.timeouts);
        if written.preserve_host {
            upstream = upstream.preserve_host();
        }
        if let Some(at) = &written.upstream_protocol {
            if at.value != UpstreamProtocol::Http2 && written.upstream.value.starts_with("h2c:") {
                let message = "an h2c:// upstream speaks HTTP/2; leave this out, or write http://";
                self.problems.wrong_at("service.upstream_protocol", &at.origin, message);
                return None;
            }
            upstream = upstream.protocol(match at.value {
                UpstreamProtocol::Auto => Protocol::Auto,
                UpstreamProtocol::Http1 => Protocol::Http1,
                UpstreamProtocol::Http2 => Protocol::Http2,
            });
        }
        if let Some(at) = &written.upstream_roots {
            let file = self.base.join(&at.value);
            upstream = self.problems.parse_with("service.upstream_roots", at, |_| upstream.extra_roots(&file))?;
        }
        let upstream = self.fields("service.headers", &written.headers, upstream, UpstreamConfig::header)?;
        self.fields("service.paid_headers", &written.paid_headers, upstream, UpstreamConfig::paid_header)
    }

    /// Fields for the upstream. Their values are never shown.
    fn fields(
        &mut self,
        table: &str,
        written: &BTreeMap<String, At<Text>>,
        upstream: UpstreamConfig,
        add: impl Fn(UpstreamConfig, HeaderName, HeaderValue) -> Result<UpstreamConfig, UpstreamConfigError>,
    ) -> Option<UpstreamConfig> {
        written.iter().try_fold(upstream, |upstream, (name, text)| {
            let key = format!("{table}.{name}");
            let Ok(field) = HeaderName::try_from(name.as_str()) else {
                self.problems.wrong_at(&key, &text.origin, "not a valid header name");
                return None;
            };
            let value = self.field_value(&key, text)?;
            add(upstream, field, value).map_err(|fault| self.problems.wrong_at(&key, &text.origin, fault)).ok()
        })
    }

    fn field_value(&mut self, key: &str, text: &At<Text>) -> Option<HeaderValue> {
        let secret = match text.value.resolve(self.environment) {
            Ok(secret) => secret,
            Err(fault) => {
                self.problems.wrong_at(key, &text.origin, fault);
                return None;
            }
        };
        let Ok(mut value) = HeaderValue::from_str(&secret) else {
            self.problems.wrong_at(key, &text.origin, "the value contains characters that are not allowed in a header");
            return None;
        };
        value.set_sensitive(true);
        Some(value)
    }
}

/// One service that sells every path, and tells the upstream what was paid for.
fn short_form(upstream: At<String>, file: File) -> file::Service {
    let verified = At { value: Text::literal("true"), origin: upstream.origin.clone() };
    let price = file.price.unwrap_or_else(|| At { value: "1 sat".to_owned(), origin: upstream.origin.clone() });
    let cors = file.cors.unwrap_or_else(|| At { value: Pages::Switch(true), origin: upstream.origin.clone() });
    file::Service {
        name: At { value: "default".to_owned(), origin: ValueOrigin::clone(&upstream.origin) },
        upstream,
        upstream_protocol: None,
        upstream_roots: None,
        preserve_host: false,
        free: Vec::new(),
        headers: BTreeMap::new(),
        paid_headers: BTreeMap::from([("X-L402-Verified".to_owned(), verified)]),
        price: Some(price),
        uses: file.uses,
        valid_for: file.valid_for,
        invoice_expiry: file.invoice_expiry,
        cors: Some(cors),
        rate: None,
        tier: None,
        idempotent: None,
        side_effects: None,
        doubt: None,
        doubt_after: None,
        keep_answer: None,
        route: Vec::new(),
    }
}

/// What a service says of the uses of its routes.
const fn use_terms(service: &file::Service) -> Written<'_> {
    Written {
        uses: service.uses.as_ref(),
        idempotent: service.idempotent,
        side_effects: service.side_effects,
        doubt: service.doubt.as_ref(),
        doubt_after: service.doubt_after.as_ref(),
        keep_answer: service.keep_answer.as_ref(),
    }
}

fn origin(text: &str) -> Result<UpstreamConfig, String> {
    let uri: Uri = text.parse().map_err(|_| UPSTREAM_EXPECTED.to_owned())?;
    UpstreamConfig::new(&uri).map_err(|fault| format!("{fault}; {UPSTREAM_EXPECTED}"))
}

/// Whether an upstream is the gateway itself, which would charge again for what was paid for. A name other than `localhost` is not
/// looked up.
fn is_own(upstream: &str, listen: SocketAddr) -> bool {
    let Ok(uri) = upstream.parse::<Uri>() else { return false };
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    if listen.port() == 0 || uri.port_u16().unwrap_or(usual) != listen.port() {
        return false;
    }
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.eq_ignore_ascii_case("localhost") {
        return listen.ip().is_loopback() || listen.ip().is_unspecified();
    }
    // A connection to the unspecified address comes out on this machine.
    host.parse::<IpAddr>().is_ok_and(|ip| {
        ip == listen.ip()
            || (ip.is_unspecified() && listen.ip().is_loopback())
            || (listen.ip().is_unspecified() && (ip.is_loopback() || ip.is_unspecified()))
    })
}

const OWN_ADDRESS: &str = "this is the address of the gateway itself; write the address of the server that you sell";
const UPSTREAM_EXPECTED: &str =
    "write scheme, host and port, such as \"http://127.0.0.1:3000\", or h2c:// for gRPC without TLS";
const SELL_WITH: &str = "write `upstream` or a [[service]] in a file";
const MISPLACED: &str = "this belongs to `upstream`; write it in [[service]] instead";
