//! What the owner's policy and the limits of a payment's way say, before budgets are asked for room.

use super::entry::{self, Listing};
use super::line::Stored;
use super::refused::PolicyRefusal;
use crate::policy::{Asked, InForce};
use crate::store::record::Intent;
use http::Method;
use l402_core::purchase::{Cost, Route};
use l402_http::pay::{Order, Origin};
use l402_lightning::unix_now;
use rusqlite::Transaction;

/// What is about to be bought.
#[derive(Debug, Clone, Copy)]
pub struct Sale<'a> {
    /// Who sells it.
    pub origin: &'a Origin,
    /// The method of the request.
    pub method: &'a Method,
    /// The service, where it is known.
    pub service: Option<&'a str>,
    /// What it may cost.
    pub cost: Cost,
}

/// Says why the way of a payment could cost more, or lock money for longer, than a budget allows. What a wallet was asked for before, it may
/// be asked for again.
pub(super) fn routed(line: &[Stored], intent: &Intent, earlier: Option<&Order>) -> Option<PolicyRefusal> {
    let of =
        |order: &Order| Route { max_fee_msat: order.max_fee_msat, max_cltv_expiry_delta: order.max_cltv_expiry_delta };
    let (asked, amount_msat) = (intent.order.as_ref().map(of)?, intent.amount_msat);
    let is_no_more = |earlier: Route| {
        asked.max_fee_msat <= earlier.max_fee_msat && asked.max_cltv_expiry_delta <= earlier.max_cltv_expiry_delta
    };
    if earlier.map(of).is_some_and(is_no_more) {
        return None;
    }
    let cost = Cost { amount_msat, max_fee_msat: asked.max_fee_msat };
    line.iter().find_map(|stored| {
        let why = stored.budget.limits.refuse(amount_msat, asked)?;
        Some(PolicyRefusal::budget(&stored.name, why, cost, None))
    })
}

/// Says whether the policy lists an origin.
pub(super) fn listing(policy: &InForce, origin: &Origin) -> Listing {
    if policy.policy().entry(origin).is_some() { Listing::Listed } else { Listing::Unlisted }
}

/// Says why the owner's policy does not allow a payment.
pub(super) fn judged(
    tx: &Transaction<'_>,
    policy: &InForce,
    line: &[Stored],
    call: &[u8],
    sale: &Sale<'_>,
) -> rusqlite::Result<Option<PolicyRefusal>> {
    let names: Vec<String> = line.iter().map(|stored| stored.name.clone()).collect();
    let before = entry::bought_by_call(tx, call, &sale.origin.to_string())?;
    let asked = Asked {
        origin: sale.origin,
        method: sale.method,
        budgets: &names,
        service: sale.service,
        price_msat: Some(before.saturating_add(sale.cost.amount_msat)),
        now: unix_now(),
    };
    Ok(policy.judge(&asked).refusal(sale.origin).map(PolicyRefusal::denied))
}
