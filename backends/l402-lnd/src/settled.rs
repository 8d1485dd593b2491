//! Settlements that LND has told of, so that a paid token is served while LND is away.
//!
//! What is here is certain and never changes. What is not here has to be asked for.

use l402_core::{Msat, PaymentHash};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last [`MOST`] settlements.
#[derive(Debug, Default)]
pub(super) struct Settled(Mutex<Known>);

impl Settled {
    /// Notes what was received for a payment hash.
    pub(super) fn note(&self, hash: PaymentHash, msat: Msat) {
        let mut known = self.lock();
        if known.received.insert(hash, msat).is_none() {
            known.order.push_back(hash);
        }
        if known.order.len() > MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.received.remove(&oldest);
        }
    }

    /// Returns what is known to have been received.
    pub(super) fn received_msat(&self, hash: &PaymentHash) -> Option<Msat> {
        self.lock().received.get(hash).copied()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Known {
    received: HashMap<PaymentHash, Msat>,
    order: VecDeque<PaymentHash>,
}

/// Some 20 MB.
const MOST: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let settled = Settled::default();
        let hash = |n: usize| {
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&n.to_be_bytes());
            PaymentHash::from_bytes(bytes)
        };
        for n in 0..=MOST {
            settled.note(hash(n), Msat::new(1));
            settled.note(hash(n), Msat::new(1));
        }
        assert_eq!(settled.received_msat(&hash(0)), None);
        assert_eq!(settled.received_msat(&hash(1)), Some(Msat::new(1)));
        assert_eq!(settled.lock().order.len(), MOST);
        assert_eq!(settled.lock().received.len(), MOST);
    }
}
