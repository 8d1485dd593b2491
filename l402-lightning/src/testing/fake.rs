//! A node that is none.

use super::forge::{ForgedInvoice, forge};
use crate::clock::unix_now;
use crate::{
    FailureReason, Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Network, NodeId,
    OpenInvoice, Paid, PayError, PayLimit, PaymentSource, PaymentStatus, Settlement, SettlementPage, SettlementSource,
    TimedOut,
};
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use core::fmt;
use core::future::pending;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, Preimage, UnixSeconds};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What connects fake nodes: a payment on it succeeds at once, for free, and without a balance.
#[derive(Clone, Default)]
pub struct FakeNetwork(Arc<Mutex<Ledger>>);

impl FakeNetwork {
    /// Returns a network without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node. Its keys are the same in every run: never use them for money.
    pub fn node(&self) -> FakeNode {
        let mut ledger = self.lock();
        let key = ledger.key(b"node");
        let id = key.public_key(&Secp256k1::new()).into();
        FakeNode(Arc::new(Node { network: self.clone(), key, id, state: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FakeNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeNetwork")
    }
}

/// A payee and payer that follows the traits to the letter, or breaks them as it is told. Clones are the same node.
///
/// Its invoices are real: signed, for regtest, with a hash and a preimage of their own.
#[derive(Clone)]
pub struct FakeNode(Arc<Node>);

impl FakeNode {
    /// Returns the public key that its invoices are signed with.
    pub fn node_id(&self) -> NodeId {
        self.0.id
    }

    /// Breaks the node in one way, until told otherwise.
    pub fn misbehave(&self, fault: FakeFault) {
        self.state().fault = Some(fault);
    }

    /// Heals the node.
    pub fn behave(&self) {
        self.state().fault = None;
    }

    /// Returns how many invoices it was asked for, whether it made them or not.
    pub fn invoices_asked(&self) -> usize {
        self.state().invoices_asked
    }

    /// Says whether it is like a node that stores its invoices and tells of each settlement; it is not unless told.
    pub fn store_invoices(&self, stores: bool) {
        self.state().stores_invoices = stores;
    }

    /// Returns how often it moved money as a payer.
    pub fn payments_sent(&self) -> usize {
        self.state().payments_sent
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Option<FakeFault> {
        self.state().fault
    }

    /// Moves the money. Whatever the payer says afterwards, this has happened.
    fn send(&self, invoice: &Invoice, amount_msat: Msat) -> Result<Paid, PayError> {
        let hash = invoice.payment_hash();
        let sent = self.0.network.lock().settle(&hash, invoice.payee(), amount_msat);
        let mut state = self.state();
        let paid = sent.map(|preimage| Paid { preimage, amount_msat, fee_msat: Msat::ZERO });
        let status = paid.as_ref().map_or(PaymentStatus::Failed, |paid| PaymentStatus::Succeeded(paid.clone()));
        state.payments_sent += usize::from(paid.is_ok());
        state.payments.insert(hash, status);
        paid
    }
}

impl fmt::Debug for FakeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeNode({})", self.0.id)
    }
}

/// One way to break a [`FakeNode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FakeFault {
    /// Payee: the invoice asks for one millisatoshi more.
    WrongAmount,
    /// Payee: the invoice leaves the amount to the payer.
    NoAmount,
    /// Payee: the invoice is for real money.
    WrongNetwork,
    /// Payee: another key signs the invoice.
    WrongPayee,
    /// Payee: the invoice has expired before it is shown.
    WrongExpiry,
    /// Payee: the invoice names a hash whose preimage is unknown. Payer: the preimage proves nothing.
    WrongHash,
    /// Payee: no channel can receive anything.
    NoInboundLiquidity,
    /// Payee: a payment is recorded as settled only this long after the payer has the preimage.
    SettlesLate(Duration),
    /// Payer: no route.
    NoRoute,
    /// Payer: the money moves and the outcome is lost.
    LoseOutcome,
    /// Payer: the request is not read: no answer comes, and nothing is known of the payment.
    LoseRequest,
    /// Both: nothing answers.
    Unreachable,
    /// Both: answers never come; a payment is under way until its time is over.
    Hang,
}

impl InvoiceSource for FakeNode {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        self.state().invoices_asked += 1;
        let fault = self.fault();
        match fault {
            Some(FakeFault::Hang) => pending().await,
            Some(FakeFault::Unreachable) => {
                return Err(InvoiceSourceError::Unavailable("told to be unreachable".into()));
            }
            Some(FakeFault::NoInboundLiquidity) => {
                return Err(InvoiceSourceError::NoInboundLiquidity { amount_msat: request.amount_msat });
            }
            _ => request.validate(Msat::SUPPLY, u64::MAX).map_err(InvoiceSourceError::InvalidRequest)?,
        }
        let mut ledger = self.0.network.lock();
        let preimage = Preimage::from_bytes(ledger.random(b"preimage"));
        let honest = ForgedInvoice {
            network: Network::Regtest,
            amount_msat: Some(request.amount_msat),
            description: request.description,
            made_at: unix_now(),
            expiry: request.expiry,
            payment_hash: preimage.hash(),
            payee: self.0.key,
        };
        let late = if let Some(FakeFault::SettlesLate(by)) = fault { by } else { Duration::ZERO };
        let expires_at = honest.made_at.saturating_add(request.expiry.as_secs());
        ledger.invoices.insert(preimage.hash(), Bill { preimage, payee: self.0.id, expires_at, late, settled: None });
        Ok(forge(&twisted(honest, fault, &mut ledger)))
    }

    fn stores_invoices(&self) -> bool {
        self.state().stores_invoices
    }

    async fn open_invoices(&self, _: UnixSeconds, most: usize) -> Result<Vec<OpenInvoice>, LookupError> {
        match self.fault() {
            Some(FakeFault::Hang) => pending().await,
            Some(FakeFault::Unreachable) => Err(LookupError::new("told to be unreachable")),
            _ if self.stores_invoices() => Ok(self.0.network.lock().open(self.0.id, most)),
            _ => Ok(Vec::new()),
        }
    }
}

impl SettlementSource for FakeNode {
    /// Never waits: what is not settled yet is not settled.
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        match self.fault() {
            Some(FakeFault::Hang) => pending().await,
            Some(FakeFault::Unreachable) => Err(LookupError::new("told to be unreachable")),
            _ => Ok(self.0.network.lock().settled_msat(hash, self.0.id)),
        }
    }

    /// Knows them as far as it tells of them.
    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        if self.stores_invoices() { self.0.network.lock().settled_msat(hash, self.0.id) } else { None }
    }

    fn settlements_recorded(&self) -> u64 {
        self.0.network.lock().settlements(self.0.id).len() as u64
    }

    async fn settlements_from(&self, position: u64) -> Result<SettlementPage, LookupError> {
        loop {
            let known = self.0.network.lock().settlements(self.0.id);
            let skipped = usize::try_from(position).unwrap_or(usize::MAX);
            if let Some(settlements) = known.get(skipped..).filter(|rest| !rest.is_empty()) {
                return Ok(SettlementPage { settlements: settlements.to_vec(), next: known.len() as u64 });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl PaymentSource for FakeNode {
    fn network(&self) -> Network {
        Network::Regtest
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        let hash = invoice.payment_hash();
        let known = self.state().payments.get(&hash).cloned();
        if let (Some(PaymentStatus::Succeeded(paid)), false) = (known, self.fault() == Some(FakeFault::Unreachable)) {
            return Ok(paid);
        }
        let amount_msat = invoice.payable(Network::Regtest, unix_now())?;
        match self.fault() {
            Some(FakeFault::Unreachable) => Err(PayError::Unavailable("told to be unreachable".into())),
            Some(FakeFault::NoRoute) => Err(PayError::NoRoute),
            fault @ Some(FakeFault::Hang | FakeFault::LoseRequest) => {
                if fault == Some(FakeFault::Hang) {
                    self.state().payments.insert(hash, PaymentStatus::Pending);
                }
                tokio::time::sleep(limit.timeout).await;
                Err(PayError::Unknown(TimedOut { after: limit.timeout }.into()))
            }
            Some(FakeFault::LoseOutcome) => {
                self.send(invoice, amount_msat)?;
                Err(PayError::Unknown("told to lose the outcome".into()))
            }
            Some(FakeFault::WrongHash) => {
                let paid = self.send(invoice, amount_msat)?;
                Ok(Paid { preimage: Preimage::from_bytes([0xba; 32]), ..paid })
            }
            _ => self.send(invoice, amount_msat),
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        match self.fault() {
            Some(FakeFault::Unreachable) => Err(LookupError::new("told to be unreachable")),
            _ => Ok(self.state().payments.get(hash).cloned().unwrap_or(PaymentStatus::NotFound)),
        }
    }
}

struct Node {
    network: FakeNetwork,
    key: SecretKey,
    id: NodeId,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fault: Option<FakeFault>,
    invoices_asked: usize,
    stores_invoices: bool,
    payments_sent: usize,
    payments: HashMap<PaymentHash, PaymentStatus>,
}

/// What all nodes of a network share.
#[derive(Default)]
struct Ledger {
    counter: u64,
    invoices: HashMap<PaymentHash, Bill>,
}

struct Bill {
    preimage: Preimage,
    payee: NodeId,
    expires_at: UnixSeconds,
    late: Duration,
    settled: Option<(Msat, Instant)>,
}

impl Ledger {
    fn settle(&mut self, hash: &PaymentHash, payee: NodeId, amount_msat: Msat) -> Result<Preimage, PayError> {
        let bill = self.invoices.get_mut(hash).filter(|bill| bill.payee == payee).ok_or(PayError::NoRoute)?;
        if bill.settled.is_some() {
            return Err(PayError::Failed(FailureReason::Rejected)); // somebody else has paid it
        }
        bill.settled = Some((amount_msat, Instant::now() + bill.late));
        Ok(bill.preimage.clone())
    }

    fn settled_msat(&self, hash: &PaymentHash, payee: NodeId) -> Option<Msat> {
        let bill = self.invoices.get(hash).filter(|bill| bill.payee == payee)?;
        let (amount_msat, known_at) = bill.settled?;
        (known_at <= Instant::now()).then_some(amount_msat)
    }

    /// What a payee has recorded, in the order in which it knows of it.
    fn settlements(&self, payee: NodeId) -> Vec<Settlement> {
        let known = self.invoices.iter().filter(|(_, bill)| bill.payee == payee).filter_map(|(hash, bill)| {
            let (received_msat, known_at) = bill.settled.filter(|(_, known_at)| *known_at <= Instant::now())?;
            Some((known_at, Settlement { payment_hash: *hash, received_msat, settled_at: unix_now() }))
        });
        let mut known: Vec<_> = known.collect();
        known.sort_by_key(|(known_at, settlement)| (*known_at, settlement.payment_hash));
        known.into_iter().map(|(_, settlement)| settlement).collect()
    }

    /// What can still be paid to a payee.
    fn open(&self, payee: NodeId, most: usize) -> Vec<OpenInvoice> {
        let now = unix_now();
        let open = self
            .invoices
            .iter()
            .filter(|(_, bill)| bill.payee == payee && bill.settled.is_none() && bill.expires_at > now);
        open.map(|(hash, bill)| OpenInvoice { payment_hash: *hash, expires_at: bill.expires_at }).take(most).collect()
    }

    fn key(&mut self, label: &[u8]) -> SecretKey {
        SecretKey::from_slice(&self.random(label)).expect("a digest is a key, but for one in 2^127")
    }

    /// Never the same twice, and the same in every run.
    fn random(&mut self, label: &[u8]) -> [u8; 32] {
        self.counter += 1;
        sha256::Hash::hash(&[b"fake ", label, &self.counter.to_be_bytes()].concat()).to_byte_array()
    }
}

fn twisted<'a>(honest: ForgedInvoice<'a>, fault: Option<FakeFault>, ledger: &mut Ledger) -> ForgedInvoice<'a> {
    match fault {
        Some(FakeFault::WrongAmount) => {
            ForgedInvoice { amount_msat: honest.amount_msat.map(|msat| msat.saturating_add(Msat::new(1))), ..honest }
        }
        Some(FakeFault::NoAmount) => ForgedInvoice { amount_msat: None, ..honest },
        Some(FakeFault::WrongNetwork) => ForgedInvoice { network: Network::Bitcoin, ..honest },
        Some(FakeFault::WrongPayee) => ForgedInvoice { payee: ledger.key(b"stranger"), ..honest },
        Some(FakeFault::WrongExpiry) => ForgedInvoice { made_at: UnixSeconds::new(1_000_000_000), ..honest },
        Some(FakeFault::WrongHash) => {
            ForgedInvoice { payment_hash: PaymentHash::from_bytes(ledger.random(b"nobody's hash")), ..honest }
        }
        _ => honest,
    }
}
