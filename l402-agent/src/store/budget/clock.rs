//! The stored clock.

use crate::store::clocks::Clocks;
use l402_core::purchase::{BootId, Clock, Passage, Reading, WindowTime};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// How the clock of the store stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// The time that limits are measured by.
    pub time: WindowTime,
    /// What the last passage was like.
    pub passage: Passage,
}

/// Lets time pass, and returns how the clock stands then.
pub(in crate::store) fn pass(tx: &Transaction<'_>, clocks: &dyn Clocks) -> rusqlite::Result<ClockState> {
    let reading = clocks.read();
    let Some(mut clock) = stored(tx)? else {
        let clock = Clock::start(&reading);
        write(tx, &clock)?;
        return Ok(ClockState { time: clock.time(), passage: Passage::On });
    };
    let boot = clock.boot;
    let passage = clock.pass(&reading);
    if !matches!(passage, Passage::Behind(_)) {
        write(tx, &clock)?;
        if boot.is_none() || boot != clock.boot {
            date(tx, clock.time())?;
        }
    }
    if let Passage::Jumped(by) = passage {
        note(tx, clock.time(), &reading, &format!("the clock jumped forward by {} s", by.as_secs()))?;
    }
    Ok(ClockState { time: clock.time(), passage })
}

/// Goes on from the stored time, and returns how the clock stood before.
pub(super) fn accept(tx: &Transaction<'_>, clocks: &dyn Clocks) -> rusqlite::Result<ClockState> {
    let state = pass(tx, clocks)?;
    let (reading, clock) = (clocks.read(), stored(tx)?);
    if let (Passage::Behind(by), Some(mut clock)) = (state.passage, clock) {
        clock.accept(&reading);
        write(tx, &clock)?;
        date(tx, clock.time())?;
        note(tx, clock.time(), &reading, &format!("accepted a wall clock that is {} s behind", by.as_secs()))?;
    }
    Ok(state)
}

/// Records an event.
pub(in crate::store) fn note(
    tx: &Transaction<'_>,
    time: WindowTime,
    reading: &Reading,
    what: &str,
) -> rusqlite::Result<()> {
    let insert = "INSERT INTO events (time, wall, what) VALUES (?1, ?2, ?3)";
    tx.execute(insert, params![column(time.millis()), column(reading.wall_ms), what]).map(drop)
}

/// A number as SQLite has it; one that is larger is the largest.
pub(in crate::store) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What was closed while the clock stood still has no time until it goes on.
pub(super) const UNDATED: WindowTime = WindowTime::from_millis(i64::MAX.unsigned_abs());

/// Dates what was closed while the clock stood still: nobody knows how long ago that was.
fn date(tx: &Transaction<'_>, now: WindowTime) -> rusqlite::Result<()> {
    let date = "UPDATE entries SET closed_at = ?1 WHERE closed_at = ?2";
    tx.execute(date, [now, UNDATED].map(|time| column(time.millis()))).map(drop)
}

fn stored(tx: &Transaction<'_>) -> rusqlite::Result<Option<Clock>> {
    tx.query_row("SELECT time, boot, since_boot FROM clock", [], read).optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Clock> {
    let boot: Option<Vec<u8>> = row.get("boot")?;
    let boot: Option<BootId> = boot
        .map(<[u8; 16]>::try_from)
        .transpose()
        .map_err(|_| rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, "`boot` is none".into()))?;
    Ok(Clock { time: row.get("time").map(WindowTime::from_millis)?, boot, since_boot_ms: row.get("since_boot")? })
}

fn write(tx: &Transaction<'_>, clock: &Clock) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO clock (id, time, boot, since_boot) VALUES (1, ?1, ?2, ?3)";
    let (time, since_boot) = (clock.time.millis(), clock.since_boot_ms);
    tx.prepare_cached(sql)?.execute(params![column(time), clock.boot, column(since_boot)]).map(drop)
}
