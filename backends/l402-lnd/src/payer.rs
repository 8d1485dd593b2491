//! Paying. LND itself sends nothing twice for one payment hash, and keeps what it sent; all that can get lost is its answer.
//!
//! 1. LND is asked what it knows of a payment before anything is sent: what is under way is waited for, what succeeded is
//!    reported again.
//! 2. An answer that got lost is asked for again, until the time is over.
//! 3. A request that got lost may still arrive, at an LND that hangs, until its invoice has expired. Until then a payment that
//!    LND knows nothing of is [pending](super::sent), not absent.

use super::backoff::backoff;
use super::config::LndConfig;
use super::connect::{Answers, Client};
use super::error::LndError;
use super::identity::{Identity, permitted};
use super::outcome;
use super::permission::Role;
use super::rpc::{Payment, PaymentState, SendPaymentRequest, TrackPaymentRequest};
use super::sent::{Earlier, Sent};
use backon::Retryable as _;
use core::fmt;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_lightning::unix_now;
use l402_lightning::{
    Invoice, LookupError, Network, NodeId, Paid, PayError, PayLimit, PaymentSource, PaymentStatus, TimedOut,
};
use std::sync::Arc;
use tokio::time::{sleep, timeout};

/// An LND that pays. Clones share one connection, which ends with the last of them.
///
/// It lives on the tokio runtime that it was connected on, and can be called from any.
#[derive(Clone)]
pub struct LndPayer(Arc<Inner>);

impl LndPayer {
    /// Connects to LND.
    ///
    /// # Errors
    /// [`LndError`] where LND is not there, or cannot work in this role.
    pub async fn connect(config: &LndConfig) -> Result<Self, LndError> {
        permitted(config, Role::Payer)?;
        let client = Client::new(config)?;
        let identity = Identity::ask(&client, config.network).await?;
        Ok(Self(Arc::new(Inner { client, identity, max_parts: config.max_parts, sent: Sent::default() })))
    }

    /// Returns the public key of the node.
    pub fn node_id(&self) -> NodeId {
        self.0.identity.node_id
    }

    /// Returns who LND was when it was connected to.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }
}

impl fmt::Debug for LndPayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LndPayer({:?})", self.0.client)
    }
}

impl PaymentSource for LndPayer {
    fn network(&self) -> Network {
        self.0.identity.network
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        // What is on its way when the time is over goes on.
        match timeout(limit.timeout, self.pay_at_leisure(invoice, &limit)).await {
            Ok(result) => result,
            Err(_) => Err(PayError::Unknown(TimedOut { after: limit.timeout }.into())),
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        let found = self.look(hash).await.map_err(LookupError::new)?;
        if self.0.sent.may_arrive(hash, index(found.as_ref()), unix_now().get()) {
            return Ok(PaymentStatus::Pending);
        }
        found.map_or(Ok(PaymentStatus::NotFound), outcome::status).map_err(LookupError::new)
    }
}

impl LndPayer {
    async fn pay_at_leisure(&self, invoice: &Invoice, limit: &PayLimit) -> Result<Paid, PayError> {
        let hash = invoice.payment_hash();
        let earlier = match self.look(&hash).await {
            Ok(Some(payment)) if payment.status() != PaymentState::Failed => return self.conclude(&hash).await,
            Ok(earlier) => index(earlier.as_ref()),
            Err(fault) => return Err(self.not_sent(&hash, PayError::Unavailable(fault.into()))),
        };
        let request = self.request(invoice, limit).map_err(|fault| self.not_sent(&hash, fault))?;
        self.0.sent.begin(hash, Earlier { index: earlier, expires_at: invoice.expires_at().get() }, unix_now().get());
        let mut updates = self.0.client.follow(request);
        match updates.next().await {
            Ok(first) => {
                self.0.sent.arrived(&hash);
                self.attend(&hash, first, updates).await
            }
            Err(fault) => self.explain(&hash, earlier, fault).await,
        }
    }

    /// That nothing is sent tells nothing of what was sent before.
    fn not_sent(&self, hash: &PaymentHash, fault: PayError) -> PayError {
        if self.0.sent.is_open(hash, unix_now().get()) { PayError::Unknown(fault.into()) } else { fault }
    }

    fn request(&self, invoice: &Invoice, limit: &PayLimit) -> Result<SendPaymentRequest, PayError> {
        invoice.payable(self.network(), unix_now())?;
        let last_hop = invoice.decoded().min_final_cltv_expiry_delta().saturating_add(BLOCK_PADDING);
        if last_hop > u64::from(limit.max_cltv_expiry_delta) {
            return Err(PayError::NoRoute);
        }
        Ok(SendPaymentRequest {
            payment_request: invoice.bolt11().to_owned(),
            timeout_seconds: attempts_for(limit.timeout),
            cltv_limit: i32::try_from(limit.max_cltv_expiry_delta).unwrap_or(i32::MAX),
            fee_limit_msat: i64::try_from(limit.max_fee_msat.get()).unwrap_or(i64::MAX),
            max_parts: self.0.max_parts,
        })
    }

    /// Waits for the end of a payment that LND has begun.
    async fn attend(
        &self,
        hash: &PaymentHash,
        first: Payment,
        mut updates: Answers<SendPaymentRequest>,
    ) -> Result<Paid, PayError> {
        let mut payment = first;
        while !outcome::is_final(&payment) {
            payment = match updates.next().await {
                Ok(update) => update,
                Err(_) => return self.conclude(hash).await, // the answer is lost, not the payment
            };
        }
        self.end(hash, payment)
    }

    /// Asks for the outcome of a payment that LND knows of, again and again until it is there.
    async fn conclude(&self, hash: &PaymentHash) -> Result<Paid, PayError> {
        let tracked = (|| self.track(hash)).retry(backoff()).sleep(sleep).when(LndError::is_temporary).await;
        match tracked {
            Ok(payment) => self.end(hash, payment),
            Err(fault) => Err(PayError::Unknown(fault.into())),
        }
    }

    fn end(&self, hash: &PaymentHash, payment: Payment) -> Result<Paid, PayError> {
        self.0.sent.ended(hash);
        outcome::result(payment)
    }

    /// Finds out what became of a request that was answered with a failure.
    async fn explain(&self, hash: &PaymentHash, earlier: Option<u64>, fault: LndError) -> Result<Paid, PayError> {
        if fault.is_repeated() {
            self.0.sent.arrived(hash);
            return self.conclude(hash).await;
        }
        if fault.is_lost() || fault.is_refusal() {
            let look = (|| self.look(hash)).retry(backoff()).sleep(sleep).when(LndError::is_temporary).await;
            match look {
                Ok(found) if index(found.as_ref()) != earlier => {
                    self.0.sent.arrived(hash);
                    return self.conclude(hash).await;
                }
                Ok(_) if !fault.is_lost() => {}
                Ok(_) | Err(_) => return Err(PayError::Unknown(fault.into())),
            }
        }
        self.0.sent.refused(hash);
        Err(self.not_sent(hash, PayError::Unavailable(fault.into())))
    }

    /// Returns what LND knows of a payment now.
    async fn look(&self, hash: &PaymentHash) -> Result<Option<Payment>, LndError> {
        let mut updates = self.0.client.follow(TrackPaymentRequest { payment_hash: hash.as_bytes().to_vec() });
        let after = self.0.client.deadline();
        match timeout(after, updates.next()).await.map_err(|_| LndError::TimedOut { after })? {
            Ok(payment) => Ok(Some(payment)),
            Err(fault) if fault.is_not_found() => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn track(&self, hash: &PaymentHash) -> Result<Payment, LndError> {
        let mut updates = self.0.client.follow(TrackPaymentRequest { payment_hash: hash.as_bytes().to_vec() });
        loop {
            let payment = updates.next().await?;
            if outcome::is_final(&payment) {
                return Ok(payment);
            }
        }
    }
}

struct Inner {
    client: Client,
    identity: Identity,
    max_parts: u32,
    sent: Sent,
}

/// LND numbers the attempts at one payment hash.
fn index(payment: Option<&Payment>) -> Option<u64> {
    payment.map(|payment| payment.index)
}

/// For how many seconds LND makes attempts: it gives up before we do, so that we learn of it.
fn attempts_for(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_secs().saturating_sub(1).max(1)).unwrap_or(i32::MAX)
}

/// What LND adds to the delta that the invoice asks for, in blocks.
const BLOCK_PADDING: u64 = 3;
