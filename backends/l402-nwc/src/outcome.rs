//! What a wallet says of a payment that it was asked for, in the words of [`PaymentSource`](l402_lightning::PaymentSource).
//!
//! 1. A payment has failed when the wallet says so of this outgoing payment: `failed` or `expired`. That it does not know it, may not tell,
//!    or cannot look, says nothing.
//! 2. A payment has succeeded when there is a preimage that proves it. Without one, the money is gone and nothing opens.

use crate::error::RefusalCode;
use crate::sent::Asked;
use crate::wire::{SentTransaction, WirePaid};
use l402_core::{Msat, PaymentHash, Preimage};
use l402_lightning::{FailureReason, Paid, PayError};

/// What a look at a payment has found.
#[derive(Debug, Clone)]
pub(crate) enum Look {
    /// It succeeded, and this proves it.
    Paid(Paid),
    /// It succeeded, says the wallet, and nothing proves it.
    Unproven,
    /// It failed for good.
    Failed,
    /// It is under way.
    Pending,
    /// The wallet does not know it.
    NotFound,
    /// The wallet cannot look it up, or may not tell.
    Untold,
}

/// Reads what the wallet says of one transaction; [`None`] where that is about another payment.
pub(crate) fn look(found: &SentTransaction, hash: &PaymentHash, asked: Option<&Asked>) -> Option<Look> {
    let is_other = |said: &String| !said.eq_ignore_ascii_case(&hash.to_string());
    if found.payment_hash.as_ref().is_some_and(is_other) {
        return None;
    }
    let (state, kind) = (found.state.as_deref().map(str::to_ascii_lowercase), found.r#type.as_deref());
    if kind == Some("incoming") {
        return Some(Look::NotFound); // an invoice of the wallet's own: it says nothing of what was sent
    }
    let proven = proof(found.preimage.as_deref().map(String::as_str), hash);
    let settled = || {
        let amount_msat = asked.map(Asked::amount_msat).or_else(|| found.amount.map(Msat::new)).unwrap_or_default();
        match &proven {
            Some(preimage) => Look::Paid(Paid {
                preimage: preimage.clone(),
                amount_msat,
                fee_msat: fee(found.fees_paid, asked, amount_msat),
            }),
            None => Look::Unproven,
        }
    };
    Some(match state.as_deref() {
        Some("settled") => settled(),
        Some("failed" | "expired") if kind == Some("outgoing") => Look::Failed,
        // Older wallets have no states.
        None if found.settled_at.is_some() || proven.is_some() => settled(),
        _ => Look::Pending,
    })
}

/// Reads an answer to a request to pay; [`None`] where it proves nothing.
pub(crate) fn paid(answer: &WirePaid, hash: &PaymentHash, asked: &Asked) -> Option<Paid> {
    let preimage = proof(answer.preimage.as_deref().map(String::as_str), hash)?;
    let amount_msat = asked.amount_msat();
    Some(Paid { preimage, amount_msat, fee_msat: fee(answer.fees_paid, Some(asked), amount_msat) })
}

/// Says what a refusal means for a payment of which nothing was sent, or which has failed.
pub(crate) fn failure(code: RefusalCode, asked: &Asked) -> Option<PayError> {
    match code {
        RefusalCode::InsufficientBalance => Some(PayError::InsufficientBalance { amount_msat: asked.amount_msat() }),
        RefusalCode::PaymentFailed => Some(PayError::Failed(FailureReason::RetriesExhausted)),
        _ => None,
    }
}

/// Tells whether a refusal says that nothing was sent, where it answers the only copy of the first request.
pub(crate) const fn sent_nothing(code: RefusalCode) -> bool {
    matches!(
        code,
        RefusalCode::InsufficientBalance
            | RefusalCode::QuotaExceeded
            | RefusalCode::RateLimited
            | RefusalCode::Unauthorized
            | RefusalCode::UnsupportedEncryption
    )
}

fn proof(preimage: Option<&str>, hash: &PaymentHash) -> Option<Preimage> {
    Preimage::from_hex(preimage?.as_bytes()).ok().filter(|preimage| preimage.matches(hash))
}

/// A fee that is not reported counts as the whole of what was set aside for it.
fn fee(told: Option<u64>, asked: Option<&Asked>, amount_msat: Msat) -> Msat {
    let aside = || {
        asked.map_or_else(
            || Msat::new((amount_msat.get() / 100).saturating_mul(3)).max(LEAST_RESERVE),
            Asked::max_fee_msat,
        )
    };
    told.map_or_else(aside, Msat::new)
}

const LEAST_RESERVE: Msat = Msat::from_sat(10);

#[cfg(test)]
mod tests {
    use super::*;

    const PREIMAGE: [u8; 32] = [7; 32];

    fn hash() -> PaymentHash {
        Preimage::from_bytes(PREIMAGE).hash()
    }

    fn transaction(text: &str) -> SentTransaction {
        serde_json::from_str(&text.replace("HASH", &hash().to_string()).replace("PREIMAGE", &"07".repeat(32))).unwrap()
    }

    fn of(text: &str) -> Option<Look> {
        look(&transaction(text), &hash(), None)
    }

    #[test]
    fn a4_only_a_failure_of_this_payment_is_one() {
        assert!(matches!(of(r#"{"type":"outgoing","state":"failed"}"#), Some(Look::Failed)));
        assert!(matches!(of(r#"{"type":"outgoing","state":"EXPIRED","payment_hash":"HASH"}"#), Some(Look::Failed)));
        assert!(of(r#"{"type":"outgoing","state":"failed","payment_hash":"00"}"#).is_none(), "another payment");
        assert!(
            matches!(of(r#"{"type":"incoming","state":"expired"}"#), Some(Look::NotFound)),
            "an invoice of its own"
        );
        for pending in [
            r#"{"state":"failed"}"#,
            r#"{"type":"outgoing","state":"pending"}"#,
            r#"{"type":"outgoing","state":"accepted"}"#,
            r#"{"type":"outgoing","state":"lost"}"#,
            r#"{"type":"outgoing"}"#,
            "{}",
        ] {
            assert!(matches!(of(pending), Some(Look::Pending)), "{pending}");
        }
    }

    #[test]
    fn a3_a_success_has_a_proof() {
        for paid in [
            r#"{"type":"outgoing","state":"settled","preimage":"PREIMAGE","amount":1000,"fees_paid":3}"#,
            r#"{"type":"outgoing","preimage":"PREIMAGE","amount":1000,"fees_paid":3}"#,
        ] {
            let Some(Look::Paid(found)) = of(paid) else { panic!("{paid}") };
            assert_eq!((found.amount_msat, found.fee_msat), (Msat::new(1_000), Msat::new(3)));
        }
        for unproven in [
            r#"{"type":"outgoing","state":"settled","amount":1000}"#,
            r#"{"type":"outgoing","state":"settled","preimage":""}"#,
            r#"{"type":"outgoing","state":"settled","preimage":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
            r#"{"type":"outgoing","settled_at":5}"#,
        ] {
            assert!(matches!(of(unproven), Some(Look::Unproven)), "{unproven}");
        }
    }

    #[test]
    fn a5_a_fee_that_is_not_reported_is_the_whole_reserve() {
        let Some(Look::Paid(small)) = of(r#"{"state":"settled","preimage":"PREIMAGE","amount":1000}"#) else {
            panic!()
        };
        assert_eq!(small.fee_msat, Msat::from_sat(10));
        let Some(Look::Paid(large)) = of(r#"{"state":"settled","preimage":"PREIMAGE","amount":100000000}"#) else {
            panic!()
        };
        assert_eq!(large.fee_msat, Msat::new(3_000_000));
    }
}
