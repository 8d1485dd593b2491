//! From a request to what happens next, without I/O.

use super::Paywall;
use super::request::{Passage, canonical_target, presentation};
use crate::cors::{Preflight, Sharing};
use crate::framing::{self, FramingFault};
use crate::method;
use crate::path::{CanonicalPath, PathError};
use crate::policy::{Access, Route, RouteId};
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use core::time::Duration;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use l402_core::{Charge, Decision, Grant, Offer, Refusal};
use std::sync::Arc;

/// What happens next.
#[derive(Debug)]
pub(super) enum Judgement {
    /// The inner service is called.
    Forward(Passage),
    /// The same, once the payment is known to be settled.
    Settle(Passage, Order, Grant),
    /// An invoice is made and shown.
    Charge(Order, Charge),
    /// The inner service is called with a preflight, which is not paid for: of its answer only the head is passed on.
    Preflight(Passage),
    /// The answer is there.
    Answer(Response<Bytes>),
}

/// What a request would buy, and how its client wants to be answered.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) route: RouteId,
    pub(super) offer: Arc<Offer>,
    pub(super) description: Arc<str>,
    pub(super) invoice_expiry: Option<Duration>,
    pub(super) form: Form,
}

impl<N> Paywall<N> {
    /// Judges a request by its method, target and fields, and says which pages may read the answer.
    #[inline]
    pub(super) fn judge<B>(&self, request: &Request<B>) -> (Judgement, Sharing) {
        let elsewhere = || self.policy.elsewhere().sharing(request.headers());
        if method::reflects(request.method()) {
            return (Judgement::Answer(not_implemented(request)), elsewhere());
        }
        if let Some(fault) = FramingFault::of(request.headers()) {
            return (Judgement::Answer(bad_framing(request, fault)), elsewhere());
        }
        let (path, target) = match self.located(request.uri()) {
            Ok(found) => found,
            Err(fault) => return (Judgement::Answer(bad_path(request, fault)), elsewhere()),
        };
        let access = self.policy.route(request.method(), &path);
        if let Some(preflight) = Preflight::of(request) {
            return (self.preflight(request, preflight, &access, &path, target), Sharing::Unsaid);
        }
        match access {
            Access::Priced(route, offer) => {
                (self.decide(request, route, offer, target), route.cors().sharing(request.headers()))
            }
            Access::Free(route) => (forward_free(route, target), route.cors().sharing(request.headers())),
            Access::NotFound => (Judgement::Answer(not_found(request)), elsewhere()),
            Access::MethodNotAllowed { allow } => (Judgement::Answer(not_allowed(request, &allow)), elsewhere()),
        }
    }

    /// Finds the path to route by, and the target that is forwarded where it is another than the request's.
    #[inline]
    fn located<'r>(&'r self, uri: &'r Uri) -> Result<(CanonicalPath<'r>, Option<Uri>), PathError> {
        match self.policy.raw_prefix(uri.path()) {
            None => canonical(uri),
            Some(prefix) => Ok((prefix?, None)),
        }
    }

    /// Judges a preflight by the route of the call that it asks about. It costs nothing (threat P9).
    #[cold]
    fn preflight<B>(
        &self,
        request: &Request<B>,
        preflight: Preflight<'_>,
        access: &Access<'_>,
        path: &CanonicalPath<'_>,
        target: Option<Uri>,
    ) -> Judgement {
        let Some(method) = preflight.method() else {
            let message = "this method cannot be asked for";
            let problem = Problem::new(StatusCode::BAD_REQUEST, Reason::MALFORMED_PREFLIGHT, &message);
            return Judgement::Answer(problem.response(Form::Json));
        };
        if framing::announces_body(request.headers()) {
            // No browser sends one, and an upstream could work on it unpaid.
            let problem =
                Problem::new(StatusCode::BAD_REQUEST, Reason::MALFORMED_PREFLIGHT, &"a preflight has no body");
            return Judgement::Answer(problem.response(Form::Json));
        }
        let wanted = self.policy.route(&method, path);
        let cors = match &wanted {
            Access::Priced(route, _) | Access::Free(route) => route.cors(),
            Access::NotFound | Access::MethodNotAllowed { .. } => self.policy.elsewhere(),
        };
        match (access, &wanted) {
            // What is free is the upstream's to answer, unless the setting says more than nothing.
            (Access::Free(route), _) if cors.is_off() => forward_free(route, target),
            (_, Access::Priced(route, _) | Access::Free(route)) if cors.is_upstream() => {
                Judgement::Preflight(Passage { route: route.id(), target, grant: None })
            }
            (_, Access::NotFound) if cors.is_off() => Judgement::Answer(not_found(request)),
            (_, Access::MethodNotAllowed { allow }) if cors.is_off() => Judgement::Answer(not_allowed(request, allow)),
            (_, Access::MethodNotAllowed { allow }) => Judgement::Answer(preflight.answer(cors, allow)),
            // Also where there is no such path: the page can read the 404 then.
            _ => Judgement::Answer(preflight.answer(cors, &name_of(&method))),
        }
    }

    #[inline]
    fn decide<B>(&self, request: &Request<B>, route: &Route, offer: &Arc<Offer>, target: Option<Uri>) -> Judgement {
        let passage = |grant| Passage { route: route.id(), target, grant: Some(grant) };
        match self.gate.decide(&presentation(request.headers()), offer, (self.clock)()) {
            Decision::Admit(grant) => Judgement::Forward(passage(grant)),
            Decision::Settle(grant) => Judgement::Settle(passage(grant), order(request, route, offer), grant),
            Decision::Charge(charge) => Judgement::Charge(order(request, route, offer), charge),
            Decision::Refuse(refusal) => Judgement::Answer(refuse(request, &refusal)),
        }
    }
}

fn forward_free(route: &Route, target: Option<Uri>) -> Judgement {
    Judgement::Forward(Passage { route: route.id(), target, grant: None })
}

fn name_of(method: &Method) -> HeaderValue {
    HeaderValue::from_str(method.as_str()).unwrap_or(HeaderValue::from_static("GET")) // a method is a token
}

fn canonical(uri: &Uri) -> Result<(CanonicalPath<'_>, Option<Uri>), PathError> {
    let path = CanonicalPath::parse(uri.path())?;
    let target = canonical_target(uri, &path).map_err(|_| PathError::NotAbsolute)?; // such a target has no path of its own
    Ok((path, target))
}

fn order<B>(request: &Request<B>, route: &Route, offer: &Arc<Offer>) -> Order {
    Order {
        route: route.id(),
        offer: Arc::clone(offer),
        description: Arc::clone(route.description()),
        invoice_expiry: route.invoice_expiry(),
        form: Form::of(request.headers()),
    }
}

#[cold]
fn not_implemented<B>(request: &Request<B>) -> Response<Bytes> {
    let problem = Problem::new(StatusCode::NOT_IMPLEMENTED, method::REASON, &method::MESSAGE);
    problem.response(Form::of(request.headers()))
}

/// Nobody knows where the next request begins: the connection ends.
#[cold]
fn bad_framing<B>(request: &Request<B>, fault: FramingFault) -> Response<Bytes> {
    let message = fault.message();
    let problem = Problem::new(fault.status(), fault.reason(), &message);
    let mut response = problem.response(Form::of(request.headers()));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cold]
fn bad_path<B>(request: &Request<B>, fault: PathError) -> Response<Bytes> {
    Problem::new(StatusCode::BAD_REQUEST, Reason::MALFORMED_PATH, &fault).response(Form::of(request.headers()))
}

#[cold]
fn not_found<B>(request: &Request<B>) -> Response<Bytes> {
    let problem = Problem::new(StatusCode::NOT_FOUND, Reason::NO_ROUTE, &"no route covers this path");
    problem.response(Form::of(request.headers()))
}

#[cold]
fn not_allowed<B>(request: &Request<B>, allow: &HeaderValue) -> Response<Bytes> {
    let message = "no route takes this method of the path";
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, Reason::METHOD_NOT_ALLOWED, &message);
    problem.allow(allow).response(Form::of(request.headers()))
}

#[cold]
fn refuse<B>(request: &Request<B>, refusal: &Refusal) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    Problem::new(status, refusal.into(), refusal).response(Form::of(request.headers()))
}
