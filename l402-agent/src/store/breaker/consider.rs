//! Whether somebody must be asked before a payment begins.

use super::admit::{Look, admit};
use super::confirmation::{self, Asked};
use super::guards::Guards;
use super::happen::Moment;
use crate::store::budget::{self, Payer, PolicyRefusal, Unconfirmed};
use crate::store::database::Database;
use crate::store::error::DatabaseError;
use crate::store::record::Intent;
use rusqlite::Transaction;

/// What is to be waited for before a payment begins, and what it means where the answer is not yes.
pub(in crate::store) type Considered = Option<(Asked, Box<PolicyRefusal>)>;

/// Finds out whether somebody must be asked, and asks. Nobody is asked for what budgets would refuse. Where a payment may begin, nothing is
/// written: the reservation looks again.
///
/// # Errors
/// [`DatabaseError`]. The inner error says that it must not be paid.
pub(in crate::store) fn consider(
    database: &Database,
    payer: &Payer,
    intent: &Intent,
) -> Result<Result<Considered, Box<PolicyRefusal>>, DatabaseError> {
    let guards = database.guards();
    // One that cannot be used is reported where the payment begins.
    let Ok(policy) = database.rules().current() else { return Ok(Ok(None)) };
    let node = budget::Node::of(intent);
    let look = |tx: &Transaction<'_>| {
        let guards = Guards { payee: budget::payee_change(tx, &policy, intent, node)?, ..guards };
        admit(tx, database.clocks(), &guards, payer, (intent, Look::Before))
    };
    if database.rehearse(look)?.is_ok() {
        return Ok(Ok(None));
    }
    database.write(|tx| {
        let Err(refused) = look(tx)? else { return Ok(Ok(None)) };
        let Some(why) = refused.needs_confirmation() else { return Ok(Err(refused)) };
        if let Some(no_room) = budget::would_refuse_intent(tx, database.clocks(), &policy, payer, intent)? {
            return Ok(Err(Box::new(no_room)));
        }
        let moment = Moment::new(tx, database.clocks(), &guards)?;
        Ok(match confirmation::ask(&moment, payer, intent, why)? {
            Asked::TooLate => Err(Box::new(refused.after_asking(Unconfirmed::TooLate))),
            asked => Ok(Some((asked, refused))),
        })
    })
}
