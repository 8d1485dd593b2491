//! What things were sold for.

use super::happen::Moment;
use crate::store::budget::column;
use crate::store::record::Intent;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};
use l402_core::purchase::breaker::{MAX_PRICES, usual_msat};
use l402_core::{Caveat, Msat, uses_of_token};
use rusqlite::{Transaction, params};

/// Takes note of a sale, and forgets those that are too old to matter.
pub(in crate::store) fn sold(tx: &Transaction<'_>, intent: &Intent) -> rusqlite::Result<()> {
    let (origin, what) = (intent.origin.to_string(), what(intent));
    let insert = "INSERT INTO prices (origin, what, price_msat) VALUES (?1, ?2, ?3)";
    tx.prepare_cached(insert)?.execute(params![origin, what, column(intent.amount_msat.get())])?;
    let forget = "DELETE FROM prices WHERE origin = ?1 AND what = ?2 AND id NOT IN \
                  (SELECT id FROM prices WHERE origin = ?1 AND what = ?2 ORDER BY id DESC LIMIT ?3)";
    tx.prepare_cached(forget)?.execute(params![origin, what, MAX_PRICES]).map(drop)
}

impl Moment<'_> {
    /// Returns what something usually costs, where that is known.
    pub(super) fn usual_msat(&self, intent: &Intent) -> rusqlite::Result<Option<Msat>> {
        let (origin, what) = (intent.origin.to_string(), what(intent));
        let mut found = self.tx.prepare_cached("SELECT price_msat FROM prices WHERE origin = ?1 AND what = ?2")?;
        let prices = found.query_map([origin, what], |row| row.get(0).map(Msat::new))?;
        let prices: Vec<Msat> = prices.collect::<rusqlite::Result<_>>()?;
        Ok(usual_msat(&prices, self.guards.rules.sales.max(1)))
    }
}

/// What is sold: method, route, uses and plan, as far as the token says. Another word of the origin is another thing, which has no
/// usual price yet: this finds mistakes, and limits find the rest.
fn what(intent: &Intent) -> String {
    let mut bytes = vec![0; MAX_LEN];
    let token = base64::decode_into(intent.token.as_bytes(), &mut bytes).ok();
    let token = token.and_then(|bytes| MacaroonRef::parse(bytes).ok());
    let value = |condition: &str| {
        token?.unverified_caveats().find_map(|caveat| {
            let caveat = Caveat::parse(caveat.id).ok().filter(|caveat| caveat.condition == condition)?;
            Some(caveat.value.to_owned())
        })
    };
    let plan = value("services").unwrap_or_default();
    let service = plan.split([',', ':']).next().unwrap_or_default();
    let route = value(&format!("{service}_capabilities")).unwrap_or_else(|| intent.path.clone());
    let uses = token.and_then(uses_of_token).map_or_else(|| "any".to_owned(), |uses| uses.to_string());
    [intent.method.as_str(), &route, &uses, &plan].join("\n")
}
