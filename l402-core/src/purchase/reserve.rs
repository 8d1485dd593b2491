//! Whether a budget has room for a payment.

use super::account::Account;
use super::budget::{Budget, BudgetStanding, Limit};
use super::entry::{Entry, Standing};
use super::window::{Window, WindowTime};
use crate::msat::Msat;

/// What a payment may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// What the invoice asks for.
    pub amount_msat: Msat,
    /// The most that routing may cost.
    pub max_fee_msat: Msat,
}

impl Cost {
    /// Returns the cost at a wallet that does not keep the limit of the fee: the larger of 10 sat and 3 % is set aside, if that is more
    /// than the limit.
    ///
    /// ```
    /// use l402_core::Msat;
    /// use l402_core::purchase::Cost;
    ///
    /// let fee = |sat| Cost { amount_msat: Msat::from_sat(sat), max_fee_msat: Msat::ZERO }.unenforced().max_fee_msat;
    /// assert_eq!((fee(21), fee(1_000)), (Msat::from_sat(10), Msat::from_sat(30)));
    /// ```
    #[must_use]
    pub fn unenforced(self) -> Self {
        let share = Msat::new(self.amount_msat.get().div_ceil(100).saturating_mul(3));
        Self { max_fee_msat: self.max_fee_msat.max(Msat::from_sat(10)).max(share), ..self }
    }

    /// Returns the most that the wallet debits, which is no more than there is.
    pub fn most_msat(self) -> Msat {
        self.amount_msat.saturating_add(self.max_fee_msat).min(Msat::SUPPLY)
    }
}

/// What counts in one budget, before a payment is reserved: that of the budgets below it included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// For the call.
    pub call_msat: Msat,
    /// In the [hour](Window::Hour).
    pub hour_msat: Msat,
    /// In the [day](Window::Day).
    pub day_msat: Msat,
    /// At the origin.
    pub origin: Account,
    /// For the service of the origin.
    pub service: Account,
    /// In all.
    pub total: Account,
    /// At all origins that are not listed; [`None`] where the origin is.
    pub unlisted: Option<Account>,
}

/// Why a budget does not pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Which one: 0 is the budget that was named, 1 the one above it.
    pub level: usize,
    /// Why.
    pub why: Refusal,
}

impl Refused {
    /// Returns the window that has no room, and how much of it must end first; [`None`] where waiting does not help.
    pub fn window(&self) -> Option<(Window, Msat)> {
        let Refusal::Over { limit, limit_msat, counted_msat, cost_msat } = self.why else { return None };
        let window = match limit {
            Limit::Hour => Window::Hour,
            Limit::Day => Window::Day,
            _ => return None,
        };
        let excess = counted_msat.saturating_add(cost_msat).saturating_sub(limit_msat);
        (cost_msat <= limit_msat).then_some((window, excess))
    }
}

/// Why a budget does not pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It would be more than a limit.
    Over {
        /// Which one.
        limit: Limit,
        /// The limit.
        limit_msat: Msat,
        /// What counts so far.
        counted_msat: Msat,
        /// What the payment may cost, or what it may cost more than before.
        cost_msat: Msat,
    },
    /// There are as many payments without an outcome as there may be.
    InFlight(u64),
    /// There are as many at this origin as there may be.
    OriginInFlight(u64),
    /// Routing could cost more than it may.
    Fee {
        /// The most that it may cost.
        limit_msat: Msat,
        /// The most that it could.
        asked_msat: Msat,
    },
    /// The money could be locked for more blocks than it may be.
    Cltv {
        /// The most blocks.
        limit: u32,
        /// How many were asked for.
        asked: u32,
    },
    /// Its owner has stopped it.
    Frozen,
    /// Its owner has removed it.
    Removed,
    /// It has ended.
    Expired(WindowTime),
}

/// Reserves a payment in a budget and in all above it. `line` begins with the one that was named.
///
/// # Errors
/// [`Refused`]; nothing must be paid then.
///
/// ```
/// use l402_core::Msat;
/// use l402_core::purchase::{Account, Budget, Cost, Counted, Limit, Limits, Refusal, WindowTime, reserve};
///
/// let limits = Limits { total_msat: Some(Msat::from_sat(50)), ..Limits::default() };
/// let budget = Budget { limits, ..Budget::default() };
/// let cost = Cost { amount_msat: Msat::from_sat(21), max_fee_msat: Msat::from_sat(10) };
/// let now = WindowTime::from_millis(1_700_000_000_000);
/// let entry = reserve([(&budget, &Counted::default())], cost, now).expect("room for 31 sat");
///
/// let total = Account::default().after(None, &entry);
/// let refused = reserve([(&budget, &Counted { total, ..Counted::default() })], cost, now).expect_err("62 sat");
/// assert!(matches!(refused.why, Refusal::Over { limit: Limit::Total, .. }));
/// ```
pub fn reserve<'a>(
    line: impl IntoIterator<Item = (&'a Budget, &'a Counted)>,
    cost: Cost,
    now: WindowTime,
) -> Result<Entry, Refused> {
    admit(line, cost.most_msat(), 1, now)?;
    Ok(Entry { standing: Standing::Intended, held_msat: cost.most_msat(), closed_at: None })
}

/// Reserves what a payment may cost more than before, where the wallet is about to be asked again. Either request may be the one that
/// is carried out, so that the larger cost counts.
///
/// # Errors
/// [`Refused`]; the wallet must not be asked then. What was reserved stays.
pub fn raise<'a>(
    line: impl IntoIterator<Item = (&'a Budget, &'a Counted)>,
    entry: Entry,
    cost: Cost,
    now: WindowTime,
) -> Result<Entry, Refused> {
    admit(line, cost.most_msat().saturating_sub(entry.held_msat), 0, now)?;
    Ok(Entry { held_msat: entry.held_msat.max(cost.most_msat()), ..entry })
}

fn admit<'a>(
    line: impl IntoIterator<Item = (&'a Budget, &'a Counted)>,
    cost_msat: Msat,
    payments: u64,
    now: WindowTime,
) -> Result<(), Refused> {
    for (level, (budget, counted)) in line.into_iter().enumerate() {
        let why = closed(budget, now)
            .or_else(|| over(budget, counted, cost_msat))
            .or_else(|| crowded(budget, counted, payments));
        if let Some(why) = why {
            return Err(Refused { level, why });
        }
    }
    Ok(())
}

fn closed(budget: &Budget, now: WindowTime) -> Option<Refusal> {
    match (budget.standing, budget.expires_at) {
        (BudgetStanding::Removed, _) => Some(Refusal::Removed),
        (BudgetStanding::Frozen, _) => Some(Refusal::Frozen),
        (BudgetStanding::Active, Some(end)) if end <= now => Some(Refusal::Expired(end)),
        (BudgetStanding::Active, _) => None,
    }
}

/// Says where so many more payments would be under way than there may be.
fn crowded(budget: &Budget, counted: &Counted, payments: u64) -> Option<Refusal> {
    let is_over = |account: &Account, most: u64| payments > 0 && account.in_flight.saturating_add(payments) > most;
    let limits = &budget.limits;
    let origin = limits.origin_in_flight.filter(|most| is_over(&counted.origin, *most));
    let total = limits.in_flight.filter(|most| is_over(&counted.total, *most));
    origin.map(Refusal::OriginInFlight).or(total.map(Refusal::InFlight))
}

fn over(budget: &Budget, counted: &Counted, cost_msat: Msat) -> Option<Refusal> {
    let limits = &budget.limits;
    let unlisted_msat = counted.unlisted.and(limits.unlisted_msat);
    let all = [
        (Limit::Call, limits.per_call_msat, counted.call_msat),
        (Limit::Hour, limits.per_hour_msat, counted.hour_msat),
        (Limit::Day, limits.per_day_msat, counted.day_msat),
        (Limit::Service, limits.per_service_msat, counted.service.counted_msat()),
        (Limit::Origin, limits.per_origin_msat, counted.origin.counted_msat()),
        (Limit::Total, limits.total_msat, counted.total.counted_msat()),
        (Limit::Reserved, limits.reserved_msat, counted.total.reserved_msat),
        (Limit::OriginReserved, limits.origin_reserved_msat, counted.origin.reserved_msat),
        (Limit::Unlisted, unlisted_msat, counted.unlisted.unwrap_or_default().counted_msat()),
    ];
    all.into_iter().find_map(|(limit, limit_msat, counted_msat)| {
        let limit_msat = limit_msat?;
        let fits = counted_msat.checked_add(cost_msat).is_some_and(|sum| sum <= limit_msat);
        (!fits).then_some(Refusal::Over { limit, limit_msat, counted_msat, cost_msat })
    })
}

#[cfg(test)]
mod tests {
    use super::super::budget::Limits;
    use super::*;

    const NOW: WindowTime = WindowTime::from_millis(1_000);
    const COST: Cost = Cost { amount_msat: Msat::new(21), max_fee_msat: Msat::new(10) };

    fn of(limits: Limits) -> Budget {
        Budget { limits, ..Budget::default() }
    }

    /// A limit of 100, of which 69 or 70 are taken.
    fn cases(taken: u64) -> [(Limit, Budget, Counted); 9] {
        let (limit, taken) = (Some(Msat::new(100)), Msat::new(taken));
        let account =
            Account { booked_msat: Msat::new(9), reserved_msat: taken.saturating_sub(Msat::new(9)), in_flight: 1 };
        let reserved = Account { reserved_msat: taken, ..Account::default() };
        let (none, zero) = (Limits::default(), Counted::default());
        [
            (Limit::Call, of(Limits { per_call_msat: limit, ..none }), Counted { call_msat: taken, ..zero }),
            (Limit::Hour, of(Limits { per_hour_msat: limit, ..none }), Counted { hour_msat: taken, ..zero }),
            (Limit::Day, of(Limits { per_day_msat: limit, ..none }), Counted { day_msat: taken, ..zero }),
            (Limit::Origin, of(Limits { per_origin_msat: limit, ..none }), Counted { origin: account, ..zero }),
            (Limit::Service, of(Limits { per_service_msat: limit, ..none }), Counted { service: account, ..zero }),
            (Limit::Total, of(Limits { total_msat: limit, ..none }), Counted { total: account, ..zero }),
            (Limit::Reserved, of(Limits { reserved_msat: limit, ..none }), Counted { total: reserved, ..zero }),
            (
                Limit::OriginReserved,
                of(Limits { origin_reserved_msat: limit, ..none }),
                Counted { origin: reserved, ..zero },
            ),
            (Limit::Unlisted, of(Limits { unlisted_msat: limit, ..none }), Counted { unlisted: Some(account), ..zero }),
        ]
    }

    #[test]
    fn a5_each_limit_holds_to_the_last_msat_in_the_budget_and_above_it() {
        let free = (Budget::default(), Counted::default());
        for (limit, budget, counted) in cases(69) {
            let entry = reserve([(&budget, &counted)], COST, NOW).unwrap();
            assert_eq!(entry.held_msat, Msat::new(31), "{limit:?}");
        }
        for (limit, budget, counted) in cases(70) {
            for level in 0..MAX {
                let line = (0..MAX).map(|at| if at == level { (&budget, &counted) } else { (&free.0, &free.1) });
                let refused = reserve(line, COST, NOW).unwrap_err();
                let [limit_msat, counted_msat, cost_msat] = [100, 70, 31].map(Msat::new);
                let why = Refusal::Over { limit, limit_msat, counted_msat, cost_msat };
                assert_eq!(refused, Refused { level, why });
            }
        }
    }

    #[test]
    fn a5_a_sum_that_is_too_large_to_count_is_over_the_limit() {
        let budget = of(Limits { total_msat: Some(Msat::new(u64::MAX)), ..Limits::default() });
        let total = Account { booked_msat: Msat::new(u64::MAX), ..Account::default() };
        assert!(reserve([(&budget, &Counted { total, ..Counted::default() })], COST, NOW).is_err());
    }

    #[test]
    fn a5_a_budget_that_is_stopped_stops_those_below_it() {
        let free = (Budget::default(), Counted::default());
        for (standing, expires_at, why) in [
            (BudgetStanding::Frozen, None, Some(Refusal::Frozen)),
            (BudgetStanding::Removed, None, Some(Refusal::Removed)),
            (BudgetStanding::Active, Some(NOW), Some(Refusal::Expired(NOW))),
            (BudgetStanding::Active, Some(WindowTime::from_millis(1_001)), None),
        ] {
            let above = Budget { standing, expires_at, ..Budget::default() };
            let line = [(&free.0, &free.1), (&above, &free.1)];
            let expected = why.map(|why| Refused { level: 1, why });
            assert_eq!(reserve(line, COST, NOW).err(), expected);
            let open = Entry { standing: Standing::Unknown, held_msat: Msat::new(31), closed_at: None };
            assert_eq!(raise(line, open, COST, NOW).err(), expected, "nor is anything asked for again");
        }
    }

    #[test]
    fn a5_a_repeated_request_reserves_what_it_may_cost_more() {
        let budget = of(Limits { total_msat: Some(Msat::new(40)), in_flight: Some(1), ..Limits::default() });
        let entry = reserve([(&budget, &Counted::default())], COST, NOW).unwrap();
        let counted = Counted { total: Account::default().after(None, &entry), ..Counted::default() };
        let dearer = |max_fee| Cost { max_fee_msat: Msat::new(max_fee), ..COST };
        let raised =
            |max_fee| raise([(&budget, &counted)], entry, dearer(max_fee), NOW).map(|entry| entry.held_msat.get());
        assert_eq!((raised(19), raised(10), raised(0)), (Ok(40), Ok(31), Ok(31)));
        assert!(raised(20).is_err());
        assert_eq!(reserve([(&budget, &counted)], dearer(0), NOW).unwrap_err().level, 0);
        let room = of(Limits { total_msat: None, ..budget.limits });
        assert_eq!(reserve([(&room, &counted)], COST, NOW).unwrap_err().why, Refusal::InFlight(1));
        let origin = of(Limits { origin_in_flight: Some(1), ..Limits::default() });
        assert!(reserve([(&origin, &counted)], COST, NOW).is_ok(), "those are at other origins");
        let counted = Counted { origin: counted.total, ..counted };
        assert_eq!(reserve([(&origin, &counted)], COST, NOW).unwrap_err().why, Refusal::OriginInFlight(1));
        assert!(raise([(&origin, &counted)], entry, COST, NOW).is_ok(), "it is under way already");
    }

    #[test]
    fn a5_a_cap_of_unlisted_origins_is_no_cap_of_those_that_are_listed() {
        let budget = of(Limits { unlisted_msat: Some(Msat::ZERO), ..Limits::default() });
        assert!(reserve([(&budget, &Counted::default())], COST, NOW).is_ok());
        let counted = Counted { unlisted: Some(Account::default()), ..Counted::default() };
        assert!(reserve([(&budget, &counted)], COST, NOW).is_err());
    }

    const MAX: usize = super::super::budget::MAX_DEPTH;
}
