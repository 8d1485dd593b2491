//! Every order in which requests, crashes, losses and leases can come, over the code that gateways and stores run.
//!
//! 1. A store is [`l402_ledger::Account`] with [`l402_core::ledger::step`]; a gateway's attempt is [`l402_core::ledger::Course`]. The
//!    model adds what lies between them: calls, the upstream, clients, crashes and clocks.
//! 2. Time is not counted. A lease may end at any moment, and a gateway may believe so at any moment: no safety rests on clocks.
//! 3. A call reaches the store never, once or any number of times, sooner or later; its reply arrives or does not. What was asked by
//!    a gateway that has crashed may still arrive. Nothing of this is counted: a bound would only tell states apart.
//! 4. What is the same but for the names of requests is one state. There are as many gateways as requests may need: those that a
//!    crash ends are any.
//! 5. Each [`Guard`] is something that the ledger does for safety. Without it, a [property](name) must fail.

mod action;
pub mod draw;
mod guard;
mod next;
mod property;
mod request;
mod scenario;
mod state;
mod store;

pub use action::{Action, Happening, Way};
pub use guard::Guard;
pub use property::name;
pub use request::{Call, Phase, Request};
pub use scenario::{Faults, Scenario};
pub use state::State;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

/// What a check found.
#[derive(Debug)]
pub struct Checked {
    /// How many states there were until it ended.
    pub states: usize,
    /// The properties that do not hold, each with what has to happen.
    pub failures: Vec<String>,
}

/// Looks for what does not hold in a scenario, until it has seen all states or something is found. A property that says that something
/// can happen fails if it cannot. Goes into the breadth: a way into the depth is as long as there are states.
pub fn failures(scenario: Scenario) -> Checked {
    let properties = scenario.properties();
    let checker = scenario.checker().threads(2).finish_when(HasDiscoveries::AnyFailures);
    let search = checker.spawn_bfs().join();
    let mut found = search.discoveries();
    let mut failures = Vec::new();
    for property in properties {
        match (property.expectation, found.remove(property.name)) {
            (Expectation::Always, Some(path)) => {
                let actions = path.into_actions();
                failures.push(format!("not so: {}\n{actions:#?}", property.name));
            }
            (Expectation::Sometimes, None) => failures.push(format!("never: {}", property.name)),
            _ => {}
        }
    }
    Checked { states: search.unique_state_count(), failures }
}

/// Looks for a state in which one property does not hold, and returns the shortest way to it; [`None`] where there is none.
pub fn counterexample(scenario: Scenario, property: &'static str) -> Option<Vec<Action>> {
    let finish = HasDiscoveries::AllOf([property].into());
    let checked = scenario.checker().threads(2).finish_when(finish).spawn_bfs().join();
    Some(checked.discovery(property)?.into_actions())
}

impl Model for Scenario {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.actions(self, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = state.clone();
        next.take(self, action);
        next.canonical(self);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}
