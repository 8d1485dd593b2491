//! `challenge`: from an order, its invoice and its token to the response that asks for payment.

use super::event::Challenged;
use super::mint::Minted;
use super::price::Order;
use crate::response::{ChallengeResponse, Rejection};
use bytes::Bytes;
use http::Response;
use l402_lightning::Invoice;

/// Writes the response.
pub(super) fn challenge(order: &Order, invoice: &Invoice, minted: &Minted<'_>, lsat_line: bool) -> Response<Bytes> {
    let challenge = ChallengeResponse {
        status: order.demand.status,
        reason: order.demand.reason,
        message: &order.demand.message,
        description: &order.description,
        price_msat: order.price_msat,
        uses: order.offer.uses,
        meter: order.meter.as_ref(),
        valid_for: order.offer.valid_for.as_secs(),
        valid_until: minted.valid_until,
        token: minted.token,
        invoice,
        lsat_line,
    };
    challenge.response(order.form)
}

/// What subscribers are told.
pub(super) fn told(order: &Order, invoice: &Invoice) -> Challenged {
    let rejection = Rejection { status: order.demand.status, reason: order.demand.reason };
    Challenged { rejection, payment_hash: invoice.payment_hash() }
}
