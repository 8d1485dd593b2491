//! Responses that are charged as they flow, over the code that stores run: one balance, from which several draw at once.
//!
//! 1. A unit costs 1 msat. An attempt commits 1, draws the first slice before it passes anything on, and another each time that what
//!    was drawn is used up. In the end it says what it has used.
//! 2. A call reaches the store once, twice or never, sooner or later. A gateway repeats one without a reply. One that crashes asks no
//!    more, and what it had asked may still arrive.
//! 3. Each [`Guard`] is something that the ledger or a gateway does for safety. Without it, the [property](Guard::broken) must fail.

mod flow;
mod store;

use flow::{Phase, Response};
use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};
use store::{Call, Store};

/// A balance, and who draws from it.
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    /// What was sold.
    pub balance: u64,
    /// How many responses there are.
    pub responses: usize,
    /// How many units a response has at most.
    pub units: u64,
    /// Responses whose gateway crashes.
    pub crashes: u8,
    /// Calls that are lost, late or doubled.
    pub losses: u8,
    /// What is left undone.
    pub without: Option<Guard>,
}

/// How much is drawn ahead.
pub const SLICE: u64 = 2;

/// One thing that is done for safety.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nothing passes that is not drawn.
    DrawFirst,
    /// A draw names the total, so that one that comes twice takes once.
    Totals,
    /// A draw takes what is left, and no more.
    WhatIsLeft,
    /// Who has ended takes no more.
    EndsForGood,
    /// The end gives back what was not used.
    GivesBack,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::DrawFirst, Self::Totals, Self::WhatIsLeft, Self::EndsForGood, Self::GivesBack];

    /// What does not hold without it.
    pub const fn broken(self) -> &'static str {
        match self {
            Self::DrawFirst => PAID,
            Self::WhatIsLeft => NEVER_OVER,
            Self::Totals | Self::EndsForGood | Self::GivesBack => EXACT,
        }
    }
}

const NEVER_OVER: &str = "never more is drawn than was sold";
const PAID: &str = "what was passed on is drawn";
const EXACT: &str = "at rest, what is drawn was used, but for a slice of each crash";

/// One thing that happens; responses are named by their position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A request comes.
    Come(usize),
    /// A call reaches the store, and its reply comes back.
    Reach(usize),
    /// Nobody awaits its reply any more: the gateway asks again.
    Late(usize),
    /// It reaches the store, and will once more.
    Double(usize),
    /// A call of which nobody awaits the reply arrives, or is lost.
    Arrive(usize, usize),
    /// Such a call is lost.
    Lose(usize, usize),
    /// A unit is passed on.
    Pass(usize),
    /// The response ends, or its client goes.
    End(usize),
    /// Its gateway crashes.
    Crash(usize),
    /// The store's clock passes the end of a lease.
    Lapse(usize),
}

/// The store, the responses, and what may still go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    store: Store,
    responses: Vec<Response>,
    crashes: u8,
    losses: u8,
}

impl State {
    /// A call arrives. What the balance pays for it is noted, whoever hears of it.
    fn apply(&mut self, draws: &Draws, at: usize, call: Call) -> l402_core::ledger::Reply {
        let before = self.store.tally(draws).committed;
        let reply = self.store.apply(draws, at, call);
        let charged = &mut self.responses[at].charged;
        *charged = (*charged + self.store.tally(draws).committed).saturating_sub(before);
        reply
    }

    fn is_at_rest(&self) -> bool {
        let is_still = |(at, response): (usize, &Response)| {
            let is_ended = matches!(response.phase, Phase::Idle | Phase::Over | Phase::Crashed);
            is_ended && response.late.is_empty() && !self.store.is_leased(at)
        };
        self.responses.iter().enumerate().all(is_still)
    }
}

impl Model for Draws {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let responses = vec![Response::default(); self.responses];
        vec![State { store: Store::new(), responses, crashes: self.crashes, losses: self.losses }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let first = state.responses.iter().position(|response| response.phase == Phase::Idle);
        actions.extend(first.map(Action::Come));
        for (at, response) in state.responses.iter().enumerate() {
            if response.call.is_some() {
                actions.push(Action::Reach(at));
                if state.losses > 0 {
                    actions.extend([Action::Late(at), Action::Double(at)]);
                }
            }
            for (nth, call) in response.late.iter().enumerate() {
                if nth == 0 || response.late[nth - 1] != *call {
                    actions.extend([Action::Arrive(at, nth), Action::Lose(at, nth)]);
                }
            }
            if response.may_pass(self) {
                actions.push(Action::Pass(at));
            }
            if response.phase == Phase::Flowing {
                actions.push(Action::End(at));
            }
            if state.crashes > 0 && response.is_live() {
                actions.push(Action::Crash(at));
            }
            if state.store.is_leased(at) {
                actions.push(Action::Lapse(at));
            }
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        match action {
            Action::Come(at) => next.responses[at].come(),
            Action::Reach(at) | Action::Double(at) => {
                let call = next.responses[at].call.take()?;
                if action == Action::Double(at) {
                    next.losses -= 1;
                    next.responses[at].delay(call);
                }
                let reply = next.apply(self, at, call);
                next.responses[at].hear(call, reply);
            }
            Action::Late(at) => {
                next.losses -= 1;
                let call = next.responses[at].call?; // and asks again
                next.responses[at].delay(call);
            }
            Action::Arrive(at, nth) => {
                let call = next.responses[at].late.remove(nth);
                next.apply(self, at, call);
            }
            Action::Lose(at, nth) => drop(next.responses[at].late.remove(nth)),
            Action::Pass(at) => next.responses[at].pass(self),
            Action::End(at) => next.responses[at].end(),
            Action::Crash(at) => {
                next.crashes -= 1;
                next.responses[at].crash();
            }
            Action::Lapse(at) => next.store.lapse(at),
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(NEVER_OVER, |draws: &Self, state: &State| {
                let tally = state.store.tally(draws);
                tally.committed + tally.reserved + tally.doubtful <= draws.balance
            }),
            Property::always(PAID, |draws: &Self, state: &State| {
                let used: u64 = state.responses.iter().map(|response| response.used).sum();
                used <= state.store.tally(draws).committed
            }),
            Property::always(EXACT, |draws: &Self, state: &State| {
                let tally = state.store.tally(draws);
                let charged: u64 = state.responses.iter().map(|response| response.charged).sum();
                let is_right = |response: &Response| match response.phase {
                    Phase::Crashed => (response.used..=response.used + SLICE).contains(&response.charged),
                    _ => response.charged == response.used,
                };
                !state.is_at_rest()
                    || tally.committed == charged && tally.reserved == 0 && state.responses.iter().all(is_right)
            }),
            Property::sometimes("a balance ends in the middle of a response", |_, state: &State| {
                state.responses.iter().any(|response| response.phase == Phase::Over && response.is_cut)
            }),
            Property::sometimes("a crash costs a slice", |_, state: &State| {
                let lost = |response: &Response| response.charged == response.used + SLICE;
                state.is_at_rest() && state.responses.iter().any(|one| one.phase == Phase::Crashed && lost(one))
            }),
        ]
    }
}

/// Looks for what does not hold, and returns how many states there were, and the properties that fail. One that says that something can
/// happen fails if it cannot.
pub fn failures(draws: Draws) -> (usize, Vec<String>) {
    let properties = draws.properties();
    let search = draws.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_dfs().join();
    let mut found = search.discoveries();
    let mut failures = Vec::new();
    for property in properties {
        match (property.expectation, found.remove(property.name)) {
            (Expectation::Always, Some(path)) => {
                failures.push(format!("not so: {}\n{:#?}", property.name, path.into_actions()));
            }
            (Expectation::Sometimes, None) => failures.push(format!("never: {}", property.name)),
            _ => {}
        }
    }
    (search.unique_state_count(), failures)
}

/// The shortest way to where the property of a guard does not hold without it; [`None`] where there is none.
pub fn way_without(draws: Draws, guard: Guard) -> Option<Vec<Action>> {
    let finish = HasDiscoveries::AllOf([guard.broken()].into());
    let draws = Draws { without: Some(guard), ..draws };
    let checked = draws.checker().threads(2).finish_when(finish).spawn_bfs().join();
    Some(checked.discovery(guard.broken())?.into_actions())
}
