//! From a request that may pass to the upstream of its service.

use core::convert::Infallible;
use core::task::{Context, Poll};
use http::{Request, Response};
use l402_http::policy::RouteId;
use l402_http::proxy::{ConnectionLimit, Forwarding, Health, ProxyBody, Upstream, UpstreamConfig, UpstreamConfigError};
use l402_http::service::Undeliverable;
use std::sync::Arc;
use tower_service::Service;

use super::bodies::Upload;
use crate::settings::{self, Limits, Settings};

/// The upstreams of one thread.
#[derive(Debug, Clone)]
pub(super) struct Forward {
    /// By the number of a route.
    upstreams: Arc<[Upstream<Upload>]>,
    /// One for each service.
    each: Arc<[Upstream<Upload>]>,
}

impl Forward {
    /// All threads share the limit.
    pub(super) fn new(settings: &Settings, limit: &ConnectionLimit) -> Result<Self, UpstreamConfigError> {
        let mut by_service = Vec::with_capacity(settings.services().len());
        for service in settings.services() {
            let upstream = upstream_of(service, settings).connection_limit(limit.clone());
            by_service.push((&service.name, Upstream::new(&upstream)?));
        }
        let upstream = |route: &l402_http::policy::Route| {
            let own = by_service.iter().find(|(name, _)| Some(*name) == route.service());
            own.map(|(_, upstream)| upstream.clone()).expect("the settings state each route with its service")
        };
        let upstreams = settings.policy().routes().iter().map(upstream).collect();
        let each = by_service.iter().map(|(_, upstream)| upstream.clone()).collect();
        Ok(Self { upstreams, each })
    }

    /// Keeps what is known of each upstream up to date; to be spawned on the thread's runtime.
    pub(super) fn watches(&self) -> impl Iterator<Item = impl Future<Output = ()> + Send + use<>> {
        self.each.iter().map(Upstream::watch)
    }
}

/// Joins what is said of one upstream with what is said of all.
fn upstream_of(service: &settings::Service, settings: &Settings) -> UpstreamConfig {
    let Limits { header_fields, slowest_upload, .. } = settings.limits;
    let upstream = service.upstream.clone().max_header_fields(header_fields).slowest_upload(slowest_upload);
    upstream.trusted_proxies(settings.trusted_proxies.iter().copied())
}

/// Says of each route whether its upstream can be reached, as far as is known.
pub(super) fn deliverable(settings: &Settings) -> impl Fn(RouteId) -> Result<(), Undeliverable> + Send + Sync + use<> {
    let health = |route: &l402_http::policy::Route| {
        let own = settings.services().iter().find(|service| Some(&service.name) == route.service());
        own.map(|service| service.upstream.health())
    };
    let health: Vec<Option<Health>> = settings.policy().routes().iter().map(health).collect();
    move |route| match health.get(route.index()).and_then(Option::as_ref).and_then(Health::down) {
        None => Ok(()),
        Some(outage) => Err(Undeliverable { retry_after: outage.retry_after }),
    }
}

impl Service<Request<Upload>> for Forward {
    type Response = Response<ProxyBody<Upload>>;
    type Error = Infallible;
    type Future = Forwarding<Upload>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Upload>) -> Self::Future {
        let route = request.extensions().get::<RouteId>();
        let upstream = route.and_then(|route| self.upstreams.get(route.index()));
        let upstream = upstream.expect("the paid service marks what it lets pass with a route of its policy");
        upstream.clone().call(request) // always ready
    }
}
