//! A budget as JSON.

use l402_agent::store::budget::ShownBudget;
use l402_core::Msat;
use l402_core::purchase::{BudgetStanding, Limits};
use serde::Serialize;

/// What `l402 budget list --json` and `show --json` print of a budget. A limit that there is not is null.
#[derive(Serialize)]
pub(super) struct BudgetReport<'a> {
    name: &'a str,
    parent: Option<&'a str>,
    standing: &'static str,
    ends_in_s: Option<u64>,
    spent_msat: u64,
    reserved_msat: u64,
    in_flight: u64,
    hour_msat: u64,
    day_msat: u64,
    unlisted_msat: u64,
    left_msat: Option<u64>,
    limits: LimitsReport,
}

#[derive(Serialize)]
struct LimitsReport {
    per_call_msat: Option<u64>,
    per_hour_msat: Option<u64>,
    per_day_msat: Option<u64>,
    per_origin_msat: Option<u64>,
    per_service_msat: Option<u64>,
    total_msat: Option<u64>,
    unlisted_msat: Option<u64>,
    reserved_msat: Option<u64>,
    in_flight: Option<u64>,
    origin_reserved_msat: Option<u64>,
    origin_in_flight: Option<u64>,
    fee_msat: Option<u64>,
    fee_ppm: Option<u32>,
    cltv: Option<u32>,
}

impl<'a> From<&'a ShownBudget> for BudgetReport<'a> {
    fn from(budget: &'a ShownBudget) -> Self {
        let has_ended = budget.expires_in.is_some_and(|time| time.is_zero());
        Self {
            name: &budget.name,
            parent: budget.parent.as_deref(),
            standing: match budget.standing {
                BudgetStanding::Frozen => "frozen",
                BudgetStanding::Removed => "removed",
                BudgetStanding::Active if has_ended => "expired",
                BudgetStanding::Active => "active",
            },
            ends_in_s: budget.expires_in.map(|time| time.as_secs()),
            spent_msat: budget.total.booked_msat.get(),
            reserved_msat: budget.total.reserved_msat.get(),
            in_flight: budget.total.in_flight,
            hour_msat: budget.hour_msat.get(),
            day_msat: budget.day_msat.get(),
            unlisted_msat: budget.unlisted.counted_msat().get(),
            left_msat: budget.left_msat().map(Msat::get),
            limits: LimitsReport::from(budget.limits),
        }
    }
}

impl From<Limits> for LimitsReport {
    fn from(limits: Limits) -> Self {
        let msat = |amount: Option<Msat>| amount.map(Msat::get);
        Self {
            per_call_msat: msat(limits.per_call_msat),
            per_hour_msat: msat(limits.per_hour_msat),
            per_day_msat: msat(limits.per_day_msat),
            per_origin_msat: msat(limits.per_origin_msat),
            per_service_msat: msat(limits.per_service_msat),
            total_msat: msat(limits.total_msat),
            unlisted_msat: msat(limits.unlisted_msat),
            reserved_msat: msat(limits.reserved_msat),
            in_flight: limits.in_flight,
            origin_reserved_msat: msat(limits.origin_reserved_msat),
            origin_in_flight: limits.origin_in_flight,
            fee_msat: msat(limits.fee_msat),
            fee_ppm: limits.fee_ppm,
            cltv: limits.cltv,
        }
    }
}
