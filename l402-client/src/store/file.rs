//! The token store of the paying layer, in files.
//!
//! 1. A token without its proof is an intent, and goes to the record of payments; with its proof it goes to the kept tokens
//!    first, then the payment is closed.
//! 2. A payment for the same request that its process left without an outcome is shown to the paying layer, which asks the
//!    wallet before it pays again (threat A4). While another process sees to such a payment, nothing is paid.
//! 3. Only the wallet that was asked to pay knows what became of it; with another one, nothing is paid.

use super::payments::{Intent, OpenPayment, Outcome, Payments, PaymentsError};
use super::tokens::{KeptToken, Tokens, TokensError};
use crate::get::report::{Event, Payment};
use core::fmt;
use http::Method;
use l402_core::PaymentHash;
use l402_http::pay::{Origin, Token, TokenStore};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tokens and payments of one call.
#[derive(Debug)]
pub struct FileStore {
    tokens: Tokens,
    keeps: bool,
    payments: Payments,
    wallet: String,
    state: Mutex<State>,
}

/// The open payments that this process holds, and what there is to tell of them.
#[derive(Debug, Default)]
struct State {
    wanted: Option<(Method, String)>,
    open: HashMap<PaymentHash, Held>,
    bought: Vec<PaymentHash>,
    news: Vec<Event>,
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
    /// Joins the kept tokens and the record of payments. Unless it `keeps`, no kept token is presented, and what was bought
    /// is forgotten once it was [delivered](Self::delivered). `wallet` is the name of the one that pays.
    pub fn new(tokens: Tokens, keeps: bool, payments: Payments, wallet: String) -> Self {
        Self { tokens, keeps, payments, wallet, state: Mutex::default() }
    }

    /// Says that the user has what was paid for.
    ///
    /// # Errors
    /// [`StoreError`], where a token that should not be kept is still there.
    pub fn delivered(&self) -> Result<(), StoreError> {
        let bought = core::mem::take(&mut self.state().bought);
        if self.keeps {
            return Ok(());
        }
        bought.iter().try_for_each(|hash| self.tokens.forget(hash)).map_err(StoreError::Tokens)
    }

    /// Says which request comes next: unsettled payments for others are left alone.
    pub fn expect(&self, method: &Method, path: &str) {
        self.state().wanted = Some((method.clone(), path.to_owned()));
    }

    /// Returns the payments that succeeded since the last time.
    pub fn news(&self) -> Vec<Event> {
        core::mem::take(&mut self.state().news)
    }

    /// Takes over what dead processes left without an outcome.
    fn inherit(&self, origin: &Origin) -> Result<(), StoreError> {
        for intent in self.payments.intents().map_err(StoreError::Payments)? {
            let Intent { payment_hash, wallet, .. } = &intent;
            if intent.origin != *origin || !self.state().inherits(&intent) {
                continue;
            }
            if *wallet != self.wallet {
                return Err(StoreError::OtherWallet { wallet: wallet.clone(), payment_hash: *payment_hash });
            }
            let Some(payment) = self.payments.adopt(payment_hash).map_err(StoreError::Payments)? else { continue };
            self.state().open.insert(*payment_hash, Held { payment, is_inherited: true });
        }
        Ok(())
    }

    fn settle(&self, kept: KeptToken) -> Result<(), StoreError> {
        let hash = kept.payment_hash;
        let (origin, amount_msat, fee_msat) = (kept.origin.to_string(), kept.amount_msat, kept.fee_msat);
        // Whatever the user wants to keep: until it has served, it is all that there is for the money.
        self.tokens.keep(kept).map_err(StoreError::Tokens)?;
        self.state().bought.push(hash);
        let Some(Held { payment, is_inherited }) = self.state().open.remove(&hash) else { return Ok(()) };
        let news = Payment { origin, payment_hash: hash.to_string(), amount_msat, fee_msat };
        self.state().news.push(if is_inherited { Event::Recovered(news) } else { Event::Paid(news) });
        payment.close(Outcome::Paid { fee_msat }).map_err(StoreError::Payments)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for FileStore {
    type Error = StoreError;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, StoreError> {
        self.inherit(origin)?;
        // Read in any case: nothing is paid where its token could not be kept.
        let mut kept = self.tokens.of(origin).map_err(StoreError::Tokens)?;
        if !self.keeps {
            kept.clear();
        }
        let mut found: Vec<Token> = kept.into_iter().map(Token::from).collect();
        let state = self.state();
        let open = state.open.values().map(|held| held.payment.intent());
        found.extend(open.filter(|intent| intent.origin == *origin).map(Intent::token));
        Ok(found)
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), StoreError> {
        if let Some(kept) = KeptToken::new(origin, token) {
            return self.settle(kept);
        }
        if self.state().open.contains_key(&token.payment_hash) {
            return Ok(());
        }
        let payment = self.payments.begin(Intent::new(origin, token, &self.wallet)).map_err(StoreError::Payments)?;
        self.state().open.insert(token.payment_hash, Held { payment, is_inherited: false });
        Ok(())
    }

    async fn forget(&self, _: &Origin, hash: &PaymentHash) -> Result<(), StoreError> {
        let held = self.state().open.remove(hash);
        match held {
            Some(held) => held.payment.close(Outcome::NotPaid).map_err(StoreError::Payments),
            None => self.tokens.forget(hash).map_err(StoreError::Tokens),
        }
    }
}

/// Why tokens or payments cannot be had or kept. Nothing is paid then.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The kept tokens.
    Tokens(TokensError),
    /// The record of payments.
    Payments(PaymentsError),
    /// Another wallet was asked for a payment whose outcome is unknown.
    OtherWallet {
        /// Its name.
        wallet: String,
        /// The payment.
        payment_hash: PaymentHash,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens(_) => f.write_str("the kept tokens cannot be used"),
            Self::Payments(_) => f.write_str("the record of payments cannot be used"),
            Self::OtherWallet { wallet, payment_hash } => write!(
                f,
                "an earlier payment to this origin, from the wallet `{wallet}`, has no known outcome; repeat the command \
                 with {}, or give it up with `l402 payments forget {payment_hash}`",
                flags(wallet)
            ),
        }
    }
}

/// Returns what chooses a wallet of this name.
fn flags(wallet: &str) -> String {
    match wallet.split_once('/') {
        Some((kind, network)) => format!("--wallet {kind} --network {network}"),
        None => format!("--wallet {wallet}"),
    }
}

impl core::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Tokens(cause) => Some(cause),
            Self::Payments(cause) => Some(cause),
            Self::OtherWallet { .. } => None,
        }
    }
}
