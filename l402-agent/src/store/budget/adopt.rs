//! What was paid before there were budgets.

use super::clock;
use super::entry::{self, Held, Listing};
use super::line::{BudgetId, line};
use crate::store::clocks::Clocks;
use l402_core::Msat;
use l402_core::purchase::{Cost, Entry, Standing};
use rusqlite::{Row, Transaction};

/// Counts in the first budget what has no entry. When a payment was closed was not recorded, so that it counts from now on.
pub(in crate::store) fn adopt(tx: &Transaction<'_>, clocks: &dyn Clocks) -> rusqlite::Result<()> {
    let (now, line) = (clock::pass(tx, clocks)?.time, line(tx, BudgetId::MAIN)?);
    // A payment that cannot be read otherwise still counts.
    let unknown = "SELECT payment_hash, origin, outcome, amount_msat, max_fee_msat, fee_msat FROM payments \
                   WHERE payment_hash NOT IN (SELECT payment_hash FROM entries)";
    let found: Vec<Old> = tx.prepare(unknown)?.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
    for Old { hash, origin, standing, held_msat } in found {
        let closed_at = (!standing.is_open()).then_some(now);
        let entry = Entry { standing, held_msat, closed_at };
        // Those that are not listed follow in the step to the version that has them.
        let (call, service, listing) = (Vec::new(), String::new(), Listing::Listed);
        let held = Held { budget: BudgetId::MAIN, call, origin, service, listing, entry };
        entry::write(tx, &hash, None, &held, &line)?;
    }
    Ok(())
}

struct Old {
    hash: String,
    origin: String,
    standing: Standing,
    held_msat: Msat,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Old> {
    let msat = |column| row.get::<_, Option<u64>>(column).map(|amount| Msat::new(amount.unwrap_or(0)));
    let [amount_msat, max_fee_msat, fee_msat] = [msat("amount_msat")?, msat("max_fee_msat")?, msat("fee_msat")?];
    let most = |fee| Cost { amount_msat, max_fee_msat: fee }.most_msat();
    let (standing, held_msat) = match row.get::<_, Option<String>>("outcome")?.as_deref() {
        Some("paid") => (Standing::Proven, most(fee_msat)),
        Some("not_paid") => (Standing::Failed, Msat::ZERO),
        Some(_) => (Standing::Forgotten, most(max_fee_msat)),
        None => (Standing::Sent, most(max_fee_msat)),
    };
    Ok(Old { hash: row.get("payment_hash")?, origin: row.get("origin")?, standing, held_msat })
}
