//! `--dry-run`: what a call would cost, without paying.

use crate::exit::{Exit, Failure, OrExit};
use crate::get::report::{InvoiceReport, Price};
use crate::get::unpaid::Answer;
use http::header::HeaderMap;
use http::{StatusCode, Uri};
use l402_core::{Exchange, SpendLimits};
use l402_http::pay::{BadChallenge, Quote, TokenField};
use l402_lightning::{Invoice, Network};
use std::time::SystemTime;

/// What decides whether an invoice would be paid.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// What may be paid.
    pub limits: SpendLimits,
    /// The wallet's network.
    pub network: Network,
    /// Where the token would be sent.
    pub field: TokenField,
}

/// Reads the price off the answer to a request without a token, and says whether it would be paid.
///
/// # Errors
/// [`Failure`] where there is a demand that cannot be understood.
pub fn read(uri: &Uri, answer: &Answer, terms: Terms) -> Result<Price, Failure> {
    let (status, headers) = (answer.response.status(), answer.response.headers());
    let quote = Quote::of(status, headers).or_exit(Exit::Challenge)?;
    let refusal = answer.unpaid.as_ref().map(ToString::to_string);
    Ok(Price {
        url: uri.to_string(),
        status: status.as_u16(),
        free: quote.is_none() && is_served(status, headers),
        invoice: quote.as_ref().map(|quote| InvoiceReport::from(quote.invoice())),
        refusal: refusal.or_else(|| quote.and_then(|quote| terms.refusal(&quote))),
        offers: answer.unpaid.as_ref().map(|unpaid| unpaid.offers.clone()).unwrap_or_default(),
    })
}

/// Whether an answer is what was asked for. A failure says nothing of the price, and neither does a redirect.
fn is_served(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_success() && headers.get("grpc-status").is_none_or(|grpc_status| grpc_status == "0")
}

impl Terms {
    fn refusal(&self, quote: &Quote) -> Option<String> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        if !self.field.carries(quote.token()) {
            return Some(BadChallenge::NoMacaroon.to_string());
        }
        let order = quote.authorize(&Exchange::new(self.limits), now);
        let payable = quote.invoice().payable(self.network, now);
        order.err().map(|why| why.to_string()).or(payable.err().map(|why| why.to_string()))
    }
}

impl From<&Invoice> for InvoiceReport {
    fn from(invoice: &Invoice) -> Self {
        Self {
            amount_msat: invoice.amount_msat(),
            payment_hash: invoice.payment_hash().to_string(),
            network: invoice.network().to_string(),
            payee: invoice.payee().to_string(),
            description: invoice.description().map(str::to_owned),
            expires_at: invoice.expires_at(),
            bolt11: invoice.bolt11().to_owned(),
        }
    }
}
