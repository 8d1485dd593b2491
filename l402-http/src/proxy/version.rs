//! The head of a request, as the version of HTTP wants it that a connection speaks.
//!
//! HTTP/2 has no field that frames a message or is about the connection, and its host is part of the target (RFC 9113 §8.2.2,
//! §8.3.1). Either form can be made of the other: which version is spoken is known only when a connection is there.

use http::header::{self, HeaderValue};
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Uri, Version};

/// Turns a request into the form of HTTP/1.1.
pub(super) fn for_http1<B>(request: &mut Request<B>) {
    if request.version() == Version::HTTP_11 {
        return;
    }
    *request.version_mut() = Version::HTTP_11;
    if let Some(host) = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        request.headers_mut().insert(header::HOST, host);
    }
    if request.headers().contains_key(header::TE) {
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    *request.uri_mut() = target(request.uri(), None);
}

/// Turns a request into the form of HTTP/2.
pub(super) fn for_http2<B>(request: &mut Request<B>, scheme: &Scheme) {
    *request.version_mut() = Version::HTTP_2;
    let host = request.headers_mut().remove(header::HOST);
    if let Some(host) = host.and_then(|host| Authority::try_from(host.as_bytes()).ok()) {
        *request.uri_mut() = target(request.uri(), Some((scheme.clone(), host)));
    }
    remove_connection(request.headers_mut());
}

fn remove_connection(headers: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        headers.remove(name);
    }
}

/// The same path and query, at this origin or at none.
fn target(uri: &Uri, origin: Option<(Scheme, Authority)>) -> Uri {
    let mut parts = Parts::default();
    parts.path_and_query = uri.path_and_query().cloned().or(Some(PathAndQuery::from_static("/")));
    if let Some((scheme, authority)) = origin {
        (parts.scheme, parts.authority) = (Some(scheme), Some(authority));
    }
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone()) // which happens to no path that begins with a slash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_can_be_made_of_the_other() {
        let request = Request::post("/a%2Fb?c").header("host", "shop.example:1").header("te", "trailers");
        let mut request = request.header("connection", "te").header("transfer-encoding", "chunked").body(()).unwrap();
        for_http2(&mut request, &Scheme::HTTPS);
        assert_eq!(
            (request.uri().to_string().as_str(), request.version()),
            ("https://shop.example:1/a%2Fb?c", Version::HTTP_2)
        );
        let names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["te"]);
        for_http1(&mut request);
        assert_eq!((request.uri().to_string().as_str(), request.version()), ("/a%2Fb?c", Version::HTTP_11));
        assert_eq!(
            (&request.headers()["host"], &request.headers()["connection"]),
            (&"shop.example:1".parse().unwrap(), &"te".parse().unwrap())
        );
    }

    #[test]
    fn a_target_without_a_path_survives() {
        let mut request = Request::options("*").header("host", "a").body(()).unwrap();
        for_http2(&mut request, &Scheme::HTTP);
        assert_eq!(request.uri().authority().map(Authority::as_str), Some("a"));
    }
}
