//! What is recorded: payments that were about to be made, what became of them, and the tokens that they bought.

use super::codec;
use core::fmt;
use http::Method;
use l402_core::{Msat, PaymentHash, Preimage, Scheme, UnixSeconds};
use l402_http::pay::{Order, Origin, Standing, Token};
use l402_lightning::Paid;
use serde::Deserialize;

/// A payment that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// What it will prove.
    pub payment_hash: PaymentHash,
    /// What the invoice asks for.
    pub amount_msat: Msat,
    /// The wallet that pays, with the network where it has a node for each (`ldk/signet`): the only one that can say what became of it.
    pub wallet: String,
    /// Who is paid.
    pub origin: Origin,
    /// The method of the request that is paid for.
    pub method: Method,
    /// The path of that request.
    pub path: String,
    /// The scheme of the challenge.
    pub scheme: Scheme,
    /// The token that the payment buys, in base64; worthless without the preimage.
    pub token: String,
    /// When.
    pub at: UnixSeconds,
    /// The invoice and the limits; `None` where the first format did not have them.
    pub order: Option<Order>,
    /// How many uses the server said it sells, where the token does not say.
    pub uses: Option<u64>,
    /// Whether the token is forgotten when the call ends that buys it: the server may not be who it says.
    pub is_isolated: bool,
}

impl Intent {
    /// Takes a token that is about to be paid for.
    pub fn new(origin: &Origin, token: &Token, wallet: &str) -> Self {
        Self {
            payment_hash: token.payment_hash,
            amount_msat: token.amount_msat,
            wallet: wallet.to_owned(),
            origin: origin.clone(),
            method: token.method.clone(),
            path: token.path.clone(),
            scheme: token.scheme,
            token: token.text.clone(),
            at: token.bought_at,
            order: token.order.clone(),
            uses: token.uses_left,
            is_isolated: false,
        }
    }

    /// Returns the token with the proof of its payment.
    pub fn prove(&self, paid: Paid) -> KeptToken {
        KeptToken {
            origin: self.origin.clone(),
            method: self.method.clone(),
            path: self.path.clone(),
            scheme: self.scheme,
            token: self.token.clone(),
            payment_hash: self.payment_hash,
            preimage: paid.preimage,
            amount_msat: self.amount_msat,
            fee_msat: paid.fee_msat,
            bought_at: self.at,
            standing: Standing::New,
            uses_left: self.uses,
        }
    }

    /// Returns the token, which has no proof yet.
    pub fn token(&self) -> Token {
        Token {
            scheme: self.scheme,
            text: self.token.clone(),
            payment_hash: self.payment_hash,
            preimage: None,
            amount_msat: self.amount_msat,
            fee_msat: Msat::ZERO,
            method: self.method.clone(),
            path: self.path.clone(),
            bought_at: self.at,
            standing: Standing::New,
            uses_left: self.uses,
            is_under_way: false,
            order: self.order.clone(),
        }
    }
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentOutcome {
    /// It succeeded, and the token is kept.
    Paid {
        /// What routing cost.
        #[serde(deserialize_with = "codec::msat")]
        fee_msat: Msat,
    },
    /// It failed, or was never sent. No money moved.
    NotPaid,
    /// The user no longer wants to know.
    Forgotten,
}

/// A payment and what became of it, if that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What was about to be paid.
    pub intent: Intent,
    /// What became of it.
    pub outcome: Option<PaymentOutcome>,
}

/// A token that was paid for.
#[derive(Clone)]
pub struct KeptToken {
    /// Where it was bought; the only place where it is presented.
    pub origin: Origin,
    /// The method that it was bought for.
    pub method: Method,
    /// The path that it was bought for. It may open others too.
    pub path: String,
    /// The scheme of the challenge, which the credential mirrors.
    pub scheme: Scheme,
    /// The macaroon, in padded standard base64.
    pub token: String,
    /// What the payment proves.
    pub payment_hash: PaymentHash,
    /// The proof of payment.
    pub preimage: Preimage,
    /// What was paid.
    pub amount_msat: Msat,
    /// What routing cost.
    pub fee_msat: Msat,
    /// When it was bought.
    pub bought_at: UnixSeconds,
    /// Whether a server has accepted it.
    pub standing: Standing,
    /// How many uses are left, as far as servers have said: 0 once the last one went.
    pub uses_left: Option<u64>,
}

impl KeptToken {
    /// Takes a token that was paid for; `None` where the proof is missing.
    pub fn new(origin: &Origin, token: &Token) -> Option<Self> {
        Some(Self {
            origin: origin.clone(),
            method: token.method.clone(),
            path: token.path.clone(),
            scheme: token.scheme,
            token: token.text.clone(),
            payment_hash: token.payment_hash,
            preimage: token.preimage.clone()?,
            amount_msat: token.amount_msat,
            fee_msat: token.fee_msat,
            bought_at: token.bought_at,
            standing: token.standing,
            uses_left: token.uses_left,
        })
    }
}

impl fmt::Debug for KeptToken {
    /// Leaves out what makes the credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptToken")
            .field("origin", &self.origin)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("payment_hash", &self.payment_hash)
            .field("amount_msat", &self.amount_msat)
            .finish_non_exhaustive()
    }
}

impl From<KeptToken> for Token {
    fn from(kept: KeptToken) -> Self {
        Self {
            scheme: kept.scheme,
            text: kept.token,
            payment_hash: kept.payment_hash,
            preimage: Some(kept.preimage),
            amount_msat: kept.amount_msat,
            fee_msat: kept.fee_msat,
            method: kept.method,
            path: kept.path,
            bought_at: kept.bought_at,
            standing: kept.standing,
            uses_left: kept.uses_left,
            is_under_way: false,
            order: None,
        }
    }
}
