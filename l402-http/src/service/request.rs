//! What is read from a request, and what is changed before it goes on.

use crate::claim;
use crate::path::CanonicalPath;
use crate::policy::RouteId;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use l402_core::{CredentialHeaders, Grant};

/// Collects the credential fields.
pub(super) fn presentation(fields: &HeaderMap) -> CredentialHeaders<'_> {
    let mut presentation = CredentialHeaders::new();
    for (name, value) in fields {
        presentation.add(name.as_str(), value.as_bytes());
    }
    presentation
}

/// How a request goes on.
#[derive(Debug)]
pub(super) struct Passage {
    pub(super) route: RouteId,
    /// The target with its canonical path, where that differs from what came.
    pub(super) target: Option<Uri>,
    pub(super) grant: Option<Grant>,
}

impl Passage {
    /// Makes a request ready for the inner service.
    pub(super) fn apply<B>(self, request: &mut Request<B>) {
        strip(request.headers_mut());
        if let Some(target) = self.target {
            *request.uri_mut() = target;
        }
        request.extensions_mut().insert(self.route);
        // One that came with the request was given for another.
        match self.grant {
            Some(grant) => request.extensions_mut().insert(grant),
            None => request.extensions_mut().remove(),
        };
    }
}

/// Returns the target with a canonical path and its query untouched; [`None`] where it is so already.
pub(super) fn canonical_target(uri: &Uri, path: &CanonicalPath<'_>) -> Result<Option<Uri>, http::Error> {
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

/// Removes credentials of ours (threat H2), `X-L402-*`, which only a gateway may say (P2), and fields that name another path
/// or method than the one that was priced (P3); other values of the same fields stay.
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
    fn p3_t3_no_field_names_another_path_or_method() {
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
