//! `invoice`: from an order to an invoice that says what was ordered.

use super::Paywall;
use super::event::Invoiced;
use super::fault::Fault;
use super::price::Order;
use l402_core::UnixSeconds;
use l402_lightning::{Invoice, InvoiceRequest, InvoiceSource};
use tokio::time::timeout;

/// Gets an invoice from the node, and checks it: a node that is not in this process may lie (L3).
pub(super) async fn invoice<N: InvoiceSource, K>(paywall: &Paywall<N, K>, order: &Order) -> Result<Invoice, Fault> {
    let request =
        InvoiceRequest { amount_msat: order.price_msat, description: &order.description, expiry: order.invoice_expiry };
    let made = timeout(paywall.node_deadline, paywall.node.create_invoice(request)).await;
    let invoice = made.map_err(|_| Fault::TooSlow)?.map_err(Fault::Node)?;
    let now = (paywall.clock)();
    invoice.answers(&request, paywall.network, paywall.payee.as_ref(), UnixSeconds::new(now)).map_err(Fault::Lie)?;
    Ok(invoice)
}

/// What subscribers are told.
pub(super) fn told<'a>(order: &Order, invoiced: &'a Result<Invoice, Fault>) -> Invoiced<'a> {
    match invoiced {
        Ok(invoice) => Invoiced::Made {
            payment_hash: invoice.payment_hash(),
            price_msat: order.price_msat,
            expires_at: invoice.expires_at().get(),
        },
        Err(fault) => Invoiced::Failed { error: fault },
    }
}
