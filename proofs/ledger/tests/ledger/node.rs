//! A node that is none, and outlives the gateway: its invoices are real, no money moves, and files say what was paid.

use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::SecretKey;
use l402_core::macaroon::hex;
use l402_core::{Msat, PaymentHash, Preimage};
use l402_lightning::testing::{ForgedInvoice, forge};
use l402_lightning::{
    Cause, Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Network, SettlementSource, unix_now,
};
use std::fs;
use std::io;
use std::path::PathBuf;

/// The fake node. Each invoice is a file with its preimage; a file that is renamed is paid.
#[derive(Debug, Clone)]
pub(crate) struct FakeNodeInFiles {
    pub(crate) folder: PathBuf,
}

impl FakeNodeInFiles {
    /// Pays an invoice, and returns the proof.
    pub(crate) fn pay(&self, invoice: &Invoice) -> Preimage {
        let hash = invoice.payment_hash();
        let text = fs::read(self.unpaid(&hash)).expect("an invoice of this node");
        fs::rename(self.unpaid(&hash), self.paid(&hash)).expect("it is paid once");
        Preimage::from_hex(&text).expect("its preimage")
    }

    fn unpaid(&self, hash: &PaymentHash) -> PathBuf {
        self.folder.join(hash.to_string())
    }

    fn paid(&self, hash: &PaymentHash) -> PathBuf {
        self.folder.join(format!("{hash}.paid"))
    }

    fn note(&self) -> io::Result<PaymentHash> {
        let mut preimage = [0; 32];
        getrandom::fill(&mut preimage).map_err(io::Error::other)?;
        let preimage = Preimage::from_bytes(preimage);
        let mut text = [0; 64];
        let text = hex::encode_into(preimage.expose(), &mut text).expect("64 bytes");
        fs::write(self.unpaid(&preimage.hash()), text)?;
        Ok(preimage.hash())
    }
}

impl InvoiceSource for FakeNodeInFiles {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        let payment_hash = self.note().map_err(|error| InvoiceSourceError::Unavailable(Cause::from(error)))?;
        let payee = SecretKey::from_slice(&sha256::Hash::hash(b"fake node").to_byte_array()).expect("a key");
        Ok(forge(&ForgedInvoice {
            network: Network::Regtest,
            amount_msat: Some(request.amount_msat),
            description: request.description,
            made_at: unix_now(),
            expiry: request.expiry,
            payment_hash,
            payee,
        }))
    }
}

impl SettlementSource for FakeNodeInFiles {
    async fn settled_msat(&self, hash: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        Ok(self.paid(hash).exists().then_some(super::PRICE))
    }
}
