//! Invoices of a node in this process: written and signed here, and not read back.
//!
//! 1. An [`InvoiceSigner`] owns the node's key and knows the public key that belongs to it. Whatever it signs names that payee
//!    truly, so that nothing has to be recovered from the signature. There is no other way to an [`Invoice`] but
//!    [`Invoice::parse`], which verifies: an invoice from outside cannot be taken for one of these.
//! 2. An invoice is written in one pass over one buffer of 5-bit words (BOLT 11, BIP 173), byte for byte as the builder of
//!    `lightning-invoice` writes it with the same values, which the tests compare.

// Threat L3.

use crate::invoice::{Invoice, InvoiceError, Said};
use crate::network::{Network, NodeId};
use bitcoin::hashes::{Hash as _, HashEngine as _, sha256};
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey, SignOnly};
use core::fmt;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use lightning_invoice::{PaymentSecret, RouteHint};

/// Signs invoices with the key of a node in this process.
pub struct InvoiceSigner {
    key: SecretKey,
    payee: NodeId,
    curve: Secp256k1<SignOnly>,
}

impl InvoiceSigner {
    /// Takes the key of the node that is paid.
    pub fn new(key: SecretKey) -> Self {
        let curve = Secp256k1::signing_only();
        let payee = key.public_key(&curve).into();
        Self { key, payee, curve }
    }

    /// Returns the node that the invoices name.
    pub const fn payee(&self) -> NodeId {
        self.payee
    }

    /// Signs an invoice.
    ///
    /// # Errors
    /// [`DraftError`] when the draft says what an invoice cannot.
    pub fn sign(&self, draft: &InvoiceDraft<'_>) -> Result<Invoice, DraftError> {
        let prefix = draft.prefix();
        let mut words = draft.words()?;
        let digest = Message::from_digest(digest(&prefix, &words));
        let (id, signature) = self.curve.sign_ecdsa_recoverable(&digest, &self.key).serialize_compact();
        let mut signed = [0; 65];
        if let Some((compact, [recovery])) = signed.split_at_mut_checked(64) {
            compact.copy_from_slice(&signature);
            *recovery = u8::try_from(id.to_i32()).unwrap_or_default(); // it is 0 to 3
        }
        push_bytes(&mut words, &signed);
        let said = Said {
            network: draft.network,
            payee: self.payee,
            payment_hash: draft.payment_hash,
            amount_msat: Some(draft.amount_msat),
            made_at: draft.made_at,
            expiry: Duration::from_secs(draft.expiry.as_secs()),
        };
        Invoice::written(bech32(&prefix, &words), said).map_err(DraftError::Invoice)
    }
}

impl Drop for InvoiceSigner {
    fn drop(&mut self) {
        self.key.non_secure_erase();
    }
}

impl fmt::Debug for InvoiceSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvoiceSigner").field("payee", &self.payee).finish_non_exhaustive()
    }
}

/// What an invoice is to say. Payments in several parts are allowed.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceDraft<'a> {
    /// The chain.
    pub network: Network,
    /// The amount.
    pub amount_msat: Msat,
    /// What the payer's wallet shows; at most 639 bytes.
    pub description: &'a str,
    /// When it is made, in Unix seconds.
    pub made_at: UnixSeconds,
    /// How long it is valid from then on, in whole seconds.
    pub expiry: Duration,
    /// What paying it proves.
    pub payment_hash: PaymentHash,
    /// What the payer must repeat.
    pub payment_secret: PaymentSecret,
    /// How many blocks the last hop leaves the payee.
    pub min_final_cltv_expiry_delta: u16,
    /// Ways to a node whose channels are not announced.
    pub hints: &'a [RouteHint],
}

/// An invoice cannot say what a draft says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DraftError {
    /// The description has more than 639 bytes.
    Description,
    /// A way to the payee has more than twelve hops.
    Hint,
    /// It is later than an invoice can say.
    Time,
    /// The amount cannot be paid.
    Invoice(InvoiceError),
}

impl fmt::Display for DraftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Description => f.write_str("the description has more than 639 bytes"),
            Self::Hint => f.write_str("a route hint has more than twelve hops"),
            Self::Time => f.write_str("the time is later than an invoice can say"),
            Self::Invoice(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for DraftError {}

impl InvoiceDraft<'_> {
    fn prefix(&self) -> String {
        let network = match self.network {
            Network::Bitcoin => "bc",
            Network::Testnet => "tb",
            Network::Signet => "tbs",
            Network::Regtest => "bcrt",
        };
        let pico = u128::from(self.amount_msat.get()).saturating_mul(10);
        let units = [(1_000_000_000, 'm'), (1_000_000, 'u'), (1_000, 'n'), (1, 'p')];
        let (unit, letter) = units.into_iter().find(|(unit, _)| pico.is_multiple_of(*unit)).unwrap_or((1, 'p'));
        format!("ln{network}{}{letter}", pico / unit)
    }

    /// The data before the signature.
    fn words(&self) -> Result<Vec<u8>, DraftError> {
        let mut words = Vec::with_capacity(ROOM);
        if self.made_at.get() >> 35 != 0 {
            return Err(DraftError::Time);
        }
        push_number(&mut words, self.made_at.get(), 7);
        field(&mut words, 'd', |words| push_bytes(words, self.description.as_bytes()))
            .ok_or(DraftError::Description)?;
        // None of these is long.
        field(&mut words, 'p', |words| push_bytes(words, self.payment_hash.as_bytes())).ok_or(DraftError::Time)?;
        field(&mut words, 's', |words| push_bytes(words, &self.payment_secret.0)).ok_or(DraftError::Time)?;
        field(&mut words, '9', |words| push_number(words, FEATURES, 0)).ok_or(DraftError::Time)?;
        let delta = u64::from(self.min_final_cltv_expiry_delta);
        field(&mut words, 'c', |words| push_number(words, delta, 0)).ok_or(DraftError::Time)?;
        field(&mut words, 'x', |words| push_number(words, self.expiry.as_secs(), 0)).ok_or(DraftError::Time)?;
        for hint in self.hints {
            field(&mut words, 'r', |words| push_bytes(words, &hops(hint))).ok_or(DraftError::Hint)?;
        }
        Ok(words)
    }
}

/// Writes a tagged field; [`None`] where it is too long.
fn field(words: &mut Vec<u8>, tag: char, content: impl FnOnce(&mut Vec<u8>)) -> Option<()> {
    let tag = CHARSET.iter().position(|known| char::from(*known) == tag)?;
    words.push(u8::try_from(tag).ok()?);
    words.extend([0, 0]);
    let start = words.len();
    content(words);
    let length = words.len().checked_sub(start).filter(|length| *length < 1024)?;
    let [high, low] = words.get_mut(start.checked_sub(2)?..start)? else { return None };
    (*high, *low) = (u8::try_from(length / 32).ok()?, u8::try_from(length % 32).ok()?);
    Some(())
}

fn hops(hint: &RouteHint) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(hint.0.len().saturating_mul(51));
    for hop in &hint.0 {
        bytes.extend(hop.src_node_id.serialize());
        bytes.extend(hop.short_channel_id.to_be_bytes());
        bytes.extend(hop.fees.base_msat.to_be_bytes());
        bytes.extend(hop.fees.proportional_millionths.to_be_bytes());
        bytes.extend(hop.cltv_expiry_delta.to_be_bytes());
    }
    bytes
}

/// A number in as few words as it needs, and no fewer than `least`.
fn push_number(words: &mut Vec<u8>, number: u64, least: u32) {
    let bits = u64::BITS.saturating_sub(number.leading_zeros());
    for word in (0..bits.div_ceil(5).max(least)).rev() {
        words.push(low_word(number >> word.saturating_mul(5)));
    }
}

/// Bytes in words, the last one filled up with zeroes.
fn push_bytes(words: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(5) {
        let mut packed = [0; 8];
        if let Some(room) = packed.get_mut(3..chunk.len().saturating_add(3)) {
            room.copy_from_slice(chunk);
        }
        let bits = u64::from_be_bytes(packed);
        let all = [35, 30, 25, 20, 15, 10, 5, 0].map(|shift| low_word(bits >> shift));
        let count = chunk.len().saturating_mul(8).div_ceil(5);
        words.extend_from_slice(all.get(..count).unwrap_or(&all));
    }
}

const fn low_word(bits: u64) -> u8 {
    bits.to_le_bytes()[0] & 31
}

/// What is signed: the prefix and the data, this filled up with zeroes to whole bytes.
fn digest(prefix: &str, words: &[u8]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(words.len());
    for chunk in words.chunks(8) {
        let mut packed = 0_u64;
        for place in 0..8 {
            packed = packed << 5 | u64::from(chunk.get(place).copied().unwrap_or_default());
        }
        let count = chunk.len().saturating_mul(5).div_ceil(8);
        let [_, _, _, all @ ..] = packed.to_be_bytes();
        bytes.extend_from_slice(all.get(..count).unwrap_or(&all));
    }
    let mut engine = sha256::Hash::engine();
    engine.input(prefix.as_bytes());
    engine.input(&bytes);
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// The text with its checksum (BIP 173 §Bech32).
fn bech32(prefix: &str, words: &[u8]) -> String {
    let mut checksum = 1;
    for byte in prefix.bytes() {
        checksum = polymod(checksum, byte >> 5);
    }
    checksum = polymod(checksum, 0);
    for byte in prefix.bytes() {
        checksum = polymod(checksum, byte & 31);
    }
    checksum = words.iter().fold(checksum, |checksum, word| polymod(checksum, *word));
    checksum = (0..6).fold(checksum, |checksum, _| polymod(checksum, 0)) ^ 1;
    let last = [25, 20, 15, 10, 5, 0].map(|shift| low_word(u64::from(checksum >> shift)));
    let character = |word: &u8| CHARSET.get(usize::from(*word)).copied().unwrap_or_default(); // a word is below 32
    let mut text = Vec::with_capacity(prefix.len().saturating_add(words.len()).saturating_add(7));
    text.extend_from_slice(prefix.as_bytes());
    text.push(b'1');
    text.extend(words.iter().map(character));
    text.extend(last.iter().map(character));
    String::from_utf8(text).unwrap_or_default() // it is ASCII
}

const fn polymod(checksum: u32, word: u8) -> u32 {
    let top = checksum >> 25;
    let mut next = (checksum & 0x01ff_ffff) << 5 ^ word as u32;
    let mut bit = 0;
    while bit < 5 {
        // A mask instead of a branch: half of all bits are set.
        next ^= GENERATOR[bit] & (top >> bit & 1).wrapping_neg();
        bit += 1;
    }
    next
}

const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Variable onions and a payment secret are demanded, payments in parts are allowed (BOLT 9: 8, 14, 17).
const FEATURES: u64 = 1 << 8 | 1 << 14 | 1 << 17;

/// Words of an invoice with a short description and two hints.
const ROOM: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AmountError, InvoiceRequest, Mismatch};
    use bitcoin::secp256k1::PublicKey;
    use lightning_invoice::{InvoiceBuilder, RouteHintHop, RoutingFees};

    const DRAFT: InvoiceDraft<'static> = InvoiceDraft {
        network: Network::Regtest,
        amount_msat: Msat::new(21_000),
        description: "weather",
        made_at: UnixSeconds::new(1_700_000_000),
        expiry: Duration::from_hours(1),
        payment_hash: PaymentHash::from_bytes([7; 32]),
        payment_secret: PaymentSecret([9; 32]),
        min_final_cltv_expiry_delta: 42,
        hints: &[],
    };

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_slice(&[byte; 32]).unwrap()
    }

    fn hint(hops: u8) -> RouteHint {
        let hop = |number: u8| RouteHintHop {
            src_node_id: PublicKey::from_secret_key(&Secp256k1::new(), &key(number + 1)),
            short_channel_id: u64::from(number) << 40 | 0x0102_0304,
            fees: RoutingFees { base_msat: 1000 + u32::from(number), proportional_millionths: 1 << number },
            cltv_expiry_delta: 40 + u16::from(number),
            htlc_minimum_msat: None,
            htlc_maximum_msat: None,
        };
        RouteHint((0..hops).map(hop).collect())
    }

    /// The same invoice by the builder of another crate.
    fn built(draft: &InvoiceDraft<'_>, key: &SecretKey) -> String {
        let curve = Secp256k1::signing_only();
        let mut builder = InvoiceBuilder::new(draft.network.currency())
            .amount_milli_satoshis(draft.amount_msat.get())
            .description(draft.description.to_owned())
            .duration_since_epoch(Duration::from_secs(draft.made_at.get()))
            .payment_hash(sha256::Hash::from_byte_array(*draft.payment_hash.as_bytes()))
            .payment_secret(draft.payment_secret)
            .basic_mpp()
            .min_final_cltv_expiry_delta(draft.min_final_cltv_expiry_delta.into())
            .expiry_time(draft.expiry);
        for hint in draft.hints {
            builder = builder.private_route(hint.clone());
        }
        builder.build_signed(|digest| curve.sign_ecdsa_recoverable(digest, key)).unwrap().to_string()
    }

    #[test]
    fn an_invoice_is_written_as_another_crate_writes_it() {
        let signer = InvoiceSigner::new(key(1));
        let long = "x".repeat(639);
        let ways = [hint(1), hint(2), hint(12)];
        let mut drafts = Vec::new();
        for network in [Network::Bitcoin, Network::Testnet, Network::Signet, Network::Regtest] {
            drafts.push(InvoiceDraft { network, ..DRAFT });
        }
        for amount_msat in [1, 10, 999, 1_000, 21_000, 100_000, 123_456_789, 100_000_000, 250_000_000_000] {
            drafts.push(InvoiceDraft { amount_msat: Msat::new(amount_msat), ..DRAFT });
        }
        for description in ["", "a", "ab", "abc", "abcd", "abcde", "21 °C", &long] {
            drafts.push(InvoiceDraft { description, ..DRAFT });
        }
        for seconds in [1, 31, 32, 3_600, 1 << 20, 4_294_960_095] {
            let (expiry, made_at) = (Duration::from_secs(seconds), UnixSeconds::new(seconds));
            drafts.push(InvoiceDraft { made_at, expiry, ..DRAFT });
        }
        for hints in [&ways[..1], &ways[1..2], &ways[2..], &ways] {
            drafts.push(InvoiceDraft { hints, ..DRAFT });
        }
        for delta in [1, 18, 42, 144, u16::MAX] {
            drafts.push(InvoiceDraft { min_final_cltv_expiry_delta: delta, ..DRAFT });
        }
        for (byte, draft) in (1..).zip(&drafts) {
            let draft = InvoiceDraft { payment_hash: PaymentHash::from_bytes([byte; 32]), ..*draft };
            let invoice = signer.sign(&draft).unwrap();
            assert_eq!(invoice.bolt11(), built(&draft, &key(1)), "{draft:?}");
            let read = Invoice::parse(invoice.bolt11()).unwrap();
            assert_eq!(
                (read.facts(), read.network(), read.payee()),
                (invoice.facts(), invoice.network(), invoice.payee())
            );
            assert_eq!((read.expiry(), read.description()), (invoice.expiry(), invoice.description()));
            assert_eq!(read.decoded(), invoice.decoded());
        }
    }

    #[test]
    fn l3_whoever_else_signs_is_another_payee() {
        let request = InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: DRAFT.expiry };
        let ours = InvoiceSigner::new(key(1));
        let honest = ours.sign(&DRAFT).unwrap();
        assert_eq!(honest.answers(&request, Network::Regtest, Some(&ours.payee()), DRAFT.made_at), Ok(()));
        let theirs = InvoiceSigner::new(key(2)).sign(&DRAFT).unwrap();
        for lie in [Invoice::parse(theirs.bolt11()).unwrap(), theirs] {
            let found = lie.answers(&request, Network::Regtest, Some(&ours.payee()), DRAFT.made_at);
            assert_eq!(found, Err(Mismatch::Payee));
        }
        let other = ours.sign(&InvoiceDraft { amount_msat: Msat::new(20_000), ..DRAFT }).unwrap();
        let found = other.answers(&request, Network::Regtest, Some(&ours.payee()), DRAFT.made_at);
        assert_eq!(
            found,
            Err(Mismatch::Amount { expected_msat: Msat::new(21_000), found_msat: Some(Msat::new(20_000)) })
        );
    }

    #[test]
    fn what_no_invoice_can_say_is_refused() {
        let signer = InvoiceSigner::new(key(1));
        let (long, far) = ("x".repeat(640), [hint(13)]);
        for (draft, expected) in [
            (InvoiceDraft { description: &long, ..DRAFT }, DraftError::Description),
            (InvoiceDraft { hints: &far, ..DRAFT }, DraftError::Hint),
            (InvoiceDraft { made_at: UnixSeconds::new(1 << 35), ..DRAFT }, DraftError::Time),
            (
                InvoiceDraft { amount_msat: Msat::ZERO, ..DRAFT },
                DraftError::Invoice(InvoiceError::Amount(AmountError::Zero)),
            ),
        ] {
            assert_eq!(signer.sign(&draft).unwrap_err(), expected);
        }
    }
}
