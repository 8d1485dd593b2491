//! The I/O that a decision asks for: an invoice, or whether one was settled.

use super::judge::Order;
use super::lane::Full;
use super::{Paywall, Undeliverable};
use crate::response::{ChallengeResponse, Problem, Reason};
use bytes::Bytes;
use core::error::Error;
use core::fmt;
use core::time::Duration;
use http::{Response, StatusCode};
use l402_core::{Charge, Grant, TokenText, TokenTooLong};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Mismatch, SettlementSource,
};
use tokio::time::timeout;

impl<N: InvoiceSource> Paywall<N> {
    /// Answers with a fresh challenge, or with 503 where there can be none.
    pub(super) async fn charge(&self, order: &Order, charge: Charge) -> Response<Bytes> {
        let status = StatusCode::from_u16(charge.status).unwrap_or(StatusCode::PAYMENT_REQUIRED);
        self.challenge(order, status, charge.reason.into(), &charge.reason).await
    }

    async fn challenge(
        &self,
        order: &Order,
        status: StatusCode,
        reason: Reason,
        message: &(dyn fmt::Display + Sync),
    ) -> Response<Bytes> {
        if let Err(outage) = (self.deliverable)(order.route) {
            return undeliverable(order, outage);
        }
        let sold = self.lane.take(async {
            let invoice = self.invoice(order).await?;
            self.quote(order, &invoice, status, reason, message)
        });
        match sold.await {
            Ok(Ok(challenge)) => challenge,
            Ok(Err(fault)) => {
                tracing::error!(error = &fault as &dyn Error, "no invoice to show");
                self.unavailable(order, Reason::NO_INVOICE, "no invoice can be made at the moment")
            }
            Err(Full) => self.unavailable(order, Reason::BUSY, "too many ask for an invoice at the moment"),
        }
    }

    /// Gets an invoice that says what was asked for (threat L3).
    async fn invoice(&self, order: &Order) -> Result<Invoice, Fault> {
        let request = InvoiceRequest {
            amount_msat: order.offer.price_msat,
            description: &order.description,
            expiry: self.expiry_of(order),
        };
        let made = timeout(self.node_deadline, self.node.create_invoice(request)).await;
        let invoice = made.map_err(|_| Fault::TooSlow)?.map_err(Fault::Node)?;
        invoice.answers(&request, self.network, self.payee.as_ref(), (self.clock)()).map_err(Fault::Lie)?;
        Ok(invoice)
    }

    /// Mints a token for an invoice and writes the answer.
    fn quote(
        &self,
        order: &Order,
        invoice: &Invoice,
        status: StatusCode,
        reason: Reason,
        message: &(dyn fmt::Display + Sync),
    ) -> Result<Response<Bytes>, Fault> {
        let mut random = [0; 28];
        (self.random)(&mut random).map_err(Fault::Random)?;
        let mut text = TokenText::new();
        let keys = self.gate.keys();
        // The token's time begins when the invoice can be paid no more: whoever pays in time gets all of it.
        let begins = (self.clock)().saturating_add(self.expiry_of(order).as_secs());
        let token = keys.mint(&order.offer, &invoice.payment_hash(), random, begins, &mut text);
        let quote = ChallengeResponse {
            status,
            reason,
            message: &message.to_string(),
            description: &order.description,
            price_msat: order.offer.price_msat,
            valid_for: order.offer.valid_for,
            valid_until: begins.saturating_add(order.offer.valid_for),
            token: token.map_err(Fault::Mint)?,
            invoice,
            lsat_line: self.lsat_line,
        };
        Ok(quote.response(order.form))
    }
}

impl<N: InvoiceSource + SettlementSource> Paywall<N> {
    /// Returns once the payment behind a grant is known to be settled for at least the price, else with the answer.
    pub(super) async fn settled(&self, order: &Order, grant: &Grant) -> Result<(), Response<Bytes>> {
        let remembered = self.node.settled_in_memory(&grant.payment_hash());
        if remembered.is_some_and(|received| received >= order.offer.price_msat) {
            return Ok(());
        }
        let asked = timeout(self.node_deadline, async { self.node.settled_msat(&grant.payment_hash()).await }).await;
        let fault = match asked {
            Ok(Ok(Some(received))) if received >= order.offer.price_msat => return Ok(()),
            Ok(Ok(Some(_))) => {
                return Err(self.challenge(order, StatusCode::PAYMENT_REQUIRED, Reason::UNDERPAID, &LESS).await);
            }
            Ok(Ok(None)) => {
                return Err(self.unavailable(order, Reason::NOT_SETTLED, "the payment is not settled yet"));
            }
            Ok(Err(fault)) => Fault::Lookup(fault),
            Err(_) => Fault::TooSlow,
        };
        tracing::error!(error = &fault as &dyn Error, "no answer whether a payment was settled");
        Err(self.unavailable(
            order,
            Reason::SETTLEMENT_UNKNOWN,
            "whether the payment was settled cannot be told at the moment",
        ))
    }
}

impl<N> Paywall<N> {
    /// How long an invoice can be paid: as the route says, else as the paywall does.
    fn expiry_of(&self, order: &Order) -> Duration {
        order.invoice_expiry.unwrap_or(self.invoice_expiry)
    }

    fn unavailable(&self, order: &Order, reason: Reason, message: &'static str) -> Response<Bytes> {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason, &message);
        problem.retry_after(self.retry_after).response(order.form)
    }
}

/// Nothing is charged for what cannot be delivered.
fn undeliverable(order: &Order, outage: Undeliverable) -> Response<Bytes> {
    tracing::debug!(service = order.offer.service.as_str(), "not sold: what is sold cannot be delivered");
    let message = "what is sold here cannot be delivered at the moment; nothing was charged";
    let seconds = outage.retry_after.as_millis().div_ceil(1_000).max(1);
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, Reason::UNDELIVERABLE, &message)
        .retry_after(seconds.try_into().unwrap_or(u64::MAX))
        .response(order.form)
}

const LESS: &str = "the token was paid with less than the price of this route";

/// Why there is no invoice or no answer; for the log.
#[derive(Debug)]
enum Fault {
    TooSlow,
    Node(InvoiceSourceError),
    Lie(Mismatch),
    Random(getrandom::Error),
    Mint(TokenTooLong),
    Lookup(LookupError),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSlow => "the node did not answer in time",
            Self::Node(_) => "the node made no invoice",
            Self::Lie(_) => "the node's invoice is not what was asked for",
            Self::Random(_) => "the system has no random bytes",
            Self::Mint(_) => "the token cannot be minted",
            Self::Lookup(_) => "the node cannot be asked",
        })
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TooSlow => None,
            Self::Node(cause) => Some(cause),
            Self::Lie(cause) => Some(cause),
            Self::Random(cause) => Some(cause),
            Self::Mint(cause) => Some(cause),
            Self::Lookup(cause) => Some(cause),
        }
    }
}
