//! Which invoices can still be paid.
//!
//! LND's own list of those that are pending looks at every invoice that it ever made. This one begins with the latest and ends at the
//! first page that is older than the caller cares for: what it costs depends on the invoices of the last minutes, not of all years.

use super::error::LndError;
use super::rpc::{Invoice, InvoiceState, ListInvoicesRequest, ListInvoicesResponse};
use l402_core::{PaymentHash, UnixSeconds};
use l402_lightning::{OpenInvoice, unix_now};

/// Lists at most `most` of those made at `since` or later, the latest first.
pub(super) async fn list<F>(
    ask: impl Fn(ListInvoicesRequest) -> F,
    since: UnixSeconds,
    most: usize,
) -> Result<Vec<OpenInvoice>, LndError>
where
    F: Future<Output = Result<ListInvoicesResponse, LndError>>,
{
    let (mut found, mut index_offset) = (Vec::new(), 0);
    loop {
        let page = ask(ListInvoicesRequest { index_offset, num_max_invoices: PAGE, reversed: true }).await?;
        let now = unix_now();
        found.extend(page.invoices.iter().rev().filter_map(|invoice| open(invoice, now)));
        let is_last = page.invoices.first().is_none_or(|oldest| made_at(oldest) < since);
        if is_last || found.len() >= most {
            found.truncate(most);
            return Ok(found);
        }
        let before = index_offset;
        index_offset = page.first_index_offset;
        if index_offset == 0 || before != 0 && index_offset >= before {
            return Err(LndError::Malformed); // it would never end
        }
    }
}

/// An invoice that can be paid, or whose payment has arrived and is held.
fn open(invoice: &Invoice, now: UnixSeconds) -> Option<OpenInvoice> {
    if !matches!(invoice.state(), InvoiceState::Open | InvoiceState::Accepted) {
        return None;
    }
    let payment_hash = PaymentHash::from_bytes(invoice.r_hash.as_slice().try_into().ok()?);
    let expires_at = made_at(invoice).saturating_add(u64::try_from(invoice.expiry).unwrap_or(0));
    (expires_at > now).then_some(OpenInvoice { payment_hash, expires_at })
}

fn made_at(invoice: &Invoice) -> UnixSeconds {
    UnixSeconds::new(u64::try_from(invoice.creation_date).unwrap_or(0))
}

/// Some 500 KB: an invoice takes one or two.
const PAGE: u64 = 250;
