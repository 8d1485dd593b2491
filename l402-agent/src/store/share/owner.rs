//! Whose a token is.

use crate::store::budget::{self, BudgetId};
use rusqlite::Transaction;
use std::collections::HashMap;

/// Tells, for one budget, whether it may use the tokens of others.
pub(in crate::store) struct Owners<'a> {
    tx: &'a Transaction<'a>,
    budget: BudgetId,
    known: HashMap<BudgetId, bool>,
}

impl<'a> Owners<'a> {
    /// Takes the budget that asks.
    pub(in crate::store) fn new(tx: &'a Transaction<'a>, budget: BudgetId) -> Self {
        Self { tx, budget, known: HashMap::new() }
    }

    /// Tells whether a token of a budget may be used.
    pub(in crate::store) fn may_use(&mut self, owner: BudgetId, is_counted: bool) -> rusqlite::Result<bool> {
        if owner == self.budget {
            return Ok(true);
        }
        if is_counted {
            return Ok(false);
        }
        if let Some(known) = self.known.get(&owner) {
            return Ok(*known);
        }
        let shares = budget::shares(self.tx, self.budget, owner)?;
        self.known.insert(owner, shares);
        Ok(shares)
    }
}
