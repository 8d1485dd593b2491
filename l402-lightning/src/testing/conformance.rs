//! One suite for every backend: what the traits promise, seen from outside.
//!
//! A backend brings a [`Harness`] with a payee and a payer that have a channel or a way to each other, and runs [`all`] or the
//! single cases. Cases panic where a promise is broken, and may run at the same time on one harness.

use super::forge::{ForgedInvoice, forge};
use crate::clock::unix_now;
use crate::{
    FailureReason, InvalidRequest, Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, Network, NodeId, Paid,
    PayError, PayLimit, PaymentSource, PaymentStatus, SettlementSource,
};
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::SecretKey;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use std::collections::HashSet;
use std::time::Instant;

/// Two nodes of one backend, or of two.
pub trait Harness: Sync {
    /// The node that is paid.
    type Payee: InvoiceSource + SettlementSource;
    /// The node that pays.
    type Payer: PaymentSource;

    /// Returns the node that is paid.
    fn payee(&self) -> &Self::Payee;

    /// Returns the public key of the payee; `None` where the backend does not know it.
    fn payee_id(&self) -> Option<NodeId>;

    /// Returns the node that pays.
    fn payer(&self) -> &Self::Payer;

    /// Returns an amount that the payee cannot receive and the payer cannot send; `None` where there is no such amount.
    fn too_much_msat(&self) -> Option<Msat>;
}

/// Runs every case, one after another.
///
/// # Panics
/// When a promise is broken.
pub async fn all(harness: &impl Harness) {
    l3_an_invoice_says_what_was_asked_for(harness).await;
    h3_every_invoice_has_a_hash_of_its_own(harness).await;
    what_no_invoice_can_say_is_refused(harness).await;
    too_much_to_receive_is_its_own_error(harness).await;
    a_payment_proves_itself_and_settles(harness).await;
    l5_what_is_unpaid_is_not_settled(harness).await;
    l1_open_invoices_are_those_that_can_be_paid(harness).await;
    a4_paying_again_moves_no_money(harness).await;
    a4_paying_twice_at_once_moves_money_once(harness).await;
    a4_a_time_out_is_unknown_and_resolves(harness).await;
    a1_what_names_no_amount_or_another_network_is_refused(harness).await;
    an_expired_invoice_is_refused(harness).await;
    a_payee_out_of_reach_fails_for_certain(harness).await;
    too_much_to_send_fails_for_certain(harness).await;
}

/// Amount, network, expiry, payee and description are those of the request.
///
/// # Panics
/// When the promise is broken.
// Threat L3.
pub async fn l3_an_invoice_says_what_was_asked_for(harness: &impl Harness) {
    for (amount_msat, description, expiry_s) in
        [(1_000, "l402", 60), (21_001, "Wetter, 7 °C ☂", 86_400), (250_000, "", 1)]
    {
        let request =
            InvoiceRequest { amount_msat: Msat::new(amount_msat), description, expiry: Duration::from_secs(expiry_s) };
        let invoice = harness.payee().create_invoice(request).await.expect("an invoice");
        let before = UnixSeconds::new(unix_now().get().saturating_sub(1)); // the shortest may be over by the time of the check
        invoice
            .answers(&request, harness.payer().network(), harness.payee_id().as_ref(), before)
            .expect("as asked for");
        assert_eq!(invoice.description(), Some(description));

        let read = Invoice::parse(invoice.bolt11()).expect("its text is an invoice");
        assert_eq!(read, invoice, "the text says what the value says");
    }
}

/// No two invoices share a payment hash.
///
/// # Panics
/// When the promise is broken.
// Threat H3.
pub async fn h3_every_invoice_has_a_hash_of_its_own(harness: &impl Harness) {
    let mut seen = HashSet::new();
    for _ in 0..32 {
        assert!(seen.insert(invoice(harness, Msat::new(1_000)).await.payment_hash()));
    }
}

/// A request that cannot be written as an invoice is refused as such.
///
/// # Panics
/// When the promise is broken.
pub async fn what_no_invoice_can_say_is_refused(harness: &impl Harness) {
    let good = InvoiceRequest { amount_msat: Msat::new(1_000), description: "l402", expiry: HOUR };
    let long = "x".repeat(640);
    for (request, expected) in [
        (InvoiceRequest { amount_msat: Msat::ZERO, ..good }, InvalidRequest::Amount),
        (InvoiceRequest { description: &long, ..good }, InvalidRequest::Description),
        (InvoiceRequest { expiry: Duration::from_millis(999), ..good }, InvalidRequest::Expiry),
    ] {
        match harness.payee().create_invoice(request).await {
            Err(InvoiceSourceError::InvalidRequest(found)) => assert_eq!(found, expected),
            other => panic!("{expected:?} expected, not {other:?}"),
        }
    }
}

/// An amount beyond the channels is refused before anybody sees an invoice that cannot be paid.
///
/// # Panics
/// When the promise is broken.
pub async fn too_much_to_receive_is_its_own_error(harness: &impl Harness) {
    let Some(amount_msat) = harness.too_much_msat() else { return };
    let request = InvoiceRequest { amount_msat, description: "l402", expiry: HOUR };
    match harness.payee().create_invoice(request).await {
        Err(InvoiceSourceError::NoInboundLiquidity { amount_msat: found }) => assert_eq!(found, amount_msat),
        other => panic!("no inbound liquidity expected, not {other:?}"),
    }
}

/// The preimage proves the hash, the fee is within the limit, and both nodes know of the payment afterwards.
///
/// # Panics
/// When the promise is broken.
pub async fn a_payment_proves_itself_and_settles(harness: &impl Harness) {
    let invoice = invoice(harness, Msat::new(10_000)).await;
    let paid = pay(harness, &invoice).await;
    assert!(paid.preimage.matches(&invoice.payment_hash()));
    assert_eq!(paid.amount_msat, Msat::new(10_000));
    assert!(paid.fee_msat <= MAX_FEE);
    settled(harness, &invoice.payment_hash(), Msat::new(10_000)).await;
    match harness.payer().payment(&invoice.payment_hash()).await.expect("an answer") {
        PaymentStatus::Succeeded(found) => assert!(found.preimage.matches(&invoice.payment_hash())),
        other => panic!("a success expected, not {other:?}"),
    }
}

/// Neither node claims a payment that was never made.
///
/// # Panics
/// When the promise is broken.
// Threat L5.
pub async fn l5_what_is_unpaid_is_not_settled(harness: &impl Harness) {
    let hash = invoice(harness, Msat::new(10_000)).await.payment_hash();
    assert_eq!(harness.payee().settled_msat(&hash).await.expect("an answer"), None);
    assert_eq!(harness.payee().settled_in_memory(&hash), None);
    assert!(matches!(harness.payer().payment(&hash).await.expect("an answer"), PaymentStatus::NotFound));
}

/// A node that stores its invoices lists those that can still be paid, the latest first. One that stores none lists none.
///
/// # Panics
/// When the promise is broken.
// Threat L1.
pub async fn l1_open_invoices_are_those_that_can_be_paid(harness: &impl Harness) {
    let before = UnixSeconds::new(unix_now().get().saturating_sub(60));
    let [earlier, later] = [invoice(harness, Msat::new(9_000)).await, invoice(harness, Msat::new(9_000)).await];
    let open = async || harness.payee().open_invoices(before, usize::MAX).await.expect("an answer");
    let listed = open().await;
    if !harness.payee().stores_invoices() {
        assert_eq!(listed, []);
        return;
    }
    for made in [&earlier, &later] {
        let found = listed.iter().find(|open| open.payment_hash == made.payment_hash()).expect("it can be paid");
        assert!(found.expires_at.get().abs_diff(made.expires_at().get()) <= 1, "{found:?}");
    }
    assert_eq!(harness.payee().open_invoices(before, 1).await.expect("an answer").len(), 1);
    pay(harness, &later).await;
    settled(harness, &later.payment_hash(), Msat::new(9_000)).await;
    let listed = open().await;
    let is_open = |made: &Invoice| listed.iter().any(|open| open.payment_hash == made.payment_hash());
    assert!(is_open(&earlier) && !is_open(&later));
}

/// A second attempt reports the first one.
///
/// # Panics
/// When the promise is broken.
// Threat A4.
pub async fn a4_paying_again_moves_no_money(harness: &impl Harness) {
    let invoice = invoice(harness, Msat::new(11_000)).await;
    let first = pay(harness, &invoice).await;
    let second = pay(harness, &invoice).await;
    assert_eq!(first.preimage.expose(), second.preimage.expose());
    assert_eq!((first.amount_msat, first.fee_msat), (second.amount_msat, second.fee_msat));
    settled(harness, &invoice.payment_hash(), Msat::new(11_000)).await;
}

/// Of two attempts at the same time one pays, and both learn the outcome.
///
/// # Panics
/// When the promise is broken.
// Threat A4.
pub async fn a4_paying_twice_at_once_moves_money_once(harness: &impl Harness) {
    let invoice = invoice(harness, Msat::new(12_000)).await;
    let (mut first, mut second) = (Box::pin(pay(harness, &invoice)), Box::pin(pay(harness, &invoice)));
    let (mut one, mut other) = (None, None);
    core::future::poll_fn(|context| {
        advance(&mut one, first.as_mut(), context);
        advance(&mut other, second.as_mut(), context);
        if one.is_some() && other.is_some() { core::task::Poll::Ready(()) } else { core::task::Poll::Pending }
    })
    .await;
    let hash = invoice.payment_hash();
    assert!(one.is_some_and(|paid| paid.preimage.matches(&hash)));
    assert!(other.is_some_and(|paid| paid.preimage.matches(&hash)));
    settled(harness, &hash, Msat::new(12_000)).await;
}

/// A payment whose time is over is unknown, never failed, and its outcome can be learnt later.
///
/// # Panics
/// When the promise is broken.
// Threat A4.
pub async fn a4_a_time_out_is_unknown_and_resolves(harness: &impl Harness) {
    let invoice = invoice(harness, Msat::new(13_000)).await;
    let limit = PayLimit { timeout: Duration::from_millis(1), ..LIMIT };
    match harness.payer().pay(&invoice, limit).await {
        Ok(paid) => assert!(paid.preimage.matches(&invoice.payment_hash())), // faster than a millisecond
        Err(fault) => assert!(fault.is_unknown() || matches!(fault, PayError::Busy), "{fault:?}"),
    }
    assert!(pay(harness, &invoice).await.preimage.matches(&invoice.payment_hash()));
    settled(harness, &invoice.payment_hash(), Msat::new(13_000)).await;
}

/// Without an amount, or for another chain, nothing is sent.
///
/// # Panics
/// When the promise is broken.
// Threat A1.
pub async fn a1_what_names_no_amount_or_another_network_is_refused(harness: &impl Harness) {
    let network = harness.payer().network();
    let elsewhere = if network == Network::Bitcoin { Network::Regtest } else { Network::Bitcoin };

    let fault = refused(harness, &stray(b"no amount", network, None, unix_now())).await;
    assert!(matches!(fault, PayError::NoAmount), "{fault:?}");
    let fault = refused(harness, &stray(b"network", elsewhere, Some(Msat::new(1_000)), unix_now())).await;
    assert!(matches!(fault, PayError::WrongNetwork { .. }), "{fault:?}");
}

/// An expired invoice is its own error, and nothing is sent.
///
/// # Panics
/// When the promise is broken.
pub async fn an_expired_invoice_is_refused(harness: &impl Harness) {
    let made_at = UnixSeconds::new(unix_now().get() - HOUR.as_secs());
    let fault = refused(harness, &stray(b"expired", harness.payer().network(), Some(Msat::new(1_000)), made_at)).await;
    assert!(matches!(fault, PayError::Expired), "{fault:?}");
}

/// An unknown payee is no route, or a failure for good.
///
/// # Panics
/// When the promise is broken.
pub async fn a_payee_out_of_reach_fails_for_certain(harness: &impl Harness) {
    let fault =
        refused(harness, &stray(b"out of reach", harness.payer().network(), Some(Msat::new(1_000)), unix_now())).await;
    assert!(
        matches!(fault, PayError::NoRoute | PayError::Failed(FailureReason::RetriesExhausted)),
        "no route expected, not {fault:?}"
    );
}

/// An amount beyond the channels is an error that says so, and nothing is sent.
///
/// # Panics
/// When the promise is broken.
pub async fn too_much_to_send_fails_for_certain(harness: &impl Harness) {
    let Some(amount_msat) = harness.too_much_msat() else { return };
    let invoice = stray(b"too much", harness.payer().network(), Some(amount_msat), unix_now());
    let fault = refused(harness, &invoice).await;
    assert!(matches!(fault, PayError::InsufficientBalance { .. } | PayError::NoRoute), "{fault:?}");
}

async fn invoice(harness: &impl Harness, amount_msat: Msat) -> Invoice {
    let request = InvoiceRequest { amount_msat, description: "l402", expiry: HOUR };
    harness.payee().create_invoice(request).await.expect("an invoice")
}

async fn pay(harness: &impl Harness, invoice: &Invoice) -> Paid {
    harness.payer().pay(invoice, LIMIT).await.expect("a payment")
}

/// The payer may be ahead of the payee.
async fn settled(harness: &impl Harness, hash: &PaymentHash, expected_msat: Msat) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match harness.payee().settled_msat(hash).await.expect("an answer") {
            None if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(10)).await,
            found => {
                assert_eq!(found, Some(expected_msat));
                let remembered = harness.payee().settled_in_memory(hash);
                assert!(remembered.is_none_or(|msat| msat == expected_msat), "{remembered:?}");
                return;
            }
        }
    }
}

/// The error of a payment that must not move money, and must leave no doubt about it.
async fn refused(harness: &impl Harness, invoice: &Invoice) -> PayError {
    let fault = harness.payer().pay(invoice, LIMIT).await.expect_err("no payment");
    assert!(!fault.is_unknown(), "{fault:?}");
    let status = harness.payer().payment(&invoice.payment_hash()).await.expect("an answer");
    assert!(matches!(status, PaymentStatus::NotFound | PaymentStatus::Failed), "{status:?}");
    fault
}

/// An invoice of a node that is on no network.
fn stray(label: &[u8], network: Network, amount_msat: Option<Msat>, made_at: UnixSeconds) -> Invoice {
    let digest = sha256::Hash::hash(label).to_byte_array();
    forge(&ForgedInvoice {
        network,
        amount_msat,
        description: "stray",
        made_at,
        expiry: HOUR,
        payment_hash: PaymentHash::from_bytes(digest),
        payee: SecretKey::from_slice(&digest).expect("a digest is a key"),
    })
}

fn advance<F: Future>(
    slot: &mut Option<F::Output>,
    future: core::pin::Pin<&mut F>,
    context: &mut core::task::Context<'_>,
) {
    if slot.is_none()
        && let core::task::Poll::Ready(output) = future.poll(context)
    {
        *slot = Some(output);
    }
}

const HOUR: Duration = Duration::from_hours(1);
const MAX_FEE: Msat = Msat::from_sat(10);
const LIMIT: PayLimit =
    PayLimit { max_fee_msat: MAX_FEE, max_cltv_expiry_delta: 1008, timeout: Duration::from_secs(30) };
