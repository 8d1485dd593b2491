//! One response, as its gateway charges for it.

use super::store::Call;
use super::{Draws, Guard, SLICE};
use l402_core::ledger::Reply;

/// One response, which is one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Response {
    pub(super) phase: Phase,
    /// The call that its gateway waits for.
    pub(super) call: Option<Call>,
    /// Calls of which nobody awaits the reply.
    pub(super) late: Vec<Call>,
    /// Units that were passed on.
    pub(super) used: u64,
    /// What its gateway knows to be drawn.
    drawn: u64,
    /// What the balance pays for it.
    pub(super) charged: u64,
    /// The balance did not suffice.
    pub(super) is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Phase {
    #[default]
    Idle,
    /// From the reservation to the first slice.
    Beginning,
    Flowing,
    Settling,
    Over,
    Crashed,
}

impl Response {
    pub(super) fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Beginning | Phase::Flowing | Phase::Settling)
    }

    pub(super) fn come(&mut self) {
        (self.phase, self.call) = (Phase::Beginning, Some(Call::Reserve));
    }

    /// A call may arrive later.
    pub(super) fn delay(&mut self, call: Call) {
        self.late.push(call);
        self.late.sort_unstable();
    }

    /// The store has replied.
    pub(super) fn hear(&mut self, call: Call, reply: Reply) {
        match (call, reply) {
            (Call::Reserve, Reply::Reserved { .. }) => self.call = Some(Call::Commit), // the upstream has answered
            (Call::Commit, Reply::Committed { .. }) => self.call = Some(Call::Draw(SLICE)),
            (Call::Draw(asked), Reply::Drawn { total, .. }) => {
                (self.phase, self.drawn) = (Phase::Flowing, total);
                self.is_cut |= total < asked;
            }
            (Call::Draw(_), _) => self.end(),
            _ => self.phase = Phase::Over,
        }
    }

    pub(super) fn may_pass(&self, draws: &Draws) -> bool {
        let is_paid = self.used < self.drawn || draws.without == Some(Guard::DrawFirst);
        self.phase == Phase::Flowing && self.call.is_none() && self.used < draws.units && is_paid
    }

    pub(super) fn pass(&mut self, draws: &Draws) {
        self.used += 1;
        if self.used >= draws.units || self.used >= self.drawn && self.is_cut {
            self.end();
        } else if self.used >= self.drawn {
            self.call = Some(Call::Draw(self.used + SLICE));
        }
    }

    /// What it waited for may still arrive.
    pub(super) fn end(&mut self) {
        if let Some(call) = self.call.take() {
            self.delay(call);
        }
        (self.phase, self.call) = (Phase::Settling, Some(Call::End(self.used)));
    }

    pub(super) fn crash(&mut self) {
        if let Some(call) = self.call.take() {
            self.delay(call);
        }
        self.phase = Phase::Crashed;
    }
}
