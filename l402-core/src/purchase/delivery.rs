//! What becomes of a request that is sent with a token: one decision, without I/O.
//!
//! ```text
//!               the server serves it
//!  presented ─────────────────────────▶ served
//!    ▲  ▲ │ ╲  the token opens nothing
//!    │  │ │  ╲────────────────────────▶ refused
//!    │  │ └── 409, 429, 503 ──────────▶ busy ───────────╮
//!    │  ╰─────────── once more ─────────────────────────╯
//!    │     └── no answer, or half of it ─▶ unanswered ──╮
//!    ╰─────────── once more ───────────────────────────╯
//! ```
//!
//! 1. A server that is busy is waited for. Nothing is bought for it.
//! 2. What has no answer may have been performed. It is sent again with the same token and the same key, and nothing is bought in its
//!    place, whatever becomes of the token: one request is paid for once.
//! 3. A refusal buys only where the request was certainly not performed.

/// Where the delivery of one request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Delivery {
    standing: DeliveryStanding,
    in_doubt: bool,
}

/// What has become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DeliveryStanding {
    /// It is about to be sent, or was.
    #[default]
    Presented,
    /// It was answered.
    Served,
    /// The token opens nothing.
    Refused,
    /// The server has no time for it, or holds it back.
    Busy,
    /// No answer has come, or not all of it.
    Unanswered,
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryEvent {
    /// It is sent, perhaps once more.
    Present,
    /// The server answers it.
    Serve,
    /// The server demands a payment.
    Refuse,
    /// The server says to come back later, and that it has not performed the request.
    Busy,
    /// The same, and the request may have been performed, by this attempt or by another one.
    BusyInDoubt,
    /// No answer comes, or it breaks off.
    Lose,
}

/// What the shell does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryCommand {
    /// Send it with the token.
    Send,
    /// Hand the answer over, and count the use.
    HandOver,
    /// Try another token that is held, or buy one.
    Replace,
    /// Buy nothing, and say why: an earlier attempt may have used the token.
    Stop,
    /// Wait, and send it again with the same token. Nothing is bought.
    Wait,
    /// Send it again with the same token and the same key. Nothing is bought.
    AskAgain,
}

impl Delivery {
    /// Takes a request that repeats one that may have been performed.
    pub const fn repeated() -> Self {
        Self { standing: DeliveryStanding::Presented, in_doubt: true }
    }

    /// Returns where it stands.
    pub const fn standing(self) -> DeliveryStanding {
        self.standing
    }

    /// Tells whether the request may have been performed without its answer being here.
    pub const fn is_in_doubt(self) -> bool {
        self.in_doubt
    }

    const fn to(self, standing: DeliveryStanding) -> Self {
        Self { standing, ..self }
    }

    /// Carries out what happens to a request. What was handed over stays so.
    ///
    /// ```
    /// use l402_core::purchase::{Delivery, DeliveryCommand, DeliveryEvent};
    ///
    /// let (lost, command) = Delivery::default().step(DeliveryEvent::Lose);
    /// assert_eq!(command, DeliveryCommand::AskAgain);
    /// let (again, _) = lost.step(DeliveryEvent::Present);
    /// // The token is spent: by the answer that was lost, for all that is known.
    /// assert_eq!(again.step(DeliveryEvent::Refuse).1, DeliveryCommand::Stop);
    /// assert_eq!(Delivery::default().step(DeliveryEvent::Refuse).1, DeliveryCommand::Replace);
    /// ```
    #[must_use]
    pub const fn step(self, event: DeliveryEvent) -> (Self, DeliveryCommand) {
        use DeliveryStanding::{Busy, Presented, Refused, Served, Unanswered};
        let doubted = Self { in_doubt: true, ..self };
        match (self.standing, event) {
            // Its answer is here. A body that breaks off afterwards is asked for again.
            (Served, DeliveryEvent::Lose) => (doubted.to(Unanswered), DeliveryCommand::AskAgain),
            (Served, _) => (self, DeliveryCommand::HandOver),
            (_, DeliveryEvent::Present) => (self.to(Presented), DeliveryCommand::Send),
            (_, DeliveryEvent::Serve) => (Self { standing: Served, in_doubt: false }, DeliveryCommand::HandOver),
            (_, DeliveryEvent::Refuse) if self.in_doubt => (self.to(Refused), DeliveryCommand::Stop),
            (_, DeliveryEvent::Refuse) => (self.to(Refused), DeliveryCommand::Replace),
            (_, DeliveryEvent::Busy) => (self.to(Busy), DeliveryCommand::Wait),
            (_, DeliveryEvent::BusyInDoubt) => (doubted.to(Busy), DeliveryCommand::Wait),
            (_, DeliveryEvent::Lose) => (doubted.to(Unanswered), DeliveryCommand::AskAgain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DeliveryCommand::{AskAgain, HandOver, Replace, Send, Stop, Wait};
    use super::DeliveryEvent::{Busy, BusyInDoubt, Lose, Present, Refuse, Serve};
    use super::*;

    const EVENTS: [DeliveryEvent; 6] = [Present, Serve, Refuse, Busy, BusyInDoubt, Lose];

    #[test]
    fn every_event_has_one_consequence() {
        use DeliveryStanding as S;
        let doubt = |standing| Delivery { standing, in_doubt: true };
        let sure = |standing| Delivery { standing, in_doubt: false };
        for standing in [S::Presented, S::Refused, S::Busy, S::Unanswered] {
            for in_doubt in [false, true] {
                let from = Delivery { standing, in_doubt };
                let refused = if in_doubt { Stop } else { Replace };
                let expected = [
                    (Delivery { standing: S::Presented, in_doubt }, Send),
                    (sure(S::Served), HandOver),
                    (Delivery { standing: S::Refused, in_doubt }, refused),
                    (Delivery { standing: S::Busy, in_doubt }, Wait),
                    (doubt(S::Busy), Wait),
                    (doubt(S::Unanswered), AskAgain),
                ];
                for (event, expected) in EVENTS.into_iter().zip(expected) {
                    assert_eq!(from.step(event), expected, "{from:?} {event:?}");
                }
            }
        }
    }

    #[test]
    fn a9_what_may_have_been_performed_is_not_bought_again_whatever_follows() {
        for doubt in [Lose, BusyInDoubt] {
            let (lost, _) = Delivery::default().step(doubt);
            for between in EVENTS.into_iter().filter(|event| *event != Serve) {
                let (later, command) = lost.step(between);
                assert_ne!(command, Replace, "{doubt:?} {between:?}");
                assert_eq!(later.step(Refuse).1, Stop, "{doubt:?} {between:?}");
            }
        }
        assert_eq!(Delivery::repeated().step(Refuse).1, Stop);
    }

    #[test]
    fn a9_a_busy_server_is_waited_for_and_not_paid() {
        for event in [Busy, BusyInDoubt] {
            assert_eq!(Delivery::default().step(event).1, Wait);
        }
        let (busy, _) = Delivery::default().step(Busy);
        assert_eq!(busy.step(Refuse).1, Replace, "it was certainly not performed");
    }

    #[test]
    fn what_was_handed_over_stays_so() {
        let (served, _) = Delivery::default().step(Serve);
        for event in EVENTS.into_iter().filter(|event| *event != Lose) {
            assert_eq!(served.step(event), (served, HandOver), "{event:?}");
        }
        assert_eq!(served.step(Lose).1, AskAgain, "its body broke off");
    }
}
