//! What LND says of a payment, in the words of [`PaymentStatus`] and [`PayError`].

use super::error::LndError;
use super::rpc::{Payment, PaymentFailure, PaymentState};
use core::mem;
use l402_core::{Msat, Preimage};
use l402_lightning::{FailureReason, Paid, PayError, PaymentStatus};
use zeroize::Zeroizing;

/// Whether nothing of it is under way any more.
pub(super) fn is_final(payment: &Payment) -> bool {
    matches!(payment.status(), PaymentState::Succeeded | PaymentState::Failed)
}

/// Says what became of it.
pub(super) fn status(payment: Payment) -> Result<PaymentStatus, LndError> {
    match payment.status() {
        PaymentState::Succeeded => paid(payment).map(PaymentStatus::Succeeded),
        PaymentState::Failed => Ok(PaymentStatus::Failed),
        PaymentState::InFlight | PaymentState::Initiated | PaymentState::Unknown => Ok(PaymentStatus::Pending),
    }
}

/// Says how it ended.
pub(super) fn result(payment: Payment) -> Result<Paid, PayError> {
    match payment.status() {
        PaymentState::Succeeded => paid(payment).map_err(|fault| PayError::Unknown(fault.into())),
        PaymentState::Failed => Err(failure(&payment)),
        _ => Err(PayError::Unknown(LndError::Malformed.into())),
    }
}

fn paid(mut payment: Payment) -> Result<Paid, LndError> {
    let preimage = Zeroizing::new(mem::take(&mut payment.preimage));
    let msat = |msat: i64| u64::try_from(msat).map(Msat::new).map_err(|_| LndError::Malformed);
    Ok(Paid {
        preimage: Preimage::from_hex(preimage.as_bytes()).map_err(|_| LndError::Malformed)?,
        amount_msat: msat(payment.value_msat)?,
        fee_msat: msat(payment.fee_msat)?,
    })
}

fn failure(payment: &Payment) -> PayError {
    match payment.failure_reason() {
        PaymentFailure::InsufficientBalance => PayError::InsufficientBalance {
            amount_msat: u64::try_from(payment.value_msat).map(Msat::new).unwrap_or_default(),
        },
        PaymentFailure::NoRoute if payment.htlcs.is_empty() => PayError::NoRoute,
        PaymentFailure::NoRoute | PaymentFailure::Timeout => PayError::Failed(FailureReason::RetriesExhausted),
        PaymentFailure::IncorrectPaymentDetails => PayError::Failed(FailureReason::Rejected),
        PaymentFailure::None | PaymentFailure::Error | PaymentFailure::Canceled => {
            PayError::Failed(FailureReason::Unspecified)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::HtlcAttempt;
    use prost::Message as _;

    fn failed(reason: PaymentFailure, attempts: usize) -> PayError {
        let status = PaymentState::Failed.into();
        let htlcs = vec![HtlcAttempt {}; attempts];
        result(Payment { status, failure_reason: reason.into(), htlcs, value_msat: 21_000, ..Payment::default() })
            .unwrap_err()
    }

    #[test]
    fn every_reason_has_a_word() {
        assert!(matches!(failed(PaymentFailure::NoRoute, 0), PayError::NoRoute));
        let sent = PayError::Failed(FailureReason::RetriesExhausted);
        assert_eq!(failed(PaymentFailure::NoRoute, 1).to_string(), sent.to_string());
        assert_eq!(failed(PaymentFailure::Timeout, 0).to_string(), sent.to_string());
        assert!(matches!(
            failed(PaymentFailure::InsufficientBalance, 0),
            PayError::InsufficientBalance { amount_msat } if amount_msat == Msat::new(21_000)
        ));
        assert!(matches!(
            failed(PaymentFailure::IncorrectPaymentDetails, 1),
            PayError::Failed(FailureReason::Rejected)
        ));
        assert!(matches!(failed(PaymentFailure::Canceled, 0), PayError::Failed(FailureReason::Unspecified)));
    }

    #[test]
    fn a_payment_is_read_as_lnd_writes_it() {
        let preimage = "11".repeat(32);
        // Field numbers and types by hand: hash (1), preimage (6), satoshis (7), msat (8), status (10), fee (11, 12), index (15).
        let mut bytes = vec![0x0a, 2, b'0', b'0', 0x32, 64];
        bytes.extend_from_slice(preimage.as_bytes());
        bytes.extend_from_slice(&[0x38, 21, 0x40, 0x88, 0xa4, 0x01, 0x50, 2, 0x58, 0, 0x60, 7, 0x78, 5]);
        let payment = Payment::decode(&*bytes).unwrap();
        assert_eq!(payment.index, 5);
        assert!(!format!("{payment:?}").contains("1111"), "{payment:?}");
        let PaymentStatus::Succeeded(paid) = status(payment).unwrap() else { panic!("not paid") };
        assert_eq!(
            (paid.preimage.expose(), paid.amount_msat, paid.fee_msat),
            (&[0x11; 32], Msat::new(21_000), Msat::new(7))
        );
    }

    #[test]
    fn a_success_without_a_preimage_is_unknown() {
        let payment = Payment { status: PaymentState::Succeeded.into(), ..Payment::default() };
        assert!(result(payment.clone()).unwrap_err().is_unknown());
        assert!(status(payment).is_err());
        let pending = Payment { status: PaymentState::Initiated.into(), ..Payment::default() };
        assert!(matches!(status(pending).unwrap(), PaymentStatus::Pending));
    }
}
