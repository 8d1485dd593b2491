//! What a store keeps of one payment.

use super::attempt::{Attempt, AttemptId, Fingerprint, IdempotencyKey};
use super::tally::Tally;
use super::time::StoreTime;
use crate::counter::CounterKey;

/// The record of one payment, which a store hands to [`step`](super::step) alone: locked, or in a transaction.
pub trait Record {
    /// Returns a counter; [`None`] where nothing of it was ever taken.
    fn tally(&self, key: &CounterKey) -> Option<Tally>;

    /// Keeps a counter. One that [is untouched](Tally::is_untouched) may be forgotten.
    fn set_tally(&mut self, key: &CounterKey, tally: Tally);

    /// Returns how many counters there are beside that of the sale.
    fn branches(&self) -> usize;

    /// Returns an attempt.
    fn attempt(&self, id: &AttemptId) -> Option<Attempt>;

    /// Keeps an attempt.
    fn set_attempt(&mut self, id: &AttemptId, attempt: Attempt);

    /// Forgets an attempt.
    fn remove_attempt(&mut self, id: &AttemptId);

    /// Returns the attempt with the lowest id of those that are reserved or in doubt and hold the client's key.
    fn holder(&self, key: &IdempotencyKey) -> Option<(AttemptId, Attempt)>;

    /// Returns the attempt with the lowest id of those that are in doubt and have the fingerprint.
    fn doubtful(&self, fingerprint: &Fingerprint) -> Option<(AttemptId, Attempt)>;

    /// Returns an attempt that is [due](Attempt::is_due) at a time.
    fn due(&self, now: StoreTime) -> Option<(AttemptId, Attempt)>;

    /// Takes the lowest number that was given back, or else the next one.
    fn take_number(&mut self) -> u32;

    /// Gives a number back.
    fn return_number(&mut self, number: u32);
}
