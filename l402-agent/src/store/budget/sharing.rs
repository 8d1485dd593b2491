//! Which budgets use each other's tokens.

use super::line::{BudgetId, line};
use rusqlite::{Transaction, params};

/// Says whether a budget and those right below it use each other's tokens.
pub(super) fn share(tx: &Transaction<'_>, id: BudgetId, is_shared: bool) -> rusqlite::Result<()> {
    tx.execute("UPDATE budgets SET share_tokens = ?2 WHERE id = ?1", params![id.0, is_shared]).map(drop)
}

/// Tells whether a budget and those right below it use each other's tokens.
pub(super) fn is_shared(tx: &Transaction<'_>, id: BudgetId) -> rusqlite::Result<bool> {
    tx.prepare_cached("SELECT share_tokens FROM budgets WHERE id = ?1")?.query_row([id.0], |row| row.get(0))
}

/// Tells whether two budgets use each other's tokens: each budget that is above one of them, up to the nearest that both have, says so.
pub(in crate::store) fn shares(tx: &Transaction<'_>, one: BudgetId, other: BudgetId) -> rusqlite::Result<bool> {
    let [one, other] = [one, other].map(|id| line(tx, id).map(|line| line.into_iter().map(|stored| stored.id)));
    let (one, other): (Vec<_>, Vec<_>) = (one?.collect(), other?.collect());
    let Some(common) = one.iter().find(|id| other.contains(id)) else { return Ok(false) };
    let above = |line: &[BudgetId]| {
        let end = line.iter().position(|id| id == common).unwrap_or_default();
        line.get(1..=end).unwrap_or_default().to_vec()
    };
    let mut all = above(&one);
    all.extend(above(&other));
    all.push(*common);
    for id in all {
        if !is_shared(tx, id)? {
            return Ok(false);
        }
    }
    Ok(true)
}
