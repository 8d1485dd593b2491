//! A token, from the moment that its payment is about to be sent.

use core::fmt;
use http::Method;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};
use l402_core::purchase::{Asked, Record, Sold, Status};
use l402_core::{Msat, PaymentHash, Preimage, Scheme, UnixSeconds};
use l402_lightning::{Invoice, PaymentStatus};

/// A token, from the moment that its payment is about to be sent.
#[derive(Clone)]
pub struct Token {
    /// The scheme of the challenge, which the credential mirrors.
    pub scheme: Scheme,
    /// The macaroon: padded standard base64.
    pub text: String,
    /// What its payment proves.
    pub payment_hash: PaymentHash,
    /// The proof; [`None`] while it is not known whether the payment succeeded.
    pub preimage: Option<Preimage>,
    /// What was paid for it.
    pub amount_msat: Msat,
    /// What routing cost; 0 while the payment is not known to have succeeded.
    pub fee_msat: Msat,
    /// The method of the request that it was bought for.
    pub method: Method,
    /// The path of that request, without its query.
    pub path: String,
    /// When the payment was about to be sent.
    pub bought_at: UnixSeconds,
    /// Whether a server has accepted it.
    pub standing: Standing,
    /// How many uses are left, as far as is known besides what the token says: 0 once the last one went.
    pub uses_left: Option<u64>,
    /// Whether somebody else is paying for it at this moment. It is left to them.
    pub is_under_way: bool,
    /// What the wallet is asked to do. The layer always says so before it pays. Where a store leaves it out, a payment that the
    /// wallet knows nothing of is forgotten, and the next call pays another invoice.
    pub order: Option<Order>,
}

/// Whether a server has accepted a token that was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Not yet.
    #[default]
    New,
    /// Yes, at least once. Where it is refused later, it has ended, and another may be bought.
    Served,
    /// It was refused, and never accepted: the money bought nothing so far, and the server is not paid again by itself.
    Refused,
}

/// What a wallet is asked to pay, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The invoice, BOLT11.
    pub invoice: String,
    /// The most that routing may cost.
    pub max_fee_msat: Msat,
    /// For how many blocks the money may be locked on its way, in total.
    pub max_cltv_expiry_delta: u32,
    /// Whether the wallet was asked before.
    pub asking: Asking,
}

/// Whether a wallet was asked before to pay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// It was not.
    First,
    /// It was, and knew nothing of it: it may read that request after this one, so that the failure of one says nothing of the
    /// other.
    Again,
}

impl Order {
    /// Returns what decides about a payment, of which the store has kept this or nothing.
    pub fn record(order: Option<&Self>) -> Record {
        let asked = match order {
            None => Asked::Unrecorded,
            Some(Self { asking: Asking::First, .. }) => Asked::Once,
            Some(Self { asking: Asking::Again, .. }) => Asked::Repeatedly,
        };
        let invoice = order.and_then(|order| Invoice::parse(&order.invoice).ok());
        Record { invoice_expires_at: invoice.map(|invoice| invoice.expires_at()), asked }
    }
}

/// Reads with how many uses a token was sold, as far as its text says.
///
/// ```
/// use l402_core::purchase::Sold;
///
/// assert_eq!(l402_http::pay::sold("opaque"), Sold::Unknown);
/// ```
pub fn sold(token: &str) -> Sold {
    let mut buffer = vec![0; MAX_LEN];
    let bytes = base64::decode_into(token.as_bytes(), &mut buffer).ok();
    bytes.and_then(|bytes| MacaroonRef::parse(bytes).ok()).map_or(Sold::Unknown, Sold::of_token)
}

/// Returns what a wallet's words mean for the payment of a hash.
pub fn payment_status(found: &PaymentStatus, hash: &PaymentHash) -> Status {
    match found {
        PaymentStatus::Succeeded(paid) if paid.preimage.matches(hash) => Status::Proven,
        PaymentStatus::Succeeded(_) => Status::WrongProof,
        PaymentStatus::Pending => Status::Pending,
        PaymentStatus::Failed => Status::Failed,
        PaymentStatus::NotFound => Status::NotFound,
    }
}

impl Token {
    /// Reads with how many uses it was sold, as far as the token says.
    pub fn sold(&self) -> Sold {
        sold(&self.text)
    }

    /// Tells whether only so many callers may use it at once.
    pub fn is_counted(&self) -> bool {
        self.uses_left.is_some() || matches!(self.sold(), Sold::Counted(_))
    }

    /// Tells whether the last use is known to have gone.
    pub const fn is_spent(&self) -> bool {
        matches!(self.uses_left, Some(0))
    }
}

impl fmt::Debug for Token {
    /// Leaves out what makes the credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("payment_hash", &self.payment_hash)
            .field("paid", &self.preimage.is_some())
            .field("amount_msat", &self.amount_msat.get())
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
