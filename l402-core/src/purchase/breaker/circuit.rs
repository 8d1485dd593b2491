//! One breaker, and what happens to it.

use super::mode::Mode;
use super::rules::Rules;
use crate::msat::Msat;
use crate::purchase::WindowTime;

/// What a store keeps of a breaker. The default is one that nothing has happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Circuit {
    /// What it lets through.
    pub mode: Mode,
    /// What it was tripped by.
    pub cause: Option<Cause>,
    /// When its cool-down is over; [`None`] where it has none.
    pub until: Option<WindowTime>,
    /// Failures since the last success.
    pub failures: u32,
}

/// What trips a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// So many failures one after another.
    Failures(u32),
    /// The origin did not accept what was bought from it.
    Refused {
        /// What was paid, fees included.
        lost_msat: Msat,
    },
    /// A price out of all proportion.
    Price {
        /// What was asked.
        price_msat: Msat,
        /// What is usual.
        usual_msat: Msat,
    },
    /// So much was spent, or about to be, within an hour.
    Spent(Msat),
    /// Several origins did not accept what was bought from them.
    Losses {
        /// How many, within a day.
        origins: u32,
        /// What was paid to them.
        lost_msat: Msat,
    },
    /// Its owner has set it.
    Owner,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Nothing but time.
    Pass,
    /// A paid request was answered as it should be.
    Served,
    /// The server asks to come back later: 409, 429 or 503.
    Withheld,
    /// A paid request was not answered, or by an error of the server; or the payment failed on its way.
    Failed,
    /// A purchase was not accepted.
    Refused {
        /// What was paid, fees included.
        lost_msat: Msat,
    },
    /// A price is asked.
    Priced {
        /// What is asked.
        price_msat: Msat,
        /// What is usual, where that is known.
        usual_msat: Option<Msat>,
    },
    /// So much counts within the hour, with what is about to be paid. Of the common breaker.
    Spent(Msat),
    /// So much was lost within the day. Of the common breaker.
    Lost {
        /// At how many origins.
        origins: u32,
        /// How much.
        lost_msat: Msat,
    },
    /// The owner sets it, stricter or laxer, until the owner says otherwise.
    Set(Mode),
    /// The owner resets it.
    Reset,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What holds from now on.
    pub mode: Mode,
    /// What there is to tell.
    pub change: Option<Change>,
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was tripped, or more was lost.
    Tripped(Cause),
    /// The cool-down is over, or its owner has reset it.
    Ended,
}

/// Carries out what happens to a breaker.
///
/// ```
/// use l402_core::Msat;
/// use l402_core::purchase::WindowTime;
/// use l402_core::purchase::breaker::{Circuit, Event, Mode, Rules, step};
///
/// let (rules, now) = (Rules::default(), WindowTime::from_millis(1_700_000_000_000));
/// let refused = Event::Refused { lost_msat: Msat::from_sat(21) };
/// let (circuit, verdict) = step(Circuit::default(), refused, &rules, now);
/// assert_eq!(verdict.mode, Mode::ReadOnly);
/// assert_eq!(step(circuit, Event::Served, &rules, now).1.mode, Mode::ReadOnly);
/// assert_eq!(step(circuit, Event::Pass, &rules, now.after(rules.cool_down)).1.mode, Mode::Normal);
/// ```
pub fn step(circuit: Circuit, event: Event, rules: &Rules, now: WindowTime) -> (Circuit, Verdict) {
    let was = circuit.mode;
    let circuit = circuit.cooled(rules, now);
    let ended = circuit.mode < was;
    let (circuit, change) = match event {
        Event::Pass | Event::Withheld => (circuit, None),
        Event::Served => (Circuit { failures: 0, ..circuit }, None),
        Event::Reset | Event::Set(Mode::Normal) => (Circuit::default(), None),
        Event::Set(mode) => (Circuit { mode, cause: Some(Cause::Owner), until: None, ..circuit }, Some(Cause::Owner)),
        event => happened(circuit, event, rules, now),
    };
    let ended = ended || (circuit.mode == Mode::Normal && was != Mode::Normal);
    let change = change.map(Change::Tripped).or_else(|| ended.then_some(Change::Ended));
    (circuit, Verdict { mode: circuit.mode, change })
}

/// What a server or a purse does. A loss is always told; everything else, where it makes the breaker stricter.
fn happened(circuit: Circuit, event: Event, rules: &Rules, now: WindowTime) -> (Circuit, Option<Cause>) {
    let failures = circuit.failures.saturating_add(u32::from(event == Event::Failed));
    let counted = Circuit { failures, ..circuit };
    let Some((cause, mode)) = trips(event, failures, rules) else { return (counted, None) };
    let after = counted.tripped(cause, mode, rules, now);
    let is_loss = matches!(cause, Cause::Refused { .. });
    (after, (is_loss || after.mode > circuit.mode).then_some(cause))
}

/// Says whether something trips a breaker, by what, and into which mode.
fn trips(event: Event, failures: u32, rules: &Rules) -> Option<(Cause, Mode)> {
    let (cause, mode) = match event {
        Event::Failed if failures >= rules.failures.max(1) => (Cause::Failures(failures), rules.on_failures),
        Event::Refused { lost_msat } => (Cause::Refused { lost_msat }, rules.on_refusal),
        Event::Priced { price_msat, usual_msat: Some(usual_msat) } => {
            let most = usual_msat.get().max(1).saturating_mul(rules.price_factor.max(1).into());
            let is_dear = price_msat > usual_msat && price_msat.get() >= most;
            is_dear.then_some((Cause::Price { price_msat, usual_msat }, rules.on_price))?
        }
        Event::Spent(hour_msat) if rules.spend_msat.is_some_and(|most| hour_msat > most) => {
            (Cause::Spent(hour_msat), rules.on_spend)
        }
        Event::Lost { origins, lost_msat } => {
            let are_many = origins >= rules.losing_origins.max(1);
            let is_much = rules.loss_msat.is_some_and(|most| lost_msat > most);
            (are_many || is_much).then_some((Cause::Losses { origins, lost_msat }, rules.on_losses))?
        }
        _ => return None,
    };
    (mode != Mode::Normal).then_some((cause, mode))
}

impl Circuit {
    /// Returns the circuit after its cool-down, if that is over. Its next failure is one too many.
    fn cooled(self, rules: &Rules, now: WindowTime) -> Self {
        if self.mode == Mode::Frozen || self.until.is_none_or(|until| now < until) {
            return self;
        }
        let failures = self.failures.min(rules.failures.saturating_sub(1));
        Self { failures, ..Self::default() }
    }

    /// Returns the circuit at least as strict as `mode`. Whatever is laxer than what holds only makes it last longer.
    fn tripped(self, cause: Cause, mode: Mode, rules: &Rules, now: WindowTime) -> Self {
        // What its owner has set has no end, and what comes on top of it has none either.
        let ends = self.mode.max(mode) != Mode::Frozen && (self.mode == Mode::Normal || self.until.is_some());
        let until = now.after(rules.cool_down);
        let until = ends.then(|| self.until.map_or(until, |before| before.max(until)));
        if mode < self.mode {
            return Self { until, ..self };
        }
        Self { mode, cause: Some(cause), until, ..self }
    }
}
