//! `judge`: from a credential and an offer to a decision. It is pure: no node, no store and no pricer is asked (P5).

use super::Paywall;
use super::head::RequestHead;
use super::route::Priced;
use super::rules::RuleSource;
use crate::response::{Form, Problem};
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, Response, StatusCode};
use l402_core::{CredentialHeaders, Decision, Gate, Offer, Refusal, RootKeySource, macaroon};

/// Decides about a request for a route that is sold.
#[inline]
pub(super) fn judge<N, K: RootKeySource, B>(
    paywall: &Paywall<N, K>,
    request: &Request<B>,
    priced: &Priced<'_>,
) -> Decision {
    let now = (paywall.clock)();
    let fields = credential_headers(request.headers());
    match &paywall.rules {
        None => paywall.gate.decide(&fields, priced.offer, now.into()),
        Some(rules) => {
            let head = RequestHead::of(request).with_target(priced.target.as_deref());
            judge_by(&paywall.gate, &**rules, &head, &fields, priced.offer, now)
        }
    }
}

/// Asks a rule of the service's own too.
#[cold]
fn judge_by<K: RootKeySource>(
    gate: &Gate<K>,
    rules: &dyn RuleSource,
    head: &RequestHead<'_>,
    fields: &CredentialHeaders<'_>,
    offer: &Offer,
    now: u64,
) -> Decision {
    // Nothing to ask a rule about, and the decision where no rule was lent.
    let mut decision = gate.decide(&CredentialHeaders::new(), offer, now.into());
    if !fields.is_empty() {
        let mut buffer = [0; macaroon::MAX_LEN];
        rules.lend(head, &mut |rule| decision = gate.decide_with(&mut buffer, fields, offer, now.into(), rule));
    }
    decision
}

/// Collects the credential headers.
fn credential_headers(fields: &HeaderMap) -> CredentialHeaders<'_> {
    let mut credentials = CredentialHeaders::new();
    for (name, value) in fields {
        credentials.add(name.as_str(), value.as_bytes());
    }
    credentials
}

/// Writes the response to a malformed credential.
#[cold]
pub(super) fn refuse(refusal: &Refusal, form: Form) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    Problem::new(status, refusal.into(), refusal).response(form)
}
