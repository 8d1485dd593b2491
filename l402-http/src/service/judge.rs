//! From a request to what happens next, without I/O.

use super::Paywall;
use super::request::{Passage, canonical_target, presentation};
use crate::method;
use crate::path::{CanonicalPath, PathError};
use crate::policy::{Access, Route, RouteId};
use crate::response::{Form, Problem};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
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
    /// The answer is there.
    Answer(Response<Bytes>),
}

/// What a request would buy, and how its client wants to be answered.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) route: RouteId,
    pub(super) offer: Arc<Offer>,
    pub(super) description: Arc<str>,
    pub(super) form: Form,
}

impl<N> Paywall<N> {
    /// Judges a request by its method, target and fields.
    #[inline]
    pub(super) fn judge<B>(&self, request: &Request<B>) -> Judgement {
        if method::reflects(request.method()) {
            return Judgement::Answer(not_implemented(request));
        }
        let (path, target) = match canonical(request.uri()) {
            Ok(found) => found,
            Err(fault) => return Judgement::Answer(bad_path(request, fault)),
        };
        match self.policy.route(request.method(), &path) {
            Access::Priced(route, offer) => self.decide(request, route, offer, target),
            Access::Free(route) => Judgement::Forward(Passage { route: route.id(), target, grant: None }),
            Access::NotFound => Judgement::Answer(not_found(request)),
            Access::MethodNotAllowed { allow } => {
                let message = "no route takes this method of the path";
                let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", &message);
                Judgement::Answer(problem.allow(&allow).response(Form::of(request.headers())))
            }
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
        form: Form::of(request.headers()),
    }
}

#[cold]
fn not_implemented<B>(request: &Request<B>) -> Response<Bytes> {
    let problem = Problem::new(StatusCode::NOT_IMPLEMENTED, method::REASON, &method::MESSAGE);
    problem.response(Form::of(request.headers()))
}

#[cold]
fn bad_path<B>(request: &Request<B>, fault: PathError) -> Response<Bytes> {
    Problem::new(StatusCode::BAD_REQUEST, "malformed-path", &fault).response(Form::of(request.headers()))
}

#[cold]
fn not_found<B>(request: &Request<B>) -> Response<Bytes> {
    let problem = Problem::new(StatusCode::NOT_FOUND, "no-route", &"no route covers this path");
    problem.response(Form::of(request.headers()))
}

#[cold]
fn refuse<B>(request: &Request<B>, refusal: &Refusal) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    Problem::new(status, refusal.reason(), refusal).response(Form::of(request.headers()))
}
