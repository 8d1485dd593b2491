//! Being paid.

use super::config::LndConfig;
use super::connect::Client;
use super::error::LndError;
use super::hints::Hints;
use super::identity::{Identity, permitted};
use super::open;
use super::permission::Role;
use super::rpc::{AddInvoiceRequest, Call, InvoiceState, LookupInvoiceRequest};
use super::watch::{Readiness, Watch};
use core::fmt;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_lightning::unix_now;
use l402_lightning::{
    InvalidRequest, Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Mismatch, Network,
    OpenInvoice, SettlementPage, SettlementSource,
};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// An LND that is paid. Clones share one connection, which ends with the last of them.
///
/// It lives on the tokio runtime that it was started on, and can be called from any.
#[derive(Clone)]
pub struct LndPayee(Arc<Inner>);

impl LndPayee {
    /// Connects to LND, and watches it from then on.
    ///
    /// What only an operator can put right is an error. Where [`LndConfig::network`] is set, an LND that is merely away,
    /// locked, starting or behind is none: [`LndPayee::readiness`] tells when it is there. Without a network, LND has to say
    /// which it is on, and so has to answer.
    ///
    /// # Errors
    /// [`LndError`].
    pub async fn start(config: &LndConfig) -> Result<Self, LndError> {
        permitted(config, Role::Payee)?;
        let client = Client::new(config)?;
        let (network, first) = match (Identity::ask(&client, config.network).await, config.network) {
            (Ok(identity), _) => (identity.network, Ok(identity)),
            (Err(fault), Some(network)) if fault.is_temporary() => (network, Err(fault)),
            (Err(fault), _) => return Err(fault),
        };
        let watch = Arc::new(Watch::new(client.clone(), network, first));
        let task = tokio::spawn(watch.clone().run());
        Ok(Self(Arc::new(Inner { client, network, watch, hints: Hints::new(config.private_hints), task })))
    }

    /// Returns the network that invoices are for.
    pub fn network(&self) -> Network {
        self.0.network
    }

    /// Tells whether LND can be asked, and when that changes.
    ///
    /// While it cannot, invoices and look-ups fail at once, without waiting for LND.
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.0.watch.readiness()
    }

    async fn ask<C: Call>(&self, call: C) -> Result<C::Answer, LndError> {
        let answered = self.0.client.ask(call).await;
        if answered.as_ref().is_err_and(LndError::is_temporary) {
            self.0.watch.suspect();
        }
        answered
    }
}

impl fmt::Debug for LndPayee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LndPayee({:?})", self.0.client)
    }
}

impl InvoiceSource for LndPayee {
    /// LND writes a row for each invoice, and does not know whether its channels can receive the amount.
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        request.validate(MAX_MSAT, MAX_EXPIRY_S).map_err(InvoiceSourceError::InvalidRequest)?;
        let invalid = |fault| move |_| InvoiceSourceError::InvalidRequest(fault);
        let add = AddInvoiceRequest {
            memo: request.description.to_owned(),
            expiry: i64::try_from(request.expiry.as_secs()).map_err(invalid(InvalidRequest::Expiry))?,
            private: self.0.hints.look(),
            value_msat: i64::try_from(request.amount_msat.get()).map_err(invalid(InvalidRequest::Amount))?,
        };
        let identity = self.0.watch.identity().map_err(|fault| InvoiceSourceError::Unavailable(fault.into()))?;
        let before = unix_now();
        let has_looked = add.private;
        let added = self.ask(add).await.map_err(|fault| InvoiceSourceError::Unavailable(fault.into()))?;
        let invoice = Invoice::parse(&added.payment_request).map_err(InvoiceSourceError::Malformed)?;
        invoice
            .answers(&request, self.0.network, Some(&identity.node_id), before)
            .map_err(InvoiceSourceError::Mismatch)?;
        if added.r_hash != invoice.payment_hash().as_bytes() {
            return Err(InvoiceSourceError::Mismatch(Mismatch::Hash));
        }
        if has_looked {
            self.0.hints.looked(invoice.decoded());
        }
        Ok(invoice)
    }

    /// It does: a row for each, which LND keeps when the invoice has expired, unless it was told to delete those.
    fn stores_invoices(&self) -> bool {
        true
    }

    /// Those of everybody who has invoices made at this LND.
    async fn open_invoices(&self, since: UnixSeconds, most: usize) -> Result<Vec<OpenInvoice>, LookupError> {
        self.0.watch.identity().map_err(LookupError::new)?;
        open::list(|call| self.ask(call), since, most).await.map_err(LookupError::new)
    }
}

impl SettlementSource for LndPayee {
    /// Never waits: LND records a payment before it gives the preimage away. What LND has told of once is known while it is
    /// away, too.
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        if let Some(msat) = self.0.watch.received_msat(hash) {
            return Ok(Some(msat));
        }
        self.0.watch.identity().map_err(LookupError::new)?;
        let found = match self.ask(LookupInvoiceRequest { r_hash: hash.as_bytes().to_vec() }).await {
            Err(fault) if fault.is_not_found() => return Ok(None),
            found => found.map_err(LookupError::new)?,
        };
        if found.r_hash != hash.as_bytes() {
            return Err(LookupError::new(LndError::Malformed));
        }
        if found.state() != InvoiceState::Settled {
            return Ok(None);
        }
        let msat = u64::try_from(found.amt_paid_msat).map_err(|_| LookupError::new(LndError::Malformed))?;
        let msat = Msat::new(msat);
        self.0.watch.received(*hash, msat);
        Ok(Some(msat))
    }

    /// Knows the last 131,072 settlements that LND has told of.
    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        self.0.watch.received_msat(hash)
    }

    /// Counts those that LND has told of since the start.
    fn settlements_recorded(&self) -> u64 {
        self.0.watch.recorded()
    }

    async fn settlements_from(&self, position: u64) -> Result<SettlementPage, LookupError> {
        Ok(self.0.watch.page(position).await)
    }
}

struct Inner {
    client: Client,
    network: Network,
    watch: Arc<Watch>,
    hints: Hints,
    task: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// LND refuses more than 100,000 bitcoin.
const MAX_MSAT: Msat = Msat::from_sat(100_000 * 100_000_000);
/// LND refuses more than a year.
const MAX_EXPIRY_S: u64 = 365 * 24 * 3600;
