//! Keeps an eye on a wallet: whether it can be asked, what it allows, and what it tells of.
//!
//! 1. Whenever a relay comes back, the wallet is asked what it is and what the connection allows. A connection that allows to spend is
//!    not used, unless the operator says so (threat O2).
//! 2. What the wallet tells by itself is only a reason to look a payment up. It counts if the wallet's key has signed it.
//! 3. A question that failed makes the wallet suspect: it is asked at once, and counts as away unless it answers.

use crate::client::Client;
use crate::config::NwcConfig;
use crate::error::NwcError;
use crate::identity::Identity;
use crate::incoming::{ListReceived, LookupReceived, MakeInvoice, Notice, ReceivedTransaction, ReceivedTransactions};
use crate::pace::Pace;
use crate::unpaid::Unpaid;
use crate::wire::{Call, PayInvoice};
use core::convert::Infallible;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_lightning::{Network, OpenInvoice, SettledMemory, Settlement, SettlementPage, unix_now};
use nostr::event::Event;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep;

/// Whether a wallet can be asked.
#[derive(Debug, Clone)]
pub enum Readiness {
    /// It can, and this is what it is.
    Ready(Identity),
    /// It cannot, and this is why.
    Away(NwcError),
}

impl Readiness {
    /// Tells whether it can.
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }
}

/// What is known of a wallet, and the task that finds it out.
pub(crate) struct Watch {
    pub(crate) unpaid: Unpaid,
    pub(crate) pace: Pace,
    client: Client,
    network: Network,
    allow_spending: bool,
    settled: SettledMemory,
    count: watch::Sender<u64>,
    state: watch::Sender<Readiness>,
    suspicion: Notify,
}

impl Watch {
    /// Begins with what the wallet has answered first.
    pub(crate) fn new(config: &NwcConfig, client: Client, network: Network, first: Result<Identity, NwcError>) -> Self {
        Self {
            unpaid: Unpaid::new(config.max_unpaid),
            pace: Pace::new(config.invoices_per_second),
            client,
            network,
            allow_spending: config.allow_spending,
            settled: SettledMemory::new(MOST),
            count: watch::Sender::new(0),
            state: watch::Sender::new(first.map_or_else(Readiness::Away, Readiness::Ready)),
            suspicion: Notify::new(),
        }
    }

    /// Asks a wallet what it is, and refuses a connection that allows too little or too much.
    pub(crate) async fn identify(
        client: &Client,
        network: Option<Network>,
        allow_spending: bool,
    ) -> Result<Identity, NwcError> {
        usable(Identity::ask(client, network).await?, allow_spending)
    }

    /// Returns the state and news about it.
    pub(crate) fn readiness(&self) -> watch::Receiver<Readiness> {
        self.state.subscribe()
    }

    /// Fails while the wallet cannot be asked, or is to be left alone.
    pub(crate) fn is_open(&self) -> Result<(), NwcError> {
        match &*self.state.borrow() {
            Readiness::Away(fault) => Err(fault.clone()),
            Readiness::Ready(_) if self.pace.is_paused(Instant::now()) => Err(NwcError::TooFast),
            Readiness::Ready(_) => Ok(()),
        }
    }

    /// Asks the wallet, and notes what its answer says of the wallet itself.
    pub(crate) async fn ask<C: Call>(&self, call: &C) -> Result<C::Answer, NwcError> {
        self.is_open()?;
        let answer = self.client.ask(call).await;
        match &answer {
            Ok(_) => self.pace.answered(),
            Err(NwcError::TimedOut { .. } | NwcError::NoRelay(..) | NwcError::Rejected(_)) => {
                self.suspicion.notify_one();
            }
            Err(fault) if fault.is_rate_limit() => self.pace.too_fast(Instant::now()),
            Err(_) => {}
        }
        answer
    }

    /// Returns what the wallet has received for an invoice, by its own record.
    pub(crate) async fn look(&self, hash: &PaymentHash) -> Result<Option<Msat>, NwcError> {
        let digits = hash.to_string();
        let found = match self.ask(&LookupReceived { payment_hash: &digits }).await {
            Err(fault) if fault.is_not_found() => return Ok(None),
            found => found?,
        };
        let received = received(&found, hash)?;
        if let Some(msat) = received {
            self.received(*hash, msat);
        }
        Ok(received)
    }

    /// Returns invoices that can still be paid, where the connection allows to list them.
    pub(crate) async fn open(&self, since: UnixSeconds, most: usize) -> Result<Vec<OpenInvoice>, NwcError> {
        self.is_open()?;
        let lists =
            matches!(&*self.state.borrow(), Readiness::Ready(identity) if identity.allows(ListReceived::METHOD));
        let (mut open, mut offset) = (Vec::new(), 0);
        while lists && open.len() < most && offset < MOST_LISTED {
            let call = ListReceived { from: since.get(), limit: LISTED, offset, unpaid: true, r#type: "incoming" };
            // A page that does not come, such as one that is too long for the relay, is no reason to sell nothing: see `Unpaid`.
            let Ok(ReceivedTransactions { transactions: found }) = self.client.ask(&call).await else { break };
            let now = unix_now();
            open.extend(found.iter().filter_map(|invoice| payable(invoice, now)));
            if (found.len() as u64) < LISTED {
                break;
            }
            offset += LISTED;
        }
        open.truncate(most);
        Ok(open)
    }

    /// Returns what is known to have been received.
    pub(crate) fn received_msat(&self, hash: &PaymentHash) -> Option<Msat> {
        self.settled.received_msat(hash)
    }

    fn received(&self, payment_hash: PaymentHash, received_msat: Msat) {
        self.unpaid.paid(&payment_hash);
        self.settled.note(Settlement { payment_hash, received_msat, settled_at: unix_now() });
        self.count.send_replace(self.settled.recorded());
    }

    /// Returns how many payments are known.
    pub(crate) fn recorded(&self) -> u64 {
        *self.count.borrow()
    }

    /// Returns some payments that are known, and waits while there are none.
    pub(crate) async fn page(&self, from: u64) -> SettlementPage {
        let mut count = self.count.subscribe();
        let _ = count.wait_for(|count| *count > from).await; // it does not end before this watch
        self.settled.page(from, PAGE)
    }

    /// Watches without an end.
    pub(crate) async fn run(self: Arc<Self>, mut notices: mpsc::Receiver<Event>) {
        let mut pause = SHORTEST;
        loop {
            if self.client.ready().await.is_ok() {
                let Err(fault) = self.attend(&mut notices, &mut pause).await;
                self.state.send_replace(Readiness::Away(fault));
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST);
        }
    }

    /// Asks the wallet what it is, and hears what it tells, until it is away.
    async fn attend(&self, notices: &mut mpsc::Receiver<Event>, pause: &mut Duration) -> Result<Infallible, NwcError> {
        let identity = self.ask_again().await?;
        *pause = SHORTEST;
        self.state.send_replace(Readiness::Ready(identity));
        loop {
            tokio::select! {
                Some(event) = notices.recv() => self.hear(&event).await,
                () = self.client.lost() => return Err(self.client.ready().await.err().unwrap_or(NwcError::NoInfo)),
                () = self.suspicion.notified() => drop(self.ask_again().await?),
            }
        }
    }

    async fn ask_again(&self) -> Result<Identity, NwcError> {
        Self::identify(&self.client, Some(self.network), self.allow_spending).await
    }

    /// A notice is a reason to look a payment up, and nothing else. It was verified that the wallet has signed it.
    async fn hear(&self, event: &Event) {
        let Ok(notice) = self.client.notice::<Notice>(event) else { return };
        let hash = notice.notification.payment_hash.and_then(|digits| digits.parse().ok());
        if let Some(hash) =
            hash.filter(|hash| notice.notification_type == RECEIVED && self.received_msat(hash).is_none())
        {
            let _ = self.look(&hash).await; // else it is looked up when somebody presents it
        }
    }
}

/// Refuses a connection that allows too little to be paid by, or too much.
pub(crate) fn usable(wallet: Identity, allow_spending: bool) -> Result<Identity, NwcError> {
    wallet.needs(MakeInvoice::METHOD)?;
    wallet.needs(LookupReceived::METHOD)?;
    let spends = SPENDS.iter().any(|method| wallet.allows(method));
    if spends && !allow_spending { Err(NwcError::MaySpend) } else { Ok(wallet) }
}

/// Reads what was received; money that is held has not been.
fn received(found: &ReceivedTransaction, hash: &PaymentHash) -> Result<Option<Msat>, NwcError> {
    let is_other = |said: &String| !said.eq_ignore_ascii_case(&hash.to_string());
    if found.payment_hash.as_ref().is_some_and(is_other) {
        return Err(NwcError::Malformed);
    }
    if found.r#type.as_deref() == Some("outgoing") {
        return Ok(None); // the wallet's own payment
    }
    let is_settled = match found.state.as_deref() {
        Some(state) => state.eq_ignore_ascii_case("settled"),
        None => found.settled_at.is_some_and(|at| at > 0), // older wallets have no states
    };
    match (is_settled, found.amount) {
        (false, _) => Ok(None),
        (true, Some(msat)) => Ok(Some(Msat::new(msat))),
        (true, None) => Err(NwcError::Malformed),
    }
}

/// An entry of a list, if it can still be paid.
fn payable(found: &ReceivedTransaction, now: UnixSeconds) -> Option<OpenInvoice> {
    let is_over =
        found.settled_at.is_some_and(|at| at > 0) || found.state.as_deref().is_some_and(|state| state != "pending");
    let expires_at = UnixSeconds::new(found.expires_at?);
    let payment_hash = found.payment_hash.as_deref()?.parse().ok()?;
    (!is_over && expires_at > now).then_some(OpenInvoice { payment_hash, expires_at })
}

/// What moves money.
pub(crate) const SPENDS: [&str; 4] = [PayInvoice::METHOD, "multi_pay_invoice", "pay_keysend", "multi_pay_keysend"];
/// Some 25 MB.
const MOST: usize = 1 << 17;
/// How many settlements are told at once.
const PAGE: usize = 64;
/// How many invoices are listed at once, since relays pass on no long messages, and how many are looked at.
const LISTED: u64 = 8;
const MOST_LISTED: u64 = 160;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
const RECEIVED: &str = "payment_received";

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);

    fn of(text: &str) -> Result<Option<Msat>, NwcError> {
        let text = text.replace("HASH", &HASH.to_string());
        received(&serde_json::from_str(&text).unwrap(), &HASH)
    }

    #[test]
    fn l5_only_what_is_settled_was_received() {
        let settled = Some(Msat::new(21_000));
        assert_eq!(
            of(r#"{"type":"incoming","state":"settled","payment_hash":"HASH","amount":21000}"#).unwrap(),
            settled
        );
        assert_eq!(of(r#"{"type":"incoming","settled_at":5,"amount":21000}"#).unwrap(), settled);
        for other in [
            r#"{"type":"incoming","state":"pending","amount":21000,"settled_at":5}"#,
            r#"{"type":"incoming","state":"accepted","amount":21000}"#,
            r#"{"type":"incoming","state":"expired","amount":21000}"#,
            r#"{"type":"outgoing","state":"settled","amount":21000}"#,
            r#"{"type":"incoming","settled_at":0,"amount":21000}"#,
            r#"{"type":"incoming","preimage":"0707","amount":21000}"#,
            "{}",
        ] {
            assert_eq!(of(other).unwrap(), None, "{other}");
        }
        assert!(of(r#"{"state":"settled"}"#).is_err(), "how much?");
        assert!(of(r#"{"state":"settled","payment_hash":"00","amount":21000}"#).is_err(), "another payment");
    }
}
