//! What may be spent.

use super::window::WindowTime;
use crate::msat::Msat;
use core::fmt;

/// The most budgets from the first one down to the one that pays, both included.
pub const MAX_DEPTH: usize = 4;

/// A budget, without those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// The most that may be spent.
    pub limits: Limits,
    /// Whether it pays at all.
    pub standing: BudgetStanding,
    /// When it ends.
    pub expires_at: Option<WindowTime>,
}

impl Budget {
    /// Tells whether anything in it depends on the time.
    pub const fn needs_time(&self) -> bool {
        self.expires_at.is_some() || self.limits.per_hour_msat.is_some() || self.limits.per_day_msat.is_some()
    }
}

/// Whether a budget pays at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BudgetStanding {
    /// It does, within its limits.
    #[default]
    Active,
    /// Its owner has stopped it.
    Frozen,
    /// Its owner has removed it. What it spent still counts in those above it.
    Removed,
}

/// The most that may be spent, fees included; [`None`] is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// For one call, with all its payments.
    pub per_call_msat: Option<Msat>,
    /// In an hour.
    pub per_hour_msat: Option<Msat>,
    /// In 24 hours.
    pub per_day_msat: Option<Msat>,
    /// At each origin, in all.
    pub per_origin_msat: Option<Msat>,
    /// For each service of an origin, in all. The origin names its services, so that this protects from mistakes, not from it.
    pub per_service_msat: Option<Msat>,
    /// In all.
    pub total_msat: Option<Msat>,
    /// Reserved for payments without an outcome.
    pub reserved_msat: Option<Msat>,
    /// How many payments without an outcome there may be.
    pub in_flight: Option<u64>,
    /// Reserved for payments without an outcome, at each origin.
    pub origin_reserved_msat: Option<Msat>,
    /// How many payments without an outcome there may be at each origin.
    pub origin_in_flight: Option<u64>,
    /// At all origins together that the owner has not listed, in all: somebody who can make origins has as many as they like.
    pub unlisted_msat: Option<Msat>,
    /// What routing may cost, for each payment.
    pub fee_msat: Option<Msat>,
    /// What routing may cost, in millionths of the amount.
    pub fee_ppm: Option<u32>,
    /// For how many blocks the money of a payment may be locked on its way.
    pub cltv: Option<u32>,
}

/// What a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// One call.
    Call,
    /// An hour.
    Hour,
    /// 24 hours.
    Day,
    /// One origin.
    Origin,
    /// One service of an origin.
    Service,
    /// All of it.
    Total,
    /// What is reserved.
    Reserved,
    /// What is reserved at one origin.
    OriginReserved,
    /// All origins that are not listed.
    Unlisted,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Call => "for this call",
            Self::Hour => "this hour",
            Self::Day => "this day",
            Self::Origin => "at this origin",
            Self::Service => "for this service",
            Self::Total => "in total",
            Self::Reserved => "in payments without an outcome",
            Self::OriginReserved => "in payments without an outcome at this origin",
            Self::Unlisted => "at all origins that are not listed",
        })
    }
}
