//! Which fields pass through the proxy, and which are added (RFC 9110 §7.6).
//!
//! 1. The fields of the client's connection go first, also those that its `Connection` names. Ours come last, so that
//!    nothing a client says removes them.
//! 2. Each side frames its own messages: neither `Content-Length` nor `Transfer-Encoding` of one side reaches the
//!    other. The body's own length decides.
//! 3. Claims about the client, and fields that name another path or method than the request line, are dropped unless a
//!    trusted proxy sends them; credentials, and odd spellings of fields that frame a message, always (`claim` has the rules).

use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Uri, Version};
use http_body::Body;
use l402_core::{CredentialHeaders, Grant};

use super::edits::Edits;
use super::error::ForwardError;
use super::peer::Peer;
use crate::claim;
use crate::framing::UntilClose;

/// Turns the head of the client's request into that of the upstream's. `websocket` says that an upgrade is asked for.
pub(super) fn to_upstream<B: Body>(
    head: &mut Parts,
    body: &B,
    edits: &Edits,
    websocket: bool,
) -> Result<(), ForwardError> {
    let host = requested_host(head)?;
    let had_length = head.headers.contains_key(header::CONTENT_LENGTH);
    let trailers = takes_trailers(&head.headers);
    let peer = head.extensions.get::<Peer>();
    let trusted = peer.is_some_and(|peer| edits.trusted.iter().any(|range| range.contains(peer.address())));

    remove_hop_by_hop(&mut head.headers);
    head.headers.remove(header::EXPECT);
    // The gateway is what the client's request is for: the field would let a server behind it answer in its place.
    head.headers.remove(header::MAX_FORWARDS);
    remove_claims(&mut head.headers, edits, trusted);
    join_cookies(&mut head.headers);

    frame(head, body, had_length);
    add_connection(&mut head.headers, websocket, trailers);
    add_forwarded(&mut head.headers, head.extensions.get::<Peer>(), host.as_ref());
    let host = host.filter(|_| edits.preserve_host).unwrap_or_else(|| edits.authority.clone());
    head.headers.insert(header::HOST, host);
    let paid = head.extensions.get::<Grant>().is_some();
    for (name, value) in edits.always.iter().chain(edits.when_paid.iter().filter(|_| paid)) {
        head.headers.insert(name.clone(), value.clone());
    }
    head.uri = origin_form(&head.uri)?;
    head.version = Version::HTTP_11;
    Ok(())
}

/// Joins the lines of `Cookie` to one: HTTP/2 cuts it into crumbs, and many servers look at the first alone
/// (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(cookie) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, cookie);
    }
}

/// Removes from a request's trailers what must not come from the client. No proxy has a reason to speak in trailers, so
/// none is trusted here.
pub(super) fn clean_trailers(trailers: &mut HeaderMap, edits: &Edits) {
    remove_hop_by_hop(trailers);
    remove_claims(trailers, edits, false);
    for name in &NO_TRAILERS {
        trailers.remove(name);
    }
}

/// Turns the head of the upstream's response into that of ours. `websocket` says that the tunnel begins.
pub(super) fn to_client(head: &mut http::response::Parts, edits: &Edits, websocket: bool) {
    remove_echoes(&mut head.headers, edits);
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        head.headers.remove(header::CONTENT_LENGTH);
    } else if head.version < Version::HTTP_2 && !head.headers.contains_key(header::CONTENT_LENGTH) {
        head.extensions.insert(UntilClose);
    }
    remove_hop_by_hop(&mut head.headers);
    add_connection(&mut head.headers, websocket, false);
    head.version = Version::HTTP_11;
}

/// Removes from a response's trailers what its head must not hold either.
pub(super) fn clean_answer_trailers(trailers: &mut HeaderMap, edits: &Edits) {
    remove_echoes(trailers, edits);
    remove_hop_by_hop(trailers);
    trailers.remove(header::CONTENT_LENGTH);
}

/// Removes the fields in which an upstream repeats a secret that we added to the request (P7).
fn remove_echoes(headers: &mut HeaderMap, edits: &Edits) {
    let secrets =
        edits.always.iter().chain(&edits.when_paid).map(|(_, value)| value).filter(|value| value.is_sensitive());
    for secret in secrets.filter_map(|secret| distinctive(secret.as_bytes())) {
        let holds = |value: &HeaderValue| value.as_bytes().windows(secret.len()).any(|part| part == secret);
        while let Some(name) = headers.iter().find(|(_, value)| holds(value)).map(|(name, _)| name.clone()) {
            tracing::warn!(
                field = name.as_str(),
                "the upstream repeats a secret of ours in its answer; the field is dropped"
            );
            headers.remove(name);
        }
    }
}

/// The part of a secret by which it is known: what stands behind a scheme such as `Bearer`, or all of it where that is short.
/// What is as short as `true` is none.
fn distinctive(secret: &[u8]) -> Option<&[u8]> {
    let start = secret.iter().rposition(|byte| *byte == b' ').map_or(0, |blank| blank.saturating_add(1));
    secret
        .get(start..)
        .filter(|part| part.len() >= LEAST_SECRET)
        .or(Some(secret))
        .filter(|part| part.len() >= LEAST_SECRET)
}

/// Whether a response holds the request that it answers, as that to TRACE does (RFC 9112 §10.1), and so what was added to it.
pub(super) fn is_reflection(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_TYPE).iter().any(|value| {
        let media_type = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        media_type.trim_ascii().eq_ignore_ascii_case(b"message/http")
    })
}

/// Whether the request asks for the one upgrade that is passed on.
///
/// Any other protocol, `h2c` above all, would carry requests to the upstream past the paywall.
pub(super) fn asks_for_websocket(head: &Parts) -> bool {
    head.method == Method::GET
        && head.version == Version::HTTP_11
        && tokens(&head.headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case(b"upgrade"))
        && is_websocket(&head.headers)
}

/// Whether the `Upgrade` field names the WebSocket protocol and nothing else (RFC 6455 §4.1).
pub(super) fn is_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = tokens(headers, &header::UPGRADE);
    let first = protocols.next();
    first.is_some_and(|name| name.eq_ignore_ascii_case(b"websocket")) && protocols.next().is_none()
}

/// The host that the client asked for, which an HTTP/1.1 client must name (RFC 9112 §3.2); an absolute target must name the
/// same one as `Host`.
fn requested_host(head: &Parts) -> Result<Option<HeaderValue>, ForwardError> {
    if head.method == Method::CONNECT {
        return Err(ForwardError::Refused("CONNECT is not served"));
    }
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(ForwardError::Refused("more than one Host"));
    }
    let host = match (host, head.uri.authority()) {
        (None, None) if head.version == Version::HTTP_11 => return Err(ForwardError::Refused("no Host")),
        (host, None) => host.cloned(),
        (Some(host), Some(authority)) if host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
            Some(host.clone())
        }
        (None, Some(authority)) if head.version == Version::HTTP_2 => {
            HeaderValue::from_str(authority.as_str()).map(Some).map_err(|_| MALFORMED_HOST)?
        }
        _ => return Err(ForwardError::Refused("the target names another host")),
    };
    if host.as_ref().is_some_and(|host| !is_host(host)) { Err(MALFORMED_HOST) } else { Ok(host) }
}

/// `uri-host [ ":" port ]`, and no user (RFC 9110 §7.2): in `Host: shop.example@other.example` two programs find two hosts.
fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else { return false };
    let port = authority.as_str().strip_prefix(authority.host());
    port.is_some_and(|port| port.is_empty() || port == ":" || authority.port().is_some())
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers, &header::CONNECTION)
        .filter(|token| !USUAL_OPTIONS.iter().any(|usual| token.eq_ignore_ascii_case(usual)))
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    // Most messages have none, or one: cheaper to look at each field than for each name.
    while let Some(name) = headers.keys().find(|name| is_hop_by_hop(name)).cloned() {
        headers.remove(name);
    }
}

/// Whether a field is about one connection and means nothing on the next. `Trailer` is not: it says what follows the body, and
/// the body passes with what follows it.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Removes what must not come from the client: credentials, claims about who it is, and the fields that we add.
fn remove_claims(headers: &mut HeaderMap, edits: &Edits, trusted: bool) {
    let doomed: Vec<HeaderName> = headers
        .iter()
        .filter(|(name, value)| {
            CredentialHeaders::is_credential(name.as_str(), value.as_bytes())
                || claim::is_disguised(name.as_str())
                || (!trusted && (claim::is_about_client(name.as_str()) || claim::overrides(name.as_str())))
                || edits
                    .always
                    .iter()
                    .chain(&edits.when_paid)
                    .any(|(ours, _)| claim::is_same(name.as_str(), ours.as_str()))
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in doomed {
        headers.remove(name);
    }
}

/// Says how long the body is, in place of whatever the client said.
fn frame<B: Body>(head: &mut Parts, body: &B, had_length: bool) {
    let headers = &mut head.headers;
    headers.remove(header::CONTENT_LENGTH);
    if body.is_end_stream() {
        // Without a body the length goes unsaid, except where the client said it: some servers insist for POST.
        if had_length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
    } else if body.size_hint().exact().is_none() {
        headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

fn add_connection(headers: &mut HeaderMap, websocket: bool, trailers: bool) {
    if websocket {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    } else if trailers {
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

fn add_forwarded(headers: &mut HeaderMap, peer: Option<&Peer>, host: Option<&HeaderValue>) {
    if let Some(peer) = peer {
        let chain = extended(headers, peer.forwarded_for());
        headers.insert(X_FORWARDED_FOR, chain);
        if let Entry::Vacant(proto) = headers.entry(X_FORWARDED_PROTO) {
            proto.insert(peer.forwarded_proto());
        }
    }
    if let (Some(host), Entry::Vacant(entry)) = (host, headers.entry(X_FORWARDED_HOST)) {
        entry.insert(host.clone());
    }
}

/// The peer's address behind those that a trusted proxy reported.
fn extended(headers: &HeaderMap, peer: HeaderValue) -> HeaderValue {
    if !headers.contains_key(&X_FORWARDED_FOR) {
        return peer;
    }
    let values = headers.get_all(&X_FORWARDED_FOR);
    let chain: Vec<&[u8]> = values.iter().chain([&peer]).map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&chain.join(&b", "[..])).unwrap_or(peer)
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    tokens(headers, &header::TE).any(|token| token.eq_ignore_ascii_case(b"trailers"))
}

/// The elements of a comma-separated field over all its lines.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|token| !token.is_empty())
}

/// Path and query without scheme and host: the connection already says where.
fn origin_form(uri: &Uri) -> Result<Uri, ForwardError> {
    if uri.authority().is_none() && uri.scheme().is_none() {
        return Ok(uri.clone());
    }
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = uri.path_and_query().cloned();
    Uri::from_parts(parts).map_err(|_| ForwardError::Refused("the target has no path"))
}

const MALFORMED_HOST: ForwardError = ForwardError::Refused("malformed Host");

/// What decides about a message before its body, and therefore cannot stand behind it (RFC 9110 §6.5.1): a server that adds
/// trailers to the fields of the head must not find another there.
const NO_TRAILERS: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::MAX_FORWARDS,
    header::RANGE,
    header::TRAILER,
];

/// The fewest bytes of a value that is a secret.
const LEAST_SECRET: usize = 8;

/// What `Connection` holds in most messages, besides names of fields.
const USUAL_OPTIONS: [&[u8]; 3] = [b"keep-alive", b"close", b"upgrade"];

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
