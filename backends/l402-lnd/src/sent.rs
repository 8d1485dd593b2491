//! Payments that this process has asked for and whose end it does not know.
//!
//! 1. Until a payment has ended, an LND that cannot be asked leaves it unknown, however often it is asked.
//! 2. A request without an answer may lie in the buffers of an LND that hangs, and be carried out when it wakes: LND knows
//!    nothing of the payment, and yet it may succeed. That ends with the invoice, since LND pays none that has expired.
//!
//! What is here is lost with the process; the next one has to wait for that end by itself, or pay the same invoice again, which
//! never pays twice.

use l402_core::PaymentHash;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The payments without an end.
#[derive(Debug, Default)]
pub(super) struct Sent(Mutex<HashMap<PaymentHash, Open>>);

/// What was known before a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Earlier {
    /// LND's number of the earlier attempt, which failed.
    pub(super) index: Option<u64>,
    /// When the invoice expires, in Unix seconds.
    pub(super) expires_at: u64,
}

impl Sent {
    /// Notes that a request is about to be sent.
    pub(super) fn begin(&self, hash: PaymentHash, earlier: Earlier, now: u64) {
        let mut open = self.lock();
        open.retain(|_, request| request.is_open(now));
        let request = open.entry(hash).or_insert(Open { earlier, requests: 0, arrived: false });
        request.earlier = earlier;
        request.requests = request.requests.saturating_add(1);
    }

    /// LND has the payment: from now on it knows best.
    pub(super) fn arrived(&self, hash: &PaymentHash) {
        if let Some(request) = self.lock().get_mut(hash) {
            request.arrived = true;
        }
    }

    /// The payment has ended.
    pub(super) fn ended(&self, hash: &PaymentHash) {
        self.lock().remove(hash);
    }

    /// LND has refused the last request, or has not got it. One before that may still arrive.
    pub(super) fn refused(&self, hash: &PaymentHash) {
        let mut open = self.lock();
        if let Some(request) = open.get_mut(hash) {
            request.requests = request.requests.saturating_sub(1);
            if request.requests == 0 {
                open.remove(hash);
            }
        }
    }

    /// Whether the payment may be under way, as far as is known without asking LND.
    pub(super) fn is_open(&self, hash: &PaymentHash, now: u64) -> bool {
        self.lock().get(hash).is_some_and(|request| request.is_open(now))
    }

    /// Whether a request may still arrive, while LND's last attempt has the number `index`.
    pub(super) fn may_arrive(&self, hash: &PaymentHash, index: Option<u64>, now: u64) -> bool {
        self.lock().get(hash).is_some_and(|request| request.may_arrive(now) && request.earlier.index == index)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PaymentHash, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Open {
    earlier: Earlier,
    requests: u32,
    arrived: bool,
}

impl Open {
    fn may_arrive(&self, now: u64) -> bool {
        !self.arrived && now <= self.earlier.expires_at.saturating_add(CLOCKS_DIFFER)
    }

    fn is_open(&self, now: u64) -> bool {
        self.may_arrive(now) || (self.arrived && now <= self.earlier.expires_at.saturating_add(LONGEST_WAY))
    }
}

/// By how many seconds LND's clock may be behind ours.
const CLOCKS_DIFFER: u64 = 120;
/// For how many seconds money may be on its way: LND allows two weeks' worth of blocks, which come as they come.
const LONGEST_WAY: u64 = 28 * 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);
    const EARLIER: Earlier = Earlier { index: None, expires_at: 1_000 };

    #[test]
    fn a4_what_may_arrive_is_open_until_the_invoice_has_expired() {
        let sent = Sent::default();
        assert!(!sent.is_open(&HASH, 0));
        sent.begin(HASH, EARLIER, 0);
        assert!(sent.is_open(&HASH, 1_000 + CLOCKS_DIFFER));
        assert!(!sent.is_open(&HASH, 1_001 + CLOCKS_DIFFER));
        assert!(sent.may_arrive(&HASH, None, 0));
        assert!(!sent.may_arrive(&HASH, Some(4), 0), "it has arrived, under that number");
    }

    #[test]
    fn a4_a_refusal_ends_one_request_and_an_end_all() {
        let sent = Sent::default();
        sent.begin(HASH, EARLIER, 0);
        sent.begin(HASH, EARLIER, 0);
        sent.refused(&HASH);
        assert!(sent.is_open(&HASH, 0), "the one before");
        sent.refused(&HASH);
        assert!(!sent.is_open(&HASH, 0));
        sent.begin(HASH, EARLIER, 0);
        sent.begin(HASH, EARLIER, 0);
        sent.ended(&HASH);
        assert!(!sent.is_open(&HASH, 0));
    }

    #[test]
    fn a4_what_has_arrived_is_open_until_it_has_ended() {
        let sent = Sent::default();
        sent.begin(HASH, EARLIER, 0);
        sent.arrived(&HASH);
        assert!(!sent.may_arrive(&HASH, None, 0), "it has");
        assert!(sent.is_open(&HASH, 100_000), "though the invoice has expired");
        sent.ended(&HASH);
        assert!(!sent.is_open(&HASH, 100_000));
    }

    #[test]
    fn nothing_is_kept_for_ever() {
        let sent = Sent::default();
        sent.begin(HASH, EARLIER, 0);
        sent.begin(PaymentHash::from_bytes([8; 32]), Earlier { index: None, expires_at: 9_000 }, 5_000);
        assert_eq!(sent.lock().len(), 1);
    }
}
