//! The limits of a budget, as the database has them.

use super::clock::column;
use l402_core::Msat;
use l402_core::purchase::{Limits, WindowTime};
use rusqlite::types::FromSql;
use rusqlite::{Row, Transaction, params};

/// Reads the limits in a row of a budget.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Limits> {
    let msat = |column| added::<u64>(row, column).map(|amount| amount.map(Msat::new));
    Ok(Limits {
        per_call_msat: msat("per_call_msat")?,
        per_hour_msat: msat("per_hour_msat")?,
        per_day_msat: msat("per_day_msat")?,
        per_origin_msat: msat("per_origin_msat")?,
        per_service_msat: msat("per_service_msat")?,
        total_msat: msat("total_msat")?,
        reserved_msat: msat("reserved_msat")?,
        in_flight: row.get("in_flight")?,
        origin_reserved_msat: msat("origin_reserved_msat")?,
        origin_in_flight: added(row, "origin_in_flight")?,
        unlisted_msat: msat("unlisted_msat")?,
        fee_msat: msat("fee_msat")?,
        fee_ppm: added(row, "fee_ppm")?,
        cltv: added(row, "cltv")?,
    })
}

/// Writes the limits of a budget, and when it ends.
pub(super) fn write(
    tx: &Transaction<'_>,
    id: i64,
    limits: &Limits,
    expires_at: Option<WindowTime>,
) -> rusqlite::Result<()> {
    let msat = |amount: Option<Msat>| amount.map(|amount| column(amount.get()));
    let sql = "UPDATE budgets SET expires_at = ?2, per_call_msat = ?3, per_hour_msat = ?4, per_day_msat = ?5, per_origin_msat = ?6, \
                   per_service_msat = ?7, total_msat = ?8, reserved_msat = ?9, in_flight = ?10, origin_reserved_msat = ?11, \
                   origin_in_flight = ?12, unlisted_msat = ?13, fee_msat = ?14, fee_ppm = ?15, cltv = ?16 \
               WHERE id = ?1";
    let row = params![
        id,
        expires_at.map(|time| column(time.millis())),
        msat(limits.per_call_msat),
        msat(limits.per_hour_msat),
        msat(limits.per_day_msat),
        msat(limits.per_origin_msat),
        msat(limits.per_service_msat),
        msat(limits.total_msat),
        msat(limits.reserved_msat),
        limits.in_flight.map(column),
        msat(limits.origin_reserved_msat),
        limits.origin_in_flight.map(column),
        msat(limits.unlisted_msat),
        msat(limits.fee_msat),
        limits.fee_ppm,
        limits.cltv,
    ];
    tx.execute(sql, row).map(drop)
}

/// Reads a limit that earlier versions may not have had: while one is renewed, there is no such column yet.
fn added<T: FromSql>(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<T>> {
    match row.get(column) {
        Err(rusqlite::Error::InvalidColumnName(_)) => Ok(None),
        found => found,
    }
}
