//! Who a client is, for limits on what it may ask for (L1).
//!
//! 1. A peer is its own client, unless it is a proxy that the settings trust. `Forwarded` and `X-Forwarded-For` of others count for
//!    nothing.
//! 2. Of what a trusted proxy says, the last address that is not a trusted proxy too is the client: what stands before it, the client
//!    may have made up (RFC 7239 §8.1).
//! 3. Where both headers are there and name different clients, or none can be read, the proxy itself is the client: a client
//!    behind a proxy that passes one of them on cannot choose who it is.
//! 4. A client is a network of addresses, by the prefixes of the settings.

use core::net::{IpAddr, SocketAddr};
use core::sync::atomic::{AtomicBool, Ordering};
use http::header::{FORWARDED, HeaderMap, HeaderName};
use l402_http::proxy::{IpRange, Peer};
use l402_http::service::{RateLimits, RequestHead, UnpaidInvoices};
use l402_ledger::{Ledger, LedgerStore as _};
use std::sync::Arc;

use super::clients::prefix;
use crate::settings::Settings;

/// Makes the limits that the settings ask for, which all threads share.
pub(super) fn rate_limits(settings: &Settings, identity: &Arc<Identity>, ledger: &Ledger) -> RateLimits {
    let mut limits = RateLimits::new();
    if let Some(rate) = settings.limits.challenges_per_client {
        let identity = Arc::clone(identity);
        limits = limits.each_client(rate, move |request| identity.client(request));
    }
    if let Some(rate) = settings.limits.challenges {
        limits = limits.all_clients(rate);
    }
    let of_services = settings.services().iter().filter_map(|service| Some((&service.name, service.rate?)));
    limits = of_services.fold(limits, |limits, (name, rate)| limits.each_token(name.clone(), rate));
    let sold = settings.services().iter().flat_map(|service| &service.routes);
    let of_policy = settings.policy().routes().iter().filter(|route| route.offer().is_some()); // in the same order
    let of_routes = sold.zip(of_policy).filter_map(|(sold, route)| Some((route, sold.rate?)));
    limits = of_routes.fold(limits, |limits, (route, rate)| limits.each_token_of_route(route, rate));
    match ledger.rates() {
        Some(rates) => limits.shared(rates),
        None => limits,
    }
}

/// Makes the bound on open invoices, which all threads share.
pub(super) fn unpaid_invoices(settings: &Settings, identity: &Arc<Identity>) -> Option<UnpaidInvoices> {
    let (most, identity) = (settings.limits.unpaid_invoices?, Arc::clone(identity));
    Some(UnpaidInvoices::new(most).each_client(move |request| identity.client(request)))
}

/// Tells clients apart.
#[derive(Debug)]
pub(super) struct Identity {
    trusted: Vec<IpRange>,
    ipv4_prefix: u8,
    ipv6_prefix: u8,
}

impl Identity {
    pub(super) fn of(settings: &Settings) -> Arc<Self> {
        let (ipv4_prefix, ipv6_prefix) = (settings.limits.ipv4_prefix, settings.limits.ipv6_prefix);
        Arc::new(Self { trusted: settings.trusted_proxies.clone(), ipv4_prefix, ipv6_prefix })
    }

    /// Returns the network that stands for the client.
    fn client(&self, request: &RequestHead<'_>) -> Option<IpAddr> {
        let peer = request.extensions().get::<Peer>()?.address();
        Some(prefix(self.vouched(peer, request.headers()), self.ipv4_prefix, self.ipv6_prefix))
    }

    /// Returns the client's address, as far as proxies vouch for it that are trusted.
    fn vouched(&self, peer: IpAddr, fields: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let [older, newer] = [&X_FORWARDED_FOR, &FORWARDED].map(|name| joined(fields, name));
        let older = older.and_then(|chain| self.nearest(chain.split(',').map(node)));
        let newer = newer.and_then(|chain| {
            let hops: Vec<_> = split(&chain, ',')?.into_iter().map(forwarded_for).collect();
            self.nearest(hops.into_iter())
        });
        match (older, newer) {
            (Some(client), None) | (None, Some(client)) => client,
            (Some(older), Some(newer)) if older == newer => older,
            (Some(_), Some(_)) => {
                warn_of_both(peer);
                peer
            }
            (None, None) => peer,
        }
    }

    /// Returns the last address that is no trusted proxy; of trusted ones alone, the first that can be read without a gap.
    fn nearest(&self, hops: impl DoubleEndedIterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut nearest = None;
        for hop in hops.rev() {
            let Some(address) = hop else { break };
            nearest = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        nearest
    }

    /// Tells whether a peer is where a proxy of the operator's would be, and not among those that are trusted.
    pub(super) fn may_be_proxy(&self, peer: IpAddr) -> bool {
        let is_near = match peer.to_canonical() {
            IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
            IpAddr::V6(address) => {
                address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
            }
        };
        is_near && !self.trusts(peer)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|range| range.contains(address))
    }
}

/// Warns once of a peer that speaks for others, and that may be a proxy which the settings do not name.
#[inline]
pub(super) fn warn_of_proxy(peer: IpAddr, fields: &HeaderMap) {
    if !WARNED.load(Ordering::Relaxed) && speaks_for_others(fields) && !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            %peer,
            "a peer that is not trusted sends `Forwarded` or `X-Forwarded-For`: if it is your proxy, add it to `trusted_proxies`; \
             until then all of its clients share the limits of one"
        );
    }
}

/// Warns once of a trusted proxy that says two things: one of them is likely to be its client's.
#[cold]
fn warn_of_both(peer: IpAddr) {
    if !WARNED_OF_BOTH.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            proxy = %peer,
            "a trusted proxy sends `X-Forwarded-For` and `Forwarded` with different clients: let it set one of them, and drop the one that \
             its client sends; until then the proxy counts as the client"
        );
    }
}

fn speaks_for_others(fields: &HeaderMap) -> bool {
    fields.contains_key(&X_FORWARDED_FOR) || fields.contains_key(&FORWARDED)
}

static WARNED: AtomicBool = AtomicBool::new(false);
static WARNED_OF_BOTH: AtomicBool = AtomicBool::new(false);

/// All lines of a header as one; [`None`] where there is none, or one that is not text.
fn joined(fields: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Option<Vec<&str>> = fields.get_all(name).iter().map(|value| value.to_str().ok()).collect();
    lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join(","))
}

/// Splits at a separator outside of quoted strings; [`None`] where a quote has no end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(text.get(start..at)?);
                start = at.saturating_add(c.len_utf8());
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (!quoted).then_some(parts)
}

/// The address behind `for` in an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pairs = split(element, ';')?;
    let mut values = pairs.iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    });
    let (value, None) = (values.next()?, values.next()) else { return None };
    node(value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// An address, with or without a port.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address| address.to_canonical())
}

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const XFF: &str = "x-forwarded-for";
    const FORWARDED: &str = "forwarded";

    fn identity() -> Identity {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|range| range.parse().expect("a range"));
        Identity { trusted: trusted.to_vec(), ipv4_prefix: 32, ipv6_prefix: 64 }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[track_caller]
    fn is(peer: &str, lines: &[(&'static str, &'static str)], client: &str) {
        assert_eq!(identity().vouched(ip(peer), &fields(lines)), ip(client), "{lines:?}");
    }

    #[test]
    fn l1_the_client_is_whom_trusted_proxies_vouch_for() {
        is("192.0.2.1", &[(XFF, "198.51.100.7")], "192.0.2.1");
        is("192.0.2.1", &[(FORWARDED, "for=198.51.100.7")], "192.0.2.1");
        is("10.0.0.1", &[], "10.0.0.1");
        is("10.0.0.1", &[(XFF, "198.51.100.7")], "198.51.100.7");
        is("10.0.0.1", &[(XFF, "1.1.1.1, 198.51.100.7, 10.0.0.2")], "198.51.100.7");
        is("10.0.0.1", &[(XFF, "1.1.1.1"), (XFF, "198.51.100.7")], "198.51.100.7");
        is("10.0.0.1", &[(XFF, "198.51.100.7:4711")], "198.51.100.7");
        is("10.0.0.1", &[(XFF, "[2001:db9::7]:4711")], "2001:db9::7");
        is("10.0.0.1", &[(XFF, "1.1.1.1, canary")], "10.0.0.1");
        is("10.0.0.1", &[(XFF, "1.1.1.1, canary, 10.0.0.2")], "10.0.0.2");
        is("10.0.0.1", &[(XFF, "10.0.0.3, 10.0.0.2")], "10.0.0.3");
        is("2001:db8::1", &[(FORWARDED, "For=\"[2001:db9::7]:4711\";proto=https, for=10.0.0.2")], "2001:db9::7");
        is("10.0.0.1", &[(FORWARDED, "for=unknown")], "10.0.0.1");
        is("10.0.0.1", &[(FORWARDED, "for=_hidden, for=198.51.100.7;by=_me")], "198.51.100.7");
        is("10.0.0.1", &[(FORWARDED, "for=1.1.1.1;for=1.1.1.2")], "10.0.0.1");
    }

    #[test]
    fn l1_a_client_behind_a_proxy_cannot_choose_who_it_is() {
        is("10.0.0.1", &[(FORWARDED, "for=1.1.1.1"), (XFF, "198.51.100.7")], "10.0.0.1");
        is("10.0.0.1", &[(FORWARDED, "for=198.51.100.7"), (XFF, "198.51.100.7")], "198.51.100.7");
        is("10.0.0.1", &[(FORWARDED, "for=\"1.1.1.1"), (FORWARDED, "for=198.51.100.7")], "10.0.0.1");
        is("10.0.0.1", &[(FORWARDED, "for=198.51.100.7;host=\"a, for=1.1.1.1;b=\"")], "198.51.100.7");
        is("10.0.0.1", &[(FORWARDED, "for=198.51.100.7;host=\"\\\", for=1.1.1.1;b=\"")], "198.51.100.7");
    }

    #[test]
    fn l1_a_client_is_a_network() {
        let network = |text: &str| {
            let mut request = http::Request::new(());
            request.extensions_mut().insert(Peer::new(ip(text), false));
            identity().client(&RequestHead::of(&request)).expect("a peer")
        };
        assert_eq!(network("2001:db9:0:1::7"), network("2001:db9:0:1:ffff::"));
        assert_ne!(network("2001:db9:0:1::7"), network("2001:db9:0:2::7"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(identity().client(&RequestHead::of(&http::Request::new(()))), None);
    }

    #[test]
    fn l1_an_unnamed_proxy_is_noticed() {
        let identity = identity();
        for near in ["127.0.0.1", "192.168.1.2", "172.16.0.9", "::1", "fd00::7", "::ffff:127.0.0.1", "fe80::1"] {
            assert!(identity.may_be_proxy(ip(near)), "{near}");
        }
        for other in ["10.0.0.1", "198.51.100.7", "2001:db8::1", "2001:db9::1"] {
            assert!(!identity.may_be_proxy(ip(other)), "{other}");
        }
        assert!(speaks_for_others(&fields(&[(FORWARDED, "for=a")])) && !speaks_for_others(&fields(&[("via", "a")])));
    }
}
