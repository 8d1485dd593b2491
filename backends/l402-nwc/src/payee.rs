//! Being paid.

use crate::client::Client;
use crate::config::NwcConfig;
use crate::error::NwcError;
use crate::incoming::MakeInvoice;
use crate::relay::{RelayState, RelayUrl};
use crate::watch::{Readiness, Watch};
use core::fmt;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Mismatch, Network, OpenInvoice,
    SettlementPage, SettlementSource, unix_now,
};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A wallet that is paid. Clones share its connections, which end with the last of them.
///
/// It lives on the tokio runtime that it was started on, and can be called from any.
#[derive(Clone)]
pub struct NwcPayee(Arc<Inner>);

struct Inner {
    client: Client,
    network: Network,
    watch: Arc<Watch>,
    task: JoinHandle<()>,
}

impl NwcPayee {
    /// Connects to the wallet, and watches it from then on.
    ///
    /// What only an operator can put right is an error. Where [`NwcConfig::network`] is set, a wallet that is merely away is none:
    /// [`NwcPayee::readiness`] tells when it is there.
    ///
    /// # Errors
    /// [`NwcError`], such as [`NwcError::MaySpend`] where the connection allows to spend.
    pub async fn start(config: &NwcConfig) -> Result<Self, NwcError> {
        let (notices, told) = mpsc::channel(NOTICES);
        let client = Client::start(config, Some(notices));
        let first = Watch::identify(&client, config.network, config.allow_spending).await;
        let (network, first) = match (first, config.network) {
            (Ok(identity), _) => (identity.network, Ok(identity)),
            (Err(fault), Some(network)) if fault.is_temporary() => (network, Err(fault)),
            (Err(fault), _) => return Err(fault),
        };
        let watch = Arc::new(Watch::new(config, client.clone(), network, first));
        let task = tokio::spawn(Arc::clone(&watch).run(told));
        Ok(Self(Arc::new(Inner { client, network, watch, task })))
    }

    /// Returns the network that invoices are for.
    pub fn network(&self) -> Network {
        self.0.network
    }

    /// Tells whether the wallet can be asked, and when that changes.
    ///
    /// While it cannot, invoices and look-ups fail at once, without waiting for it.
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.0.watch.readiness()
    }

    /// Returns the relays, and what keeps each of them away.
    pub fn relays(&self) -> Vec<(RelayUrl, RelayState)> {
        self.0.client.relays()
    }
}

impl fmt::Debug for NwcPayee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NwcPayee({:?})", self.0.client)
    }
}

impl InvoiceSource for NwcPayee {
    /// The wallet keeps a row for each invoice, and need not know whether it can receive the amount.
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        request.validate(MAX_MSAT, MAX_EXPIRY_S).map_err(InvoiceSourceError::InvalidRequest)?;
        let watch = &self.0.watch;
        let away = |fault: NwcError| InvoiceSourceError::Unavailable(fault.into());
        watch.is_open().map_err(away)?;
        let before = unix_now();
        let room = watch.unpaid.room(before).ok_or_else(|| away(NwcError::TooManyUnpaid))?;
        if !watch.pace.take(Instant::now()) {
            return Err(away(NwcError::TooFast));
        }
        let call = MakeInvoice {
            amount: request.amount_msat.get(),
            description: request.description,
            expiry: request.expiry.as_secs(),
        };
        let made = watch.ask(&call).await.map_err(away)?;
        let invoice = Invoice::parse(&made.invoice).map_err(InvoiceSourceError::Malformed)?;
        room.fill(invoice.payment_hash(), invoice.expires_at()); // it is there, whatever it says
        invoice.answers(&request, self.0.network, None, before).map_err(InvoiceSourceError::Mismatch)?;
        let is_other = |said: &String| !said.eq_ignore_ascii_case(&invoice.payment_hash().to_string());
        if made.payment_hash.as_ref().is_some_and(is_other) {
            return Err(InvoiceSourceError::Mismatch(Mismatch::Hash));
        }
        Ok(invoice)
    }

    /// The wallet does: a row for each.
    fn stores_invoices(&self) -> bool {
        true
    }

    /// Those of this connection, where it allows `list_transactions`; none otherwise, and of many only the latest.
    async fn open_invoices(&self, since: UnixSeconds, most: usize) -> Result<Vec<OpenInvoice>, LookupError> {
        self.0.watch.open(since, most).await.map_err(LookupError::new)
    }
}

impl SettlementSource for NwcPayee {
    /// Never waits for more than the wallet's answer. What is known to be settled is known while the wallet is away, too.
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        if let Some(msat) = self.0.watch.received_msat(hash) {
            return Ok(Some(msat));
        }
        self.0.watch.look(hash).await.map_err(LookupError::new)
    }

    /// Knows the last 131,072 settlements that were looked up.
    fn settled_in_memory(&self, hash: &PaymentHash) -> Option<Msat> {
        self.0.watch.received_msat(hash)
    }

    /// Counts those that were looked up since the start.
    fn settlements_recorded(&self) -> u64 {
        self.0.watch.recorded()
    }

    async fn settlements_from(&self, position: u64) -> Result<SettlementPage, LookupError> {
        Ok(self.0.watch.page(position).await)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// All bitcoin.
const MAX_MSAT: Msat = Msat::from_sat(21_000_000 * 100_000_000);
/// A year.
const MAX_EXPIRY_S: u64 = 365 * 24 * 3600;
/// How many notices may wait to be looked at; what comes beyond is looked up when it is presented.
const NOTICES: usize = 64;
