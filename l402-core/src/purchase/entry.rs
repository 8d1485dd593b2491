//! One payment, and what it holds of its budgets.

use super::window::WindowTime;
use crate::msat::Msat;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is reserved, and the wallet has not been asked.
    Intended,
    /// The wallet was asked, or may have been.
    Sent,
    /// Nobody can say what became of it. It may still succeed.
    Unknown,
    /// It succeeded.
    Proven,
    /// It failed: no money moved, and none will.
    Failed,
    /// It was given up before the wallet was asked.
    Abandoned,
    /// Its owner no longer wants to know. It counts as spent.
    Forgotten,
}

impl Standing {
    /// Tells whether its outcome is still to come.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Intended | Self::Sent | Self::Unknown)
    }
}

/// What a store keeps of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Where it stands.
    pub standing: Standing,
    /// What it holds: amount and maximum fee while it is open, afterwards what the wallet debited.
    pub held_msat: Msat,
    /// When its outcome was recorded.
    pub closed_at: Option<WindowTime>,
}

impl Entry {
    /// Returns what is held for an outcome that is still to come.
    pub const fn reserved_msat(&self) -> Msat {
        if self.standing.is_open() { self.held_msat } else { Msat::ZERO }
    }

    /// Returns what is spent. It never falls.
    pub const fn booked_msat(&self) -> Msat {
        if self.standing.is_open() { Msat::ZERO } else { self.held_msat }
    }

    const fn closed(standing: Standing, held_msat: Msat, now: WindowTime) -> Self {
        Self { standing, held_msat, closed_at: Some(now) }
    }
}

/// What happens to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The wallet is about to be asked.
    Send,
    /// It is given up before that.
    Abandon,
    /// The program that saw to it has ended, and another one takes over.
    TakeOver,
    /// The wallet proves that it succeeded.
    Prove {
        /// What the wallet debited, fees included.
        debited_msat: Msat,
    },
    /// It failed for certain.
    Fail,
    /// Nobody can say.
    LoseSight,
    /// Its owner no longer wants to know.
    Forget,
}

/// What the shell does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Ask the wallet to pay.
    Pay,
    /// Ask the wallet what became of it.
    LookUp,
    /// Present what was bought.
    Present,
    /// Nothing.
    Stop,
}

/// Carries out what happens to a payment. An event that comes again, or too late to be true, changes nothing.
///
/// ```
/// use l402_core::Msat;
/// use l402_core::purchase::{Command, Entry, Event, Standing, WindowTime, step};
///
/// let now = WindowTime::from_millis(1_700_000_000_000);
/// let entry = Entry { standing: Standing::Intended, held_msat: Msat::new(31_000), closed_at: None };
/// let (entry, command) = step(entry, Event::Send, now);
/// assert_eq!(command, Command::Pay);
/// let (entry, _) = step(entry, Event::Prove { debited_msat: Msat::new(21_300) }, now);
/// assert_eq!((entry.standing, entry.booked_msat()), (Standing::Proven, Msat::new(21_300)));
/// ```
pub fn step(entry: Entry, event: Event, now: WindowTime) -> (Entry, Command) {
    let Entry { standing, held_msat, .. } = entry;
    match (standing, event) {
        (Standing::Intended, Event::Send) => (Entry { standing: Standing::Sent, ..entry }, Command::Pay),
        (Standing::Intended, Event::Abandon) => (Entry::closed(Standing::Abandoned, Msat::ZERO, now), Command::Stop),
        (Standing::Intended, Event::TakeOver) => (Entry { standing: Standing::Sent, ..entry }, Command::LookUp),
        (standing, Event::Prove { debited_msat }) if standing.is_open() => {
            (Entry::closed(Standing::Proven, debited_msat, now), Command::Present)
        }
        (standing, Event::Fail) if standing.is_open() => {
            (Entry::closed(Standing::Failed, Msat::ZERO, now), Command::Stop)
        }
        (standing, Event::Forget) if standing.is_open() => {
            (Entry::closed(Standing::Forgotten, held_msat, now), Command::Stop)
        }
        (standing, Event::LoseSight) if standing.is_open() => {
            (Entry { standing: Standing::Unknown, ..entry }, Command::LookUp)
        }
        (_, Event::Prove { debited_msat }) => (late(entry, debited_msat, now), Command::Present),
        (standing, _) if standing.is_open() => (entry, Command::LookUp),
        _ => (entry, Command::Stop),
    }
}

/// Books a success of a payment that had another outcome, or the same. What was counted stays counted.
fn late(entry: Entry, debited_msat: Msat, now: WindowTime) -> Entry {
    if debited_msat <= entry.held_msat {
        return Entry { standing: Standing::Proven, ..entry };
    }
    Entry::closed(Standing::Proven, debited_msat, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WindowTime = WindowTime::from_millis(1_000);
    const LATER: WindowTime = WindowTime::from_millis(2_000);
    const RESERVED: Msat = Msat::new(31_000);
    const DEBITED: Msat = Msat::new(21_300);
    const PROVE: Event = Event::Prove { debited_msat: DEBITED };

    fn open(standing: Standing) -> Entry {
        Entry { standing, held_msat: RESERVED, closed_at: None }
    }

    #[test]
    fn every_event_has_one_consequence() {
        use Event::{Abandon, Fail, Forget, LoseSight, Send, TakeOver};
        use Standing::{Abandoned, Failed, Forgotten, Intended, Proven, Sent, Unknown};
        let events = [Send, Abandon, TakeOver, PROVE, Fail, LoseSight, Forget];
        let table = [
            (Intended, [Sent, Abandoned, Sent, Proven, Failed, Unknown, Forgotten]),
            (Sent, [Sent, Sent, Sent, Proven, Failed, Unknown, Forgotten]),
            (Unknown, [Unknown, Unknown, Unknown, Proven, Failed, Unknown, Forgotten]),
        ];
        for (from, row) in table {
            for (event, to) in events.into_iter().zip(row) {
                let (after, command) = step(open(from), event, NOW);
                assert_eq!(after.standing, to, "{from:?} {event:?}");
                assert_eq!(after.closed_at, (!to.is_open()).then_some(NOW));
                let held = match to {
                    Proven => DEBITED,
                    Failed | Abandoned => Msat::ZERO,
                    _ => RESERVED,
                };
                assert_eq!(after.held_msat, held, "{from:?} {event:?}");
                assert_eq!(command == Command::Pay, (from, event) == (Intended, Send), "one request to pay");
                // Whatever comes again or too late changes nothing, but for a success.
                for again in events.into_iter().filter(|again| !to.is_open() && *again != PROVE) {
                    assert_eq!(step(after, again, LATER), (after, Command::Stop), "{to:?} {again:?}");
                }
                assert_eq!(step(after, event, LATER).0, after, "{from:?} {event:?} twice");
            }
        }
    }

    #[test]
    fn a5_a_late_success_is_booked_and_nothing_booked_is_taken_back() {
        for (event, held, closed_at) in [
            (Event::Fail, DEBITED, LATER),
            (Event::Abandon, DEBITED, LATER),
            (Event::Forget, RESERVED, NOW),
            (PROVE, DEBITED, NOW),
        ] {
            let (closed, _) = step(open(Standing::Intended), event, NOW);
            let (proven, command) = step(closed, PROVE, LATER);
            let expected = Entry { standing: Standing::Proven, held_msat: held, closed_at: Some(closed_at) };
            assert_eq!((proven, command), (expected, Command::Present), "{event:?}");
        }
    }
}
