//! What the owner is told, and what of it has not arrived yet.
//!
//! An alert is written in the step that it tells of. It is removed once somebody has taken it: it arrives at least once, and has an id by
//! which a second arrival is recognised.

use super::row::columns;
use super::why::{Because, WhyAsk, named};
use crate::amount::Amount;
use crate::store::budget::column;
use core::fmt;
use l402_core::Msat;
use l402_core::purchase::breaker::{Cause, Mode};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde_json::{Value, json};

/// Something that the owner is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alert<'a> {
    /// A breaker was tripped.
    Tripped { origin: &'a str, mode: Mode, cause: Cause },
    /// It is normal again.
    Ended { origin: &'a str, mode: Mode },
    /// A payment waits for a confirmation.
    Asked { id: &'a str, origin: &'a str, amount_msat: Msat, why: WhyAsk },
}

impl Alert<'_> {
    fn origin(&self) -> &str {
        match self {
            Self::Tripped { origin, .. } | Self::Ended { origin, .. } | Self::Asked { origin, .. } => origin,
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Tripped { .. } => "breaker_tripped",
            Self::Ended { .. } => "breaker_ended",
            Self::Asked { .. } => "confirmation_needed",
        }
    }

    /// Returns what goes out, but for its id. It holds no word of a server but its origin.
    fn body(&self, time: u64) -> Value {
        let origin = Some(self.origin()).filter(|origin| !origin.is_empty());
        let mut body = json!({ "event": self.name(), "time": time, "origin": origin, "message": self.to_string() });
        let more = match self {
            Self::Tripped { mode, cause, .. } => {
                let (name, number, other) = columns(*cause);
                json!({ "mode": mode.name(), "cause": name, "number": number, "other_number": other })
            }
            Self::Ended { mode, .. } => json!({ "mode": mode.name() }),
            Self::Asked { id, amount_msat, .. } => json!({ "confirmation": id, "amount_msat": amount_msat.get() }),
        };
        if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
            body.extend(more);
        }
        body
    }
}

impl fmt::Display for Alert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = named(self.origin());
        match self {
            Self::Tripped { mode, cause, .. } => write!(f, "{name}: {mode}, {}", Because(*cause)),
            Self::Ended { mode, .. } => write!(f, "{name}: {mode} again"),
            Self::Asked { id, amount_msat, why, .. } => {
                let amount = Amount::new(*amount_msat);
                write!(f, "{name}: a payment of {amount} needs a confirmation, {why}; `l402 policy approve {id}`")
            }
        }
    }
}

/// Writes an alert, to go out at once.
pub(super) fn put(tx: &Transaction<'_>, alert: &Alert<'_>, now: u64) -> rusqlite::Result<()> {
    let id: String = tx.query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))?;
    let mut body = alert.body(now);
    if let Value::Object(body) = &mut body {
        body.insert("id".to_owned(), Value::String(id.clone()));
    }
    let insert = "INSERT INTO alerts (id, body, made_at, next_at) VALUES (?1, ?2, ?3, ?3)";
    tx.execute(insert, params![id, body.to_string(), column(now)]).map(drop)
}

/// An alert that has not arrived yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert {
    /// What names it.
    pub id: String,
    /// JSON.
    pub body: String,
    /// How often it was sent.
    pub tries: u32,
}

/// Tells whether an alert is due.
pub(super) fn is_due(tx: &Transaction<'_>, now: u64) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM alerts WHERE next_at <= ?1)")?
        .query_row([column(now)], |row| row.get(0))
}

/// Takes the next alert that is due; nobody else takes it before `lease` seconds have passed.
pub(super) fn take(tx: &Transaction<'_>, now: u64, lease: u64) -> rusqlite::Result<Option<OpenAlert>> {
    let next = "SELECT id, body, tries FROM alerts WHERE next_at <= ?1 ORDER BY next_at, made_at LIMIT 1";
    let read = |row: &Row<'_>| Ok(OpenAlert { id: row.get(0)?, body: row.get(1)?, tries: row.get(2)? });
    let Some(found) = tx.query_row(next, [column(now)], read).optional()? else { return Ok(None) };
    let tries = found.tries.saturating_add(1);
    let lease = column(now.saturating_add(lease));
    tx.execute("UPDATE alerts SET next_at = ?2, tries = ?3 WHERE id = ?1", params![found.id, lease, tries])?;
    Ok(Some(OpenAlert { tries, ..found }))
}

/// Sends an alert again later.
pub(super) fn delay(tx: &Transaction<'_>, id: &str, at: u64) -> rusqlite::Result<()> {
    tx.execute("UPDATE alerts SET next_at = ?2 WHERE id = ?1", params![id, column(at)]).map(drop)
}
