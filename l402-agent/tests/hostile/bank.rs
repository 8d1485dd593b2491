//! A wallet that keeps the contract of wallets, and no more: it pays late, loses requests, and takes the highest fee.

use crate::draw::Draw;
use crate::guard::Guard;
use crate::halt::Halt;
use crate::oracle::{Buyer, Deal, Oracle};
use l402_core::{Msat, PaymentHash};
use l402_lightning::testing::FakeNode;
use l402_lightning::{Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// All the money there is.
#[derive(Debug)]
pub(crate) struct Bank {
    pub(crate) node: FakeNode,
    pub(crate) draw: Arc<Draw>,
    pub(crate) oracle: Mutex<Oracle>,
    pub(crate) guard: Option<Guard>,
    book: Mutex<HashMap<PaymentHash, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    invoice: Invoice,
    max_fee: u64,
    status: Status,
}

#[derive(Debug, Clone)]
enum Status {
    /// It is under way.
    Pending,
    /// The wallet has not read the request.
    Unread,
    Failed,
    Paid(Paid),
}

impl Bank {
    pub(crate) fn new(node: FakeNode, draw: Arc<Draw>, oracle: Oracle, guard: Option<Guard>) -> Self {
        Self { node, draw, oracle: Mutex::new(oracle), guard, book: Mutex::default() }
    }

    pub(crate) fn oracle(&self) -> MutexGuard<'_, Oracle> {
        self.oracle.lock().unwrap()
    }

    /// Some of what is under way or was not read comes to an end; all of it with `is_last`.
    pub(crate) async fn tick(&self, is_last: bool) {
        let open = |entry: &Entry| matches!(entry.status, Status::Pending | Status::Unread);
        let mut open: Vec<PaymentHash> =
            self.book.lock().unwrap().iter().filter(|(_, entry)| open(entry)).map(|(hash, _)| *hash).collect();
        open.sort();
        for hash in open {
            if !is_last && self.draw.percent(60) {
                continue;
            }
            if self.draw.percent(70) {
                self.debit(hash).await.unwrap();
            } else {
                self.fail(hash);
            }
        }
    }

    /// A request that was not read may be read later, and fail then; only what has an outcome is over.
    fn fail(&self, hash: PaymentHash) {
        self.book.lock().unwrap().get_mut(&hash).unwrap().status = Status::Failed;
        self.oracle().has_failed(&hash);
    }

    async fn debit(&self, hash: PaymentHash) -> Result<Paid, PayError> {
        let (invoice, max_fee) = {
            let book = self.book.lock().unwrap();
            (book[&hash].invoice.clone(), book[&hash].max_fee)
        };
        let paid = self.node.pay(&invoice, PayLimit::fee(Msat::new(max_fee))).await?;
        let fee = if self.guard == Some(Guard::FeeReserved) || self.draw.percent(50) {
            max_fee
        } else {
            self.draw.below(max_fee + 1)
        };
        let paid = Paid { fee_msat: Msat::new(fee), ..paid };
        self.book.lock().unwrap().get_mut(&hash).unwrap().status = Status::Paid(paid.clone());
        self.oracle().has_paid(hash, paid.amount_msat.get() + fee);
        Ok(paid)
    }

    async fn pay(&self, buyer: &Buyer, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        let (hash, max_fee) = (invoice.payment_hash(), limit.max_fee_msat.get());
        let most = invoice.amount_msat().unwrap().get() + max_fee;
        {
            let mut oracle = self.oracle();
            let deal = Deal { buyer: buyer.clone(), most, debited: None, is_over: false };
            oracle.deals.entry(hash).or_insert(deal);
            oracle.may_pay(hash, most);
            oracle.may_route(&hash, most - max_fee, (max_fee, limit.max_cltv_expiry_delta));
        }
        let known = {
            let mut book = self.book.lock().unwrap();
            let known = book.get(&hash).cloned();
            let status = known.as_ref().map_or(Status::Unread, |entry| entry.status.clone());
            let max_fee = known.as_ref().map_or(0, |entry| entry.max_fee).max(max_fee);
            book.insert(hash, Entry { invoice: invoice.clone(), max_fee, status });
            known
        };
        match known.map(|entry| entry.status) {
            Some(Status::Paid(paid)) => return Ok(paid),
            Some(Status::Pending) => return Err(PayError::Unknown("it is under way".into())),
            _ => {}
        }
        // Where the guard against a second invoice is missing, it is put to the test often.
        let is_lost = self.guard == Some(Guard::OneHash) && self.draw.percent(60);
        match if is_lost { 2 } else { self.draw.below(10) } {
            0 => {
                self.fail(hash);
                Err(PayError::NoRoute)
            }
            1 => {
                self.book.lock().unwrap().get_mut(&hash).unwrap().status = Status::Pending;
                Err(PayError::Unknown("it is under way".into()))
            }
            2 => Err(PayError::Unknown("the request was lost".into())),
            3 => {
                self.debit(hash).await?;
                Err(PayError::Unknown("the answer was lost".into()))
            }
            _ => self.debit(hash).await,
        }
    }

    fn status(&self, hash: &PaymentHash) -> PaymentStatus {
        match self.book.lock().unwrap().get(hash).map(|entry| entry.status.clone()) {
            None | Some(Status::Unread) => PaymentStatus::NotFound,
            Some(Status::Pending) => PaymentStatus::Pending,
            Some(Status::Failed) => PaymentStatus::Failed,
            Some(Status::Paid(paid)) => PaymentStatus::Succeeded(paid),
        }
    }
}

/// The wallet as one caller has it.
#[derive(Debug, Clone)]
pub(crate) struct Wallet {
    pub(crate) bank: Arc<Bank>,
    pub(crate) buyer: Buyer,
    pub(crate) halt: Arc<Halt>,
}

impl PaymentSource for Wallet {
    fn network(&self) -> Network {
        Network::Regtest
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        self.halt.step().await;
        let answer = self.bank.pay(&self.buyer, invoice, limit).await;
        self.halt.step().await;
        match answer {
            Err(fault) if fault.is_unknown() && self.bank.guard == Some(Guard::UnknownStays) => Err(PayError::NoRoute),
            answer => answer,
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.halt.step().await;
        let status = self.bank.status(hash);
        self.halt.step().await;
        match status {
            PaymentStatus::NotFound if self.bank.guard == Some(Guard::OneHash) => Ok(PaymentStatus::Failed),
            status => Ok(status),
        }
    }
}
