//! Families of request fields that say what a client may not say.
//!
//! 1. *Overrides* ([`overrides`]) name another path, method or host than the request line, or claim what was paid for:
//!    `X-Original-URL`, `X-HTTP-Method-Override`, `X-L402-*`. Many frameworks obey them, so that a cheap path would be
//!    priced and a dear one served (threats P3, T3).
//! 2. *Claims about the client* ([`is_about_client`]) say who it is: its address (`X-Real-IP`, `CF-Connecting-IP`), its
//!    certificate, its user. Only a trusted proxy may say so (threat P2).
//! 3. *Disguises* ([`is_disguised`]) are odd spellings of fields that frame a message, belong to a connection or carry a
//!    credential, such as `Transfer_Encoding` (threats P1, H2).
//! 4. Many servers take `_` and `-` in a name as one, and some take every character so that is neither letter nor digit.
//!    So does this.
//!
//! A family is known by how its names begin or end, so that a vendor's next name belongs to it too.

/// Whether the field names another path, method or host than the request line, or claims what was paid for. Names are in
/// lower case, as those of [`http::HeaderName`] are.
pub(crate) fn overrides(name: &str) -> bool {
    let Some(ends) = Ends::of(name) else { return false };
    (OVERRIDE_FIRST.has(ends.first)
        && (OVERRIDE_STARTS.iter().any(|start| begins_with(name, start))
            || OVERRIDES.iter().any(|known| is_same(name, known))))
        || (OVERRIDE_LAST.has(ends.last) && OVERRIDE_ENDS.iter().any(|end| ends_with(name, end)))
}

/// Whether the field says who the client is, or how it reached a proxy.
#[cfg(feature = "proxy")]
pub(crate) fn is_about_client(name: &str) -> bool {
    let Some(ends) = Ends::of(name) else { return false };
    (CLIENT_FIRST.has(ends.first)
        && (CLIENT_STARTS.iter().any(|start| begins_with(name, start))
            || CLIENT.iter().any(|known| is_same(name, known))))
        || (CLIENT_LAST.has(ends.last) && CLIENT_ENDS.iter().any(|end| ends_with(name, end)))
}

/// Whether the name is an odd spelling of one that frames a message, belongs to a connection or carries a credential.
pub(crate) fn is_disguised(name: &str) -> bool {
    let is_odd = |byte: u8| byte != b'-' && dashed(byte) == b'-';
    name.bytes().any(is_odd) && DISGUISED.iter().any(|known| is_same(name, known))
}

/// Whether a server may take two names for one.
pub(crate) fn is_same(name: &str, other: &str) -> bool {
    name.len() == other.len() && begins_with(name, other)
}

/// Whether a server may find that a name begins so.
pub(crate) fn begins_with(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len() && alike(name.bytes(), prefix.bytes())
}

/// Whether a server may find that a name ends so.
pub(crate) fn ends_with(name: &str, suffix: &str) -> bool {
    name.len() >= suffix.len() && alike(name.bytes().rev(), suffix.bytes().rev())
}

fn alike(name: impl Iterator<Item = u8>, known: impl Iterator<Item = u8>) -> bool {
    name.zip(known).all(|(byte, wanted)| dashed(byte) == wanted)
}

/// A character of a name as servers see it that know only letters, digits and one kind of dash.
const fn dashed(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte } else { b'-' }
}

/// The first and the last character of a name: most names differ from every family in one of them.
struct Ends {
    first: u8,
    last: u8,
}

impl Ends {
    fn of(name: &str) -> Option<Self> {
        let bytes = name.as_bytes();
        Some(Self { first: dashed(*bytes.first()?), last: dashed(*bytes.last()?) })
    }
}

/// A set of ASCII characters, one bit each.
struct Letters(u128);

impl Letters {
    const fn has(&self, byte: u8) -> bool {
        byte.is_ascii() && self.0 & (1 << byte) != 0
    }

    const fn firsts(self, names: &[&str]) -> Self {
        let (mut set, mut rest) = (self.0, names);
        while let [name, others @ ..] = rest {
            if let [first, ..] = name.as_bytes() {
                set |= 1 << *first;
            }
            rest = others;
        }
        Self(set)
    }

    const fn lasts(self, names: &[&str]) -> Self {
        let (mut set, mut rest) = (self.0, names);
        while let [name, others @ ..] = rest {
            if let [.., last] = name.as_bytes() {
                set |= 1 << *last;
            }
            rest = others;
        }
        Self(set)
    }
}

const OVERRIDE_FIRST: Letters = Letters(0).firsts(&OVERRIDE_STARTS).firsts(&OVERRIDES);
const OVERRIDE_LAST: Letters = Letters(0).lasts(&OVERRIDE_ENDS);
#[cfg(feature = "proxy")]
const CLIENT_FIRST: Letters = Letters(0).firsts(&CLIENT_STARTS).firsts(&CLIENT);
#[cfg(feature = "proxy")]
const CLIENT_LAST: Letters = Letters(0).lasts(&CLIENT_ENDS);

const OVERRIDE_STARTS: [&str; 8] = [
    "x-l402-",
    "x-original-",
    "x-rewrite-",
    "x-override-",
    "x-http-method",
    "x-http-path",
    "x-envoy-original-",
    "x-ms-original-",
];

const OVERRIDE_ENDS: [&str; 3] = ["-override", "-rewrite-url", "-original-url"];

const OVERRIDES: [&str; 12] = [
    // CGI makes a variable of it that libraries take for the proxy to use.
    "proxy",
    "x-method",
    "request-uri",
    "x-request-uri",
    "x-request-url",
    "x-request-path",
    "x-proxy-url",
    "x-http-destinationurl",
    "x-waws-unencoded-url",
    "x-script-name",
    "x-path-info",
    "x-host",
];

#[cfg(feature = "proxy")]
const CLIENT_STARTS: [&str; 16] = [
    "forwarded",
    "x-forwarded",
    "x-real-",
    "x-client-cert",
    "x-client-verify",
    "x-ssl-",
    "x-remote-",
    "x-auth-request-",
    "x-appengine-",
    "x-azure-",
    "x-envoy-",
    "remote-",
    "client-cert",
    "ssl-client-",
    "cf-",
    "cloudfront-",
];

#[cfg(feature = "proxy")]
const CLIENT_ENDS: [&str; 10] = [
    "-ip",
    "-ipv4",
    "-ipv6",
    "-clientip",
    "-clientcert",
    "-forwarded-for",
    "-forwarded-proto",
    "-remote-addr",
    "-client-address",
    "-client-port",
];

#[cfg(feature = "proxy")]
const CLIENT: [&str; 6] = ["clientip", "x-clientip", "x-proxyuser", "x-scheme", "x-url-scheme", "front-end-https"];

/// Only names with a dash: one without has no other spelling.
const DISGUISED: [&str; 13] = [
    "content-length",
    "content-type",
    "content-encoding",
    "content-range",
    "transfer-encoding",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "http2-settings",
    "max-forwards",
    "grpc-metadata-macaroon",
    "grpc-metadata-token",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p3_overrides_are_known_however_they_are_spelt() {
        for name in [
            "x-l402-verified",
            "x_l402_verified",
            "x-l402_",
            "x-original-url",
            "x-original-uri",
            "x-original-host",
            "x_original.url",
            "x-rewrite-url",
            "x-rewrite-path",
            "x-request-uri",
            "x-envoy-original-path",
            "x-ms-original-url",
            "x-waws-unencoded-url",
            "x-http-method",
            "x_http-method_override",
            "x-http-path-override",
            "x-http-host-override",
            "http-method-override",
            "method-override",
            "x-method",
            "proxy",
        ] {
            assert!(overrides(name), "{name}");
        }
        for name in ["x-l402", "original-url", "x-callback-url", "x-http-version", "x-path", "override", "x", ""] {
            assert!(!overrides(name), "{name}");
        }
    }

    #[cfg(feature = "proxy")]
    #[test]
    fn p2_claims_about_the_client_are_known_however_they_are_spelt() {
        for name in [
            "forwarded",
            "forwarded-for",
            "x-forwarded",
            "x-forwarded-for",
            "x_forwarded_user",
            "x-real-ip",
            "x-real-port",
            "real-ip",
            "client-ip",
            "true-client-ip",
            "true_client_ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-originating-ip",
            "x-remote-addr",
            "remote-user",
            "wl-proxy-client-ip",
            "cf-connecting-ip",
            "cf-connecting-ipv6",
            "cf-pseudo-ipv4",
            "fastly-client-ip",
            "fly-client-ip",
            "do-connecting-ip",
            "ali-cdn-real-ip",
            "x-vercel-forwarded-for",
            "x-azure-clientip",
            "x-appengine-user-ip",
            "x-envoy-external-address",
            "x-nf-client-connection-ip",
            "x-arr-clientcert",
            "client-cert",
            "client-cert-chain",
            "ssl-client-verify",
            "x-ssl-client-cert",
        ] {
            assert!(is_about_client(name), "{name}");
        }
        for name in ["accept", "cookie", "x-api-key", "x-ship", "x-membership", "x-request-id", "client", "ip", ""] {
            assert!(!is_about_client(name), "{name}");
        }
    }

    #[test]
    fn p1_disguises_are_known_and_plain_names_are_none() {
        for name in ["transfer_encoding", "content_length", "content.length", "keep_alive", "grpc_metadata-macaroon"] {
            assert!(is_disguised(name), "{name}");
        }
        for name in ["transfer-encoding", "content-length", "content-type", "x_y", "api_key", ""] {
            assert!(!is_disguised(name), "{name}");
        }
    }
}
