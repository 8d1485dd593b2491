//! BOLT11 invoices that were decoded, and what they must say before anybody sees or pays them.
//!
//! 1. A real decoder reads the amount, never a declaration beside the invoice. Prefix, checksum, features
//!    and signature are verified by it (BOLT 11). An amount of zero, with a zero in front, or above all money is refused.
//! 2. A server shows an invoice only if it answers what was asked for, from any node: [`Invoice::answers`].
//! 3. A client pays only what names the payment hash of its token: [`Invoice::proves`], [`Invoice::facts`].

// Threats A1, A2, A3, L3.

use crate::amount::{self, AmountError};
use crate::network::{Network, NodeId};
use crate::pay_error::PayError;
use crate::request::InvoiceRequest;
use bitcoin::hashes::Hash as _;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use l402_core::{InvoiceFacts, Msat, PaymentHash, UnixSeconds};
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef, ParseOrSemanticError};
use std::sync::OnceLock;

/// A BOLT11 invoice, signed by its payee.
///
/// ```
/// use l402_core::Msat;
/// use l402_lightning::{Invoice, Network};
///
/// // From the test vectors of BOLT 11: "Please send $3 for a cup of coffee to the same peer, within one minute".
/// let invoice = Invoice::parse(
///     "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq\
///      5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfe\
///      gext0eh0ymjpf39tuven09sam30g4vgpfna3rh",
/// )?;
/// assert_eq!(invoice.network(), Network::Bitcoin);
/// assert_eq!(invoice.amount_msat(), Some(Msat::new(250_000_000)));
/// assert_eq!(invoice.expires_at().get(), 1_496_314_718);
/// assert_eq!(invoice.description(), Some("1 cup coffee"));
/// # Ok::<(), l402_lightning::InvoiceError>(())
/// ```
#[derive(Clone)]
pub struct Invoice {
    text: Box<str>,
    said: Said,
    /// Made when it is first asked for, where the invoice was written here.
    decoded: OnceLock<Box<Bolt11Invoice>>,
}

/// What an invoice says, as far as it is asked for often.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub(crate) network: Network,
    pub(crate) payee: NodeId,
    pub(crate) payment_hash: PaymentHash,
    pub(crate) amount_msat: Option<Msat>,
    pub(crate) made_at: UnixSeconds,
    pub(crate) expiry: Duration,
}

impl Invoice {
    /// Decodes the text of an invoice, in either case (BOLT 11 §Encoding Overview).
    ///
    /// # Errors
    /// [`InvoiceError`] when it is none, its signature does not verify, its amount cannot be paid, or nothing here can pay on its
    /// network.
    pub fn parse(text: &str) -> Result<Self, InvoiceError> {
        amount::check(text).map_err(InvoiceError::Amount)?;
        let decoded: Bolt11Invoice = text.parse().map_err(InvoiceError::Malformed)?;
        let payee = decoded.get_payee_pub_key().into();
        Self::of(decoded, text.into(), payee)
    }

    /// Takes the text of an invoice that was written and signed in this process, and what it says.
    pub(crate) fn written(text: String, said: Said) -> Result<Self, InvoiceError> {
        amount::check(&text).map_err(InvoiceError::Amount)?;
        Ok(Self { text: text.into(), said, decoded: OnceLock::new() })
    }

    /// Returns the text: bech32, as it was given.
    pub fn bolt11(&self) -> &str {
        &self.text
    }

    /// Returns the decoded form.
    #[expect(clippy::missing_panics_doc, reason = "what a signer writes can be read")]
    pub fn decoded(&self) -> &Bolt11Invoice {
        self.decoded.get_or_init(|| Box::new(self.text.parse().expect("a signer writes invoices")))
    }

    /// Returns the hash that paying proves.
    pub fn payment_hash(&self) -> PaymentHash {
        self.said.payment_hash
    }

    /// Returns the amount; `None` leaves it to the payer.
    pub fn amount_msat(&self) -> Option<Msat> {
        self.said.amount_msat
    }

    /// Returns when it expires, in Unix seconds.
    pub fn expires_at(&self) -> UnixSeconds {
        self.said.made_at.saturating_add(self.said.expiry.as_secs())
    }

    /// Returns how long it is valid from its own time stamp; an hour where it does not say (BOLT 11 §Tagged Fields).
    pub fn expiry(&self) -> Duration {
        self.said.expiry
    }

    /// Returns the network that its prefix names.
    pub const fn network(&self) -> Network {
        self.said.network
    }

    /// Returns the node that signed it.
    pub const fn payee(&self) -> NodeId {
        self.said.payee
    }

    /// Returns the description; `None` where only the hash of one is given. The payee wrote it: do not trust it.
    pub fn description(&self) -> Option<&str> {
        match self.decoded().description() {
            Bolt11InvoiceDescriptionRef::Direct(text) => Some(&text.as_inner().0),
            Bolt11InvoiceDescriptionRef::Hash(_) => None,
        }
    }

    /// Returns what a client decides on.
    pub fn facts(&self) -> InvoiceFacts {
        InvoiceFacts {
            payment_hash: self.payment_hash(),
            amount_msat: self.amount_msat(),
            expires_at: self.expires_at(),
        }
    }

    /// Tells whether this invoice is the answer to a request: amount, network, expiry, and the payee where it is
    /// known.
    ///
    /// # Errors
    /// The first [`Mismatch`]; the invoice must not be shown then.
    // Threat L3.
    pub fn answers(
        &self,
        request: &InvoiceRequest<'_>,
        network: Network,
        payee: Option<&NodeId>,
        now: UnixSeconds,
    ) -> Result<(), Mismatch> {
        if self.said.network != network {
            return Err(Mismatch::Network { expected: network, found: self.said.network });
        }
        if self.amount_msat() != Some(request.amount_msat) {
            return Err(Mismatch::Amount { expected_msat: request.amount_msat, found_msat: self.amount_msat() });
        }
        if payee.is_some_and(|payee| *payee != self.said.payee) {
            return Err(Mismatch::Payee);
        }
        if self.expiry().as_secs() != request.expiry.as_secs() || self.expires_at() <= now {
            return Err(Mismatch::Expiry);
        }
        Ok(())
    }

    /// Tells whether paying this invoice proves `hash`.
    ///
    /// # Errors
    /// [`Mismatch::Hash`]; the invoice must not be paid for a token that names `hash`.
    // Threat A3.
    pub fn proves(&self, hash: &PaymentHash) -> Result<(), Mismatch> {
        if self.payment_hash() == *hash { Ok(()) } else { Err(Mismatch::Hash) }
    }

    /// Tells whether a wallet on `network` can pay this, before anything is sent.
    ///
    /// Returns the amount.
    ///
    /// # Errors
    /// [`PayError::WrongNetwork`], [`PayError::NoAmount`], [`PayError::Expired`].
    // Threat A1.
    pub fn payable(&self, network: Network, now: UnixSeconds) -> Result<Msat, PayError> {
        if self.said.network != network {
            return Err(PayError::WrongNetwork { expected: network, found: self.said.network });
        }
        if self.expires_at() <= now {
            return Err(PayError::Expired);
        }
        self.amount_msat().ok_or(PayError::NoAmount)
    }

    fn of(decoded: Bolt11Invoice, text: Box<str>, payee: NodeId) -> Result<Self, InvoiceError> {
        let network = Network::of(&decoded.currency()).ok_or(InvoiceError::UnsupportedNetwork)?;
        let said = Said {
            network,
            payee,
            payment_hash: PaymentHash::from_bytes(decoded.payment_hash().to_byte_array()),
            amount_msat: decoded.amount_milli_satoshis().map(Msat::new),
            made_at: UnixSeconds::new(decoded.duration_since_epoch().as_secs()),
            expiry: decoded.expiry_time(),
        };
        Ok(Self { text, said, decoded: OnceLock::from(Box::new(decoded)) })
    }
}

impl PartialEq for Invoice {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text // which says all else
    }
}

impl Eq for Invoice {}

impl fmt::Display for Invoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Invoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invoice({})", self.text)
    }
}

impl FromStr for Invoice {
    type Err = InvoiceError;

    fn from_str(text: &str) -> Result<Self, InvoiceError> {
        Self::parse(text)
    }
}

/// A text is not an invoice that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvoiceError {
    /// It is not a valid BOLT11 invoice.
    Malformed(ParseOrSemanticError),
    /// It is for a chain that nothing here can pay on.
    UnsupportedNetwork,
    /// It asks for an amount that cannot be paid.
    Amount(AmountError),
}

impl fmt::Display for InvoiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(_) => f.write_str("not a valid BOLT11 invoice"),
            Self::UnsupportedNetwork => f.write_str("the invoice is for an unsupported network"),
            Self::Amount(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for InvoiceError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(cause) => Some(cause),
            Self::UnsupportedNetwork | Self::Amount(_) => None,
        }
    }
}

/// How an invoice differs from what it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// It asks for another amount, or leaves the amount to the payer.
    Amount {
        /// What was asked for.
        expected_msat: Msat,
        /// What the invoice says.
        found_msat: Option<Msat>,
    },
    /// It is for another network.
    Network {
        /// The network asked for.
        expected: Network,
        /// The network of the invoice.
        found: Network,
    },
    /// Another node signed it.
    Payee,
    /// It is valid for another time than asked for, or has expired already.
    Expiry,
    /// It names another payment hash.
    Hash,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Amount { expected_msat, found_msat: Some(found) } => {
                write!(f, "the invoice asks for {found} instead of {expected_msat}")
            }
            Self::Amount { expected_msat, found_msat: None } => {
                write!(f, "the invoice has no amount, expected {expected_msat}")
            }
            Self::Network { expected, found } => write!(f, "the invoice is for {found} instead of {expected}"),
            Self::Payee => f.write_str("the invoice is signed by another node"),
            Self::Expiry => f.write_str("the invoice expires at another time than asked for"),
            Self::Hash => f.write_str("the invoice names another payment hash"),
        }
    }
}

impl core::error::Error for Mismatch {}
