//! What an agent sees of its budget: what is left, what would be refused, and what was bought.

use super::clock;
use super::entry;
use super::judge::Sale;
use super::line::{BudgetId, Stored, line};
use super::list::{BudgetError, Budgets, ShownBudget, shown};
use super::refused::PolicyRefusal;
use super::reserve::{self, CallId};
use crate::store::error::DatabaseError;
use crate::store::record::Recorded;
use crate::store::row;
use l402_core::Msat;
use l402_core::purchase::{BudgetStanding, Limits, Window, WindowTime};
use rusqlite::{Transaction, params};

/// A budget, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The budget.
    pub shown: ShownBudget,
    /// What may still be spent, as far as there are limits of an hour, a day or in all: the least of its own and of the budgets above it. Zero
    /// where one of them does not pay.
    pub left_msat: Option<Msat>,
}

impl Budgets {
    /// Returns a budget, whatever its name is now, and what is left of it.
    ///
    /// # Errors
    /// [`BudgetError::Database`].
    pub fn room(&self, id: BudgetId) -> Result<Room, BudgetError> {
        self.change(|tx, clocks| {
            let now = clock::pass(tx, clocks)?.time;
            let line = line(tx, id)?;
            let Some(own) = line.first() else { return Ok(Err(BudgetError::Unknown)) };
            let shown = shown(tx, own, now)?;
            let mut left_msat = None;
            for stored in &line {
                left_msat = least(left_msat, left(tx, stored, now)?);
            }
            Ok(Ok(Room { shown, left_msat }))
        })
    }

    /// Says why a payment would be refused now, by the policy or by a budget. Nothing is reserved.
    ///
    /// # Errors
    /// [`BudgetError::Database`] and [`BudgetError::Policy`].
    pub fn would_refuse(&self, id: BudgetId, sale: &Sale<'_>) -> Result<Option<PolicyRefusal>, BudgetError> {
        let policy = self.database().rules().current().map_err(BudgetError::Policy)?;
        let call = CallId::from_bytes([0; 16]); // no call has it
        self.change(|tx, clocks| reserve::would_refuse(tx, clocks, &policy, (id, call), sale).map(Ok))
    }

    /// Returns the least limits of a budget and of those above it for the way of a payment: what routing may cost, and how long it may lock
    /// money. No other limit is set.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn route_limits(&self, id: BudgetId) -> Result<Limits, DatabaseError> {
        let line = self.database().read(|tx| line(tx, id))?;
        let mut least = Limits::default();
        for Limits { fee_msat, fee_ppm, cltv, .. } in line.into_iter().map(|stored| stored.budget.limits) {
            least.fee_msat = self::least(least.fee_msat, fee_msat);
            least.fee_ppm = self::least(least.fee_ppm, fee_ppm);
            least.cltv = self::least(least.cltv, cltv);
        }
        Ok(least)
    }

    /// Returns the names of a budget and of those above it, itself first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn names(&self, id: BudgetId) -> Result<Vec<String>, DatabaseError> {
        self.database().read(|tx| Ok(line(tx, id)?.into_iter().map(|stored| stored.name).collect()))
    }

    /// Returns the last purchases of a budget, without those below it: the newest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn purchases(&self, id: BudgetId, most: u32) -> Result<Vec<Recorded>, DatabaseError> {
        let sql = "SELECT payments.* FROM payments JOIN entries USING (payment_hash) WHERE entries.budget = ?1 \
                   ORDER BY payments.begun_at DESC, payments.payment_hash LIMIT ?2";
        self.database().read(|tx| tx.prepare(sql)?.query_map(params![id.number(), most], row::payment)?.collect())
    }
}

fn left(tx: &Transaction<'_>, stored: &Stored, now: WindowTime) -> rusqlite::Result<Option<Msat>> {
    let budget = &stored.budget;
    let has_ended = budget.expires_at.is_some_and(|end| end <= now);
    if budget.standing != BudgetStanding::Active || has_ended {
        return Ok(Some(Msat::ZERO));
    }
    let (limits, total) = (&budget.limits, entry::account(tx, stored.id, "", "")?);
    let mut left = limits.total_msat.map(|limit| limit.saturating_sub(total.counted_msat()));
    if limits.per_hour_msat.is_some() || limits.per_day_msat.is_some() {
        let recent = entry::recent(tx, stored.id, now)?;
        for (window, limit) in [(Window::Hour, limits.per_hour_msat), (Window::Day, limits.per_day_msat)] {
            let counted = window.sum(recent.iter().copied(), now);
            left = least(left, limit.map(|limit| limit.saturating_sub(counted)));
        }
    }
    Ok(left)
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
