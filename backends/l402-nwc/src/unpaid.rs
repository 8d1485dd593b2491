//! Invoices that nobody has paid yet: each is a row at the wallet, so that there are never more than so many (threat L1).

use l402_core::{PaymentHash, UnixSeconds};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The unpaid invoices of this process.
#[derive(Debug)]
pub(crate) struct Unpaid {
    most: usize,
    invoices: Mutex<Invoices>,
}

#[derive(Debug, Default)]
struct Invoices {
    expire_at: HashMap<PaymentHash, UnixSeconds>,
    /// Those that are being asked for.
    asked: usize,
}

/// Room for an invoice, until it is filled or given back.
#[derive(Debug)]
pub(crate) struct Room<'a>(&'a Unpaid);

impl Unpaid {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, invoices: Mutex::default() }
    }

    /// Returns room for one more, unless there are too many that have not expired.
    pub(crate) fn room(&self, now: UnixSeconds) -> Option<Room<'_>> {
        let mut invoices = self.invoices();
        if invoices.count() >= self.most {
            invoices.expire_at.retain(|_, expires_at| *expires_at > now);
        }
        if invoices.count() >= self.most {
            return None;
        }
        invoices.asked += 1;
        Some(Room(self))
    }

    /// Notes that an invoice was paid.
    pub(crate) fn paid(&self, hash: &PaymentHash) {
        self.invoices().expire_at.remove(hash);
    }

    fn invoices(&self) -> MutexGuard<'_, Invoices> {
        self.invoices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Invoices {
    fn count(&self) -> usize {
        self.expire_at.len().saturating_add(self.asked)
    }
}

impl Room<'_> {
    /// Fills it.
    pub(crate) fn fill(self, hash: PaymentHash, expires_at: UnixSeconds) {
        self.0.invoices().expire_at.insert(hash, expires_at);
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut invoices = self.0.invoices();
        invoices.asked = invoices.asked.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_there_are_never_more_unpaid_invoices_than_allowed() {
        let (unpaid, hash) = (Unpaid::new(2), |n| PaymentHash::from_bytes([n; 32]));
        let at = UnixSeconds::new;
        unpaid.room(at(0)).unwrap().fill(hash(1), at(10));
        let second = unpaid.room(at(0)).unwrap();
        assert!(unpaid.room(at(0)).is_none(), "one is being asked for");
        second.fill(hash(2), at(20));
        assert!(unpaid.room(at(9)).is_none());
        drop(unpaid.room(at(10)).unwrap()); // the first has expired; no invoice came of this one
        unpaid.room(at(10)).unwrap().fill(hash(3), at(20));
        assert!(unpaid.room(at(10)).is_none());
        unpaid.paid(&hash(2));
        assert!(unpaid.room(at(10)).is_some());
    }
}
