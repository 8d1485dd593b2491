//! In a gateway without a node: asks the one that has it.

use crate::Seals;
use crate::address::Address;
use crate::error::ReplicaError;
use crate::wire::{Ask, Refusal, Reply, Request, Said, Way, receive, send};
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use l402_core::{Msat, PaymentHash};
use l402_lightning::{
    InvalidRequest, Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Mismatch, Network, NodeId,
    SettlementSource, unix_now,
};
use std::sync::{Arc, OnceLock};
use tokio::time::timeout;

/// The node of another gateway, as far as a gateway without one needs it. Clones are the same.
///
/// It knows no settlement: those come through the ledger's store.
#[derive(Clone)]
pub struct GatewayNode(Arc<Inner>);

struct Inner {
    address: Address,
    network: Network,
    /// Set, or the one that signed the first invoice.
    payee: OnceLock<NodeId>,
    seals: Seals,
    /// Whether the node stores its invoices, as the other gateway said last; it is taken for one that does until then.
    stores_invoices: AtomicBool,
}

/// The node of the other gateway, as that says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The network of its invoices.
    pub network: Network,
    /// Who signs them, if the gateway knows.
    pub payee: Option<NodeId>,
    /// Why it cannot be paid, if so.
    pub trouble: Option<String>,
    /// Whether it stores its invoices ([`InvoiceSource::stores_invoices`]).
    pub stores_invoices: bool,
}

impl GatewayNode {
    /// Names the other gateway, the network and the signer of its invoices. Without a signer, the first invoice's is the only one from
    /// then on. Nothing is sent yet.
    pub fn new(address: Address, network: Network, payee: Option<NodeId>, seals: Seals) -> Self {
        let payee = payee.map(OnceLock::from).unwrap_or_default();
        Self(Arc::new(Inner { address, network, payee, seals, stores_invoices: AtomicBool::new(true) }))
    }

    /// Asks the other gateway who is paid. To be asked before the network is known.
    ///
    /// # Errors
    /// [`ReplicaError`].
    pub async fn ask(address: &Address, seals: &Seals) -> Result<Who, ReplicaError> {
        let Said::Node { network, payee, trouble, stores_invoices } = ask(address, seals, Ask::Who).await? else {
            return Err(ReplicaError::Malformed);
        };
        let network = network.parse().map_err(|_| ReplicaError::Malformed)?;
        let payee = payee.map(|payee| payee.parse()).transpose().map_err(|_| ReplicaError::Malformed)?;
        Ok(Who { network, payee, trouble, stores_invoices })
    }

    /// The same of the gateway that was named.
    ///
    /// # Errors
    /// [`ReplicaError`].
    pub async fn who(&self) -> Result<Who, ReplicaError> {
        let who = Self::ask(&self.0.address, &self.0.seals).await?;
        self.learn(&who);
        Ok(who)
    }

    /// Takes in what the other gateway has said.
    pub(crate) fn learn(&self, who: &Who) {
        self.0.stores_invoices.store(who.stores_invoices, Ordering::Relaxed);
    }

    /// Believes an invoice only if it is what was asked for, and signed by the one who signed before.
    fn verified(
        &self,
        request: &InvoiceRequest<'_>,
        bolt11: &str,
        payment_hash: &str,
    ) -> Result<Invoice, InvoiceSourceError> {
        let invoice = Invoice::parse(bolt11).map_err(InvoiceSourceError::Malformed)?;
        let pinned = self.0.payee.get();
        invoice.answers(request, self.0.network, pinned, unix_now()).map_err(InvoiceSourceError::Mismatch)?;
        if invoice.payment_hash().to_string() != payment_hash {
            return Err(InvoiceSourceError::Mismatch(Mismatch::Hash));
        }
        if *self.0.payee.get_or_init(|| invoice.payee()) != invoice.payee() {
            return Err(InvoiceSourceError::Mismatch(Mismatch::Payee));
        }
        Ok(invoice)
    }
}

impl InvoiceSource for GatewayNode {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        request.validate(Msat::SUPPLY, u64::MAX).map_err(InvoiceSourceError::InvalidRequest)?;
        let order = Ask::Invoice {
            amount_msat: request.amount_msat.get(),
            description: request.description.to_owned(),
            expiry_s: request.expiry.as_secs(),
        };
        match ask(&self.0.address, &self.0.seals, order).await {
            Ok(Said::Invoice { bolt11, payment_hash }) => self.verified(&request, &bolt11, &payment_hash),
            Ok(Said::Refused(refusal)) => Err(refused(refusal, request.amount_msat)),
            Ok(Said::Node { .. }) => Err(InvoiceSourceError::Unavailable(ReplicaError::Malformed.into())),
            Err(fault) => Err(InvoiceSourceError::Unavailable(fault.into())),
        }
    }

    fn stores_invoices(&self) -> bool {
        self.0.stores_invoices.load(Ordering::Relaxed)
    }
}

impl SettlementSource for GatewayNode {
    /// Knows none, and says so at once.
    async fn settled_msat(&self, _: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        Ok(None)
    }
}

impl fmt::Debug for GatewayNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatewayNode({})", self.0.address)
    }
}

/// Asks once, on a connection of its own.
async fn ask(address: &Address, seals: &Seals, ask: Ask) -> Result<Said, ReplicaError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| ReplicaError::Random)?;
    let nonce = u128::from_be_bytes(nonce);
    let exchange = async {
        let mut stream = address.connect().await.map_err(ReplicaError::Connection)?;
        send(&mut stream, Way::Request, &Request { time: unix_now().get(), nonce, ask }, &**seals).await?;
        receive::<Reply>(&mut stream, Way::Reply, &**seals).await
    };
    let reply = timeout(PATIENCE, exchange).await.map_err(|_| ReplicaError::TooSlow)??;
    if reply.nonce != nonce {
        return Err(ReplicaError::Malformed); // the answer to another request
    }
    Ok(reply.said)
}

fn refused(refusal: Refusal, amount_msat: Msat) -> InvoiceSourceError {
    let unavailable = |fault: ReplicaError| InvoiceSourceError::Unavailable(fault.into());
    match refusal {
        Refusal::Time => unavailable(ReplicaError::Time),
        Refusal::Replayed => unavailable(ReplicaError::Malformed), // our nonces are random
        Refusal::Busy => unavailable(ReplicaError::Busy),
        Refusal::Unavailable => unavailable(ReplicaError::Node),
        Refusal::NoInboundLiquidity => InvoiceSourceError::NoInboundLiquidity { amount_msat },
        Refusal::Amount => InvoiceSourceError::InvalidRequest(InvalidRequest::Amount),
        Refusal::Description => InvoiceSourceError::InvalidRequest(InvalidRequest::Description),
        Refusal::Expiry => InvoiceSourceError::InvalidRequest(InvalidRequest::Expiry),
    }
}

/// How long an answer is waited for: below the five seconds that a request waits for an invoice.
const PATIENCE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::{MasterKey, SealKeys};
    use l402_lightning::testing::FakeNetwork;

    #[tokio::test]
    async fn l3_the_hash_beside_the_invoice_is_that_of_the_invoice() {
        let seals = Arc::new(SealKeys::new("test v1", 0, &MasterKey::from_bytes([1; 32])));
        let node = GatewayNode::new(Address::Tcp("127.0.0.1:1".to_owned()), Network::Regtest, None, seals);
        let request = InvoiceRequest { amount_msat: Msat::new(1), description: "", expiry: Duration::from_mins(1) };
        let invoice = FakeNetwork::new().node().create_invoice(request).await.expect("an invoice");
        let verified = |hash: &str| node.verified(&request, invoice.bolt11(), hash);
        assert!(verified(&invoice.payment_hash().to_string()).is_ok());
        for wrong in ["", &PaymentHash::from_bytes([1; 32]).to_string()] {
            let fault = verified(wrong).expect_err("another hash");
            assert!(matches!(fault, InvoiceSourceError::Mismatch(Mismatch::Hash)), "{fault:?}");
        }
    }
}
