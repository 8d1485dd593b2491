//! Leases, in a transaction.

use crate::store::budget::{self, CallId};
use crate::store::clocks::Clocks;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::purchase::{BootId, Tally, WindowTime};
use rusqlite::{Transaction, params};

/// The moment at which leases are looked at.
pub(in crate::store) struct Live {
    now: WindowTime,
    boot: Option<BootId>,
}

impl Live {
    /// Lets time pass, and removes the leases that have ended.
    pub(in crate::store) fn now(tx: &Transaction<'_>, clocks: &dyn Clocks) -> rusqlite::Result<Self> {
        let now = budget::pass(tx, clocks)?.time;
        let live = Self { now, boot: clocks.read().boot };
        let over = "DELETE FROM leases WHERE ends_at <= ?1 OR boot IS NOT ?2";
        tx.prepare_cached(over)?.execute(params![column(now), live.boot])?;
        Ok(live)
    }

    fn put(&self, tx: &Transaction<'_>, hash: &str, holder: CallId) -> rusqlite::Result<()> {
        let put = "INSERT OR REPLACE INTO leases (payment_hash, holder, ends_at, boot) VALUES (?1, ?2, ?3, ?4)";
        let row = params![hash, holder.as_bytes(), column(self.now.after(LEASE)), self.boot];
        tx.prepare_cached(put)?.execute(row).map(drop)
    }
}

/// Gives a call a use of a token, where there is one left that nobody holds.
pub(in crate::store) fn take(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    hash: &PaymentHash,
    holder: CallId,
    tally: Tally,
) -> rusqlite::Result<bool> {
    let (live, hash) = (Live::now(tx, clocks)?, hash.to_string());
    let mut others = tx.prepare_cached("SELECT count(*) FROM leases WHERE payment_hash = ?1 AND holder <> ?2")?;
    let others: u64 = others.query_row(params![hash, holder.as_bytes()], |row| row.get(0))?;
    if !tally.has_room(others) {
        return Ok(false);
    }
    live.put(tx, &hash, holder).map(|()| true)
}

/// Gives the call that is about to pay for a token the first use of it. Until the lease ends, the purchase is under way.
pub(in crate::store) fn buys(
    tx: &Transaction<'_>,
    live: &Live,
    hash: &PaymentHash,
    holder: CallId,
) -> rusqlite::Result<()> {
    live.put(tx, &hash.to_string(), holder)
}

/// Lets the leases of a call last on.
pub(in crate::store) fn renew(tx: &Transaction<'_>, clocks: &dyn Clocks, holder: CallId) -> rusqlite::Result<()> {
    let live = Live::now(tx, clocks)?;
    let renew = "UPDATE leases SET ends_at = ?2 WHERE holder = ?1";
    tx.prepare_cached(renew)?.execute(params![holder.as_bytes(), column(live.now.after(LEASE))]).map(drop)
}

/// Ends the leases of a call but for that of one token, and of those whose answers are still coming.
pub(in crate::store) fn switch(tx: &Transaction<'_>, holder: CallId, kept: &[PaymentHash]) -> rusqlite::Result<()> {
    let mut all = tx.prepare_cached("SELECT payment_hash FROM leases WHERE holder = ?1")?;
    let all: Vec<String> = all.query_map([holder.as_bytes()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for hash in all.iter().filter(|hash| !kept.iter().any(|kept| kept.to_string() == **hash)) {
        end(tx, hash, holder)?;
    }
    Ok(())
}

/// Ends the leases of a call.
pub(in crate::store) fn end_all(tx: &Transaction<'_>, holder: CallId) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM leases WHERE holder = ?1")?.execute([holder.as_bytes()]).map(drop)
}

/// Tells whether the call that was about to pay holds its lease.
pub(in crate::store) fn is_buying(tx: &Transaction<'_>, hash: &PaymentHash) -> rusqlite::Result<bool> {
    let is_buying = "SELECT EXISTS (SELECT 1 FROM leases JOIN entries USING (payment_hash) \
                     WHERE payment_hash = ?1 AND holder = call)";
    tx.prepare_cached(is_buying)?.query_row([hash.to_string()], |row| row.get(0))
}

/// Ends the lease of a call that was about to pay, and is known to have ended.
pub(in crate::store) fn end_buyer(tx: &Transaction<'_>, hash: &PaymentHash) -> rusqlite::Result<()> {
    let end = "DELETE FROM leases WHERE payment_hash = ?1 \
               AND holder = (SELECT call FROM entries WHERE entries.payment_hash = ?1)";
    tx.prepare_cached(end)?.execute([hash.to_string()]).map(drop)
}

fn end(tx: &Transaction<'_>, hash: &str, holder: CallId) -> rusqlite::Result<()> {
    let end = "DELETE FROM leases WHERE payment_hash = ?1 AND holder = ?2";
    tx.prepare_cached(end)?.execute(params![hash, holder.as_bytes()]).map(drop)
}

fn column(time: WindowTime) -> i64 {
    i64::try_from(time.millis()).unwrap_or(i64::MAX)
}

/// How long a lease lasts that is not renewed. It is renewed three times in that time.
pub(in crate::store) const LEASE: Duration = Duration::from_secs(30);
