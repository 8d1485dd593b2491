//! Whether a payment may begin.

use super::confirmation;
use super::guards::Guards;
use super::happen::Moment;
use super::row::{self, COMMON};
use super::why::WhyAsk;
use crate::store::budget::{Payer, PolicyRefusal, column};
use crate::store::clocks::Clocks;
use crate::store::record::Intent;
use l402_core::Msat;
use l402_core::purchase::Window;
use l402_core::purchase::breaker::{Act, Cause, Circuit, Event, Mode, Permission};
use l402_http::pay::Origin;
use rusqlite::Transaction;

/// What a look at a payment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Look {
    /// To find out whether its owner must be asked.
    Before,
    /// To begin it now: a confirmation is used up.
    Now,
}

/// Says whether a payment may begin: by the breaker of its origin, by the common one, and by a confirmation, where that is needed.
pub(in crate::store) fn admit(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    guards: &Guards,
    payer: &Payer,
    (intent, look): (&Intent, Look),
) -> rusqlite::Result<Result<(), Box<PolicyRefusal>>> {
    let moment = Moment::new(tx, clocks, guards)?;
    let origin = intent.origin.to_string();
    let (price_msat, usual_msat) = (intent.amount_msat, moment.usual_msat(intent)?);
    let own = moment.happen(&origin, Event::Priced { price_msat, usual_msat })?;
    let cost = payer.fee_limit.cost(intent).most_msat();
    let common = moment.happen(COMMON, Event::Spent(moment.hour_msat()?.saturating_add(cost)))?;
    let (name, circuit) = stricter((&origin, guards.forgiven(own)), common);
    let why = match circuit.mode.permits(Act::Pay) {
        Permission::No => return Ok(Err(Box::new(moment.refused(name, &circuit)))),
        Permission::Confirm => WhyAsk::Breaker(circuit.cause),
        Permission::Yes => match guards.confirm_above_msat.filter(|most| intent.amount_msat > *most) {
            Some(most) => WhyAsk::Above(most),
            None => match guards.payee {
                Some(change) => WhyAsk::Payee(change),
                None => return Ok(Ok(())),
            },
        },
    };
    let is_confirmed = match look {
        Look::Before => confirmation::is_given(&moment, payer, intent)?,
        Look::Now => confirmation::use_up(&moment, payer, intent)?,
    };
    if is_confirmed {
        return Ok(Ok(()));
    }
    Ok(Err(Box::new(PolicyRefusal::unconfirmed(&origin, intent.amount_msat, why))))
}

/// Says whether the wallet may be asked again for a payment that was begun: a confirmation holds for all of it.
pub(in crate::store) fn admit_again(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    guards: &Guards,
    intent: &Intent,
) -> rusqlite::Result<Result<(), Box<PolicyRefusal>>> {
    let moment = Moment::new(tx, clocks, guards)?;
    let origin = intent.origin.to_string();
    let own = guards.forgiven(moment.happen(&origin, Event::Pass)?);
    let (name, circuit) = stricter((&origin, own), moment.happen(COMMON, Event::Pass)?);
    match circuit.mode.permits(Act::Pay) {
        Permission::No => Ok(Err(Box::new(moment.refused(name, &circuit)))),
        Permission::Yes | Permission::Confirm => Ok(Ok(())),
    }
}

/// Says whether a request may be sent, and how many failures the origin has had. Nothing is written.
pub(in crate::store) fn may_ask(
    tx: &Transaction<'_>,
    origin: &Origin,
) -> rusqlite::Result<Result<u32, Box<PolicyRefusal>>> {
    let origin = origin.to_string();
    let own = row::stored(tx, &origin)?;
    let (name, circuit) = stricter((&origin, own), row::stored(tx, COMMON)?);
    match circuit.mode.permits(Act::Ask) {
        Permission::No => Ok(Err(Box::new(PolicyRefusal::breaker(name, &circuit, None)))),
        Permission::Yes | Permission::Confirm => Ok(Ok(own.failures)),
    }
}

fn stricter((origin, own): (&str, Circuit), common: Circuit) -> (&str, Circuit) {
    if common.mode > own.mode { (COMMON, common) } else { (origin, own) }
}

impl Guards {
    /// Leaves out a refused purchase, where the caller buys again.
    fn forgiven(&self, circuit: Circuit) -> Circuit {
        let is_refusal = matches!(circuit.cause, Some(Cause::Refused { .. })) && circuit.mode < Mode::Frozen;
        if is_refusal && self.buys_again { Circuit::default() } else { circuit }
    }
}

impl Moment<'_> {
    fn refused(&self, name: &str, circuit: &Circuit) -> PolicyRefusal {
        PolicyRefusal::breaker(name, circuit, circuit.until.map(|until| until.since(self.now)))
    }

    /// What is spent and reserved within the hour, in all budgets.
    fn hour_msat(&self) -> rusqlite::Result<Msat> {
        let hour = u64::try_from(Window::Hour.length().as_millis()).unwrap_or(u64::MAX);
        let since = column(self.now.millis().saturating_sub(hour));
        let recent = "SELECT held_msat FROM entries WHERE (closed_at IS NULL OR closed_at > ?1) AND held_msat > 0";
        let mut recent = self.tx.prepare_cached(recent)?;
        recent
            .query_map([since], |row| row.get(0).map(Msat::new))?
            .try_fold(Msat::ZERO, |sum, held| Ok(sum.saturating_add(held?)))
    }
}
