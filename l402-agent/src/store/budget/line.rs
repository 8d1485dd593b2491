//! A budget with all those above it, as the database has them.

use super::limits;
use l402_core::purchase::{Budget, BudgetStanding, MAX_DEPTH, WindowTime};
use rusqlite::types::{ToSqlOutput, Type};
use rusqlite::{OptionalExtension, Row, ToSql, Transaction};

/// The name of the first budget, which every other one is below of.
pub const MAIN: &str = "main";

/// What names a budget for good: another one may get its name once it was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetId(pub(super) i64);

impl BudgetId {
    /// The first budget.
    pub const MAIN: Self = Self(1);

    /// Takes what the database has it by.
    pub(in crate::store) const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Returns what the database has it by.
    pub(in crate::store) const fn number(self) -> i64 {
        self.0
    }

    /// Reads the one in a column.
    pub(in crate::store) fn read(row: &Row<'_>, column: &str) -> rusqlite::Result<Self> {
        row.get(column).map(Self)
    }
}

impl ToSql for BudgetId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// A budget as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) id: BudgetId,
    pub(super) name: String,
    pub(super) parent: Option<BudgetId>,
    pub(super) budget: Budget,
}

/// Returns a budget and all those above it, itself first.
pub(super) fn line(tx: &Transaction<'_>, id: BudgetId) -> rusqlite::Result<Vec<Stored>> {
    let (mut line, mut next) = (Vec::with_capacity(MAX_DEPTH), Some(id));
    while let Some(id) = next {
        // A damaged record must not be followed in a circle.
        if line.len() == MAX_DEPTH {
            return Err(wrong("parent"));
        }
        let found = tx.prepare_cached("SELECT * FROM budgets WHERE id = ?1")?.query_row([id.0], read)?;
        next = found.parent;
        line.push(found);
    }
    Ok(line)
}

/// Returns the budget that has a name now.
pub(super) fn named(tx: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<Stored>> {
    tx.query_row("SELECT * FROM budgets WHERE name = ?1 AND standing <> 'removed'", [name], read).optional()
}

/// Reads a budget.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let expires_at = row.get::<_, Option<u64>>("expires_at")?.map(WindowTime::from_millis);
    let standing = match row.get::<_, String>("standing")?.as_str() {
        "active" => BudgetStanding::Active,
        "frozen" => BudgetStanding::Frozen,
        "removed" => BudgetStanding::Removed,
        _ => return Err(wrong("standing")),
    };
    Ok(Stored {
        id: row.get("id").map(BudgetId)?,
        name: row.get("name")?,
        parent: row.get::<_, Option<i64>>("parent")?.map(BudgetId),
        budget: Budget { limits: limits::read(row)?, standing, expires_at },
    })
}

/// Says that a column holds what it cannot.
pub(in crate::store) fn wrong(column: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("`{column}` is none").into())
}
