//! `route`: from a request to the route that it means, or to the response that says why there is none.

use super::event;
use super::forward::Passage;
use crate::cors::{Preflight, Sharing};
use crate::framing::{self, FramingFault};
use crate::method;
use crate::path::{CanonicalPath, PathError};
use crate::policy::{Access, Policy, Route};
use crate::response::{Form, Problem, Reason, Rejection};
use bytes::Bytes;
use http::header::CONNECTION;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use l402_core::Offer;
use std::sync::Arc;

/// What a request means.
#[derive(Debug)]
pub(super) enum Routed<'p> {
    /// It is for the judge.
    Priced(Priced<'p>),
    /// It costs nothing.
    Free(Passage),
    /// It is a preflight for the inner service: of its response only the head is passed on.
    Preflight(Passage),
    /// The response is there.
    Answer(Box<Response<Bytes>>),
}

impl Routed<'_> {
    fn answer(response: Response<Bytes>) -> Self {
        Self::Answer(Box::new(response))
    }

    /// What subscribers are told.
    pub(super) fn told(&self) -> event::Routed {
        match self {
            Self::Priced(_) => event::Routed::Priced,
            Self::Free(_) => event::Routed::Free,
            Self::Preflight(_) => event::Routed::Preflight,
            Self::Answer(response) => match response.extensions().get::<Rejection>() {
                Some(rejection) => event::Routed::Refused(*rejection),
                None => event::Routed::Answered(response.status()),
            },
        }
    }
}

/// A request for a route that is sold.
#[derive(Debug, Clone)]
pub(super) struct Priced<'p> {
    pub(super) route: &'p Route,
    pub(super) offer: &'p Arc<Offer>,
    /// The target with its canonical path, where that differs from what came.
    pub(super) target: Option<Box<Uri>>,
}

/// Finds the route of a request by its method, target and headers, and which pages may read the response.
#[inline]
pub(super) fn route<'p, B>(policy: &'p Policy, request: &Request<B>) -> (Routed<'p>, Sharing) {
    let elsewhere = || policy.elsewhere().sharing(request.headers());
    if method::reflects(request.method()) {
        return (Routed::answer(not_implemented(request)), elsewhere());
    }
    if let Some(fault) = FramingFault::of(request.headers()) {
        return (Routed::answer(bad_framing(request, fault)), elsewhere());
    }
    let (path, target) = match located(policy, request.uri()) {
        Ok(found) => found,
        Err(fault) => return (Routed::answer(bad_path(request, fault)), elsewhere()),
    };
    let access = policy.route(request.method(), &path);
    if let Some(asked) = Preflight::of(request) {
        return (preflight(policy, request, asked, &access, &path, target), Sharing::Unsaid);
    }
    match access {
        Access::Priced(route, offer) => {
            (Routed::Priced(Priced { route, offer, target }), route.cors().sharing(request.headers()))
        }
        Access::Free(route) => (free(route, target), route.cors().sharing(request.headers())),
        Access::NotFound => (Routed::answer(not_found(request)), elsewhere()),
        Access::MethodNotAllowed { allow } => (Routed::answer(not_allowed(request, &allow)), elsewhere()),
    }
}

/// Finds the path to route by, and the target that is forwarded where it is another than the request's.
#[inline]
fn located<'r>(policy: &'r Policy, uri: &'r Uri) -> Result<(CanonicalPath<'r>, Option<Box<Uri>>), PathError> {
    match policy.raw_prefix(uri.path()) {
        None => canonical(uri),
        Some(prefix) => Ok((prefix?, None)),
    }
}

fn canonical(uri: &Uri) -> Result<(CanonicalPath<'_>, Option<Box<Uri>>), PathError> {
    let path = CanonicalPath::parse(uri.path())?;
    let target = canonical_target(uri, &path).map_err(|_| PathError::NotAbsolute)?; // such a target has no path of its own
    Ok((path, target.map(Box::new)))
}

/// Returns the target with a canonical path and its query untouched; [`None`] where it is so already.
fn canonical_target(uri: &Uri, path: &CanonicalPath<'_>) -> Result<Option<Uri>, http::Error> {
    if path.is_unchanged() {
        return Ok(None);
    }
    let target = match uri.query() {
        Some(query) => format!("{}?{query}", path.as_str()),
        None => path.as_str().to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target)?);
    Ok(Some(Uri::from_parts(parts)?))
}

/// Treats a preflight by the route of the call that it asks about. It costs nothing (P9).
#[cold]
fn preflight<'p, B>(
    policy: &'p Policy,
    request: &Request<B>,
    preflight: Preflight<'_>,
    access: &Access<'p>,
    path: &CanonicalPath<'_>,
    target: Option<Box<Uri>>,
) -> Routed<'p> {
    let Some(method) = preflight.method() else {
        let message = "the preflight does not name a valid method";
        let problem = Problem::new(StatusCode::BAD_REQUEST, Reason::MALFORMED_PREFLIGHT, &message);
        return Routed::answer(problem.response(Form::Json));
    };
    if framing::announces_body(request.headers()) {
        // No browser sends one, and an upstream could work on it unpaid.
        let problem = Problem::new(StatusCode::BAD_REQUEST, Reason::MALFORMED_PREFLIGHT, &"a preflight has no body");
        return Routed::answer(problem.response(Form::Json));
    }
    let wanted = policy.route(&method, path);
    let cors = match &wanted {
        Access::Priced(route, _) | Access::Free(route) => route.cors(),
        Access::NotFound | Access::MethodNotAllowed { .. } => policy.elsewhere(),
    };
    match (access, &wanted) {
        // What is free is the upstream's to answer, unless the setting says more than nothing.
        (Access::Free(route), _) if cors.is_off() => free(route, target),
        (_, Access::Priced(route, _) | Access::Free(route)) if cors.is_upstream() => {
            Routed::Preflight(Passage { route: route.id(), target, grant: None })
        }
        (_, Access::NotFound) if cors.is_off() => Routed::answer(not_found(request)),
        (_, Access::MethodNotAllowed { allow }) if cors.is_off() => Routed::answer(not_allowed(request, allow)),
        (_, Access::MethodNotAllowed { allow }) => Routed::answer(preflight.answer(cors, allow)),
        // Also where there is no such path: the page can read the 404 then.
        _ => Routed::answer(preflight.answer(cors, &name_of(&method))),
    }
}

fn free<'p>(route: &Route, target: Option<Box<Uri>>) -> Routed<'p> {
    Routed::Free(Passage { route: route.id(), target, grant: None })
}

fn name_of(method: &Method) -> HeaderValue {
    HeaderValue::from_str(method.as_str()).unwrap_or(HeaderValue::from_static("GET")) // a method is a token
}

#[cold]
fn not_implemented<B>(request: &Request<B>) -> Response<Bytes> {
    let problem = Problem::new(StatusCode::NOT_IMPLEMENTED, method::REASON, &method::MESSAGE);
    problem.response(Form::of(request.headers()))
}

/// It is unknown where the next request begins: the connection ends.
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
    let message = "this path does not support the method";
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, Reason::METHOD_NOT_ALLOWED, &message);
    problem.allow(allow).response(Form::of(request.headers()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p3_the_target_keeps_its_query() {
        for (uri, target) in [
            ("/a/%7e?x=%2F..//;&y", Some("/a/~?x=%2F..//;&y")),
            ("/%61?", Some("/a?")),
            ("http://host:1/%61", Some("http://host:1/a")),
            ("/a?x=%61", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            let path = CanonicalPath::parse(uri.path()).unwrap();
            let changed = canonical_target(&uri, &path).unwrap();
            assert_eq!(changed.map(|uri| uri.to_string()).as_deref(), target);
        }
    }
}
