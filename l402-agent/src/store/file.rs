//! The token store of the paying layer, in the database.
//!
//! 1. A token without its proof is an intent, and goes to the record of payments; with its proof it goes to the kept tokens,
//!    and in the same step the payment is closed.
//! 2. A payment for the same request that its process left without an outcome is shown to the paying layer, which asks the
//!    wallet before it pays again (threat A4). Another process that sees to such a payment is waited for; nothing is paid meanwhile.
//! 3. Only the wallet that was asked to pay knows what became of it; with another one, nothing is paid.
//! 4. Whoever wants to buy waits for the turn, which is a lock that processes share, up to a deadline (threat A9).
//! 5. The disk is waited for on threads that may block.

use super::news::{News, Purchase};
use super::payments::{Intent, OpenPayment, Payments, PaymentsError, Unpaid};
use super::tokens::{KeptToken, Tokens};
use super::{Database, DatabaseError};
use core::fmt;
use core::time::Duration;
use http::Method;
use l402_core::PaymentHash;
use l402_http::pay::{Origin, Standing, Token, TokenStore, Turn};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task;
use tokio::time::{Instant, sleep};

/// Tokens and payments of one call. Clones share them.
#[derive(Debug, Clone)]
pub struct FileStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
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
    /// What is to be forgotten once it was delivered.
    used: Vec<PaymentHash>,
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
    /// Joins the kept tokens and the record of payments. Unless it `keeps`, no kept token is presented, and what was bought
    /// is forgotten once it was [delivered](Self::delivered). `wallet` is the name of the one that pays.
    ///
    /// # Errors
    /// [`StoreError`], where the record of payments cannot be used.
    pub fn new(database: &Database, keeps: bool, wallet: String) -> Result<Self, StoreError> {
        let tokens = Tokens::new(database.clone());
        let payments = Payments::new(database.clone()).map_err(StoreError::Payments)?;
        Ok(Self(Arc::new(Inner { tokens, keeps, payments, wallet, state: Mutex::default() })))
    }

    /// Says that the user has what was paid for.
    ///
    /// # Errors
    /// [`StoreError`], where a token that should not be kept is still there.
    pub async fn delivered(&self) -> Result<(), StoreError> {
        let used = core::mem::take(&mut self.0.state().used);
        if self.0.keeps || used.is_empty() {
            return Ok(());
        }
        self.blocking(move |inner| {
            used.iter().try_for_each(|hash| inner.tokens.forget(hash)).map_err(StoreError::Tokens)
        })
        .await
    }

    /// Says which request comes next: unsettled payments for others are left alone.
    pub fn expect(&self, method: &Method, path: &str) {
        self.0.state().wanted = Some((method.clone(), path.to_owned()));
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
    /// Takes over what dead processes left without an outcome.
    fn inherit(&self, origin: &Origin) -> Result<(), StoreError> {
        for intent in self.payments.intents().map_err(StoreError::database)? {
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

    fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, StoreError> {
        self.inherit(origin)?;
        // Read in any case: nothing is paid where its token could not be kept.
        let mut kept = self.tokens.of(origin).map_err(StoreError::Tokens)?;
        if !self.keeps {
            // What was paid for and has not served yet is presented all the same, before anything else is paid.
            kept.retain(|token| token.standing != Standing::Served);
        }
        let mut found: Vec<Token> = kept.into_iter().map(Token::from).collect();
        let state = self.state();
        let open = state.open.values().map(|held| held.payment.intent());
        found.extend(open.filter(|intent| intent.origin == *origin).map(Intent::token));
        Ok(found)
    }

    fn put(&self, origin: &Origin, token: &Token) -> Result<(), StoreError> {
        if let Some(kept) = KeptToken::new(origin, token) {
            return self.settle(&kept);
        }
        if let Some(held) = self.state().open.get_mut(&token.payment_hash) {
            let Intent { origin: at, token: text, at: begun, .. } = held.payment.intent();
            if at != origin || *text != token.text {
                return Err(StoreError::Payments(PaymentsError::StillOpen(token.payment_hash)));
            }
            // Whoever only waits for what an earlier call pays says when that was begun.
            held.is_inherited &= *begun == token.bought_at;
            if let Some(order) = &token.order {
                held.payment.repeat(order).map_err(StoreError::database)?;
            }
            return Ok(());
        }
        let payment = self.payments.begin(Intent::new(origin, token, &self.wallet)).map_err(StoreError::Payments)?;
        self.state().open.insert(token.payment_hash, Held { payment, is_inherited: false });
        Ok(())
    }

    /// Keeps the token, whatever the user wants to keep: until it has served, it is all that there is for the money.
    fn settle(&self, kept: &KeptToken) -> Result<(), StoreError> {
        let hash = kept.payment_hash;
        let held = self.state().open.remove(&hash);
        let Some(Held { payment, is_inherited }) = held else {
            if !self.keeps && kept.standing == Standing::Served {
                // By its head only: until its body has arrived the token stays as it is, for the next call.
                self.state().used.push(hash);
                return Ok(());
            }
            let is_there = self.tokens.mark(&hash, kept.standing).map_err(StoreError::Tokens)?;
            // One that somebody has forgotten meanwhile does not come back for a note on it.
            let is_new = kept.standing == Standing::New && !is_there;
            return if is_new { self.tokens.keep(kept).map_err(StoreError::Tokens) } else { Ok(()) };
        };
        payment.paid(kept).map_err(StoreError::database)?;
        let news = Purchase {
            origin: kept.origin.clone(),
            payment_hash: hash,
            amount_msat: kept.amount_msat,
            fee_msat: kept.fee_msat,
        };
        let mut state = self.state();
        state.used.push(hash);
        state.news.push(if is_inherited { News::Recovered(news) } else { News::Paid(news) });
        Ok(())
    }

    fn forget(&self, hash: &PaymentHash) -> Result<(), StoreError> {
        let held = self.state().open.remove(hash);
        match held {
            Some(held) => held.payment.close(Unpaid::NotPaid).map_err(StoreError::database),
            None => self.tokens.forget(hash).map_err(StoreError::Tokens),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for FileStore {
    type Error = StoreError;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, StoreError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let origin = origin.clone();
            match self.blocking(move |inner| inner.tokens(&origin)).await {
                // Such as `l402 payments resolve`, which needs no turn.
                Err(StoreError::Payments(PaymentsError::Held(_))) if Instant::now() < deadline => sleep(POLL).await,
                result => return result,
            }
        }
    }

    async fn enter(
        &self,
        origin: &Origin,
        method: &Method,
        path: &str,
        patience: Duration,
    ) -> Result<Option<Turn>, StoreError> {
        let begun = Instant::now();
        loop {
            let (origin, method, path) = (origin.clone(), method.clone(), path.to_owned());
            let turn = self
                .blocking(move |inner| inner.payments.try_turn(&origin, &method, &path).map_err(StoreError::Payments));
            match turn.await? {
                Some(turn) => return Ok(Some(Turn::new(turn))),
                None if begun.elapsed() >= patience => return Ok(None),
                None => sleep(POLL).await,
            }
        }
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), StoreError> {
        let (origin, token) = (origin.clone(), token.clone());
        self.blocking(move |inner| inner.put(&origin, &token)).await
    }

    async fn forget(&self, _: &Origin, hash: &PaymentHash) -> Result<(), StoreError> {
        let hash = *hash;
        self.blocking(move |inner| inner.forget(&hash)).await
    }
}

/// Why tokens or payments cannot be had or kept. Nothing is paid then.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The kept tokens.
    Tokens(DatabaseError),
    /// The record of payments.
    Payments(PaymentsError),
    /// Another wallet was asked for a payment whose outcome is unknown.
    OtherWallet {
        /// Its name.
        wallet: String,
        /// The payment.
        payment_hash: PaymentHash,
    },
    /// The program ends.
    Ended(task::JoinError),
}

impl StoreError {
    const fn database(cause: DatabaseError) -> Self {
        Self::Payments(PaymentsError::Database(cause))
    }
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
            Self::Ended(_) => f.write_str("the program ends"),
        }
    }
}

/// Returns what chooses a wallet of this name: `sandbox`, `ldk/<network>`, or `lnd/<network>/<address>/<certificate>`.
pub fn flags(wallet: &str) -> String {
    let parts: Vec<_> = wallet.splitn(4, '/').collect();
    match *parts {
        [kind, network] => format!("--wallet {kind} --network {network}"),
        [kind, network, address, certificate] => format!(
            "--wallet {kind} --network {network}, and the LND at {address} whose certificate has the fingerprint {certificate}"
        ),
        _ => format!("--wallet {wallet}"),
    }
}

impl core::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Tokens(cause) => Some(cause),
            Self::Payments(cause) => Some(cause),
            Self::Ended(cause) => Some(cause),
            Self::OtherWallet { .. } => None,
        }
    }
}

/// How long to wait for somebody who sees to a payment for the same request, without the turn to buy.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often to look whether somebody else has ended.
const POLL: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::super::private::PrivateDir;
    use super::*;
    use l402_core::{Preimage, Scheme};

    /// A token that is being paid for.
    fn pending(payment_hash: PaymentHash) -> Token {
        Token {
            scheme: Scheme::L402,
            text: "AgEE".to_owned(),
            payment_hash,
            preimage: None,
            amount_msat: 21_000,
            fee_msat: 0,
            method: Method::GET,
            path: "/".to_owned(),
            bought_at: 1_700_000_000,
            standing: Standing::New,
            order: None,
        }
    }

    #[test]
    fn what_chooses_a_wallet_is_said_so_that_it_can_be_typed() {
        assert_eq!(flags("sandbox"), "--wallet sandbox");
        assert_eq!(flags("ldk/signet"), "--wallet ldk --network signet");
        let lnd = flags("lnd/bitcoin/127.0.0.1:10009/0011223344556677");
        assert!(lnd.starts_with("--wallet lnd --network bitcoin, and the LND at 127.0.0.1:10009 "), "{lnd}");
    }

    #[tokio::test]
    async fn a9_of_stores_that_share_a_folder_one_has_the_turn() {
        let folder = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(folder.path().join("data")).unwrap();
        let store = || FileStore::new(&Database::open(&data).unwrap(), true, "sandbox".to_owned()).unwrap();
        let (one, other) = (store(), store());
        let origin: Origin = "http://a".parse().unwrap();
        let enter =
            async |store: &FileStore, path, patience| store.enter(&origin, &Method::GET, path, patience).await.unwrap();
        let turn = enter(&one, "/", Duration::ZERO).await.unwrap();
        assert!(enter(&other, "/", Duration::ZERO).await.is_none());
        assert!(enter(&other, "/", Duration::from_millis(120)).await.is_none(), "it waits no longer than it may");
        assert!(enter(&other, "/elsewhere", Duration::ZERO).await.is_some());
        let waiting = async { enter(&other, "/", Duration::from_mins(1)).await.is_some() };
        let (is_next, ()) = tokio::join!(waiting, async {
            sleep(POLL * 2).await;
            drop(turn);
        });
        assert!(is_next);
        let left = data.folder("locks").unwrap().names().unwrap();
        assert!(!left.iter().any(|name| name.starts_with("turn-")), "{left:?}");
    }

    #[tokio::test]
    async fn a9_what_somebody_has_forgotten_does_not_come_back_for_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(folder.path().join("data")).unwrap();
        let store = FileStore::new(&Database::open(&data).unwrap(), true, "sandbox".to_owned()).unwrap();
        let origin: Origin = "http://a".parse().unwrap();
        let preimage = Preimage::from_bytes([1; 32]);
        let mut token = pending(preimage.hash());
        store.put(&origin, &token).await.unwrap();
        token.preimage = Some(preimage);
        store.put(&origin, &token).await.unwrap();
        for standing in [Standing::Refused, Standing::Served] {
            token.standing = standing;
            store.put(&origin, &token).await.unwrap();
            assert_eq!(store.tokens(&origin).await.unwrap()[0].standing, standing);
        }
        store.forget(&origin, &token.payment_hash).await.unwrap();
        store.put(&origin, &token).await.unwrap();
        assert!(store.tokens(&origin).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a6_what_is_being_paid_for_one_token_is_not_paid_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(folder.path().join("data")).unwrap();
        let store = FileStore::new(&Database::open(&data).unwrap(), true, "sandbox".to_owned()).unwrap();
        let token = pending(Preimage::from_bytes([1; 32]).hash());
        let [one, other]: [Origin; 2] = ["http://a", "http://b"].map(|origin| origin.parse().unwrap());
        store.put(&one, &token).await.unwrap();
        store.put(&one, &token).await.unwrap();
        let forged = Token { text: "AgEF".to_owned(), ..token.clone() };
        for (origin, token) in [(&other, &token), (&other, &forged), (&one, &forged)] {
            let fault = store.put(origin, token).await.unwrap_err();
            assert!(matches!(fault, StoreError::Payments(PaymentsError::StillOpen(_))), "{fault}");
        }
        assert_eq!(store.tokens(&one).await.unwrap().len(), 1);
        assert!(store.tokens(&other).await.unwrap().is_empty());
    }
}
