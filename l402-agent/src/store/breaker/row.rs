//! A breaker as a row.

use crate::store::budget::{column, wrong};
use l402_core::Msat;
use l402_core::purchase::WindowTime;
use l402_core::purchase::breaker::{Cause, Circuit};
use rusqlite::{OptionalExtension, Row, Transaction, params};

/// Stands for the common breaker, where an origin would.
pub(super) const COMMON: &str = "";

/// Returns the breaker of an origin, or the common one.
pub(super) fn stored(tx: &Transaction<'_>, origin: &str) -> rusqlite::Result<Circuit> {
    let mut found = tx.prepare_cached("SELECT * FROM breakers WHERE origin = ?1")?;
    Ok(found.query_row([origin], |row| read(row).map(|(_, circuit)| circuit)).optional()?.unwrap_or_default())
}

/// Returns every breaker that something has happened to, the common one first.
pub(super) fn all(tx: &Transaction<'_>) -> rusqlite::Result<Vec<(String, Circuit)>> {
    tx.prepare("SELECT * FROM breakers ORDER BY origin")?.query_map([], read)?.collect()
}

/// Writes a breaker; one that nothing has happened to leaves no row.
pub(super) fn put(tx: &Transaction<'_>, origin: &str, circuit: &Circuit) -> rusqlite::Result<()> {
    if *circuit == Circuit::default() {
        return tx.prepare_cached("DELETE FROM breakers WHERE origin = ?1")?.execute([origin]).map(drop);
    }
    let sql = "INSERT OR REPLACE INTO breakers (origin, mode, cause, number, other_number, until, failures) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (cause, number, other) = circuit.cause.map_or((None, None, None), |cause| {
        let (name, number, other) = columns(cause);
        (Some(name), number, other)
    });
    let until = circuit.until.map(|until| column(until.millis()));
    let numbers = [number, other].map(|number| number.map(column));
    let row = params![origin, circuit.mode.name(), cause, numbers[0], numbers[1], until, circuit.failures];
    tx.prepare_cached(sql)?.execute(row).map(drop)
}

/// The name of a cause, and its numbers.
pub(super) fn columns(cause: Cause) -> (&'static str, Option<u64>, Option<u64>) {
    match cause {
        Cause::Failures(failures) => ("failures", Some(failures.into()), None),
        Cause::Refused { lost_msat } => ("refused", Some(lost_msat.get()), None),
        Cause::Price { price_msat, usual_msat } => ("price", Some(price_msat.get()), Some(usual_msat.get())),
        Cause::Spent(hour_msat) => ("spent", Some(hour_msat.get()), None),
        Cause::Losses { origins, lost_msat } => ("losses", Some(lost_msat.get()), Some(origins.into())),
        _ => ("owner", None, None),
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(String, Circuit)> {
    let [number, other] =
        [row.get::<_, Option<u64>>("number")?, row.get("other_number")?].map(Option::unwrap_or_default);
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let cause = match row.get::<_, Option<String>>("cause")?.as_deref() {
        None => None,
        Some("failures") => Some(Cause::Failures(count(number))),
        Some("refused") => Some(Cause::Refused { lost_msat: Msat::new(number) }),
        Some("price") => Some(Cause::Price { price_msat: Msat::new(number), usual_msat: Msat::new(other) }),
        Some("spent") => Some(Cause::Spent(Msat::new(number))),
        Some("losses") => Some(Cause::Losses { origins: count(other), lost_msat: Msat::new(number) }),
        Some("owner") => Some(Cause::Owner),
        Some(_) => return Err(wrong("cause")),
    };
    let circuit = Circuit {
        mode: row.get::<_, String>("mode")?.parse().map_err(|_| wrong("mode"))?,
        cause,
        until: row.get::<_, Option<u64>>("until")?.map(WindowTime::from_millis),
        failures: row.get("failures")?,
    };
    Ok((row.get("origin")?, circuit))
}
