//! What can happen next.
//!
//! 1. A call on its way, of which nothing is lost, changes nothing: that it comes later is that what caused it comes later. So a
//!    request comes together with its first call, and where nothing can be lost any more, an outcome with the call that follows.
//! 2. A call that is lost is one that is late and never arrives. One whose reply is lost is late, and arrives before the gateway
//!    asks again.

use crate::action::{Action, Happening, Way};
use crate::guard::Guard;
use crate::request::{Call, Phase, Request};
use crate::scenario::Scenario;
use crate::state::State;
use l402_core::ledger::{Attempted, Resolution, Safety, Standing};

/// One outcome of each kind that the table of outcomes tells apart.
const OUTCOMES: [Attempted; 4] =
    [Attempted::Answered(200), Attempted::Answered(404), Attempted::NotSent, Attempted::Unanswered];

/// For a request that only reads, an outcome that is not known is as one that was not sent.
const SAFE_OUTCOMES: usize = 3;

const SAFETIES: [Safety; 2] = [Safety::Safe, Safety::Unsafe];

impl State {
    pub(crate) fn actions(&self, scenario: &Scenario, actions: &mut Vec<Action>) {
        let loses = self.left.losses > 0;
        for at in self.next_to_come() {
            for safety in SAFETIES {
                actions.push(Action::Come(at, safety, Way::Reach));
                if loses {
                    actions.extend(losses(Call::Reserve).map(|way| Action::Come(at, safety, way)));
                }
            }
        }
        for (at, request) in self.requests.iter().enumerate() {
            self.of_request(at, request, actions);
            self.of_store(scenario, at, actions);
        }
        if self.left.crashes > 0 {
            self.crashes(actions);
        }
        if self.left.sweeps > 0 && self.store.account.is_some() {
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

    fn of_request(&self, at: usize, request: &Request, actions: &mut Vec<Action>) {
        let loses = self.left.losses > 0;
        if let Some(call) = request.call {
            actions.push(Action::Call(at, Way::Reach));
            if loses {
                actions.extend(losses(call).map(|way| Action::Call(at, way)));
            }
        }
        for (nth, call) in request.late.iter().enumerate() {
            if nth == 0 || request.late[nth - 1] != *call {
                actions.extend([Action::Arrive(at, nth), Action::Lose(at, nth)]);
            }
        }
        if request.phase == Phase::Forwarding {
            let outcomes = if request.safety == Safety::Safe { SAFE_OUTCOMES } else { OUTCOMES.len() };
            actions.extend(OUTCOMES.iter().take(outcomes).map(|outcome| Action::Outcome(at, *outcome)));
        }
        let may_go = request.is_live() && request.facts.told.is_none();
        if self.left.with_clients && may_go {
            actions.push(Action::Happen(at, Happening::ClientGone));
            actions.push(Action::Happen(at, Happening::LeaseEnds));
        }
    }

    fn of_store(&self, scenario: &Scenario, at: usize, actions: &mut Vec<Action>) {
        match self.standing(at) {
            Some(Standing::Reserved { .. }) if scenario.keeps(Guard::LeasesEnd) => actions.push(Action::Lapse(at)),
            Some(Standing::InDoubt { .. }) if self.left.resolutions > 0 => {
                actions.extend([Resolution::Used, Resolution::Unused].map(|how| Action::Resolve(at, how)));
            }
            _ => {}
        }
    }

    /// Any requests may be those of one gateway.
    fn crashes(&self, actions: &mut Vec<Action>) {
        let live =
            (0..self.requests.len()).filter(|at| self.requests[*at].is_live()).fold(0, |bits, at| bits | 1 << at);
        for bits in (0..=live).filter(|bits| bits & !live == 0) {
            if bits != 0 {
                actions.push(Action::Crash(bits, None));
            }
            for at in self.next_to_come() {
                actions.extend(SAFETIES.map(|safety| Action::Crash(bits, Some((at, safety)))));
            }
        }
    }
}

/// What else can become of a call. A deadline makes a difference to a commit only: others are asked for again in either case.
fn losses(call: Call) -> impl Iterator<Item = Way> {
    [Way::Late, Way::Double].into_iter().chain((call == Call::Commit).then_some(Way::Deadline))
}
