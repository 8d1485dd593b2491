//! `mint`: from an order and its invoice to a token.

use super::Paywall;
use super::event::Minted as Told;
use super::fault::Fault;
use super::price::Order;
use l402_core::{PaymentHash, RootKeySource, TokenText, UnixSeconds, mint_token};

/// A token for a payment.
#[derive(Debug)]
pub(super) struct Minted<'t> {
    /// Padded standard base64.
    pub(super) token: &'t str,
    /// When it ends.
    pub(super) valid_until: UnixSeconds,
}

/// Mints the token of an order for the payment hash that the node chose (L2).
pub(super) fn mint<'t, N, K: RootKeySource>(
    paywall: &Paywall<N, K>,
    order: &Order,
    payment_hash: &PaymentHash,
    text: &'t mut TokenText,
) -> Result<Minted<'t>, Fault> {
    let mut random = [0; 28];
    (paywall.random)(&mut random).map_err(Fault::Random)?;
    let begins = begins(paywall, order);
    let token = mint_token(paywall.gate.keys(), &order.offer, payment_hash, random, begins, text);
    Ok(Minted {
        token: token.map_err(Fault::Mint)?,
        valid_until: begins.saturating_add(order.offer.valid_for.as_secs()),
    })
}

/// When a token ends that is minted for an order now; a later one does not end earlier.
pub(super) fn ends_at<N, K>(paywall: &Paywall<N, K>, order: &Order) -> UnixSeconds {
    begins(paywall, order).saturating_add(order.offer.valid_for.as_secs())
}

/// The token's time begins when the invoice can be paid no more, so that all buyers get the whole of it.
fn begins<N, K>(paywall: &Paywall<N, K>, order: &Order) -> UnixSeconds {
    UnixSeconds::new((paywall.clock)()).saturating_add(order.invoice_expiry.as_secs())
}

/// What subscribers are told.
pub(super) fn told<'a>(payment_hash: PaymentHash, minted: &'a Result<Minted<'_>, Fault>) -> Told<'a> {
    match minted {
        Ok(Minted { valid_until, .. }) => Told::Token { payment_hash, valid_until: *valid_until },
        Err(fault) => Told::Failed { error: fault },
    }
}
