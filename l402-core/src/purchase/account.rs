//! What a budget has spent and reserved: in all, at one origin, or for one service of it.

use super::entry::Entry;
use crate::msat::Msat;

/// A running total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// Spent. It never falls.
    pub booked_msat: Msat,
    /// Reserved for payments without an outcome.
    pub reserved_msat: Msat,
    /// How many those are.
    pub in_flight: u64,
}

impl Account {
    /// Returns what counts against a limit.
    pub const fn counted_msat(&self) -> Msat {
        self.booked_msat.saturating_add(self.reserved_msat)
    }

    /// Returns the account after an entry has changed; `before` is [`None`] for a new one.
    ///
    /// ```
    /// use l402_core::Msat;
    /// use l402_core::purchase::{Account, Entry, Event, Standing, WindowTime, step};
    ///
    /// let reserved = Entry { standing: Standing::Sent, held_msat: Msat::new(31_000), closed_at: None };
    /// let account = Account::default().after(None, &reserved);
    /// assert_eq!((account.booked_msat, account.reserved_msat, account.in_flight), (Msat::ZERO, Msat::new(31_000), 1));
    /// let (failed, _) = step(reserved, Event::Fail, WindowTime::default());
    /// assert_eq!(account.after(Some(&reserved), &failed), Account::default());
    /// ```
    #[must_use]
    pub fn after(self, before: Option<&Entry>, after: &Entry) -> Self {
        let booked = before.map_or(Msat::ZERO, Entry::booked_msat);
        let reserved = before.map_or(Msat::ZERO, Entry::reserved_msat);
        let was_open = before.is_some_and(|entry| entry.standing.is_open());
        Self {
            booked_msat: self.booked_msat.saturating_add(after.booked_msat().saturating_sub(booked)),
            reserved_msat: self.reserved_msat.saturating_sub(reserved).saturating_add(after.reserved_msat()),
            in_flight: self
                .in_flight
                .saturating_sub(u64::from(was_open))
                .saturating_add(u64::from(after.standing.is_open())),
        }
    }
}
