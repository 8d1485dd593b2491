//! The question that a browser asks before it sends a call of a page (Fetch §3.2.2).

use super::{Cors, Sharing, vary};
use crate::method;
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{Method, Request, Response, StatusCode};

/// A preflight, whatever it asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preflight<'r> {
    fields: &'r HeaderMap,
}

impl<'r> Preflight<'r> {
    /// Recognises a preflight, also one that is malformed.
    #[inline]
    pub(crate) fn of<B>(request: &'r Request<B>) -> Option<Self> {
        let fields = request.headers();
        let is_one = request.method() == Method::OPTIONS
            && fields.contains_key(ORIGIN)
            && fields.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        is_one.then_some(Self { fields })
    }

    /// The method that the page wants; [`None`] for what is none, for more than one, and for those that no browser sends for
    /// a page (Fetch §2.2.1).
    pub(crate) fn method(self) -> Option<Method> {
        let mut methods = self.fields.get_all(ACCESS_CONTROL_REQUEST_METHOD).iter();
        let method = methods.next().filter(|_| methods.next().is_none())?;
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let is_connect = method.as_str().eq_ignore_ascii_case("CONNECT");
        (!is_connect && !method::reflects(&method)).then_some(method)
    }

    /// Answers: these methods may be sent, with the fields that were asked for.
    pub(crate) fn answer(self, cors: &Cors, methods: &HeaderValue) -> Response<Bytes> {
        let sharing = cors.sharing(self.fields);
        let Sharing::Said { allowed: Some(_), .. } = sharing else {
            let mut response = if cors.is_off() {
                refuse(Reason::CROSS_ORIGIN_OFF, &"pages of other origins may not call this service")
            } else {
                refuse(Reason::ORIGIN_NOT_ALLOWED, &"pages of this origin may not call")
            };
            sharing.write(response.headers_mut());
            return response;
        };
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.names());
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        if cors.names_origins() && self.fields.contains_key(REQUEST_PRIVATE_NETWORK) {
            answer.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
        sharing.write(answer);
        answer.remove(http::header::ACCESS_CONTROL_EXPOSE_HEADERS); // a page never sees this answer
        vary(answer, "Access-Control-Request-Method");
        vary(answer, "Access-Control-Request-Headers");
        response
    }

    /// The names of fields that the page may send: those that it asks for, and `Authorization`, which `*` would not mean.
    fn names(self) -> HeaderValue {
        let mut names = b"authorization".to_vec();
        let lines = self.fields.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
        for name in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
            // What is no name of a field is left out.
            let Ok(name) = HeaderName::from_bytes(name.trim_ascii()) else { continue };
            if name != http::header::AUTHORIZATION {
                names.extend_from_slice(b", ");
                names.extend_from_slice(name.as_str().as_bytes());
            }
        }
        HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static("authorization"))
    }
}

fn refuse(reason: Reason, message: &'static &'static str) -> Response<Bytes> {
    Problem::new(StatusCode::FORBIDDEN, reason, message).response(Form::Json)
}

/// Leaves of the upstream's answer to a preflight what a browser reads, and nothing that could be what is sold.
pub(crate) fn only_cors(fields: &mut HeaderMap) {
    let all = core::mem::take(fields);
    for (name, value) in &all {
        if *name == VARY || *name == ALLOW || name.as_str().starts_with("access-control-") {
            fields.append(name.clone(), value.clone());
        }
    }
}

/// For so many seconds a browser need not ask again.
const MAX_AGE: &str = "600";

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, lines: &[(&str, &str)]) -> Request<()> {
        let request = Request::builder().method(method).uri("/a");
        lines.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap()
    }

    fn preflight(lines: &[(&str, &str)]) -> Request<()> {
        request("OPTIONS", &[&[("origin", "https://a"), ("access-control-request-method", "GET")], lines].concat())
    }

    #[test]
    fn p9_a_preflight_is_known_by_its_three_signs() {
        let wanted = ("access-control-request-method", "GET");
        assert!(Preflight::of(&request("OPTIONS", &[("origin", "null"), wanted])).is_some());
        assert!(
            Preflight::of(&request("OPTIONS", &[("origin", "%%%"), ("access-control-request-method", "")])).is_some()
        );
        assert!(Preflight::of(&request("GET", &[("origin", "https://a"), wanted])).is_none());
        assert!(Preflight::of(&request("OPTIONS", &[wanted])).is_none());
        assert!(Preflight::of(&request("OPTIONS", &[("origin", "https://a")])).is_none());
    }

    #[test]
    fn p9_p7_no_page_is_allowed_a_method_that_reflects() {
        for (method, expected) in [
            ("GET", Some(Method::GET)),
            ("PATCH", Some(Method::PATCH)),
            ("TRACE", None),
            ("track", None),
            ("Connect", None),
            ("", None),
            ("G T", None),
        ] {
            let asked = request("OPTIONS", &[("origin", "https://a"), ("access-control-request-method", method)]);
            assert_eq!(Preflight::of(&asked).unwrap().method(), expected, "{method}");
        }
        let twice = preflight(&[("access-control-request-method", "PUT")]);
        assert_eq!(Preflight::of(&twice).unwrap().method(), None);
    }

    #[test]
    fn p9_requested_headers_and_authorization_are_allowed() {
        for (asked, allowed) in [
            (&[][..], "authorization"),
            (&["x-a,X-B , authorization"], "authorization, x-a, x-b"),
            (&["x-a", "b c,,(d),x-e"], "authorization, x-a, x-e"),
        ] {
            let lines: Vec<_> = asked.iter().map(|line| ("access-control-request-headers", *line)).collect();
            let asked = preflight(&lines);
            let methods = HeaderValue::from_static("GET");
            let answer = Preflight::of(&asked).unwrap().answer(&Cors::any(), &methods);
            assert_eq!(answer.headers()[ACCESS_CONTROL_ALLOW_HEADERS], allowed);
            let varies: Vec<_> = answer.headers().get_all(VARY).iter().collect();
            assert_eq!(varies, ["Access-Control-Request-Method", "Access-Control-Request-Headers"]);
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        }
    }

    #[test]
    fn p9_a_private_network_is_open_to_listed_origins_alone() {
        let asked = preflight(&[("access-control-request-private-network", "true")]);
        let methods = HeaderValue::from_static("GET");
        let answer = |cors: &Cors, asked: &Request<()>| {
            let answer = Preflight::of(asked).unwrap().answer(cors, &methods);
            answer.headers().contains_key(ALLOW_PRIVATE_NETWORK)
        };
        let listed = Cors::origins(["https://a"]).unwrap();
        assert!(answer(&listed, &asked));
        assert!(!answer(&listed, &preflight(&[])));
        assert!(!answer(&Cors::any(), &asked));
        assert!(!answer(&Cors::origins(["https://b"]).unwrap(), &asked));
    }
}
