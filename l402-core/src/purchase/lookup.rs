//! What becomes of a payment that was recorded before it was sent: one decision, without I/O.
//!
//! 1. Money moves at most once. While an invoice can still be paid, its payment is never replaced by that of another: a wallet
//!    that knows nothing of it may only not have read the request yet.
//! 2. The same invoice may be paid again, which moves money once. The wallet may read the first request after the second, so that
//!    a failure of the second says nothing about the payment.
//! 3. "Not paid" is said only when no money moved and none will.
//!
//! The caller asks the wallet, performs what [`Step`] names, and records it. Time is an argument.

use crate::unix_seconds::UnixSeconds;
use core::fmt;

/// What the record says of a payment, next to its payment hash.
///
/// ```
/// use l402_core::UnixSeconds;
/// use l402_core::purchase::{Asked, Record, Status, Step, Unresolved};
///
/// let record = Record { invoice_expires_at: Some(UnixSeconds::new(1_700_000_600)), asked: Asked::Once };
/// // The wallet may not have read the request yet: pay the same invoice again, or wait until it has expired.
/// assert_eq!(record.after_lookup(Status::NotFound, UnixSeconds::new(1_700_000_000)), Step::PayAgain(Unresolved::NotRead));
/// assert_eq!(record.after_lookup(Status::NotFound, UnixSeconds::new(1_700_001_000)), Step::NotPaid);
/// assert_eq!(record.after_lookup(Status::Proven, UnixSeconds::new(1_700_000_000)), Step::Prove);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// When the invoice expires; [`None`] where the recorded invoice cannot be read, which counts as one that
    /// never expires.
    pub invoice_expires_at: Option<UnixSeconds>,
    /// How often the wallet was asked to pay it.
    pub asked: Asked,
}

/// How often a wallet was asked to pay an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Once: a failure is final.
    Once,
    /// At least twice: a failure is that of one request, and another may still be read.
    Repeatedly,
    /// It is not known with what invoice and limits, because the record does not hold them. Nothing can be paid again.
    Unrecorded,
}

/// What a wallet says of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It succeeded, with the preimage of the payment hash.
    Proven,
    /// It succeeded, with something that is not the preimage.
    WrongProof,
    /// It is under way, or its outcome is not known.
    Pending,
    /// It failed.
    Failed,
    /// The wallet knows nothing of it.
    NotFound,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Record the proof, together with the token that it completes.
    Prove,
    /// Record that it was not paid: no money moved, and none will.
    NotPaid,
    /// Ask the wallet to pay the same invoice within the recorded limits. It is under way already, so that this only waits for it,
    /// or sends what a wallet that was stopped has recorded and not sent.
    Wait,
    /// Ask the wallet to pay the same invoice again. Nothing else may be paid in its place.
    PayAgain(Unresolved),
    /// Leave it open, and ask again later.
    Unknown(Unresolved),
}

impl Step {
    /// Returns what follows where nothing is to be paid now.
    #[must_use]
    pub const fn without_paying(self) -> Self {
        match self {
            Self::Wait => Self::Unknown(Unresolved::Pending),
            Self::PayAgain(why) => Self::Unknown(why),
            other => other,
        }
    }
}

/// Why the outcome of a payment is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unresolved {
    /// The wallet's proof is not that of the payment.
    WrongProof,
    /// The payment is under way.
    Pending,
    /// The wallet knows nothing of it, and may still read the request.
    NotRead,
    /// It failed when it was repeated, and the first request may still be read.
    FailedAgain,
    /// Its invoice has expired by our clock, but perhaps not by the payee's.
    JustExpired,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongProof => "the preimage from the wallet does not match the payment",
            Self::Pending => "the payment is still pending",
            Self::NotRead => "the wallet does not know it yet; it may still succeed until the invoice expires",
            Self::FailedAgain => {
                "it failed when it was repeated; the first attempt may still succeed until the invoice expires"
            }
            Self::JustExpired => "its invoice has only just expired",
        })
    }
}

impl core::error::Error for Unresolved {}

impl Record {
    /// Decides what follows from what the wallet says when it is asked about the payment.
    #[must_use]
    pub const fn after_lookup(self, status: Status, now: UnixSeconds) -> Step {
        let why = match (status, self.asked) {
            (Status::Proven, _) => return Step::Prove,
            (Status::WrongProof, _) => return Step::Unknown(Unresolved::WrongProof),
            (Status::Pending, Asked::Unrecorded) => return Step::Unknown(Unresolved::Pending),
            (Status::Pending, _) => return Step::Wait,
            (Status::Failed, Asked::Once | Asked::Unrecorded) | (Status::NotFound, Asked::Unrecorded) => {
                return Step::NotPaid;
            }
            (Status::Failed, Asked::Repeatedly) => Unresolved::FailedAgain,
            (Status::NotFound, Asked::Once | Asked::Repeatedly) => Unresolved::NotRead,
        };
        match self.invoice_expires_at {
            Some(expires_at) if expires_at.get().saturating_add(CLOCKS_DIFFER) < now.get() => Step::NotPaid,
            Some(expires_at) if expires_at.get() <= now.get() => Step::Unknown(Unresolved::JustExpired),
            Some(_) => Step::PayAgain(why),
            None => Step::Unknown(why),
        }
    }

    /// Decides what follows from what the wallet answers when it is asked to pay, whether for the first time or again. It takes the
    /// record as it stands after that request.
    #[must_use]
    pub const fn after_paying(self, status: Status) -> Step {
        match (status, self.asked) {
            (Status::Proven, _) => Step::Prove,
            (Status::WrongProof, _) => Step::Unknown(Unresolved::WrongProof),
            (Status::Pending, _) => Step::Unknown(Unresolved::Pending),
            (Status::Failed, Asked::Once) => Step::NotPaid,
            (Status::Failed, _) => Step::Unknown(Unresolved::FailedAgain),
            (Status::NotFound, _) => Step::Unknown(Unresolved::NotRead),
        }
    }
}

/// By how many seconds the clock of the wallet's node may be behind ours.
const CLOCKS_DIFFER: u64 = 120;

#[cfg(test)]
mod tests {
    use super::Asked::{Once, Repeatedly, Unrecorded};
    use super::Status::{Failed, NotFound, Pending, Proven, WrongProof};
    use super::Step::{NotPaid, PayAgain, Prove, Unknown, Wait};
    use super::*;

    const NOW: u64 = 1_700_000_000;

    /// Open, just expired, at the edge of that, over, and unreadable.
    const INVOICES: [Option<u64>; 6] =
        [Some(NOW + 1), Some(NOW), Some(NOW - CLOCKS_DIFFER), Some(NOW - CLOCKS_DIFFER - 1), Some(u64::MAX), None];

    #[test]
    fn every_answer_to_a_question_has_one_consequence() {
        use Unresolved::{FailedAgain, JustExpired, NotRead};
        let [proof, wrong, wait] = [Prove, Unknown(Unresolved::WrongProof), Wait].map(|step| [step; 6]);
        let open =
            |why| [PayAgain(why), Unknown(JustExpired), Unknown(JustExpired), NotPaid, PayAgain(why), Unknown(why)];
        let table = [
            (Proven, Once, proof),
            (Proven, Repeatedly, proof),
            (Proven, Unrecorded, proof),
            (WrongProof, Once, wrong),
            (WrongProof, Repeatedly, wrong),
            (WrongProof, Unrecorded, wrong),
            (Pending, Once, wait),
            (Pending, Repeatedly, wait),
            (Pending, Unrecorded, [Unknown(Unresolved::Pending); 6]),
            (Failed, Once, [NotPaid; 6]),
            (Failed, Repeatedly, open(FailedAgain)),
            (Failed, Unrecorded, [NotPaid; 6]),
            (NotFound, Once, open(NotRead)),
            (NotFound, Repeatedly, open(NotRead)),
            (NotFound, Unrecorded, [NotPaid; 6]),
        ];
        for (status, asked, steps) in table {
            for (invoice_expires_at, step) in INVOICES.into_iter().zip(steps) {
                let record = Record { invoice_expires_at: invoice_expires_at.map(UnixSeconds::new), asked };
                assert_eq!(record.after_lookup(status, UnixSeconds::new(NOW)), step, "{status:?} {record:?}");
            }
        }
    }

    #[test]
    fn every_answer_to_a_request_has_one_consequence() {
        for asked in [Once, Repeatedly, Unrecorded] {
            for invoice_expires_at in INVOICES {
                let record = Record { invoice_expires_at: invoice_expires_at.map(UnixSeconds::new), asked };
                assert_eq!(record.after_paying(Proven), Prove);
                assert_eq!(record.after_paying(WrongProof), Unknown(Unresolved::WrongProof));
                assert_eq!(record.after_paying(Pending), Unknown(Unresolved::Pending));
                assert_eq!(record.after_paying(NotFound), Unknown(Unresolved::NotRead));
                let failed = if asked == Once { NotPaid } else { Unknown(Unresolved::FailedAgain) };
                assert_eq!(record.after_paying(Failed), failed);
            }
        }
    }

    #[test]
    fn what_only_asks_pays_nothing() {
        assert_eq!(Wait.without_paying(), Unknown(Unresolved::Pending));
        for why in [Unresolved::NotRead, Unresolved::FailedAgain] {
            assert_eq!(PayAgain(why).without_paying(), Unknown(why));
        }
        for step in [Prove, NotPaid, Unknown(Unresolved::JustExpired)] {
            assert_eq!(step.without_paying(), step);
        }
    }
}
