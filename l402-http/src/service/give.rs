//! `give`: from a request whose answer may be kept to that answer, so that it takes no use.

use super::Paywall;
use super::commit::kept;
use super::event;
use super::kept::{Found, Keep, Keeping, Presented};
use super::reserve::Unheld;
use super::uses::Asked;
use crate::policy::Route;
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use l402_core::ledger::{Fingerprint, Refused};
use l402_core::{CountedGrant, Identifier, RootKeySource};

/// Looks whether the answer to a request may be kept, or was; [`None`] where it is not, whatever it is.
pub(super) fn keeping<N, K: RootKeySource, B>(
    paywall: &Paywall<N, K>,
    (grant, presented): (&CountedGrant, Option<&Presented>),
    asked: &Asked,
    fingerprint: Option<Fingerprint>,
    request: &Request<B>,
) -> Option<Keeping> {
    let (answers, presented, fingerprint) = (paywall.answers.as_ref()?, presented?, fingerprint?);
    let root = paywall.gate.keys().root_key(&Identifier::new(grant.payment_hash(), grant.token_id()))?;
    Some(Keeping::new(answers, (&root, presented), asked.key.as_ref(), fingerprint, request))
}

/// Looks before a use is reserved. The ledger must answer, as for every other request.
pub(super) async fn before<N, K>(paywall: &Paywall<N, K>, keeping: &mut Keeping, form: Form) -> Option<Given> {
    let now = (paywall.clock)().into();
    if let Err(away) = paywall.desk.ready(now).await {
        return Some(Given::Instead(Unheld::Away(away)));
    }
    Given::of(keeping.before(now).await, form)
}

/// Looks when the ledger has no use for a request.
pub(super) async fn once_spent<N, K>(
    paywall: &Paywall<N, K>,
    keeping: Option<&Keeping>,
    unheld: &Unheld,
    form: Form,
) -> Option<Given> {
    let (keeping, Unheld::Refused(Refused::Spent)) = (keeping?, unheld) else { return None };
    Given::of(keeping.once_spent((paywall.clock)().into()).await, form)
}

/// Begins to collect an answer that a use was committed for.
pub(super) fn collect<N, K, R: Body>(
    paywall: &Paywall<N, K>,
    (route, grant): (&Route, &CountedGrant),
    keeping: Option<Keeping>,
    response: &Response<R>,
) -> Option<Box<Keep>> {
    let (now, keep_for) = ((paywall.clock)(), route.keep_answer()?);
    let until = now.saturating_add(keep_for.as_secs()).min(grant.sale_ends_at().get());
    keeping?.answered(response, now.into(), until.into())
}

/// What a request gets without a use.
#[derive(Debug)]
pub(super) enum Given {
    /// A response.
    Own(Response<Bytes>),
    /// What it would get without a use.
    Instead(Unheld),
}

impl Given {
    fn of(found: Found, form: Form) -> Option<Self> {
        match found {
            Found::Nothing => None,
            Found::Waits => Some(Self::Instead(Unheld::Refused(Refused::Busy))),
            Found::Held => {
                let problem = Problem::new(StatusCode::CONFLICT, Reason::KEY_HELD, &KEPT_FOR_ANOTHER);
                Some(Self::Own(problem.not_to_repeat().response(form)))
            }
            Found::Again(mut response) => {
                kept(response.headers_mut());
                Some(Self::Own(response))
            }
        }
    }

    /// What subscribers are told.
    pub(super) fn told(&self) -> event::Reserved<'_> {
        match self {
            Self::Own(response) if response.status().is_success() => event::Reserved::Answered,
            Self::Own(_) => event::Reserved::Refused(Refused::KeyHeld),
            Self::Instead(unheld) => unheld.told(),
        }
    }

    /// Writes the response.
    pub(super) fn response(self, retry_after: u64, form: Form) -> Response<Bytes> {
        match self {
            Self::Own(response) => response,
            Self::Instead(unheld) => unheld.response(retry_after, form),
        }
    }
}

const KEPT_FOR_ANOTHER: &str =
    "the answer to this Idempotency-Key was kept, and cannot be given again to this request; use another key";
