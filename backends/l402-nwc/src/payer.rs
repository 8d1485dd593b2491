//! Paying. The wallet sends nothing twice for one payment hash; all that can get lost is a request or an answer.
//!
//! 1. A payment is on disk before its request is sent. A repeat, after a crash too, sends the same signed request, until the wallet ignores
//!    it by its `expiration`; afterwards the payment is only looked up.
//! 2. A request is put on one relay first. Where the answer does not come, it is put on all, and the payment is looked up meanwhile.
//! 3. That the wallet does not know the payment, may not tell, has no such method, or is silent, is no failure: the payment stays unknown.
//! 4. A refusal that says that nothing was sent is believed only of the first request in its only copy: of two copies of which one has paid,
//!    the other may be refused.
//! 5. A success without a preimage stops the wallet: it has taken money, and nothing opens.

// Threats A3, A4, A8.

use crate::client::{Client, Signed};
use crate::config::NwcConfig;
use crate::error::{NwcError, RefusalCode};
use crate::identity::Identity;
use crate::outcome::{self, Look};
use crate::relay::{Reach, RelayState, RelayUrl};
use crate::sent::{Asked, Sent};
use crate::wire::{Call as _, ListSent, LookupSent, PayInvoice};
use core::fmt;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_lightning::{
    EnforcedLimits, Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus, TimedOut,
    unix_now,
};
use nostr::event::Event;
use std::path::Path;
use std::sync::Arc;
use tokio::time::{sleep, timeout};

/// A wallet that pays. Clones share its connections, which end with the last of them.
///
/// It lives on the tokio runtime that it was connected on, and can be called from any.
#[derive(Clone)]
pub struct NwcPayer(Arc<Inner>);

struct Inner {
    client: Client,
    identity: Identity,
    sent: Sent,
}

impl NwcPayer {
    /// Connects to the wallet. What is asked for is recorded in a directory of this connection's own.
    ///
    /// # Errors
    /// [`NwcError`] where the wallet is not there, or the connection does not allow to pay.
    pub async fn connect(config: &NwcConfig, folder: &Path) -> Result<Self, NwcError> {
        let sent = Sent::open(folder).map_err(record)?;
        let client = Client::start(config, None);
        let identity = Identity::ask(&client, config.network).await?;
        identity.needs(PayInvoice::METHOD)?;
        Ok(Self(Arc::new(Inner { client, identity, sent })))
    }

    /// Returns what the wallet was when it was connected to.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Returns the relays, and what keeps each of them away.
    pub fn relays(&self) -> Vec<(RelayUrl, RelayState)> {
        self.0.client.relays()
    }

    /// Tells whether the wallet was stopped because it paid and returned no preimage.
    pub fn is_stopped(&self) -> bool {
        self.0.sent.is_stopped()
    }

    /// Pays an invoice although the wallet is stopped, and lets it pay again if it returns the preimage.
    ///
    /// # Errors
    /// As [`PaymentSource::pay`].
    pub async fn prove(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        let paid = self.pay_in_time(invoice, limit, true).await?;
        self.0.sent.resume().map_err(|cause| PayError::Unavailable(record(cause).into()))?;
        Ok(paid)
    }
}

impl fmt::Debug for NwcPayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NwcPayer({:?})", self.0.client)
    }
}

impl PaymentSource for NwcPayer {
    fn network(&self) -> Network {
        self.0.identity.network
    }

    /// Neither: a request to pay has no room for a limit.
    fn enforces(&self) -> EnforcedLimits {
        EnforcedLimits::NONE
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        self.pay_in_time(invoice, limit, false).await
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        let asked = self.0.sent.find(hash).map_err(LookupError::new)?;
        match self.look(hash, asked.as_ref()).await.map_err(LookupError::new)? {
            Look::Paid(paid) => {
                self.0.sent.paid(hash);
                Ok(PaymentStatus::Succeeded(paid))
            }
            Look::Unproven => Err(LookupError::new(self.unproven())),
            Look::Failed => {
                self.0.sent.failed(hash);
                Ok(PaymentStatus::Failed)
            }
            Look::Pending => Ok(PaymentStatus::Pending),
            Look::NotFound | Look::Untold if asked.is_some() => Ok(PaymentStatus::Pending),
            Look::NotFound => Ok(PaymentStatus::NotFound),
            Look::Untold => Err(LookupError::new(NwcError::Lacks(LookupSent::METHOD))),
        }
    }
}

impl NwcPayer {
    async fn pay_in_time(&self, invoice: &Invoice, limit: PayLimit, is_trial: bool) -> Result<Paid, PayError> {
        // What is on its way when the time is over goes on.
        match timeout(limit.timeout, self.pay_at_leisure(invoice, &limit, is_trial)).await {
            Ok(result) => result,
            Err(_) if self.0.sent.find(&invoice.payment_hash()).is_ok_and(|asked| asked.is_none()) => {
                Err(PayError::Unavailable(TimedOut { after: limit.timeout }.into()))
            }
            Err(_) => Err(PayError::Unknown(TimedOut { after: limit.timeout }.into())),
        }
    }

    async fn pay_at_leisure(&self, invoice: &Invoice, limit: &PayLimit, is_trial: bool) -> Result<Paid, PayError> {
        let hash = invoice.payment_hash();
        let unavailable = |fault: NwcError| PayError::Unavailable(fault.into());
        if let Some(asked) = self.0.sent.find(&hash).map_err(|cause| unavailable(record(cause)))? {
            return self.follow(&hash, &asked, false).await;
        }
        let amount_msat = invoice.payable(self.network(), unix_now())?;
        if !is_trial && self.0.sent.is_stopped() {
            return Err(unavailable(NwcError::NoPreimage));
        }
        self.0.client.ready().await.map_err(unavailable)?;
        let request = self.0.client.sign(&PayInvoice { invoice: invoice.bolt11() }, limit.timeout.max(LIVES)).await;
        let (request, now) = (request.map_err(unavailable)?, unix_now().get());
        let asked = Asked::new(&request, now, invoice.expires_at().get(), amount_msat, limit.max_fee_msat);
        let (asked, is_first) = self.0.sent.begin(&hash, asked, now).map_err(|cause| unavailable(record(cause)))?;
        self.follow(&hash, &asked, is_first).await
    }

    /// Sends the request of a payment, unless it is over, and waits for what becomes of it.
    async fn follow(&self, hash: &PaymentHash, asked: &Asked, is_first: bool) -> Result<Paid, PayError> {
        if !is_first
            && let Ok(look) = self.look(hash, Some(asked)).await
            && let Some(end) = self.end(hash, asked, look)
        {
            return end;
        }
        match asked.request(unix_now().get()) {
            Some(request) => self.send(hash, asked, &request, is_first).await,
            None => self.wait(hash, asked).await,
        }
    }

    async fn send(
        &self,
        hash: &PaymentHash,
        asked: &Asked,
        request: &Signed,
        is_first: bool,
    ) -> Result<Paid, PayError> {
        let mut pending = self.0.client.send(request, Reach::One);
        let mut pause = FIRST_LOOK;
        loop {
            tokio::select! {
                Some(event) = pending.answer() => {
                    return self.answered(hash, asked, &event, is_first && pending.copies() == 1).await;
                }
                () = sleep(pause) => {
                    let look = self.look(hash, Some(asked)).await;
                    // What the look-up lacks may be in the answer, which is on its way.
                    if matches!(look, Ok(Look::Unproven)) && let Ok(Some(event)) = timeout(LATE, pending.answer()).await {
                        return self.answered(hash, asked, &event, false).await;
                    }
                    if let Some(end) = look.ok().and_then(|look| self.end(hash, asked, look)) {
                        return end;
                    }
                    drop(self.0.client.send(request, Reach::All));
                    pause = pause.saturating_mul(2).min(LAST_LOOK);
                }
            }
        }
    }

    /// Reads the answer of the wallet; it may be to the only copy of the first request.
    async fn answered(
        &self,
        hash: &PaymentHash,
        asked: &Asked,
        event: &Event,
        is_only: bool,
    ) -> Result<Paid, PayError> {
        match self.0.client.read::<PayInvoice<'_>>(event) {
            Ok(answer) => match outcome::paid(&answer, hash, asked) {
                Some(paid) => Ok(self.paid(hash, paid)),
                None => self.explain(hash, asked, NwcError::NoPreimage).await,
            },
            Err(fault) => match fault.refusal().filter(|code| is_only && outcome::sent_nothing(*code)) {
                Some(code) => Err(self.failed(hash, code, asked, fault)),
                None => self.refused(hash, asked, fault).await,
            },
        }
    }

    /// Finds out what became of a payment that was refused, or whose answer means nothing. Its code alone proves nothing: a payment
    /// that "failed" by a time-out may arrive yet.
    async fn refused(&self, hash: &PaymentHash, asked: &Asked, fault: NwcError) -> Result<Paid, PayError> {
        let code = fault.refusal();
        match self.look(hash, Some(asked)).await {
            Ok(Look::Failed) => Err(self.failed(hash, code.unwrap_or(RefusalCode::PaymentFailed), asked, fault)),
            Ok(Look::Pending) => self.wait(hash, asked).await,
            Ok(Look::Paid(paid)) => Ok(self.paid(hash, paid)),
            Ok(Look::Unproven) => Err(PayError::Unknown(self.unproven().into())),
            Ok(Look::NotFound | Look::Untold) | Err(_) => Err(PayError::Unknown(fault.into())),
        }
    }

    /// A success without a proof: the wallet may have it all the same.
    async fn explain(&self, hash: &PaymentHash, asked: &Asked, fault: NwcError) -> Result<Paid, PayError> {
        if let Ok(Look::Paid(paid)) = self.look(hash, Some(asked)).await {
            return Ok(self.paid(hash, paid));
        }
        let _ = self.unproven();
        Err(PayError::Unknown(fault.into()))
    }

    /// Looks a payment up, again and again until it has an end.
    async fn wait(&self, hash: &PaymentHash, asked: &Asked) -> Result<Paid, PayError> {
        let mut pause = FIRST_LOOK;
        loop {
            sleep(pause).await;
            let look = self.look(hash, Some(asked)).await;
            if let Some(end) = look.ok().and_then(|look| self.end(hash, asked, look)) {
                return end;
            }
            pause = pause.saturating_mul(2).min(LAST_LOOK);
        }
    }

    /// Returns how a payment has ended, if it has and the wallet says so.
    fn end(&self, hash: &PaymentHash, asked: &Asked, look: Look) -> Option<Result<Paid, PayError>> {
        match look {
            Look::Paid(paid) => Some(Ok(self.paid(hash, paid))),
            Look::Failed => {
                let fault = NwcError::Lacks(PayInvoice::METHOD);
                Some(Err(self.failed(hash, RefusalCode::PaymentFailed, asked, fault)))
            }
            Look::Unproven => Some(Err(PayError::Unknown(self.unproven().into()))),
            Look::Pending | Look::NotFound | Look::Untold => None,
        }
    }

    /// Returns what the wallet knows of a payment now.
    async fn look(&self, hash: &PaymentHash, asked: Option<&Asked>) -> Result<Look, NwcError> {
        let digits = hash.to_string();
        match self.0.client.ask(&LookupSent { payment_hash: &digits }).await {
            Ok(found) => match outcome::look(&found, hash, asked) {
                Some(Look::NotFound) => Ok(self.listed(hash, asked).await.unwrap_or(Look::NotFound)),
                Some(look) => Ok(look),
                None => Err(NwcError::Malformed),
            },
            Err(fault) => match fault.refusal() {
                Some(RefusalCode::NotFound) => Ok(self.listed(hash, asked).await.unwrap_or(Look::NotFound)),
                Some(RefusalCode::NotImplemented | RefusalCode::Restricted) => {
                    Ok(self.listed(hash, asked).await.unwrap_or(Look::Untold))
                }
                _ => Err(fault),
            },
        }
    }

    /// Looks for a payment in the wallet's list. That it is not there says nothing.
    async fn listed(&self, hash: &PaymentHash, asked: Option<&Asked>) -> Option<Look> {
        let asked = asked.filter(|_| self.0.identity.allows(ListSent::METHOD))?;
        let from = asked.at.saturating_sub(A_WHILE);
        for page in 0..PAGES {
            let until = unix_now().get().saturating_add(A_WHILE);
            let (limit, offset) = (PAGE, page * PAGE);
            let call = ListSent { from, until, limit, offset, unpaid: true, r#type: "outgoing" };
            let found = self.0.client.ask(&call).await.ok()?.transactions;
            // Without a hash, an entry could be about anything.
            let mut named = found.iter().filter(|entry| entry.payment_hash.is_some());
            if let Some(look) = named.find_map(|entry| outcome::look(entry, hash, Some(asked))) {
                return Some(look).filter(|look| !matches!(look, Look::NotFound));
            }
            if (found.len() as u64) < PAGE {
                return None;
            }
        }
        None
    }

    fn paid(&self, hash: &PaymentHash, paid: Paid) -> Paid {
        self.0.sent.paid(hash);
        paid
    }

    fn failed(&self, hash: &PaymentHash, code: RefusalCode, asked: &Asked, fault: NwcError) -> PayError {
        self.0.sent.failed(hash);
        outcome::failure(code, asked).unwrap_or_else(|| PayError::Unavailable(fault.into()))
    }

    /// Stops the wallet.
    fn unproven(&self) -> NwcError {
        self.0.sent.stop().map_or_else(record, |()| NwcError::NoPreimage)
    }
}

fn record(cause: std::io::Error) -> NwcError {
    NwcError::Record(Arc::new(cause))
}

/// How long the wallet takes a request at least. Until then it may be sent again, and afterwards a wallet that was away does not pay any more.
const LIVES: Duration = Duration::from_mins(1);
/// How long an answer is waited for before the payment is looked up, and the request is put on all relays.
const FIRST_LOOK: Duration = Duration::from_secs(3);
/// How long an answer is waited for after a look-up has said that the payment was made, and has not shown the preimage.
const LATE: Duration = Duration::from_secs(20);
/// The longest pause between two looks.
const LAST_LOOK: Duration = Duration::from_secs(20);
/// By how much the wallet's clock may differ from ours, in seconds.
const A_WHILE: u64 = 3_600;
/// How many payments are listed at once, since relays pass on no long messages, and how often at most.
const PAGE: u64 = 8;
const PAGES: u64 = 10;
