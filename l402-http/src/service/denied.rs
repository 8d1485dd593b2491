//! `denied`: from a verdict to whether its token was revoked. It is memory alone: nothing is asked (P5).

use super::Paywall;
use super::charge::unavailable;
use crate::response::{Form, Reason};
use bytes::Bytes;
use http::Response;
use l402_core::Decision;
use l402_ledger::Denied;

/// Looks for a token that opens the route.
#[inline]
pub(super) fn look<N, K>(paywall: &Paywall<N, K>, decision: &Decision) -> Result<(), Denied> {
    if paywall.deny_list.is_empty() { Ok(()) } else { find(paywall, decision) }
}

#[inline(never)]
fn find<N, K>(paywall: &Paywall<N, K>, decision: &Decision) -> Result<(), Denied> {
    let (payment, token) = match decision {
        Decision::Admit(grant) | Decision::Settle(grant) => (grant.payment_hash(), grant.token_id()),
        Decision::Reserve { grant, .. } => (grant.payment_hash(), grant.token_id()),
        Decision::Charge(_) | Decision::Refuse(_) => return Ok(()),
    };
    paywall.deny_list.look(&payment, token)
}

/// Answers where the list was not renewed for too long.
#[cold]
pub(super) fn unknown(retry_after: u64, form: Form) -> Response<Bytes> {
    let message = "cannot look up revoked tokens now; try again later";
    unavailable(Reason::LEDGER_UNAVAILABLE, &message, retry_after, form)
}
