//! Invoices without memory: an unpaid challenge writes nothing and keeps nothing (threat L1).
//!
//! The node recognises a payment by the payment secret alone, which holds amount and expiry under a key of its seed; the
//! preimage comes from the same key and 16 random bytes. So an invoice can be signed beside the node, from the same seed, and
//! the node settles it though it has never heard of it.

use super::channels::Snapshot;
use super::storage::Seed;
use bitcoin::bip32::Xpriv;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_lightning::{
    DraftError, InvalidRequest, Invoice, InvoiceDraft, InvoiceRequest, InvoiceSigner, InvoiceSourceError, Network,
    NodeId,
};
use ldk_node::lightning::ln::channelmanager::MIN_FINAL_CLTV_EXPIRY_DELTA;
use ldk_node::lightning::ln::inbound_payment::{self, ExpandedKey};
use ldk_node::lightning::sign::{EntropySource, KeysManager, NodeSigner};
use std::time::SystemTime;

/// Signs invoices with the keys of a node.
pub(super) struct Mint {
    network: Network,
    inbound: ExpandedKey,
    signer: InvoiceSigner,
}

impl Mint {
    /// Derives the keys as the node does; `None` for the one seed in 2^127 that has none.
    pub(super) fn new(seed: &Seed, network: Network) -> Option<Self> {
        let root = Xpriv::new_master(bitcoin_network(network), seed.as_ref()).ok()?;
        // The two times only vary random numbers that are not drawn here. The flag concerns channels, not invoices.
        let keys = KeysManager::new(&root.private_key.secret_bytes(), 0, 0, true);
        let signer = InvoiceSigner::new(keys.get_node_secret_key());
        Some(Self { network, inbound: keys.get_expanded_key(), signer })
    }

    /// Returns the public key of the node whose seed it is.
    pub(super) const fn payee(&self) -> NodeId {
        self.signer.payee()
    }

    /// Signs an invoice.
    pub(super) fn mint(
        &self,
        request: &InvoiceRequest<'_>,
        channels: &Snapshot,
    ) -> Result<Invoice, InvoiceSourceError> {
        request.validate(Msat::SUPPLY, MAX_EXPIRY_S).map_err(InvoiceSourceError::InvalidRequest)?;
        if !channels.can_receive(request.amount_msat) {
            return Err(InvoiceSourceError::NoInboundLiquidity { amount_msat: request.amount_msat });
        }
        let expiry_s = u32::try_from(request.expiry.as_secs()).map_err(|_| invalid(InvalidRequest::Expiry))?;
        let now = SystemTime::UNIX_EPOCH.elapsed().map_err(unavailable)?;
        let draw = OneDraw::new().map_err(unavailable)?;
        let (hash, secret) = inbound_payment::create(
            &self.inbound,
            Some(request.amount_msat.get()),
            expiry_s,
            &&draw,
            now.as_secs(),
            None,
        )
        .map_err(|()| invalid(InvalidRequest::Amount))?;
        let draft = InvoiceDraft {
            network: self.network,
            amount_msat: request.amount_msat,
            description: request.description,
            made_at: UnixSeconds::new(now.as_secs()),
            expiry: request.expiry,
            payment_hash: PaymentHash::from_bytes(hash.0),
            payment_secret: secret,
            min_final_cltv_expiry_delta: MIN_FINAL_CLTV_EXPIRY_DELTA,
            hints: channels.hints(request.amount_msat),
        };
        self.signer.sign(&draft).map_err(|fault| match fault {
            DraftError::Invoice(fault) => InvoiceSourceError::Malformed(fault),
            other => unavailable(other),
        })
    }
}

pub(super) const fn bitcoin_network(network: Network) -> bitcoin::Network {
    match network {
        Network::Bitcoin => bitcoin::Network::Bitcoin,
        Network::Testnet => bitcoin::Network::Testnet,
        Network::Signet => bitcoin::Network::Signet,
        Network::Regtest => bitcoin::Network::Regtest,
    }
}

/// Random bytes for one invoice, from the system: what the node's own generator will ever return stays untouched, whatever
/// the clock says when either starts.
struct OneDraw([u8; 32]);

impl OneDraw {
    fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl EntropySource for OneDraw {
    fn get_secure_random_bytes(&self) -> [u8; 32] {
        self.0
    }
}

const fn invalid(fault: InvalidRequest) -> InvoiceSourceError {
    InvoiceSourceError::InvalidRequest(fault)
}

fn unavailable(cause: impl core::error::Error + Send + Sync + 'static) -> InvoiceSourceError {
    InvoiceSourceError::Unavailable(cause.into())
}

/// What the payment secret can express, with the two hours that the node adds for the clocks of others.
const MAX_EXPIRY_S: u64 = u32::MAX as u64 - 7200;

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;
    use std::collections::HashSet;

    const REQUEST: InvoiceRequest<'static> =
        InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: Duration::from_hours(1) };

    fn mint() -> Mint {
        Mint::new(&Seed::new([7; 64]), Network::Regtest).unwrap()
    }

    #[test]
    fn l3_an_invoice_says_what_was_asked_for_and_reads_back() {
        let mint = mint();
        let invoice = mint.mint(&REQUEST, &Snapshot::of_capacity(Msat::SUPPLY)).unwrap();
        invoice.answers(&REQUEST, Network::Regtest, Some(&mint.payee()), UnixSeconds::new(0)).unwrap();
        assert_eq!(Invoice::parse(invoice.bolt11()).unwrap(), invoice);
        assert_eq!(invoice.decoded().min_final_cltv_expiry_delta(), 42);
    }

    #[test]
    fn h3_every_invoice_has_a_hash_of_its_own() {
        let mint = mint();
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            assert!(seen.insert(mint.mint(&REQUEST, &Snapshot::of_capacity(Msat::SUPPLY)).unwrap().payment_hash()));
        }
    }

    #[test]
    fn more_than_the_channels_can_receive_is_refused() {
        assert!(mint().mint(&REQUEST, &Snapshot::of_capacity(Msat::new(21_000))).is_ok());
        match mint().mint(&REQUEST, &Snapshot::of_capacity(Msat::new(20_999))) {
            Err(InvoiceSourceError::NoInboundLiquidity { amount_msat }) => assert_eq!(amount_msat, Msat::new(21_000)),
            other => panic!("no inbound liquidity expected, not {other:?}"),
        }
    }

    #[test]
    fn what_no_invoice_can_say_is_refused() {
        let too_long = Duration::from_secs(u64::from(u32::MAX));
        for (request, expected) in [
            (InvoiceRequest { amount_msat: Msat::ZERO, ..REQUEST }, InvalidRequest::Amount),
            (
                InvoiceRequest { amount_msat: Msat::SUPPLY.saturating_add(Msat::new(1)), ..REQUEST },
                InvalidRequest::Amount,
            ),
            (InvoiceRequest { expiry: too_long, ..REQUEST }, InvalidRequest::Expiry),
        ] {
            match mint().mint(&request, &Snapshot::of_capacity(Msat::SUPPLY)) {
                Err(InvoiceSourceError::InvalidRequest(found)) => assert_eq!(found, expected),
                other => panic!("{expected:?} expected, not {other:?}"),
            }
        }
    }
}
