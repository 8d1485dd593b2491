//! `--dry-run`: what a call would cost, without paying.

use crate::exit::{Exit, Failure, OrExit};
use crate::get::report::{InvoiceReport, Price};
use http::{Response, Uri};
use hyper::body::Incoming;
use l402_core::{Exchange, Limits};
use l402_http::pay::Quote;
use l402_lightning::{Invoice, Network};
use std::time::SystemTime;

/// Reads the price off the answer to a request without a token, and says whether a wallet on `network` would pay it.
///
/// # Errors
/// [`Failure`] where there is a demand that cannot be understood.
pub fn read(uri: &Uri, response: &Response<Incoming>, limits: Limits, network: Network) -> Result<Price, Failure> {
    let quote = Quote::of(response.status(), response.headers()).or_exit(Exit::Challenge)?;
    Ok(Price {
        url: uri.to_string(),
        status: response.status().as_u16(),
        invoice: quote.as_ref().map(|quote| InvoiceReport::from(quote.invoice())),
        refusal: quote.and_then(|quote| refusal(&quote, limits, network)),
    })
}

fn refusal(quote: &Quote, limits: Limits, network: Network) -> Option<String> {
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let order = quote.authorize(&Exchange::new(limits), now);
    let payable = quote.invoice().payable(network, now);
    order.err().map(|why| why.to_string()).or(payable.err().map(|why| why.to_string()))
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
