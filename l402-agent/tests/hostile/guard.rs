//! What the engine does for safety, each of which a run can leave undone.

use rusqlite::Connection;
use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// What is reserved counts.
    ReservedCounts,
    /// What is open counts in every window.
    OpenCountsInWindows,
    /// The maximum fee is reserved too.
    FeeReserved,
    /// The fee is booked too.
    FeeBooked,
    /// A window begins when the outcome is recorded.
    WindowFromOutcome,
    /// The budgets above are checked.
    Ancestors,
    /// A payment whose outcome is unknown stays reserved.
    UnknownStays,
    /// What a removed budget has spent still counts above it.
    RemovedCounts,
    /// What is below a removed budget pays nothing.
    RemovedStops,
    /// Within a boot, the time since then counts.
    BootTime,
    /// A breaker that was tripped stops payments.
    Breaker,
    /// An invoice that the wallet may still pay is not replaced by another.
    OneHash,
    /// Payments under way are counted at each origin.
    OriginInFlight,
    /// What is reserved is counted at each origin.
    OriginReserved,
    /// All origins that are not listed count together.
    Unlisted,
    /// The fee and the lock time of a payment are narrowed to what a budget allows, and refused above it.
    Route,
    /// Who holds a token is noted.
    LeasesNoted,
    /// A use that went is counted.
    UsesCounted,
}

impl Guard {
    pub(crate) const ALL: [Self; 18] = [
        Self::ReservedCounts,
        Self::OpenCountsInWindows,
        Self::FeeReserved,
        Self::FeeBooked,
        Self::WindowFromOutcome,
        Self::Ancestors,
        Self::UnknownStays,
        Self::RemovedCounts,
        Self::RemovedStops,
        Self::BootTime,
        Self::Breaker,
        Self::OneHash,
        Self::OriginInFlight,
        Self::OriginReserved,
        Self::Unlisted,
        Self::Route,
        Self::LeasesNoted,
        Self::UsesCounted,
    ];

    /// Whether callers meet at the same few tokens.
    pub(crate) const fn is_of_tokens(self) -> bool {
        matches!(self, Self::LeasesNoted | Self::UsesCounted)
    }

    /// Undoes in the database what the guard does there.
    pub(crate) fn remove(self, store: &Path) {
        let trigger = match self {
            Self::ReservedCounts => {
                "CREATE TRIGGER gone AFTER INSERT ON accounts WHEN NEW.reserved_msat > 0 BEGIN \
                     UPDATE accounts SET reserved_msat = 0 \
                     WHERE budget = NEW.budget AND origin = NEW.origin AND service = NEW.service; END"
            }
            Self::OpenCountsInWindows => {
                "CREATE TRIGGER gone AFTER INSERT ON entries WHEN NEW.closed_at IS NULL BEGIN \
                     UPDATE entries SET closed_at = 1 WHERE payment_hash = NEW.payment_hash; END"
            }
            Self::WindowFromOutcome => {
                "CREATE TRIGGER gone AFTER INSERT ON entries WHEN NEW.closed_at > 3000000 BEGIN \
                     UPDATE entries SET closed_at = closed_at - 3000000 WHERE payment_hash = NEW.payment_hash; END"
            }
            Self::Ancestors => "UPDATE budgets SET parent = NULL",
            Self::RemovedCounts => {
                "CREATE TRIGGER gone AFTER UPDATE OF standing ON budgets WHEN NEW.standing = 'removed' BEGIN \
                     DELETE FROM accounts; DELETE FROM entries WHERE closed_at IS NOT NULL; END"
            }
            Self::RemovedStops => {
                "CREATE TRIGGER gone AFTER UPDATE OF standing ON budgets WHEN NEW.standing = 'removed' BEGIN \
                     UPDATE budgets SET standing = 'active', name = name || id WHERE id = NEW.id; END"
            }
            Self::LeasesNoted => {
                "CREATE TRIGGER gone AFTER INSERT ON leases BEGIN \
                     DELETE FROM leases WHERE payment_hash = NEW.payment_hash AND holder = NEW.holder; END"
            }
            Self::UsesCounted => {
                "CREATE TRIGGER gone AFTER UPDATE OF used ON tokens WHEN NEW.used > 0 BEGIN \
                     UPDATE tokens SET used = 0, uses_left = NULL WHERE id = NEW.id; END"
            }
            Self::OriginInFlight => {
                "CREATE TRIGGER gone AFTER INSERT ON accounts WHEN NEW.origin LIKE 'http%' AND NEW.in_flight > 0 BEGIN \
                     UPDATE accounts SET in_flight = 0 \
                     WHERE budget = NEW.budget AND origin = NEW.origin AND service = NEW.service; END"
            }
            Self::OriginReserved => {
                "CREATE TRIGGER gone AFTER INSERT ON accounts WHEN NEW.origin LIKE 'http%' AND NEW.reserved_msat > 0 BEGIN \
                     UPDATE accounts SET reserved_msat = 0 \
                     WHERE budget = NEW.budget AND origin = NEW.origin AND service = NEW.service; END"
            }
            Self::Unlisted => {
                "CREATE TRIGGER gone AFTER INSERT ON accounts WHEN NEW.origin = '*' BEGIN \
                     DELETE FROM accounts WHERE origin = '*'; END"
            }
            Self::Route => {
                "CREATE TRIGGER gone AFTER UPDATE OF fee_msat ON budgets BEGIN \
                     UPDATE budgets SET fee_ppm = NULL, cltv = NULL WHERE id = NEW.id; END; \
                 UPDATE budgets SET fee_ppm = NULL, cltv = NULL"
            }
            Self::Breaker => "CREATE TRIGGER gone AFTER INSERT ON breakers BEGIN DELETE FROM breakers; END",
            Self::FeeReserved | Self::FeeBooked | Self::UnknownStays | Self::BootTime | Self::OneHash => return,
        };
        Connection::open(store).unwrap().execute_batch(trigger).unwrap();
    }
}
