//! The record of payments: what was about to be paid, and what became of it.
//!
//! 1. Before a wallet is asked to pay, the intent is on the disk, with the invoice and the limits.
//! 2. Afterwards the outcome is; with the token, in one step, where it was paid. A time-out is no outcome.
//! 3. A call that pays, or asks what became of a payment, holds its lock, a file in `locks`, which the system gives back when the
//!    process dies. Records are read without it, so that a look hides none from another call.
//! 4. The record holds what it takes to ask for the outcome, and the token, so that what was paid for is not lost.
//! 5. Of several processes that want to pay the same invoice, or for the same method and path of an origin, one begins. The
//!    others wait for their turn, a lock in the same folder, and find what the one has bought.
//! 6. With the intent, what it may cost is reserved in the [budget] that pays. With the outcome it is booked or released.

// Threats: A4, A5, A9.

use super::breaker::{self, Guards, Look};
use super::budget::{self, BudgetId, Payer, PolicyRefusal};
use super::database::Database;
use super::error::DatabaseError;
use super::private::{Lock, PrivateDir, PrivateError};
use super::record::{Intent, KeptToken, PaymentOutcome, Recorded};
use super::row::{self, Conflict};
use super::share::{self, Live};
use crate::policy::{InForce, PolicyError};
use core::fmt;
use http::Method;
use l402_core::PaymentHash;
use l402_core::purchase::Event;
use l402_http::pay::{Order, Origin};
use rusqlite::{OptionalExtension, Transaction, params};

/// The payments of a database.
#[derive(Debug, Clone)]
pub struct Payments {
    database: Database,
    locks: PrivateDir,
}

impl Payments {
    /// Opens the record in a database.
    ///
    /// # Errors
    /// [`PaymentsError::Lock`].
    pub fn new(database: Database) -> Result<Self, PaymentsError> {
        let locks = database.folder().folder("locks").map_err(PaymentsError::Lock)?;
        Ok(Self { database, locks })
    }

    /// Records an intent, and reserves what it may cost in the budget that pays; both are on the disk when this returns.
    ///
    /// # Errors
    /// [`PaymentsError`]; nothing must be paid then.
    pub fn begin(&self, intent: Intent, payer: &Payer) -> Result<OpenPayment, PaymentsError> {
        let policy = self.database.rules().current().map_err(PaymentsError::Policy)?;
        let node = budget::Node::of(&intent);
        let begun = self.database.write(|tx| {
            let live = Live::now(tx, self.database.clocks())?;
            if let Some(fault) = obstacle(tx, &intent, payer)? {
                return Ok(Err(fault));
            }
            // Before another call can see the intent. This does not wait, as the holder may wait for this transaction.
            let lock = match self.locks.try_lock(&intent.payment_hash.to_string()) {
                Ok(Some(lock)) => lock,
                Ok(None) => return Ok(Err(PaymentsError::Held(intent.payment_hash))),
                Err(fault) => return Ok(Err(PaymentsError::Lock(fault))),
            };
            if let Err(refused) = self.reserve(tx, &policy, payer, (&intent, node))? {
                lock.discard();
                return Ok(Err(PaymentsError::Refused(refused)));
            }
            row::put_payment(tx, &intent, None, Conflict::Replace)?;
            share::buys(tx, &live, &intent.payment_hash, payer.call).map(|()| Ok(lock))
        });
        let lock = begun.map_err(PaymentsError::Database)??;
        Ok(OpenPayment { payments: self.clone(), intent, lock })
    }

    /// Asks the policy, then the breakers and the owner, then the budgets, and takes note of the payment where all of them agree.
    fn reserve(
        &self,
        tx: &Transaction<'_>,
        policy: &InForce,
        payer: &Payer,
        (intent, node): (&Intent, budget::Node),
    ) -> rusqlite::Result<Result<(), Box<PolicyRefusal>>> {
        let (clocks, judged) = (self.database.clocks(), budget::judge(tx, policy, payer, (intent, node))?);
        let verdict = match judged {
            Ok(verdict) => verdict,
            Err(refused) => return Ok(Err(refused)),
        };
        let guards = Guards { payee: budget::payee_change(tx, policy, intent, node)?, ..self.database.guards() };
        if let Err(refused) = breaker::admit(tx, clocks, &guards, payer, (intent, Look::Now))? {
            return Ok(Err(refused));
        }
        match budget::intend(tx, clocks, policy, payer, intent)? {
            Ok(()) => budget::begin_payee(tx, clocks, intent, (node, verdict)).map(Ok),
            refused => Ok(refused),
        }
    }

    /// Returns the payments without an outcome, whether somebody sees to them or not, in the order of their beginning. Takes no lock.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn intents(&self) -> Result<Vec<Intent>, DatabaseError> {
        let open = "SELECT * FROM payments WHERE outcome IS NULL ORDER BY begun_at, payment_hash";
        self.database.read(|tx| tx.prepare(open)?.query_map([], |row| Ok(row::payment(row)?.intent))?.collect())
    }

    /// Returns all payments, with and without an outcome, in the order of their beginning. It takes no lock.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn all(&self) -> Result<Vec<Recorded>, DatabaseError> {
        let all = "SELECT * FROM payments ORDER BY begun_at, payment_hash";
        self.database.read(|tx| tx.prepare(all)?.query_map([], row::payment)?.collect())
    }

    /// Takes over a payment without an outcome; `None` where it has one by now.
    ///
    /// # Errors
    /// [`PaymentsError::Held`] where somebody else sees to it, and every other [`PaymentsError`].
    pub fn adopt(&self, hash: &PaymentHash) -> Result<Option<OpenPayment>, PaymentsError> {
        if self.intent(hash)?.is_none() {
            return Ok(None);
        }
        let lock = self.locks.try_lock(&hash.to_string()).map_err(PaymentsError::Lock)?;
        let lock = lock.ok_or(PaymentsError::Held(*hash))?;
        // The earlier holder of the lock may have closed it meanwhile.
        let Some(intent) = self.intent(hash)? else {
            lock.discard();
            return Ok(None);
        };
        Ok(Some(OpenPayment { payments: self.clone(), intent, lock }))
    }

    /// Returns the payments of a budget without an outcome, at an origin.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open_at(&self, origin: &Origin, budget: BudgetId) -> Result<Vec<Intent>, DatabaseError> {
        let open = "SELECT payments.* FROM payments LEFT JOIN entries USING (payment_hash) \
                    WHERE outcome IS NULL AND payments.origin = ?1 AND coalesce(budget, 1) = ?2 ORDER BY begun_at, payment_hash";
        self.database.read(|tx| {
            let mut open = tx.prepare_cached(open)?;
            open.query_map(params![origin.to_string(), budget], |row| Ok(row::payment(row)?.intent))?.collect()
        })
    }

    /// Tells whether somebody sees to a payment at this moment.
    ///
    /// # Errors
    /// [`PaymentsError::Lock`].
    pub fn is_held(&self, hash: &PaymentHash) -> Result<bool, PaymentsError> {
        match self.locks.try_lock(&hash.to_string()).map_err(PaymentsError::Lock)? {
            None => Ok(true),
            Some(lock) => {
                lock.discard();
                Ok(false)
            }
        }
    }

    /// Tells whether the call that was about to make a payment still holds what it buys.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn is_under_way(&self, hash: &PaymentHash) -> Result<bool, DatabaseError> {
        self.database.read(|tx| share::is_buying(tx, hash))
    }

    /// Ends the lease of the call that was about to make a payment, which is known to have ended.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn outlive_buyer(&self, hash: &PaymentHash) -> Result<(), DatabaseError> {
        self.database.write(|tx| share::end_buyer(tx, hash))
    }

    /// Takes the turn to buy for requests of a method to a path of an origin; `None` while somebody else has it.
    ///
    /// # Errors
    /// [`PaymentsError::Lock`].
    pub fn try_turn(&self, origin: &Origin, method: &Method, path: &str) -> Result<Option<BuyersTurn>, PaymentsError> {
        let name = format!("turn-{:016x}", fnv(&[&origin.to_string(), method.as_str(), path]));
        let lock = self.locks.try_lock(&name).map_err(PaymentsError::Lock)?;
        Ok(lock.map(|lock| BuyersTurn(Some(lock))))
    }

    /// Returns the database.
    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    /// Returns a payment, where it has no outcome.
    ///
    /// # Errors
    /// [`PaymentsError::Database`].
    pub fn intent(&self, hash: &PaymentHash) -> Result<Option<Intent>, PaymentsError> {
        let recorded = self.database.read(|tx| recorded(tx, hash)).map_err(PaymentsError::Database)?;
        Ok(recorded.filter(|recorded| recorded.outcome.is_none()).map(|recorded| recorded.intent))
    }
}

/// Says why a payment must not begin.
fn obstacle(tx: &Transaction<'_>, intent: &Intent, payer: &Payer) -> rusqlite::Result<Option<PaymentsError>> {
    let hash = intent.payment_hash;
    match recorded(tx, &hash)? {
        Some(Recorded { outcome: None, .. }) => return Ok(Some(PaymentsError::StillOpen(hash))),
        // Money moved, or possibly did.
        Some(Recorded { outcome: Some(PaymentOutcome::Paid { .. } | PaymentOutcome::Forgotten), .. }) => {
            return Ok(Some(PaymentsError::Seen(hash)));
        }
        Some(Recorded { outcome: Some(PaymentOutcome::NotPaid), .. }) | None => {}
    }
    // The caller has settled what was left open for this request before. What other calls are paying for now is theirs; what this call
    // has begun must end first.
    let same = "SELECT payments.* FROM payments LEFT JOIN entries USING (payment_hash) \
                WHERE outcome IS NULL AND payments.origin = ?1 AND method = ?2 AND path = ?3 AND coalesce(budget, 1) = ?4 \
                AND (?6 OR NOT is_isolated) \
                AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.payment_hash = payments.payment_hash \
                                AND holder = entries.call AND holder <> ?5) LIMIT 1";
    let (origin, method) = (intent.origin.to_string(), intent.method.as_str());
    let request = params![origin, method, intent.path, payer.budget, payer.call.as_bytes(), intent.is_isolated];
    let other = tx.query_row(same, request, row::payment).optional()?;
    Ok(other.map(|other| PaymentsError::Held(other.intent.payment_hash)))
}

fn recorded(tx: &Transaction<'_>, hash: &PaymentHash) -> rusqlite::Result<Option<Recorded>> {
    tx.query_row("SELECT * FROM payments WHERE payment_hash = ?1", [hash.to_string()], row::payment).optional()
}

/// A payment without an outcome. Dropped, it stays open, and the next call finds it.
#[derive(Debug)]
pub struct OpenPayment {
    payments: Payments,
    intent: Intent,
    lock: Lock,
}

impl OpenPayment {
    /// Returns what was about to be paid.
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Records that the wallet is about to be asked once more, and within which limits. What it may cost more is reserved.
    ///
    /// # Errors
    /// [`PaymentsError::Database`] and [`PaymentsError::Refused`]; nothing must be paid then.
    pub fn repeat(&mut self, order: &Order) -> Result<(), PaymentsError> {
        let intent = Intent { order: Some(order.clone()), ..self.intent.clone() };
        let database = &self.payments.database;
        let earlier = self.intent.order.as_ref();
        let repeated = database.write(|tx| {
            let admitted = breaker::admit_again(tx, database.clocks(), &database.guards(), &intent)?;
            let raised = match admitted {
                Ok(()) => budget::raise(tx, database.clocks(), &intent, earlier)?,
                refused => refused,
            };
            match raised {
                Ok(()) => row::put_payment(tx, &intent, None, Conflict::Replace).map(Ok),
                Err(refused) => Ok(Err(PaymentsError::Refused(refused))),
            }
        });
        repeated.map_err(PaymentsError::Database)??;
        self.intent = intent;
        Ok(())
    }

    /// Records that it was paid, together with the token that it bought. That of an isolated payment is not kept.
    ///
    /// # Errors
    /// [`DatabaseError`]; the payment is then still open.
    pub fn paid(self, token: &KeptToken) -> Result<(), DatabaseError> {
        let event = Event::Prove { debited_msat: token.amount_msat.saturating_add(token.fee_msat) };
        let outcome = PaymentOutcome::Paid { fee_msat: token.fee_msat };
        let intent = self.intent.clone();
        self.end(outcome, event, |tx| {
            breaker::sold(tx, &intent)?;
            if intent.is_isolated { Ok(()) } else { row::put_token(tx, token, Conflict::Replace) }
        })
    }

    /// Records that it bought nothing.
    ///
    /// # Errors
    /// [`DatabaseError`]; the payment is then still open.
    pub fn close(self, why: Closing) -> Result<(), DatabaseError> {
        let event = match why {
            Closing::NotPaid => Event::Fail,
            Closing::Forgotten => Event::Forget,
        };
        self.end(why.into(), event, |_| Ok(()))
    }

    fn end(
        self,
        outcome: PaymentOutcome,
        event: Event,
        also: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), DatabaseError> {
        let Self { payments, intent, lock } = self;
        let (name, fee_msat) = row::columns(outcome);
        payments.database.write(|tx| {
            let close = "UPDATE payments SET outcome = ?2, fee_msat = ?3 WHERE payment_hash = ?1";
            tx.execute(close, params![intent.payment_hash.to_string(), name, fee_msat])?;
            budget::happen(tx, payments.database.clocks(), &intent.payment_hash, event)?;
            also(tx)
        })?;
        lock.discard();
        Ok(())
    }
}

/// The turn to buy something. Given back when it is dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct BuyersTurn(Option<Lock>);

impl Drop for BuyersTurn {
    fn drop(&mut self) {
        if let Some(lock) = self.0.take() {
            lock.discard();
        }
    }
}

/// FNV-1a, the same in every version of this program. Purposes that share a value only wait for each other.
pub(super) fn fnv(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Why a payment buys nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// [`PaymentOutcome::NotPaid`].
    NotPaid,
    /// [`PaymentOutcome::Forgotten`].
    Forgotten,
}

impl From<Closing> for PaymentOutcome {
    fn from(why: Closing) -> Self {
        match why {
            Closing::NotPaid => Self::NotPaid,
            Closing::Forgotten => Self::Forgotten,
        }
    }
}

/// Why a payment cannot be begun or taken over. Nothing is paid then.
#[derive(Debug)]
#[non_exhaustive]
pub enum PaymentsError {
    /// The database cannot be used.
    Database(DatabaseError),
    /// A lock cannot be used.
    Lock(PrivateError),
    /// The server asks for a payment that was made before.
    Seen(PaymentHash),
    /// The server asks for a payment that was begun before and has no outcome.
    StillOpen(PaymentHash),
    /// Another call sees to the payment at this moment.
    Held(PaymentHash),
    /// The owner's policy or budgets do not allow it.
    Refused(Box<PolicyRefusal>),
    /// The owner's policy cannot be used.
    Policy(PolicyError),
}

impl fmt::Display for PaymentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(cause) => cause.fmt(f),
            Self::Lock(cause) => cause.fmt(f),
            Self::Seen(hash) => write!(f, "the server asks again for payment {hash}, which you already made"),
            Self::StillOpen(hash) => write!(
                f,
                "the server asks for payment {hash}, which was begun before and has no outcome yet; `l402 payments list` \
                 shows what for"
            ),
            Self::Held(hash) => {
                write!(f, "another command is resolving payment {hash}; run the command again later")
            }
            Self::Refused(refused) => refused.fmt(f),
            Self::Policy(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for PaymentsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Database(cause) => cause.source(),
            Self::Lock(cause) => cause.source(),
            Self::Policy(cause) => cause.source(),
            Self::Seen(_) | Self::StillOpen(_) | Self::Held(_) | Self::Refused(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
