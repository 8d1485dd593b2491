//! Nodes and wallets whose type a program learns only while it runs.
//!
//! 1. Any type with the traits of a role becomes one, without an implementation of its own: [`PayeeNode::new`], [`PayerWallet::new`].
//! 2. A future is boxed only where the node does I/O. [`SettlementSource::settled_in_memory`] is a plain call.

use crate::cause::LookupError;
use crate::invoice::Invoice;
use crate::network::Network;
use crate::pay_error::PayError;
use crate::payment::{EnforcedLimits, Paid, PayLimit, PaymentSource, PaymentStatus};
use crate::request::InvoiceRequest;
use crate::settled::SettlementPage;
use crate::source::{InvoiceSource, InvoiceSourceError, OpenInvoice, SettlementSource};
use core::fmt;
use core::pin::Pin;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use std::sync::Arc;

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A node that can be paid, of any type. Clones are the same node.
///
/// ```
/// use l402_lightning::{InvoiceSource, PayeeNode, SettlementSource};
///
/// fn listed(nodes: Vec<PayeeNode>, one: impl InvoiceSource + SettlementSource + 'static) -> Vec<PayeeNode> {
///     nodes.into_iter().chain([PayeeNode::new(one)]).collect()
/// }
/// ```
#[derive(Clone)]
pub struct PayeeNode(Arc<dyn Payee>);

impl PayeeNode {
    /// Erases the type of a node.
    pub fn new(node: impl InvoiceSource + SettlementSource + 'static) -> Self {
        Self(Arc::new(node))
    }
}

impl fmt::Debug for PayeeNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PayeeNode")
    }
}

impl InvoiceSource for PayeeNode {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        self.0.create_invoice(request).await
    }

    fn stores_invoices(&self) -> bool {
        self.0.stores_invoices()
    }

    async fn open_invoices(&self, since: UnixSeconds, most: usize) -> Result<Vec<OpenInvoice>, LookupError> {
        self.0.open_invoices(since, most).await
    }
}

impl SettlementSource for PayeeNode {
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        self.0.settled_msat(hash).await
    }

    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        self.0.settled_in_memory(hash)
    }

    fn settlements_recorded(&self) -> u64 {
        self.0.settlements_recorded()
    }

    async fn settlements_from(&self, position: u64) -> Result<SettlementPage, LookupError> {
        self.0.settlements_from(position).await
    }
}

/// A wallet that pays, of any type. Clones are the same wallet.
#[derive(Clone)]
pub struct PayerWallet(Arc<dyn Payer>);

impl PayerWallet {
    /// Erases the type of a wallet.
    pub fn new(wallet: impl PaymentSource + 'static) -> Self {
        Self(Arc::new(wallet))
    }
}

impl fmt::Debug for PayerWallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PayerWallet")
    }
}

impl PaymentSource for PayerWallet {
    fn network(&self) -> Network {
        self.0.network()
    }

    fn enforces(&self) -> EnforcedLimits {
        self.0.enforces()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        self.0.pay(invoice, limit).await
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.0.payment(hash).await
    }
}

/// [`InvoiceSource`] and [`SettlementSource`], object-safe.
trait Payee: Send + Sync {
    fn create_invoice<'a>(&'a self, request: InvoiceRequest<'a>) -> BoxFuture<'a, Result<Invoice, InvoiceSourceError>>;
    fn stores_invoices(&self) -> bool;
    fn open_invoices(&self, since: UnixSeconds, most: usize) -> BoxFuture<'_, Result<Vec<OpenInvoice>, LookupError>>;
    fn settled_msat<'a>(&'a self, hash: &'a PaymentHash) -> BoxFuture<'a, Result<Option<Msat>, LookupError>>;
    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat>;
    fn settlements_recorded(&self) -> u64;
    fn settlements_from(&self, position: u64) -> BoxFuture<'_, Result<SettlementPage, LookupError>>;
}

impl<N: InvoiceSource + SettlementSource> Payee for N {
    fn create_invoice<'a>(&'a self, request: InvoiceRequest<'a>) -> BoxFuture<'a, Result<Invoice, InvoiceSourceError>> {
        Box::pin(InvoiceSource::create_invoice(self, request))
    }

    fn stores_invoices(&self) -> bool {
        InvoiceSource::stores_invoices(self)
    }

    fn open_invoices(&self, since: UnixSeconds, most: usize) -> BoxFuture<'_, Result<Vec<OpenInvoice>, LookupError>> {
        Box::pin(InvoiceSource::open_invoices(self, since, most))
    }

    fn settled_msat<'a>(&'a self, hash: &'a PaymentHash) -> BoxFuture<'a, Result<Option<Msat>, LookupError>> {
        Box::pin(SettlementSource::settled_msat(self, hash))
    }

    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        SettlementSource::settled_in_memory(self, hash)
    }

    fn settlements_recorded(&self) -> u64 {
        SettlementSource::settlements_recorded(self)
    }

    fn settlements_from(&self, position: u64) -> BoxFuture<'_, Result<SettlementPage, LookupError>> {
        Box::pin(SettlementSource::settlements_from(self, position))
    }
}

/// [`PaymentSource`], object-safe.
trait Payer: Send + Sync {
    fn network(&self) -> Network;
    fn enforces(&self) -> EnforcedLimits;
    fn pay<'a>(&'a self, invoice: &'a Invoice, limit: PayLimit) -> BoxFuture<'a, Result<Paid, PayError>>;
    fn payment<'a>(&'a self, hash: &'a PaymentHash) -> BoxFuture<'a, Result<PaymentStatus, LookupError>>;
}

impl<W: PaymentSource> Payer for W {
    fn network(&self) -> Network {
        PaymentSource::network(self)
    }

    fn enforces(&self) -> EnforcedLimits {
        PaymentSource::enforces(self)
    }

    fn pay<'a>(&'a self, invoice: &'a Invoice, limit: PayLimit) -> BoxFuture<'a, Result<Paid, PayError>> {
        Box::pin(PaymentSource::pay(self, invoice, limit))
    }

    fn payment<'a>(&'a self, hash: &'a PaymentHash) -> BoxFuture<'a, Result<PaymentStatus, LookupError>> {
        Box::pin(PaymentSource::payment(self, hash))
    }
}
