//! Payments that arrived: one, some in their order, and those that are known without asking.

use l402_core::{Msat, PaymentHash, UnixSeconds};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A payment that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The payment.
    pub payment_hash: PaymentHash,
    /// What arrived.
    pub received_msat: Msat,
    /// When it was recorded.
    pub settled_at: UnixSeconds,
}

/// Some of the payments that a node has recorded, in the order of its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementPage {
    /// The payments.
    pub settlements: Vec<Settlement>,
    /// Where the next page begins.
    pub next: u64,
}

/// The last payments that somebody else has told of. What is here is certain and never changes. What is not here has to be asked
/// for.
///
/// ```
/// use l402_core::{Msat, PaymentHash, UnixSeconds};
/// use l402_lightning::{SettledMemory, Settlement};
///
/// let memory = SettledMemory::new(1_000);
/// let payment_hash = PaymentHash::from_bytes([1; 32]);
/// memory.note(Settlement { payment_hash, received_msat: Msat::new(21_000), settled_at: UnixSeconds::new(0) });
/// assert_eq!(memory.received_msat(&payment_hash), Some(Msat::new(21_000)));
/// ```
#[derive(Debug)]
pub struct SettledMemory {
    most: usize,
    known: Mutex<Known>,
}

impl SettledMemory {
    /// Remembers so many payments, at some 200 bytes each. The oldest is forgotten first.
    pub fn new(most: usize) -> Self {
        Self { most, known: Mutex::default() }
    }

    /// Notes a payment, unless it is known.
    pub fn note(&self, settlement: Settlement) {
        let mut known = self.lock();
        if known.received.insert(settlement.payment_hash, settlement.received_msat).is_none() {
            known.order.push_back(settlement);
        }
        if known.order.len() > self.most
            && let Some(oldest) = known.order.pop_front()
        {
            known.forgotten += 1;
            known.received.remove(&oldest.payment_hash);
        }
    }

    /// Returns what is known to have been received.
    pub fn received_msat(&self, hash: &PaymentHash) -> Option<Msat> {
        self.lock().received.get(hash).copied()
    }

    /// Returns how many were noted, those included that are forgotten.
    pub fn recorded(&self) -> u64 {
        let known = self.lock();
        known.forgotten + known.order.len() as u64
    }

    /// Returns at most `most` payments, from the one on that was noted as number `from`, or the oldest that is known.
    pub fn page(&self, from: u64, most: usize) -> SettlementPage {
        let known = self.lock();
        let from = from.max(known.forgotten);
        let skipped = usize::try_from(from - known.forgotten).unwrap_or(usize::MAX);
        let settlements: Vec<_> = known.order.iter().skip(skipped).take(most).copied().collect();
        let next = from + settlements.len() as u64;
        SettlementPage { settlements, next }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Known {
    received: HashMap<PaymentHash, Msat>,
    order: VecDeque<Settlement>,
    forgotten: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settlement(n: u8) -> Settlement {
        Settlement {
            payment_hash: PaymentHash::from_bytes([n; 32]),
            received_msat: Msat::new(n.into()),
            settled_at: UnixSeconds::new(n.into()),
        }
    }

    fn memory() -> SettledMemory {
        let memory = SettledMemory::new(3);
        for n in 0..5 {
            memory.note(settlement(n));
            memory.note(settlement(n));
        }
        memory
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let memory = memory();
        let known: Vec<_> = (0..5).map(|n| memory.received_msat(&settlement(n).payment_hash)).collect();
        assert_eq!(known, [None, None, Some(Msat::new(2)), Some(Msat::new(3)), Some(Msat::new(4))]);
        let known = memory.lock();
        assert_eq!((known.order.len(), known.received.len()), (3, 3));
    }

    #[test]
    fn l5_pages_go_on_where_the_last_one_ended() {
        let memory = memory();
        assert_eq!(memory.recorded(), 5);
        let first = memory.page(0, 2);
        assert_eq!(first, SettlementPage { settlements: vec![settlement(2), settlement(3)], next: 4 });
        assert_eq!(memory.page(first.next, 2), SettlementPage { settlements: vec![settlement(4)], next: 5 });
        assert_eq!(memory.page(5, 2), SettlementPage { settlements: vec![], next: 5 });
    }
}
