//! Why a payment is refused, in a sentence.

use super::wallet::Stopped;
use crate::amount::Amount;
use crate::policy::Denied;
use crate::store::breaker::{Because, WhyAsk, named};
use core::fmt;
use core::time::Duration;
use l402_core::Msat;
use l402_core::purchase::breaker::{Cause, Circuit, Mode};
use l402_core::purchase::{Cost, Refusal};

/// The owner's policy or budgets, or what guards them, do not allow a payment. Nothing was paid.
///
/// ```text
/// research: 480 of 500 sat this hour; this call costs 21 sat; free again in 12 min
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRefusal {
    /// What does not pay: the budget that was named, one above it, the wallet, or the origin of a breaker.
    pub name: String,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    Budget { why: Refusal, cost: Cost, free_in: Option<Duration> },
    Clock { behind: Duration },
    Wallet(Stopped),
    Breaker { mode: Mode, cause: Option<Cause>, free_in: Option<Duration> },
    Confirmation { amount_msat: Msat, why: WhyAsk, how: Unconfirmed },
    Denied(Denied),
}

/// What kind of rule does not allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// A budget has no room, or does not pay.
    Budget,
    /// The system clock is behind that of the record.
    Clock,
    /// The wallet is stopped, or busy.
    Wallet,
    /// A breaker was tripped.
    Breaker,
    /// Its owner has not confirmed it.
    Confirmation,
    /// The policy does not allow it.
    Policy,
}

/// How a payment is not confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unconfirmed {
    /// It must be, and was not asked for.
    Needed,
    /// The owner has said no.
    Denied,
    /// There was no answer in time.
    NoAnswer,
    /// The invoice ends too soon for an answer.
    TooLate,
}

impl PolicyRefusal {
    /// Returns what kind of rule does not allow it.
    pub const fn kind(&self) -> RefusalKind {
        match self.why {
            Why::Budget { .. } => RefusalKind::Budget,
            Why::Clock { .. } => RefusalKind::Clock,
            Why::Wallet(_) => RefusalKind::Wallet,
            Why::Breaker { .. } => RefusalKind::Breaker,
            Why::Confirmation { .. } => RefusalKind::Confirmation,
            Why::Denied(_) => RefusalKind::Policy,
        }
    }

    /// `origin` is empty for the common breaker.
    pub(in crate::store) fn breaker(origin: &str, circuit: &Circuit, free_in: Option<Duration>) -> Self {
        let Circuit { mode, cause, .. } = *circuit;
        Self { name: origin.to_owned(), why: Why::Breaker { mode, cause, free_in } }
    }

    pub(in crate::store) fn unconfirmed(origin: &str, amount_msat: Msat, why: WhyAsk) -> Self {
        Self { name: origin.to_owned(), why: Why::Confirmation { amount_msat, why, how: Unconfirmed::Needed } }
    }

    /// Returns why its owner is to be asked, where that is all that is missing.
    pub(in crate::store) const fn needs_confirmation(&self) -> Option<WhyAsk> {
        match self.why {
            Why::Confirmation { why, how: Unconfirmed::Needed, .. } => Some(why),
            _ => None,
        }
    }

    /// Says what came of asking.
    pub(in crate::store) fn after_asking(mut self, came: Unconfirmed) -> Self {
        if let Why::Confirmation { how, .. } = &mut self.why {
            *how = came;
        }
        self
    }

    pub(super) fn budget(budget: &str, why: Refusal, cost: Cost, free_in: Option<Duration>) -> Self {
        Self { name: budget.to_owned(), why: Why::Budget { why, cost, free_in } }
    }

    pub(super) fn clock(budget: &str, behind: Duration) -> Self {
        Self { name: budget.to_owned(), why: Why::Clock { behind } }
    }

    pub(super) fn denied(why: Denied) -> Self {
        Self { name: why.origin.to_string(), why: Why::Denied(why) }
    }

    pub(super) fn wallet(name: &str, why: Stopped) -> Self {
        Self { name: name.to_owned(), why: Why::Wallet(why) }
    }
}

impl fmt::Display for PolicyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.why {
            Why::Denied(why) => why.fmt(f),
            Why::Clock { behind } => write!(
                f,
                "{name}: the system clock is {} behind that of the record; set it, or run `l402 policy clock accept`",
                Span(*behind)
            ),
            Why::Breaker { mode, cause, free_in } => said_by_breaker(f, name, (*mode, *cause), *free_in),
            Why::Confirmation { amount_msat, why, how } => {
                write!(
                    f,
                    "{name}: a payment of {} needs its owner's confirmation, {why}; {how}",
                    Amount::new(*amount_msat)
                )
            }
            Why::Wallet(Stopped::Overran) => write!(
                f,
                "the wallet `{name}` took more than was reserved before, and is stopped; its owner can run `l402 policy wallet thaw {name}`"
            ),
            Why::Wallet(Stopped::Busy) => write!(
                f,
                "the wallet `{name}` does not keep the limit of the fee, so it makes one payment at a time, and another has no \
                 outcome yet; `l402 payments resolve` asks for it"
            ),
            Why::Budget { why: Refusal::Frozen, .. } => {
                write!(f, "{name}: this budget is frozen; its owner can run `l402 budget thaw {name}`")
            }
            Why::Budget { why: Refusal::Removed, .. } => write!(f, "{name}: this budget was removed"),
            Why::Budget { why: Refusal::Expired(_), .. } => write!(f, "{name}: this budget has expired"),
            Why::Budget { why: Refusal::InFlight(most), .. } => {
                write!(f, "{name}: {most} payments have no outcome yet; `l402 payments resolve` asks for it")
            }
            Why::Budget { why: Refusal::OriginInFlight(most), .. } => write!(
                f,
                "{name}: {most} payments at this origin have no outcome yet; `l402 payments resolve` asks for it"
            ),
            Why::Budget { why: Refusal::Fee { limit_msat, asked_msat }, .. } => {
                let (limit, asked) = (Amount::new(*limit_msat), Amount::new(*asked_msat));
                write!(f, "{name}: routing may cost {limit}, and could cost {asked}; allow less with --max-fee")
            }
            Why::Budget { why: Refusal::Cltv { limit, asked }, .. } => {
                write!(f, "{name}: money may be locked for {limit} blocks on its way, and could be for {asked}")
            }
            Why::Budget { why: Refusal::Over { limit, limit_msat, counted_msat, .. }, cost, free_in } => {
                let (counted, limit_msat) = (Amount::new(*counted_msat), Amount::new(*limit_msat));
                let counted = counted.to_string();
                let counted = counted.trim_end_matches(" sat");
                write!(f, "{name}: {counted} of {limit_msat} {limit}; {}", Costs(*cost))?;
                free_in.map_or(Ok(()), |time| write!(f, "; free again in {}", Span(time)))
            }
            Why::Budget { .. } => write!(f, "{name}: this budget does not pay"),
        }
    }
}

impl core::error::Error for PolicyRefusal {}

fn said_by_breaker(
    f: &mut fmt::Formatter<'_>,
    origin: &str,
    (mode, cause): (Mode, Option<Cause>),
    free_in: Option<Duration>,
) -> fmt::Result {
    write!(f, "{}: {mode}", named(origin))?;
    if let Some(cause) = cause {
        write!(f, ", {}", Because(cause))?;
    }
    f.write_str("; pays again")?;
    if let Some(time) = free_in {
        write!(f, " in {}, or", Span(time))?;
    }
    let command = "l402 policy breaker reset";
    if origin.is_empty() {
        write!(f, " when its owner runs `{command} --all`")
    } else {
        write!(f, " when its owner runs `{command} {origin}`")
    }
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Needed => "nobody was asked",
            Self::Denied => "the answer was no",
            Self::NoAnswer => "there was no answer in time",
            Self::TooLate => "the invoice ends too soon for that",
        })
    }
}

struct Costs(Cost);

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cost { amount_msat, max_fee_msat } = self.0;
        write!(f, "this call costs {}", Amount::new(amount_msat))?;
        if max_fee_msat == Msat::ZERO {
            return Ok(());
        }
        write!(f, ", and up to {} of fees", Amount::new(max_fee_msat))
    }
}

/// A span as people say it, rounded up.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0);
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3_600 => write!(f, "{} min", seconds.div_ceil(60)),
            3_600..172_800 => write!(f, "{} h", seconds.div_ceil(3_600)),
            _ => write!(f, "{} days", seconds.div_ceil(86_400)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::purchase::{Limit, WindowTime};

    #[test]
    fn a_refusal_says_what_is_left_what_it_costs_and_when_to_come_back() {
        let cost = |fee| Cost { amount_msat: Msat::from_sat(21), max_fee_msat: Msat::new(fee) };
        let over = |counted| Refusal::Over {
            limit: Limit::Hour,
            limit_msat: Msat::from_sat(500),
            counted_msat: counted,
            cost_msat: Msat::from_sat(21),
        };
        let say = |why, cost, free_in| PolicyRefusal::budget("research", why, cost, free_in).to_string();
        assert_eq!(
            say(over(Msat::from_sat(480)), cost(0), Some(Duration::from_secs(661))),
            "research: 480 of 500 sat this hour; this call costs 21 sat; free again in 12 min"
        );
        assert_eq!(
            say(over(Msat::new(479_500)), cost(1_500), None),
            "research: 479.5 of 500 sat this hour; this call costs 21 sat, and up to 1.5 sat of fees"
        );
        for why in [Refusal::Frozen, Refusal::Removed, Refusal::Expired(WindowTime::default()), Refusal::InFlight(2)] {
            assert!(say(why, cost(0), None).starts_with("research: "), "{why:?}");
        }
        let behind = PolicyRefusal::clock("research", Duration::from_hours(50)).to_string();
        assert!(behind.contains("3 days behind") && behind.contains("l402 policy clock accept"), "{behind}");
    }
}
