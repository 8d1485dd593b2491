//! What a payment holds, and the totals that follow from it.

use super::clock::column;
use super::line::{BudgetId, Stored, wrong};
use l402_core::Msat;
use l402_core::purchase::{Account, Entry, Standing, Window, WindowTime};
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// An entry and what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) budget: BudgetId,
    pub(super) call: Vec<u8>,
    pub(super) origin: String,
    /// Empty where the token does not say.
    pub(super) service: String,
    /// Whether the policy listed the origin.
    pub(super) listing: Listing,
    pub(super) entry: Entry,
}

/// Whether the owner's policy lists an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    Listed,
    Unlisted,
}

/// Returns the entry of a payment.
pub(super) fn find(tx: &Transaction<'_>, hash: &str) -> rusqlite::Result<Option<Held>> {
    let sql = "SELECT *, EXISTS (SELECT 1 FROM unlisted WHERE unlisted.payment_hash = ?1) AS is_unlisted \
               FROM entries WHERE payment_hash = ?1";
    tx.prepare_cached(sql)?.query_row([hash], read).optional()
}

/// Takes note of whether the origin of a payment is listed, before its entry is written for the first time.
pub(super) fn note_listing(tx: &Transaction<'_>, hash: &str, listing: Listing) -> rusqlite::Result<()> {
    let sql = match listing {
        Listing::Unlisted => "INSERT OR IGNORE INTO unlisted (payment_hash) VALUES (?1)",
        Listing::Listed => "DELETE FROM unlisted WHERE payment_hash = ?1",
    };
    tx.prepare_cached(sql)?.execute([hash]).map(drop)
}

/// Writes an entry, and what changes by it in the accounts of its budget and of all above it.
pub(super) fn write(
    tx: &Transaction<'_>,
    hash: &str,
    before: Option<&Entry>,
    held: &Held,
    line: &[Stored],
) -> rusqlite::Result<()> {
    let Held { budget, call, origin, service, listing, entry } = held;
    let sql = "INSERT OR REPLACE INTO entries (payment_hash, budget, call, origin, service, standing, held_msat, closed_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let closed_at = entry.closed_at.map(|time| column(time.millis()));
    let (standing, msat) = (name(entry.standing), column(entry.held_msat.get()));
    let row = params![hash, budget.0, call, origin, service, standing, msat, closed_at];
    tx.prepare_cached(sql)?.execute(row)?;
    for Stored { id, .. } in line {
        for (origin, service) in scopes(origin, service, *listing) {
            let account = account(tx, *id, origin, service)?.after(before, entry);
            put(tx, *id, origin, service, &account)?;
        }
    }
    Ok(())
}

/// Returns what a budget has spent and reserved in all, at an origin, or for a service of it.
pub(super) fn account(
    tx: &Transaction<'_>,
    budget: BudgetId,
    origin: &str,
    service: &str,
) -> rusqlite::Result<Account> {
    let sql = "SELECT booked_msat, reserved_msat, in_flight FROM accounts \
               WHERE budget = ?1 AND origin = ?2 AND service = ?3";
    let read = |row: &Row<'_>| {
        let (booked_msat, reserved_msat) = (row.get(0).map(Msat::new)?, row.get(1).map(Msat::new)?);
        Ok(Account { booked_msat, reserved_msat, in_flight: row.get(2)? })
    };
    let found = tx.prepare_cached(sql)?.query_row(params![budget.0, origin, service], read).optional()?;
    Ok(found.unwrap_or_default())
}

/// Returns what a call has spent and reserved.
pub(super) fn of_call(tx: &Transaction<'_>, call: &[u8]) -> rusqlite::Result<Msat> {
    let mut held = tx.prepare_cached("SELECT held_msat FROM entries WHERE call = ?1")?;
    held.query_map([call], |row| row.get(0).map(Msat::new))?
        .try_fold(Msat::ZERO, |sum, held| Ok(sum.saturating_add(held?)))
}

/// Returns the prices of what a call has bought at an origin, or may still buy.
pub(super) fn bought_by_call(tx: &Transaction<'_>, call: &[u8], origin: &str) -> rusqlite::Result<Msat> {
    let sql = "SELECT payments.amount_msat FROM entries JOIN payments USING (payment_hash) \
               WHERE entries.call = ?1 AND entries.origin = ?2 AND entries.standing NOT IN ('failed', 'abandoned')";
    let mut prices = tx.prepare_cached(sql)?;
    let mut prices = prices.query_map(params![call, origin], |row| row.get(0).map(Msat::new))?;
    prices.try_fold(Msat::ZERO, |sum, price| Ok(sum.saturating_add(price?)))
}

/// Returns what counts in the longest window or is open, of a budget and of those below it: when each was closed, the earliest
/// first, and what it holds.
pub(super) fn recent(
    tx: &Transaction<'_>,
    budget: BudgetId,
    now: WindowTime,
) -> rusqlite::Result<Vec<(Option<WindowTime>, Msat)>> {
    let longest = Window::ALL.map(Window::length).into_iter().max().unwrap_or_default();
    let since = now.millis().saturating_sub(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX));
    let sql = "WITH RECURSIVE under (id) AS \
                   (SELECT ?1 UNION SELECT budgets.id FROM budgets JOIN under ON budgets.parent = under.id) \
               SELECT closed_at, held_msat FROM entries \
               WHERE (closed_at IS NULL OR closed_at >= ?2) AND held_msat > 0 AND budget IN under ORDER BY closed_at";
    let mut found = tx.prepare_cached(sql)?;
    let read =
        |row: &Row<'_>| Ok((row.get::<_, Option<u64>>(0)?.map(WindowTime::from_millis), row.get(1).map(Msat::new)?));
    found.query_map(params![budget.0, column(since)], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Held> {
    let standing = row.get::<_, String>("standing")?;
    let standing = ALL.into_iter().find(|known| name(*known) == standing).ok_or_else(|| wrong("standing"))?;
    let entry = Entry {
        standing,
        held_msat: row.get("held_msat").map(Msat::new)?,
        closed_at: row.get::<_, Option<u64>>("closed_at")?.map(WindowTime::from_millis),
    };
    Ok(Held {
        budget: row.get("budget").map(BudgetId)?,
        call: row.get("call")?,
        origin: row.get("origin")?,
        service: row.get("service")?,
        listing: if row.get("is_unlisted")? { Listing::Unlisted } else { Listing::Listed },
        entry,
    })
}

fn put(tx: &Transaction<'_>, budget: BudgetId, origin: &str, service: &str, account: &Account) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO accounts (budget, origin, service, booked_msat, reserved_msat, in_flight) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Account { booked_msat, reserved_msat, in_flight } = *account;
    let [booked, reserved, in_flight] = [booked_msat.get(), reserved_msat.get(), in_flight].map(column);
    tx.prepare_cached(sql)?.execute(params![budget.0, origin, service, booked, reserved, in_flight]).map(drop)
}

/// The whole budget, the origin, the service where it is known, and all origins that are not listed where it is one of them.
fn scopes<'a>(origin: &'a str, service: &'a str, listing: Listing) -> impl Iterator<Item = (&'a str, &'a str)> {
    let service = Some((origin, service)).filter(|(_, service)| !service.is_empty());
    let unlisted = Some((UNLISTED, "")).filter(|_| listing == Listing::Unlisted);
    [("", ""), (origin, "")].into_iter().chain(service).chain(unlisted)
}

/// Stands for the origin in the account of all origins that are not listed.
pub(super) const UNLISTED: &str = "*";

const fn name(standing: Standing) -> &'static str {
    match standing {
        Standing::Intended => "intended",
        Standing::Sent => "sent",
        Standing::Unknown => "unknown",
        Standing::Proven => "proven",
        Standing::Failed => "failed",
        Standing::Abandoned => "abandoned",
        Standing::Forgotten => "forgotten",
    }
}

const ALL: [Standing; 7] = [
    Standing::Intended,
    Standing::Sent,
    Standing::Unknown,
    Standing::Proven,
    Standing::Failed,
    Standing::Abandoned,
    Standing::Forgotten,
];
