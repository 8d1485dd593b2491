//! `forward`: from a request that may pass to the inner service, and back with its response.

use super::event::ForwardedKind;
use super::private::keep_private;
use crate::claim;
use crate::cors::only_cors;
use crate::framing::NoBody;
use crate::policy::RouteId;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, Uri};
use l402_core::{CredentialHeaders, Grant};

/// How a request goes on.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) route: RouteId,
    /// The target with its canonical path, where that differs from what came.
    pub(super) target: Option<Box<Uri>>,
    pub(super) grant: Option<Grant>,
}

impl Passage {
    /// Makes a request ready for the inner service.
    pub(super) fn apply<B>(self, request: &mut Request<B>) {
        strip(request.headers_mut());
        if let Some(target) = self.target {
            *request.uri_mut() = *target;
        }
        request.extensions_mut().insert(self.route);
        // One that came with the request was given for another.
        match self.grant {
            Some(grant) => request.extensions_mut().insert(grant),
            None => request.extensions_mut().remove(),
        };
    }

    /// Makes a preflight ready for the inner service: it is not paid for, so that it has no body (P9).
    pub(super) fn apply_to_preflight<B>(self, request: &mut Request<B>) {
        self.apply(request);
        request.extensions_mut().insert(NoBody);
    }
}

/// Changes the head of the inner service's response, and tells whether its body is passed on.
pub(super) fn pass_on<R>(kind: ForwardedKind, response: &mut Response<R>) -> bool {
    match kind {
        ForwardedKind::Paid => keep_private(response.headers_mut()),
        ForwardedKind::Free => {}
        ForwardedKind::Preflight => only_cors(response.headers_mut()),
    }
    kind != ForwardedKind::Preflight
}

/// Removes credentials of ours (H2), `X-L402-*`, which only a gateway may say (P2), and headers that name another path or method
/// than the one that was priced (P3); other values of the same headers stay.
fn strip(fields: &mut HeaderMap) {
    while let Some(name) = fields.iter().find(|(name, value)| stops_here(name, value)).map(|(name, _)| name.clone()) {
        let others: Vec<_> = fields.get_all(&name).iter().filter(|value| !stops_here(&name, value)).cloned().collect();
        fields.remove(&name);
        for value in others {
            fields.append(name.clone(), value);
        }
    }
}

fn stops_here(name: &HeaderName, value: &HeaderValue) -> bool {
    let field = name.as_str();
    claim::overrides(field) || claim::is_disguised(field) || CredentialHeaders::is_credential(field, value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2_credentials_go_and_the_rest_stays() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("authorization", "L402 AgEE:00"),
            ("authorization", "Bearer upstream"),
            ("authorization", "lsat AgEE:00"),
            ("macaroon", "0201"),
            ("grpc-metadata-macaroon", "0201"),
            ("token", "0201"),
            ("token", "not-hexadecimal"),
            ("grpc-metadata-token", "0201"),
            ("x-l402-verified", "true"),
            ("x-l402-verified", "very"),
            ("x-l402-anything", "x"),
            ("x_l402_verified", "true"),
            ("accept", "*/*"),
        ] {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        strip(&mut fields);
        let mut left: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        left.sort_unstable();
        let expected = [("accept", "*/*"), ("authorization", "Bearer upstream"), ("token", "not-hexadecimal")];
        assert_eq!(left, expected);
    }

    #[test]
    fn p3_t3_no_header_overrides_path_or_method() {
        for name in [
            "x-original-url",
            "x-rewrite-url",
            "x-original-method",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
            "x_original_url",
            "x-http_method-override",
            "x-original-uri",
            "x-http-host-override",
            "transfer_encoding",
            "content_length",
        ] {
            let mut fields = HeaderMap::new();
            fields.append(HeaderName::from_static(name), HeaderValue::from_static("/dear"));
            strip(&mut fields);
            assert!(fields.is_empty(), "{name}");
        }
    }
}
