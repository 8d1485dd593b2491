//! What fake LNDs share: invoices, and payments that move nothing.

use super::server::Refusal;
use super::{Mood, NETWORK, wire};
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use core::time::Duration;
use l402_core::{Msat, PaymentHash, Preimage};
use l402_lightning::testing::{ForgedInvoice, forge};
use l402_lightning::{Invoice, NodeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::watch;

/// Clones are the same.
#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    books: Mutex<Books>,
    news: watch::Sender<()>,
}

#[derive(Default)]
struct Books {
    counter: u64,
    settled: u64,
    keys: HashMap<NodeId, SecretKey>,
    bills: HashMap<PaymentHash, Bill>,
    payments: HashMap<(NodeId, PaymentHash), wire::Payment>,
    begun: usize,
}

struct Bill {
    payee: NodeId,
    preimage: Preimage,
    msat: i64,
    made_at: i64,
    expiry: i64,
    /// Counts all invoices of this world.
    add_index: u64,
    settle_index: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { books: Mutex::default(), news: watch::Sender::new(()) }))
    }

    pub(crate) fn new_node(&self) -> NodeId {
        let mut books = self.books();
        let key = SecretKey::from_slice(&books.random()).unwrap();
        let id = NodeId::from(key.public_key(&Secp256k1::new()));
        books.keys.insert(id, key);
        id
    }

    /// How many payments were begun, by anybody.
    pub(crate) fn begun(&self) -> usize {
        self.books().begun
    }

    /// Tells of every change.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.0.news.subscribe()
    }

    pub(crate) fn add(&self, payee: NodeId, request: &wire::Invoice, mood: Mood) -> (PaymentHash, String) {
        let mut books = self.books();
        let preimage = Preimage::from_bytes(books.random());
        let hash = preimage.hash();
        let stranger = SecretKey::from_slice(&[9; 32]).unwrap();
        let more = i64::from(mood == Mood::LiesAboutAmount);
        let invoice = forge(&ForgedInvoice {
            network: NETWORK,
            amount_msat: Some(Msat::new(u64::try_from(request.value_msat + more).unwrap())),
            description: &request.memo,
            made_at: l402_lightning::unix_now(),
            expiry: Duration::from_secs(u64::try_from(request.expiry).unwrap()),
            payment_hash: hash,
            payee: if mood == Mood::LiesAboutPayee { stranger } else { books.keys[&payee] },
        });
        let made_at = i64::try_from(l402_lightning::unix_now().get()).unwrap();
        let (msat, expiry, add_index) = (request.value_msat, request.expiry, books.counter);
        books.bills.insert(hash, Bill { payee, preimage, msat, made_at, expiry, add_index, settle_index: 0 });
        (hash, invoice.bolt11().to_owned())
    }

    pub(crate) fn invoice(&self, payee: NodeId, hash: &PaymentHash) -> Option<wire::Invoice> {
        self.books().bills.get(hash).filter(|bill| bill.payee == payee).map(|bill| bill.told(hash))
    }

    /// The invoices of a page, as LND pages backwards: the last ones before a number, in order.
    pub(crate) fn page(&self, payee: NodeId, asked: &wire::List) -> wire::Listed {
        assert!(asked.reversed && !asked.pending_only, "another order is not asked for");
        let books = self.books();
        let is_asked = |index: u64| asked.index_offset == 0 || index < asked.index_offset;
        let mine = books.bills.iter().filter(|(_, bill)| bill.payee == payee && is_asked(bill.add_index));
        let mut page: Vec<_> = mine.map(|(hash, bill)| (bill.add_index, bill.told(hash))).collect();
        page.sort_by_key(|(index, _)| *index);
        page.drain(..page.len().saturating_sub(usize::try_from(asked.num_max_invoices).unwrap()));
        let [first, last] = [page.first(), page.last()].map(|invoice| invoice.map_or(0, |(index, _)| *index));
        let invoices = page.into_iter().map(|(_, invoice)| invoice).collect();
        wire::Listed { invoices, last_index_offset: last, first_index_offset: first }
    }

    /// How many invoices a node has stored.
    pub(crate) fn rows(&self, payee: NodeId) -> usize {
        self.books().bills.values().filter(|bill| bill.payee == payee).count()
    }

    /// Lets the invoices of a node be older.
    pub(crate) fn age(&self, payee: NodeId, seconds: i64) {
        for bill in self.books().bills.values_mut().filter(|bill| bill.payee == payee) {
            bill.made_at -= seconds;
        }
    }

    pub(crate) fn last_settled(&self) -> u64 {
        self.books().settled
    }

    pub(crate) fn settled_after(&self, payee: NodeId, index: u64) -> Vec<wire::Invoice> {
        let books = self.books();
        let mine = books.bills.iter().filter(|(_, bill)| bill.payee == payee && bill.settle_index > index);
        let mut told: Vec<_> = mine.map(|(hash, bill)| bill.told(hash)).collect();
        told.sort_by_key(|invoice| invoice.settle_index);
        told
    }

    /// As LND: what is under way or done is not begun again, what failed is.
    pub(crate) fn begin(&self, payer: NodeId, payment_request: &str) -> Result<PaymentHash, Refusal> {
        let invoice = Invoice::parse(payment_request).unwrap();
        let hash = invoice.payment_hash();
        let mut books = self.books();
        match books.payments.get(&(payer, hash)).map(|payment| payment.status) {
            Some(wire::SUCCEEDED) => return Err(Refusal(6, "invoice is already paid")),
            Some(wire::IN_FLIGHT) => return Err(Refusal(6, "payment is in transition")),
            _ => {}
        }
        books.begun += 1;
        let payment = wire::Payment {
            value_msat: i64::try_from(invoice.amount_msat().unwrap().get()).unwrap(),
            status: wire::IN_FLIGHT,
            index: u64::try_from(books.begun).unwrap(),
            ..wire::Payment::default()
        };
        books.payments.insert((payer, hash), payment);
        Ok(hash)
    }

    pub(crate) fn settle(&self, payer: NodeId, hash: &PaymentHash) {
        let mut guard = self.books();
        let books = &mut *guard;
        let payment = books.payments.get_mut(&(payer, *hash)).unwrap();
        if let Some(bill) = books.bills.get_mut(hash).filter(|bill| bill.settle_index == 0) {
            books.settled += 1;
            bill.settle_index = books.settled;
            payment.status = wire::SUCCEEDED;
            bill.preimage.to_hex().expose().clone_into(&mut payment.preimage);
        } else {
            (payment.status, payment.failure_reason) = (wire::FAILED, wire::NO_ROUTE);
        }
        drop(guard);
        self.0.news.send_replace(());
    }

    pub(crate) fn payment(&self, payer: NodeId, hash: &PaymentHash) -> Option<wire::Payment> {
        self.books().payments.get(&(payer, *hash)).cloned()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap()
    }
}

impl Bill {
    fn told(&self, hash: &PaymentHash) -> wire::Invoice {
        let settled = self.settle_index > 0;
        wire::Invoice {
            r_hash: hash.as_bytes().to_vec(),
            r_preimage: self.preimage.expose().to_vec(), // LND shows it before it is paid, too
            settle_index: self.settle_index,
            amt_paid_msat: if settled { self.msat } else { 0 },
            state: if settled { wire::SETTLED } else { 0 },
            value_msat: self.msat,
            creation_date: self.made_at,
            expiry: self.expiry,
            ..wire::Invoice::default()
        }
    }
}

impl Books {
    fn random(&mut self) -> [u8; 32] {
        self.counter += 1;
        sha256::Hash::hash(&self.counter.to_be_bytes()).to_byte_array()
    }
}
