//! The store of one caller: each question to it is a command, and so is each answer.

use crate::bank::Bank;
use crate::guard::Guard;
use crate::halt::Halt;
use crate::oracle::{Buyer, Deal};
use core::time::Duration;
use http::{HeaderValue, Method};
use l402_agent::store::file::{FileStore, StoreError};
use l402_core::purchase::Sold;
use l402_core::{Msat, PaymentHash};
use l402_http::pay::{
    Asking, AttemptLog, Consents, Lease, Leases, Order, Origin, Taken, Token, TokenStore, Turn, Turns,
};
use std::sync::{Arc, Mutex};

#[derive(Debug, Clone)]
pub(crate) struct Till {
    pub(crate) store: FileStore,
    pub(crate) bank: Arc<Bank>,
    pub(crate) buyer: Buyer,
    pub(crate) halt: Arc<Halt>,
    /// What the answer took a use of.
    pub(crate) used: Arc<Mutex<Option<PaymentHash>>>,
}

impl Till {
    /// The answer has come whole, or not.
    pub(crate) async fn ends(&self, is_whole: bool) {
        if is_whole && self.command(self.store.delivered()).await.is_ok() {
            let used = self.used.lock().unwrap().take();
            let mut oracle = self.bank.oracle();
            if let Some(hash) = used {
                oracle.seats.uses(hash, self.buyer.request);
            }
        }
        self.bank.oracle().seats.leaves(self.buyer.request);
    }

    async fn command<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.halt.step().await;
        let result = work.await;
        self.halt.step().await;
        result
    }

    /// What is written where a guard is missing.
    fn without_guard(&self, token: &Token) -> Token {
        match (self.bank.guard, &token.order) {
            (Some(Guard::FeeReserved), Some(order)) => {
                let order = Some(Order { max_fee_msat: Msat::ZERO, ..order.clone() });
                Token { order, ..token.clone() }
            }
            (Some(Guard::FeeBooked), _) => Token { fee_msat: Msat::ZERO, ..token.clone() },
            _ => token.clone(),
        }
    }
}

impl TokenStore for Till {
    type Error = StoreError;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, StoreError> {
        self.command(self.store.tokens(origin)).await
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), StoreError> {
        self.halt.step().await;
        let hash = token.payment_hash;
        let is_first = token.order.as_ref().is_some_and(|order| order.asking == Asking::First);
        let most = token.order.as_ref().map(|order| token.amount_msat.get() + order.max_fee_msat.get());
        let deal = Deal { buyer: self.buyer.clone(), most: 0, debited: None, is_over: true };
        if is_first && token.preimage.is_none() {
            // It may be written, and the process may end before it knows.
            self.bank.oracle().deals.entry(hash).or_insert_with(|| deal.clone());
        }
        self.store.put(origin, &self.without_guard(token)).await?;
        if let (Some(most), None) = (most, &token.preimage) {
            let mut oracle = self.bank.oracle();
            let found = oracle.deals.entry(hash).or_insert_with(|| deal.clone());
            if is_first {
                found.buyer = self.buyer.clone();
            }
            let is_stopped = is_first && {
                let budgets = &oracle.budgets;
                (0..budgets.len()).any(|at| budgets[at].is_removed && oracle.is_under(self.buyer.budget, at))
            };
            if is_stopped {
                oracle.find("a payment below a removed budget".to_owned());
            }
            if is_first && oracle.is_tripped(&self.buyer.origin) {
                oracle.find(format!("a payment at {}, whose breaker is tripped", self.buyer.origin));
            }
            oracle.may_pay(hash, most);
        }
        self.halt.step().await;
        Ok(())
    }

    async fn forget(&self, origin: &Origin, hash: &PaymentHash) -> Result<(), StoreError> {
        self.command(self.store.forget(origin, hash)).await
    }
}

impl Consents for Till {}

impl AttemptLog for Till {
    async fn presents(&self, origin: &Origin, token: &Token) -> Option<HeaderValue> {
        self.store.presents(origin, token).await
    }
}

impl Leases for Till {
    async fn lease(&self, origin: &Origin, token: &Token) -> Result<Option<Lease>, StoreError> {
        let lease = self.command(self.store.lease(origin, token)).await?;
        if let (Some(_), Sold::Counted(sold)) = (&lease, token.sold()) {
            let mut oracle = self.bank.oracle();
            let now = oracle.now;
            if let Err(found) = oracle.seats.gives(token.payment_hash, sold, self.buyer.request, now) {
                oracle.find(found);
            }
        }
        Ok(lease)
    }

    async fn used(&self, origin: &Origin, token: &Token, said: Taken) -> Result<(), StoreError> {
        if said.is_used && token.is_counted() {
            *self.used.lock().unwrap() = Some(token.payment_hash);
        }
        self.command(self.store.used(origin, token, said)).await
    }

    async fn settled(
        &self,
        origin: &Origin,
        hash: &PaymentHash,
        patience: Duration,
    ) -> Result<Option<Token>, StoreError> {
        self.command(self.store.settled(origin, hash, patience)).await
    }
}

impl Turns for Till {
    async fn enter(
        &self,
        origin: &Origin,
        method: &Method,
        path: &str,
        patience: Duration,
    ) -> Result<Option<Turn>, StoreError> {
        self.command(self.store.enter(origin, method, path, patience)).await
    }
}
