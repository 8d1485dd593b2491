//! Wallets: what is known of their fees, and which are stopped.
//!
//! 1. Where a wallet does not keep the limit of the fee, more is reserved ([`Cost::unenforced`]), and one payment is under way at a time: a
//!    budget is then overspent by one overrun at most.
//! 2. A wallet that has debited more than was reserved is stopped until its owner says otherwise. What it debited is booked.

use super::clock::{column, note};
use crate::store::clocks::Clocks;
use crate::store::record::Intent;
use l402_core::Msat;
use l402_core::purchase::{Cost, WindowTime};
use rusqlite::{OptionalExtension, Transaction, params};

/// Whether a wallet keeps the limit of the fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeeLimit {
    /// It does.
    #[default]
    Kept,
    /// It may take more.
    NotKept,
}

/// Why a wallet does not pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// It has debited more than was reserved.
    Overran,
    /// It does not keep the limit of the fee, and another payment has no outcome.
    Busy,
}

impl FeeLimit {
    /// Returns what to reserve for a payment.
    pub(in crate::store) fn cost(self, intent: &Intent) -> Cost {
        let max_fee_msat = intent.order.as_ref().map_or(Msat::ZERO, |order| order.max_fee_msat);
        let cost = Cost { amount_msat: intent.amount_msat, max_fee_msat };
        self.set_aside(cost)
    }

    /// Returns what is set aside for a payment that may cost so much.
    pub(crate) fn set_aside(self, cost: Cost) -> Cost {
        match self {
            Self::Kept => cost,
            Self::NotKept => cost.unenforced(),
        }
    }
}

/// Says why a wallet must not be asked to begin a payment.
pub(super) fn obstacle(tx: &Transaction<'_>, wallet: &str, limit: FeeLimit) -> rusqlite::Result<Option<Stopped>> {
    if is_stopped(tx, wallet)? {
        return Ok(Some(Stopped::Overran));
    }
    if limit == FeeLimit::Kept {
        return Ok(None);
    }
    let open = "SELECT 1 FROM payments WHERE outcome IS NULL AND wallet = ?1 LIMIT 1";
    let open = tx.query_row(open, [wallet], |_| Ok(())).optional()?;
    Ok(open.map(|()| Stopped::Busy))
}

/// Tells whether a wallet has debited more than was reserved.
pub(super) fn is_stopped(tx: &Transaction<'_>, wallet: &str) -> rusqlite::Result<bool> {
    let mut found = tx.prepare_cached("SELECT 1 FROM stopped_wallets WHERE wallet = ?1")?;
    found.query_row([wallet], |_| Ok(())).optional().map(|found| found.is_some())
}

/// Stops the wallet of a payment that debited more than was reserved.
pub(super) fn stop(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    hash: &str,
    now: WindowTime,
    over: Msat,
) -> rusqlite::Result<()> {
    let wallet = "SELECT wallet FROM payments WHERE payment_hash = ?1";
    let Some(wallet): Option<String> = tx.query_row(wallet, [hash], |row| row.get(0)).optional()? else {
        return Ok(());
    };
    let insert = "INSERT OR IGNORE INTO stopped_wallets (wallet, stopped_at) VALUES (?1, ?2)";
    tx.execute(insert, params![wallet, column(now.millis())])?;
    let what = format!("wallet {wallet} debited {} msat more than was reserved for payment {hash}", over.get());
    note(tx, now, &clocks.read(), &what)
}
