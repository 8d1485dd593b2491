//! What can happen next.
//!
//! 1. A call on its way, of which nothing is lost, changes nothing: that it comes later is that what caused it comes later. So a
//!    request comes together with its first call, and an outcome with the call that follows, or with what its gateway sees first.
//! 2. What was sent may arrive later, any number of times, or never: nobody needs to lose it. One whose reply is lost is late, and
//!    arrives before the gateway asks again.
//! 3. A gateway that crashes ends all of its requests, one after another, with nothing or something between them. So a request
//!    crashes by itself, and it makes no difference how many gateways there are.

use crate::action::{Action, Happening, Way};
use crate::guard::Guard;
use crate::request::{Call, Phase, Request};
use crate::scenario::{Faults, Scenario};
use crate::state::State;
use l402_core::ledger::{Attempted, Resolution, Safety, Standing, TRIES};

/// One outcome of each kind that the table of outcomes tells apart.
const OUTCOMES: [Attempted; 4] = [ANSWERED, TRIED, Attempted::NotSent, Attempted::Unanswered];

const ANSWERED: Attempted = Attempted::Answered(200);
const TRIED: Attempted = Attempted::Answered(404);

const HAPPENINGS: [Happening; 2] = [Happening::ClientGone, Happening::LeaseEnds];

const SAFETIES: [Safety; 2] = [Safety::Safe, Safety::Unsafe];

impl State {
    pub(crate) fn actions(&self, scenario: &Scenario, actions: &mut Vec<Action>) {
        for at in self.next_to_come() {
            for safety in SAFETIES {
                actions.extend(first_ways(scenario.faults, false).map(|way| Action::Come(at, safety, way)));
            }
        }
        for (at, request) in self.requests.iter().enumerate() {
            of_request(scenario, at, request, actions);
            self.of_store(scenario, at, actions);
        }
        if self.sweeps > 0 && self.store.account.is_some() {
            actions.push(Action::Sweep);
        }
    }

    /// Of the requests that have not come yet, and present one token, one: they are alike.
    fn next_to_come(&self) -> impl Iterator<Item = usize> + '_ {
        let of = |of_branch| {
            self.requests.iter().position(|request| request.phase == Phase::Idle && request.of_branch == of_branch)
        };
        [of(false), of(true)].into_iter().flatten()
    }

    fn of_store(&self, scenario: &Scenario, at: usize, actions: &mut Vec<Action>) {
        match self.standing(at) {
            Some(Standing::Reserved { .. }) if scenario.keeps(Guard::LeasesEnd) => actions.push(Action::Lapse(at)),
            Some(Standing::InDoubt { .. }) if scenario.faults.resolutions => {
                actions.extend([Resolution::Used, Resolution::Unused].map(|how| Action::Resolve(at, how)));
            }
            _ => {}
        }
    }
}

fn of_request(scenario: &Scenario, at: usize, request: &Request, actions: &mut Vec<Action>) {
    let faults = scenario.faults;
    if let Some(call) = request.call {
        actions.extend(ways(faults, call == Call::Commit).map(|way| Action::Call(at, way)));
    }
    actions.extend(request.sent.iter().map(|call| Action::Arrive(at, call)));
    if request.phase == Phase::Forwarding {
        for outcome in OUTCOMES.into_iter().filter(|outcome| makes_a_difference(scenario, request, *outcome)) {
            let commits = outcome == ANSWERED;
            actions.extend(first_ways(faults, commits).map(|way| Action::Outcome(at, outcome, way)));
        }
    }
    if faults.departures && request.is_live() && request.facts.told.is_none() {
        actions.extend(HAPPENINGS.map(|happening| Action::Happen(at, happening)));
    }
    if faults.crashes && request.is_live() {
        actions.push(Action::Crash(at));
    }
}

/// For a request that only reads, an outcome that is not known is as one that was not sent; so is a try where there are too few
/// requests for three.
fn makes_a_difference(scenario: &Scenario, request: &Request, outcome: Attempted) -> bool {
    match outcome {
        Attempted::Unanswered => request.safety == Safety::Unsafe,
        TRIED => scenario.is_complete || scenario.requests + scenario.branch_requests >= usize::from(TRIES),
        _ => true,
    }
}

/// What can become of a call that was not made before.
fn first_ways(faults: Faults, commits: bool) -> impl Iterator<Item = Way> {
    let meanwhile = HAPPENINGS.into_iter().filter(move |_| faults.departures).map(Way::Meanwhile);
    ways(faults, commits).chain(faults.crashes.then_some(Way::Crash)).chain(meanwhile)
}

/// What can become of a call. A deadline makes a difference to a commit only: others are asked for again in either case.
fn ways(faults: Faults, commits: bool) -> impl Iterator<Item = Way> {
    let lost = faults.losses.then_some(Way::Late);
    [Some(Way::Reach), lost, lost.filter(|_| commits).map(|_| Way::Deadline)].into_iter().flatten()
}
