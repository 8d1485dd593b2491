//! `reserve`: from a token that can be used so many times to an attempt that holds one of its uses, or to the reason why there is
//! none.

use super::Paywall;
use super::charge::no_ledger;
use super::event;
use super::price::Demand;
use super::uses::{Attempt, Away};
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use http::{Response, StatusCode};
use l402_core::ledger::{AttemptId, Command, Refused, Reply, Reserve};
use l402_core::{PaymentHash, Unit};

/// A use for a request.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) attempt: Attempt,
    /// The number of the use.
    pub(super) number: u32,
    /// How much is left of the counter that has least.
    pub(super) remaining: u64,
    /// What was asked for.
    pub(super) reserve: Reserve,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Unheld {
    /// The ledger says so.
    Refused(Refused),
    /// The ledger says nothing.
    Away(Away),
}

/// Asks the ledger for a use.
pub(super) async fn reserve<N, K>(
    paywall: &Paywall<N, K>,
    payment: PaymentHash,
    reserve: Reserve,
) -> Result<Held, Unheld> {
    paywall.desk.ready((paywall.clock)().into()).await.map_err(Unheld::Away)?;
    let mut random = [0; 28];
    (paywall.random)(&mut random).map_err(|error| Unheld::Away(Away::Random(error)))?;
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _] = random;
    let (attempt, command, reply) = Attempt::begin(&paywall.desk, payment, AttemptId::from_bytes(id), reserve).await;
    match (command, reply) {
        (Command::Forward { number }, Ok(Reply::Reserved { remaining, .. })) => {
            Ok(Held { attempt, number, remaining, reserve })
        }
        (Command::Refuse(refused), _) => Err(Unheld::Refused(refused)),
        (_, Err(away)) => Err(Unheld::Away(away)),
        (_, Ok(_)) => Err(Unheld::Refused(Refused::Cancelled)), // no reply to a reservation
    }
}

impl Unheld {
    /// Tells whether a new token would help.
    pub(super) const fn is_spent(&self) -> bool {
        matches!(self, Self::Refused(Refused::Spent | Refused::Ended))
    }

    /// Why whoever needs a new token is charged.
    pub(super) fn demand(&self, unit: Unit) -> Demand {
        match self {
            Self::Refused(Refused::Ended) => Demand::forgotten(),
            Self::Refused(Refused::Spent) if unit == Unit::Msat => Demand::balance(),
            _ => Demand::spent(),
        }
    }

    /// What subscribers are told.
    pub(super) const fn told(&self) -> event::Reserved<'_> {
        match self {
            Self::Refused(refused) => event::Reserved::Refused(*refused),
            Self::Away(away) => event::Reserved::Unavailable { error: away },
        }
    }

    /// Writes the response to who has a token that is not spent.
    #[cold]
    pub(super) fn response(&self, retry_after: u64, form: Form) -> Response<Bytes> {
        let refused = match self {
            Self::Refused(refused) => *refused,
            Self::Away(_) => return no_ledger(retry_after, form),
        };
        let (status, reason, message) = match refused {
            Refused::InDoubt => (StatusCode::CONFLICT, Reason::IN_DOUBT, IN_DOUBT),
            Refused::Busy => (StatusCode::CONFLICT, Reason::USES_RESERVED, BUSY),
            Refused::KeyHeld => (StatusCode::CONFLICT, Reason::KEY_HELD, KEY_HELD),
            Refused::TooManyBranches => (StatusCode::TOO_MANY_REQUESTS, Reason::TOO_MANY_BRANCHES, BRANCHES),
            _ => return no_ledger(retry_after, form),
        };
        let problem = Problem::new(status, reason, &message);
        let is_final = refused == Refused::InDoubt; // the operator decides
        if is_final { problem.not_to_repeat() } else { problem.retry_after(retry_after) }.response(form)
    }
}

const IN_DOUBT: &str = "it is not known whether an earlier request took the use; the operator decides";
const BUSY: &str = "other requests hold what is left of the token; try again later";
const KEY_HELD: &str = "another request holds this Idempotency-Key";
const BRANCHES: &str = "too many numbers of uses were added to tokens of this payment; use one of them";
