//! The token store of the paying layer, in the database.
//!
//! 1. A token without its proof is an intent, and goes to the record of payments; with its proof it goes to the kept tokens,
//!    and in the same step the payment is closed.
//! 2. A payment for the same request that its process left without an outcome is shown to the paying layer, which asks the
//!    wallet before it pays again. Another process that sees to such a payment is waited for; nothing is paid meanwhile.
//! 3. Only the wallet that was asked to pay knows what became of it; with another one, nothing is paid.
//! 4. A call that wants to buy waits for its turn, which is a lock that processes share, up to a deadline.
//!    Once the purchase of a token with so many uses is recorded, others may share it or buy for themselves: what another call pays for is
//!    under way, and left to it as long as it lives.
//! 5. How many uses a response leaves is noted once it was delivered: until then, a body that broke off may be asked for again
//!    with the same token.
//! 6. A spent token stays while a lost answer may still be asked for with it.
//! 7. A token of another budget is shown, so that what its server did counts for all, and leased to none that may not use it.
//! 8. The disk is waited for on threads that may block.

// Threats: A4, A9.

mod consent;
mod contracts;
mod error;
mod kept;
mod leases;
mod outcome;
mod working;

pub use error::StoreError;
pub use working::Begun;

use super::answers::Answers;
use super::attempts::Attempts;
use super::budget::Payer;
use super::database::Database;
use super::news::{News, Purchase};
use super::payments::{Closing, OpenPayment, Payments, PaymentsError};
use super::record::{Intent, KeptToken};
use super::tokens::Tokens;
use crate::confirm::Confirmer;
use crate::http::draft::Draft;
use core::time::Duration;
use http::Method;
use l402_core::PaymentHash;
use l402_http::pay::{Origin, Standing, Taken, Token};
use l402_lightning::unix_now;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::task;
use working::Working;

/// Whether tokens are kept for later calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// They are, and are presented again.
    #[default]
    Kept,
    /// No token that has served is presented, and what was bought is forgotten once it was [delivered](FileStore::delivered).
    Never,
    /// Nothing that is kept is presented, and what is bought is forgotten when the call ends: the server may not be who it says. Where a
    /// payment of an earlier call for the same request has no known outcome, nothing is bought.
    Isolated,
}

/// Tokens and payments of one call. Clones share them.
#[derive(Debug, Clone)]
pub struct FileStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tokens: Tokens,
    reuse: Reuse,
    payments: Payments,
    attempts: Attempts,
    answers: Answers,
    wallet: String,
    payer: Payer,
    confirmers: OnceLock<Arc<[Arc<dyn Confirmer>]>>,
    state: Mutex<State>,
}

/// The open payments that this process holds, and what there is to tell of them.
#[derive(Debug, Default)]
struct State {
    wanted: Option<(Method, String)>,
    /// How often the origin has failed since its last success, when the request began.
    failures: u32,
    /// The request whose answer has not come whole.
    working: Option<Working>,
    open: HashMap<PaymentHash, Held>,
    /// What is to be forgotten once it was delivered.
    used: Vec<PaymentHash>,
    /// What is to be noted of the uses that opened the response, once it was delivered.
    taken: Vec<(PaymentHash, Taken)>,
    /// What is not for this call: the tokens of other budgets, and those of servers that may not be who they say.
    foreign: HashSet<PaymentHash>,
    /// Whether this call may hold leases.
    is_leasing: bool,
    is_renewing: bool,
    /// Whether this call has begun to pay, or has shown a token that is counted.
    is_committed: bool,
    /// The number of the answer that is expected of this call, although its caller is gone.
    expected: Option<i64>,
    /// What an isolated call has bought. It is nowhere else.
    own: Vec<KeptToken>,
    news: Vec<News>,
}

impl State {
    /// What this process holds is its own already; where it is not said what comes next, everything counts.
    fn inherits(&self, intent: &Intent) -> bool {
        let is_wanted = |(method, path): &(Method, String)| *method == intent.method && *path == intent.path;
        !self.open.contains_key(&intent.payment_hash) && self.wanted.as_ref().is_none_or(is_wanted)
    }
}

#[derive(Debug)]
struct Held {
    payment: OpenPayment,
    is_inherited: bool,
}

impl FileStore {
    /// Joins the kept tokens and the record of payments. `wallet` is the name of the one that pays, from the budget of `payer`.
    ///
    /// # Errors
    /// [`StoreError`], where the record of payments cannot be used.
    pub fn new(database: &Database, reuse: Reuse, wallet: String, payer: Payer) -> Result<Self, StoreError> {
        let tokens = Tokens::new(database.clone());
        let payments = Payments::new(database.clone()).map_err(StoreError::Payments)?;
        let attempts = Attempts::new(database.clone()).map_err(StoreError::Attempts)?;
        let answers = Answers::new(database.clone());
        let (confirmers, state) = (OnceLock::new(), Mutex::default());
        let inner = Inner { tokens, reuse, payments, attempts, answers, wallet, payer, confirmers, state };
        Ok(Self(Arc::new(inner)))
    }

    /// Says that the user has what was paid for.
    ///
    /// # Errors
    /// [`StoreError`], where a token that should not be kept is still there.
    pub async fn delivered(&self) -> Result<(), StoreError> {
        let used = core::mem::take(&mut self.0.state().used);
        if self.0.reuse == Reuse::Never && !used.is_empty() {
            // First: one that is spent and not forgotten yet looks like one that was never accepted.
            let forget = move |inner: &Inner| used.iter().try_for_each(|hash| inner.tokens.forget(hash));
            self.blocking(move |inner| forget(inner).map_err(StoreError::Tokens)).await?;
        }
        self.counted().await
    }

    /// Says that the user has the response, which may be an error: how many uses it left is noted now.
    ///
    /// # Errors
    /// [`StoreError`], where that is not noted. The server says it again.
    pub async fn counted(&self) -> Result<(), StoreError> {
        let taken = core::mem::take(&mut self.0.state().taken);
        if taken.is_empty() {
            return Ok(());
        }
        self.blocking(move |inner| inner.count(&taken)).await
    }

    /// Says which request comes next, and returns what it is to be sent with: unsettled payments for others are left alone, and an
    /// earlier attempt of the same request is asked for first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self, draft: &Draft) -> Result<Begun, StoreError> {
        let draft = draft.clone();
        self.blocking(move |inner| inner.begin(&draft)).await
    }

    /// Says that there is nothing more to come of the request, or to ask for.
    ///
    /// # Errors
    /// [`StoreError`], where the next call of the same request is still taken for the same one.
    pub async fn answered(&self) -> Result<(), StoreError> {
        self.blocking(Inner::answered).await
    }

    /// Returns the payment whose token the request was sent with, where the same request can ask for the answer again.
    pub fn unanswered(&self) -> Option<PaymentHash> {
        self.0.unanswered()
    }

    /// Returns the payments that succeeded since the last time.
    pub fn news(&self) -> Vec<News> {
        core::mem::take(&mut self.0.state().news)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        match task::spawn_blocking(move || work(&inner)).await {
            Ok(result) => result,
            Err(fault) => match fault.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(cancelled) => Err(StoreError::Ended(cancelled)),
            },
        }
    }
}

impl Inner {
    /// Takes over what dead processes left without an outcome, and returns what others pay for at this moment.
    fn inherit(&self, origin: &Origin) -> Result<Vec<Intent>, StoreError> {
        let mut under_way = Vec::new();
        for intent in self.payments.open_at(origin, self.payer.budget).map_err(StoreError::database)? {
            let Intent { payment_hash, wallet, .. } = &intent;
            // What was to be bought from a server that may not be who it says is that call's.
            if intent.is_isolated || !self.state().inherits(&intent) {
                continue;
            }
            if self.payments.is_held(payment_hash).map_err(StoreError::Payments)? {
                if !self.payments.is_under_way(payment_hash).map_err(StoreError::database)? {
                    // Such as `l402 payments resolve`, which needs no turn.
                    return Err(StoreError::Payments(PaymentsError::Held(*payment_hash)));
                }
                under_way.push(intent);
                continue;
            }
            if *wallet != self.wallet {
                return Err(StoreError::OtherWallet { wallet: wallet.clone(), payment_hash: *payment_hash });
            }
            match self.payments.adopt(payment_hash) {
                Ok(None) => {}
                Ok(Some(payment)) => {
                    self.payments.outlive_buyer(payment_hash).map_err(StoreError::database)?;
                    self.state().open.insert(*payment_hash, Held { payment, is_inherited: true });
                }
                Err(fault) => return Err(StoreError::Payments(fault)),
            }
        }
        Ok(under_way)
    }

    fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, StoreError> {
        if self.reuse == Reuse::Isolated {
            return self.own_tokens(origin);
        }
        let mut under_way = self.inherit(origin)?;
        // Read in any case: nothing is paid where its token could not be kept. Read afterwards: what was under way may be kept by now.
        let found = self.tokens.for_budget(origin, self.payer.budget).map_err(StoreError::Tokens)?;
        let foreign = found.iter().filter(|(_, is_usable)| !is_usable).map(|(token, _)| token.payment_hash);
        self.state().foreign.extend(foreign);
        let mut kept: Vec<KeptToken> = found.into_iter().map(|(token, _)| token).collect();
        under_way.retain(|intent| !kept.iter().any(|token| token.payment_hash == intent.payment_hash));
        if self.reuse == Reuse::Never {
            // What was paid for and has not served yet is presented all the same, before anything else is paid.
            let asked = self.unanswered();
            kept.retain(|token| token.standing != Standing::Served || Some(token.payment_hash) == asked);
            under_way.clear();
        }
        let mut found: Vec<Token> = kept.into_iter().map(Token::from).collect();
        let state = self.state();
        let open = state.open.values().map(|held| held.payment.intent());
        found.extend(open.filter(|intent| intent.origin == *origin).map(Intent::token));
        found.extend(under_way.iter().map(|intent| Token { is_under_way: true, ..intent.token() }));
        Ok(found)
    }

    /// What this call has bought itself.
    fn own_tokens(&self, origin: &Origin) -> Result<Vec<Token>, StoreError> {
        let intents = self.payments.open_at(origin, self.payer.budget).map_err(StoreError::database)?;
        if let Some(open) = intents.iter().find(|intent| self.state().inherits(intent)) {
            return Err(StoreError::Payments(PaymentsError::StillOpen(open.payment_hash)));
        }
        // Read in any case: nothing is paid where the store cannot be read.
        drop(self.tokens.of(origin).map_err(StoreError::Tokens)?);
        let state = self.state();
        let own = state.own.iter().filter(|token| token.origin == *origin).cloned().map(Token::from);
        let open = state.open.values().map(|held| held.payment.intent());
        let open = open.filter(|intent| intent.origin == *origin).map(Intent::token);
        Ok(own.chain(open).collect())
    }

    fn put(&self, origin: &Origin, token: &Token) -> Result<(), StoreError> {
        self.state().is_committed |= token.preimage.is_none();
        if let Some(kept) = KeptToken::new(origin, token) {
            return self.settle(&kept);
        }
        if let Some(held) = self.state().open.get_mut(&token.payment_hash) {
            let Intent { origin: at, token: text, at: begun, .. } = held.payment.intent();
            if at != origin || *text != token.text {
                return Err(StoreError::Payments(PaymentsError::StillOpen(token.payment_hash)));
            }
            // A call that only waits for what an earlier one pays says when that was begun.
            held.is_inherited &= *begun == token.bought_at;
            if let Some(order) = &token.order {
                held.payment.repeat(order).map_err(StoreError::Payments)?;
            }
            return Ok(());
        }
        let is_isolated = self.reuse == Reuse::Isolated;
        let intent = Intent { is_isolated, ..Intent::new(origin, token, &self.wallet) };
        let payment = self.payments.begin(intent, &self.payer).map_err(StoreError::Payments)?;
        let mut state = self.state();
        state.is_leasing = true; // with the intent, the first use is this call's
        state.open.insert(token.payment_hash, Held { payment, is_inherited: false });
        Ok(())
    }

    /// Keeps the token, whatever the user wants to keep: until it has served, it is all that there is for the money.
    fn settle(&self, kept: &KeptToken) -> Result<(), StoreError> {
        let hash = kept.payment_hash;
        let held = self.state().open.remove(&hash);
        let Some(Held { payment, is_inherited }) = held else {
            self.refused(kept);
            if self.reuse == Reuse::Isolated {
                self.state().own.iter_mut().filter(|own| own.payment_hash == hash).for_each(|own| *own = kept.clone());
                return Ok(());
            }
            if self.reuse == Reuse::Never && kept.standing == Standing::Served {
                // By its head only: until its body has arrived the token stays as it is, for the next call.
                self.state().used.push(hash);
                return Ok(());
            }
            let is_there = self.tokens.mark(&hash, kept.standing).map_err(StoreError::Tokens)?;
            if let Some(left) = kept.uses_left {
                self.tokens.count(&[(hash, left)]).map_err(StoreError::Tokens)?;
            }
            // One that somebody has forgotten meanwhile does not come back for a note on it.
            let is_new = kept.standing == Standing::New && !is_there;
            return if is_new { self.tokens.keep(kept).map_err(StoreError::Tokens) } else { Ok(()) };
        };
        let is_isolated = payment.intent().is_isolated;
        payment.paid(kept).map_err(StoreError::database)?;
        let news = Purchase {
            origin: kept.origin.clone(),
            payment_hash: hash,
            amount_msat: kept.amount_msat,
            fee_msat: kept.fee_msat,
        };
        let mut state = self.state();
        state.used.push(hash);
        if is_isolated {
            state.own.push(kept.clone());
        }
        let lost = state.working.as_ref().filter(|_| !is_inherited).and_then(Working::lost);
        state.news.extend(lost.map(|url| News::NotKept { url }));
        state.news.push(if is_inherited { News::Recovered(news) } else { News::Paid(news) });
        Ok(())
    }

    fn forget(&self, hash: &PaymentHash) -> Result<(), StoreError> {
        let held = self.state().open.remove(hash);
        match held {
            Some(held) => held.payment.close(Closing::NotPaid).map_err(StoreError::database),
            None => self.tokens.give_up(hash, unix_now()).map_err(StoreError::Tokens),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.state().is_leasing {
            let _ = self.tokens.give_back(self.payer.call); // else they end by themselves
        }
    }
}

/// How often to look whether somebody else has ended.
const POLL: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests;
