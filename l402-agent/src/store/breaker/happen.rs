//! What happens to breakers, in a transaction of the store.

use super::alert::{self, Alert};
use super::guards::Guards;
use super::row::{self, COMMON};
use crate::store::budget::{column, note, pass};
use crate::store::clocks::Clocks;
use core::time::Duration;
use l402_core::purchase::WindowTime;
use l402_core::purchase::breaker::{Cause, Change, Circuit, Event, Mode, step};
use l402_core::{Msat, PaymentHash};
use l402_http::pay::{Origin, Standing};
use rusqlite::{OptionalExtension, Transaction, params};

/// A transaction at a time, with what the owner has settled.
pub(super) struct Moment<'a> {
    pub(super) tx: &'a Transaction<'a>,
    pub(super) clocks: &'a dyn Clocks,
    pub(super) guards: &'a Guards,
    pub(super) now: WindowTime,
}

impl<'a> Moment<'a> {
    /// Lets time pass.
    pub(super) fn new(tx: &'a Transaction<'a>, clocks: &'a dyn Clocks, guards: &'a Guards) -> rusqlite::Result<Self> {
        Ok(Self { tx, clocks, guards, now: pass(tx, clocks)?.time })
    }

    /// Carries out what happens to the breaker of an origin, or to the [common](COMMON) one, and tells of it.
    pub(super) fn happen(&self, origin: &str, event: Event) -> rusqlite::Result<Circuit> {
        let before = row::stored(self.tx, origin)?;
        let (after, verdict) = step(before, event, &self.guards.rules, self.now);
        if after != before {
            row::put(self.tx, origin, &after)?;
        }
        match verdict.change {
            Some(Change::Tripped(cause)) => self.tell(&Alert::Tripped { origin, mode: verdict.mode, cause })?,
            Some(Change::Ended) => self.tell(&Alert::Ended { origin, mode: verdict.mode })?,
            None => {}
        }
        Ok(after)
    }

    /// Writes into the record what happened, and an alert, where somebody is to hear of it.
    pub(super) fn tell(&self, alert: &Alert<'_>) -> rusqlite::Result<()> {
        let reading = self.clocks.read();
        note(self.tx, self.now, &reading, &alert.to_string())?;
        if self.guards.are_alerts_sent {
            alert::put(self.tx, alert, reading.wall_ms / 1_000)?;
        }
        Ok(())
    }

    /// A purchase was not accepted.
    fn lost(&self, origin: &str, hash: &str, lost_msat: Msat) -> rusqlite::Result<()> {
        let insert = "INSERT OR IGNORE INTO losses (payment_hash, origin, lost_msat, lost_at) VALUES (?1, ?2, ?3, ?4)";
        let row = params![hash, origin, column(lost_msat.get()), column(self.now.millis())];
        if self.tx.execute(insert, row)? == 0 {
            return Ok(()); // it was refused before
        }
        self.happen(origin, Event::Refused { lost_msat })?;
        let (origins, lost_msat) = self.losses()?;
        self.happen(COMMON, Event::Lost { origins, lost_msat }).map(drop)
    }

    /// Returns at how many origins something was lost within a day, and how much.
    fn losses(&self) -> rusqlite::Result<(u32, Msat)> {
        let since = column(self.now.millis().saturating_sub(DAY));
        let mut found =
            self.tx.prepare_cached("SELECT origin, lost_msat FROM losses WHERE lost_at > ?1 ORDER BY origin")?;
        let rows = found.query_map([since], |row| Ok((row.get::<_, String>(0)?, row.get(1).map(Msat::new)?)))?;
        let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
        let lost = rows.iter().map(|(_, lost)| *lost).fold(Msat::ZERO, Msat::saturating_add);
        let mut origins: Vec<_> = rows.into_iter().map(|(origin, _)| origin).collect();
        origins.dedup();
        Ok((u32::try_from(origins.len()).unwrap_or(u32::MAX), lost))
    }

    /// Forgives what was lost, at an origin or at all of them: it counts no more.
    pub(super) fn forgive(&self, origin: &str) -> rusqlite::Result<()> {
        let forgive = "UPDATE losses SET lost_at = 0 WHERE origin = ?1 OR ?1 = ''";
        self.tx.execute(forgive, [origin]).map(drop)
    }
}

/// Notes what a server made of the token that a payment bought.
pub(in crate::store) fn marked(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    guards: &Guards,
    hash: &PaymentHash,
    standing: Standing,
) -> rusqlite::Result<()> {
    let hash = hash.to_string();
    match standing {
        Standing::New => Ok(()),
        // It was no loss after all.
        Standing::Served => tx.execute("DELETE FROM losses WHERE payment_hash = ?1", [&hash]).map(drop),
        Standing::Refused => {
            let found = "SELECT origin, amount_msat, fee_msat FROM tokens WHERE payment_hash = ?1";
            let read = |row: &rusqlite::Row<'_>| {
                let [amount, fee] = [row.get(1).map(Msat::new)?, row.get(2).map(Msat::new)?];
                Ok((row.get::<_, String>(0)?, amount.saturating_add(fee)))
            };
            let Some((origin, lost_msat)) = tx.query_row(found, [&hash], read).optional()? else { return Ok(()) };
            Moment::new(tx, clocks, guards)?.lost(&origin, &hash, lost_msat)
        }
    }
}

/// The owner forgets what was bought at an origin, and with it that it was not accepted.
pub(in crate::store) fn forgiven(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    guards: &Guards,
    origin: &Origin,
) -> rusqlite::Result<()> {
    let origin = origin.to_string();
    let circuit = row::stored(tx, &origin)?;
    if matches!(circuit.cause, Some(Cause::Refused { .. })) && circuit.mode < Mode::Frozen {
        let moment = Moment::new(tx, clocks, guards)?;
        moment.forgive(&origin)?;
        moment.happen(&origin, Event::Reset)?;
    }
    Ok(())
}

/// Milliseconds.
const DAY: u64 = Duration::from_hours(24).as_secs() * 1_000;
