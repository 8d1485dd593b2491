//! Invoices that say whatever a test wants.

use crate::{Invoice, Network};
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use core::time::Duration;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use lightning_invoice::{InvoiceBuilder, PaymentSecret};

/// What a forged invoice says. It is well-formed and signed; nothing else about it has to be true.
#[derive(Debug, Clone, Copy)]
pub struct ForgedInvoice<'a> {
    /// The chain.
    pub network: Network,
    /// The amount.
    pub amount_msat: Option<Msat>,
    /// What the payer's wallet shows.
    pub description: &'a str,
    /// When it was made, in Unix seconds.
    pub made_at: UnixSeconds,
    /// How long it is valid from then on.
    pub expiry: Duration,
    /// What paying it would prove.
    pub payment_hash: PaymentHash,
    /// The secret key of the payee.
    pub payee: SecretKey,
}

/// Signs an invoice.
///
/// # Panics
/// When the values cannot be written as an invoice, such as a description of more than 639 bytes.
pub fn forge(what: &ForgedInvoice<'_>) -> Invoice {
    let curve = Secp256k1::new();
    let hash = sha256::Hash::from_byte_array(*what.payment_hash.as_bytes());
    let mut builder = InvoiceBuilder::new(what.network.currency())
        .description(what.description.to_owned())
        .duration_since_epoch(Duration::from_secs(what.made_at.get()))
        .payment_hash(hash)
        .payment_secret(PaymentSecret([0x5e; 32]))
        .basic_mpp()
        .min_final_cltv_expiry_delta(42)
        .expiry_time(what.expiry);
    if let Some(amount_msat) = what.amount_msat {
        builder = builder.amount_milli_satoshis(amount_msat.get());
    }
    let signed = builder.build_signed(|digest| curve.sign_ecdsa_recoverable(digest, &what.payee));
    let text = signed.expect("a test forges what can be written").to_string();
    Invoice::parse(&text).expect("a test forges amounts that can be paid")
}
