//! What must hold, in every state or in every state of rest.

use crate::guard::Guard;
use crate::request::{Phase, Request, Told};
use crate::scenario::{BRANCH, Scenario};
use crate::state::{State, id};
use l402_core::CounterKey;
use l402_core::ledger::{Refused, Reply, Resolution, Safety, Standing, Tally};
use stateright::Property;

/// What must hold, in words.
pub mod name {
    /// No counter is committed more often than it was sold.
    pub const NEVER_OVER: &str = "no counter is committed more often than it was sold";
    /// Whatever may have had an effect holds a use.
    pub const EFFECTS: &str = "whatever may have had an effect holds a use";
    /// Each commit is answered, a third try, or resolved.
    pub const REASONS: &str = "each commit is answered, a third try, or resolved";
    /// Each third try costs a use, and no other.
    pub const TRIES: &str = "each third try costs a use, and no other";
    /// At rest, every use is committed, available or in doubt.
    pub const NOTHING_LOST: &str = "at rest, every use is committed, available or in doubt";
    /// At rest, another client is told how it stands.
    pub const ANOTHER: &str = "at rest, another client is told how it stands";
    /// What a client was told is so.
    pub const TRUTH: &str = "what a client was told is so";
    /// Only what was forwarded is in doubt.
    pub const DOUBTS: &str = "only what was forwarded is in doubt";
    /// What a person decided stays.
    pub const DECISIONS: &str = "what a person decided stays";
}

/// All of them.
pub(crate) fn all() -> Vec<Property<Scenario>> {
    vec![
        Property::always(name::NEVER_OVER, |scenario, state: &State| {
            state.counters(scenario).all(|(key, limit, tally)| {
                let before = if key == CounterKey::SALE { state.store.committed_before } else { 0 };
                tally.committed + tally.reserved + tally.doubtful <= limit && tally.committed + before <= limit
            })
        }),
        Property::always(name::EFFECTS, |scenario, state: &State| {
            !state.has_served_for_free && (0..state.requests.len()).all(|at| !state.has_effect_for_free(scenario, at))
        }),
        Property::always(name::REASONS, |_, state: &State| {
            state.requests.iter().all(|Request { facts, phase, .. }| {
                let is_right = facts.is_answered || facts.is_third_try || facts.resolved == Some(Resolution::Used);
                !facts.is_committed || is_right || *phase == Phase::Done
            })
        }),
        Property::always(name::TRIES, |_, state: &State| (0..3).contains(&state.tries)),
        Property::always(name::NOTHING_LOST, |scenario, state: &State| {
            !state.is_at_rest(scenario)
                || scenario.faults.sweeps > 0
                || state.counters(scenario).all(|(key, limit, tally)| {
                    let of_key = |at: &usize| key == CounterKey::SALE || state.requests[*at].of_branch;
                    let count = |is_it: &dyn Fn(usize) -> bool| {
                        (0..state.requests.len()).filter(of_key).filter(|at| is_it(*at)).count() as u64
                    };
                    tally.reserved == 0
                        && tally.committed == count(&|at| state.requests[at].facts.is_committed)
                        && tally.doubtful == count(&|at| state.is_doubtful(at))
                        && tally.committed + tally.doubtful + tally.free() == limit
                })
        }),
        Property::always(name::ANOTHER, |scenario, state: &State| {
            !state.is_at_rest(scenario) || (state.store.committed_before > 0) || state.tells_another(scenario)
        }),
        Property::always(name::TRUTH, |scenario, state: &State| {
            let told = (0..state.requests.len()).all(|at| state.was_told_truth(scenario, at));
            !state.has_lied && (!state.is_at_rest(scenario) || told)
        }),
        Property::always(name::DOUBTS, |_, state: &State| {
            let is_founded = |at| !state.is_over(at) || !state.is_doubted_for_nothing(at);
            !state.doubts_nothing && (0..state.requests.len()).all(is_founded)
        }),
        Property::always(name::DECISIONS, |_, state: &State| {
            state.requests.iter().enumerate().all(|(at, request)| match request.facts.resolved {
                Some(_) => !state.is_doubtful(at),
                None => true,
            })
        }),
        Property::sometimes("a use is committed", |scenario, state: &State| {
            state.is_at_rest(scenario) && state.requests.iter().any(|request| request.facts.is_committed)
        }),
        Property::sometimes("a use is left in doubt", |scenario, state: &State| {
            state.is_at_rest(scenario) && (0..state.requests.len()).any(|at| state.is_doubtful(at))
        }),
    ]
}

impl State {
    /// The counters that are kept.
    fn counters<'s>(&'s self, scenario: &'s Scenario) -> impl Iterator<Item = (CounterKey, u64, Tally)> + 's {
        let all = [(CounterKey::SALE, Some(scenario.uses)), (BRANCH, scenario.branch)];
        all.into_iter().filter_map(|(key, limit)| Some((key, limit?, self.store.tally(key)?)))
    }

    fn is_doubtful(&self, at: usize) -> bool {
        matches!(self.standing(at), Some(Standing::InDoubt { .. }))
    }

    /// It is in doubt, though its gateway has not forwarded it and did not crash. A request that was refused, and whose call arrives
    /// once more, may be: its use is held until somebody says that it was not used.
    pub(crate) fn is_doubted_for_nothing(&self, at: usize) -> bool {
        let Request { phase, facts, .. } = &self.requests[at];
        let is_excused = facts.is_forwarded || *phase == Phase::Crashed || facts.told == Some(Told::Refused);
        self.is_doubtful(at) && !is_excused
    }

    /// Nothing is under way: no attempt of a gateway, and no lease that will end. What was sent may never arrive.
    fn is_at_rest(&self, scenario: &Scenario) -> bool {
        let is_leased = |at| matches!(self.standing(at), Some(Standing::Reserved { .. }));
        !self.requests.iter().any(Request::is_live)
            && (!scenario.keeps(Guard::LeasesEnd) || !(0..self.requests.len()).any(is_leased))
    }

    /// Presents the sale's own token once more.
    fn tells_another(&self, scenario: &Scenario) -> bool {
        let Some(tally) = self.store.tally(CounterKey::SALE) else { return true };
        let reply = self.store.clone().reserve(&id(255), scenario.reserve(false, Safety::Safe));
        match reply {
            Reply::Refused(Refused::Spent) => tally.committed == tally.limit,
            Reply::Refused(Refused::InDoubt) => tally.free() == 0 && tally.doubtful > 0 || scenario.is_repeatable,
            Reply::Reserved { .. } => tally.free() > 0 || scenario.is_repeatable,
            _ => false,
        }
    }

    /// Whoever got a response has it committed. Who got none pays nothing, unless it was a third try, or a doubt that was resolved.
    pub(crate) fn was_told_truth(&self, scenario: &Scenario, at: usize) -> bool {
        let Request { phase, facts, .. } = &self.requests[at];
        if facts.is_third_try || facts.resolved.is_some() || scenario.faults.sweeps > 0 {
            return true;
        }
        match (phase, facts.told) {
            (Phase::Over, Some(Told::Committed)) => facts.is_committed,
            (Phase::Over, Some(Told::Refused | Told::Unavailable | Told::Other)) => !facts.is_committed,
            _ => true,
        }
    }

    /// The upstream may have done something for which no use is taken.
    pub(crate) fn has_effect_for_free(&self, scenario: &Scenario, at: usize) -> bool {
        let is_taken = !matches!(self.standing(at), None | Some(Standing::Cancelled { .. }));
        let is_bound = self.requests[at].phase != Phase::Done && !scenario.is_repeatable && scenario.faults.sweeps == 0;
        is_bound && self.requests[at].facts.has_effect && !is_taken && !self.requests[at].facts.is_committed
    }
}
