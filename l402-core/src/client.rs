//! The client's side of an exchange, without I/O: when to pay, what to pay, and what to believe.
//!
//! 1. A request is paid at most once: after the paid retry the answer is delivered, whatever it is.
//! 2. The price is the invoice's amount, whatever else the server says (threats A1, A2). An invoice without an amount, above
//!    the limit, or expired, is declined.
//! 3. The invoice and the token must name the same payment hash before anything is paid, and the preimage must prove it
//!    afterwards (A3).
//!
//! The caller sends requests, decodes invoices and pays; this module says in which order and on what conditions.

use crate::challenge::{Challenge, ChallengeError};
use crate::identifier::Identifier;
use crate::payment::{PaymentHash, Preimage};
use core::fmt;

/// One request on its way through answer, payment and retry.
///
/// ```
/// use l402_core::{Answer, Exchange, Limits, Next};
///
/// let mut exchange = Exchange::new(Limits { max_price_msat: 100_000, max_fee_msat: 1_000 });
/// let line = br#"L402 version="0", token="AgEE", invoice="lnbc1""#;
/// let answer = Answer { status: 402, grpc_status: None };
/// assert!(matches!(exchange.on_response(answer, [&line[..]])?, Next::Pay(_)));
/// # Ok::<(), l402_core::ChallengeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Exchange {
    limits: Limits,
    sent: Sent,
}

impl Exchange {
    /// Begins with a request that carries no credential: a demand for payment is answered with [`Next::Pay`].
    pub const fn new(limits: Limits) -> Self {
        Self { limits, sent: Sent::Nothing }
    }

    /// Begins with a request that carries a token from an earlier exchange: a demand for payment is answered
    /// with [`Next::Replace`].
    pub const fn with_token(limits: Limits) -> Self {
        Self { limits, sent: Sent::StoredToken }
    }

    /// Takes a response: its status and all its `WWW-Authenticate` lines (L402 §HTTP Client Flow).
    ///
    /// # Errors
    /// [`ChallengeError`] when the server demands payment and shows no challenge that can be answered.
    ///
    /// ```
    /// use l402_core::{Answer, ChallengeError, Exchange, Limits, Next};
    ///
    /// let mut exchange = Exchange::new(Limits { max_price_msat: 100_000, max_fee_msat: 1_000 });
    /// let answer = |status| Answer { status, grpc_status: None };
    /// assert!(matches!(exchange.on_response(answer(200), [])?, Next::Deliver));
    /// assert_eq!(exchange.on_response(answer(402), []).unwrap_err(), ChallengeError::Missing);
    /// # Ok::<(), ChallengeError>(())
    /// ```
    pub fn on_response<'a>(
        &mut self,
        answer: Answer,
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Next<'a>, ChallengeError> {
        if !answer.may_demand_payment() {
            return Ok(Next::Deliver);
        }
        match (Challenge::select(lines), self.sent) {
            (Err(ChallengeError::Missing), _) if answer.status != 402 => Ok(Next::Deliver),
            (_, Sent::PaidToken) => Ok(Next::Refused),
            (Ok(challenge), Sent::StoredToken) => Ok(Next::Replace(challenge)),
            (Ok(challenge), Sent::Nothing) => Ok(Next::Pay(challenge)),
            (Err(fault), _) => Err(fault),
        }
    }

    /// Decides whether an invoice may be paid; `token` is the identifier of the challenge's token, `now` in Unix seconds.
    ///
    /// # Errors
    /// [`Declined`]; nothing must be paid then.
    ///
    /// ```
    /// use l402_core::{Declined, Exchange, Identifier, InvoiceFacts, Limits, PaymentHash, TokenId};
    ///
    /// let (payment_hash, now) = (PaymentHash::from_bytes([1; 32]), 1_700_000_000);
    /// let token = Identifier::new(payment_hash, TokenId::from_bytes([2; 32]));
    /// let invoice = InvoiceFacts { payment_hash, amount_msat: Some(21_000), expires_at: now + 600 };
    ///
    /// let generous = Exchange::new(Limits { max_price_msat: 100_000, max_fee_msat: 1_000 });
    /// assert_eq!(generous.authorize(&token, &invoice, now)?.amount_msat, 21_000);
    /// let thrifty = Exchange::new(Limits { max_price_msat: 20_000, max_fee_msat: 1_000 });
    /// assert!(matches!(thrifty.authorize(&token, &invoice, now), Err(Declined::OverLimit { .. })));
    /// # Ok::<(), Declined>(())
    /// ```
    pub fn authorize(&self, token: &Identifier, invoice: &InvoiceFacts, now: u64) -> Result<PayOrder, Declined> {
        let amount_msat = invoice.amount_msat.ok_or(Declined::NoAmount)?;
        if invoice.payment_hash != token.payment_hash() {
            return Err(Declined::OtherPayment);
        }
        if invoice.expires_at <= now {
            return Err(Declined::Expired);
        }
        let Limits { max_price_msat, max_fee_msat } = self.limits;
        if amount_msat > max_price_msat {
            return Err(Declined::OverLimit { amount_msat, max_price_msat });
        }
        Ok(PayOrder { payment_hash: invoice.payment_hash, amount_msat, max_fee_msat })
    }

    /// Takes the preimage that a wallet returned for an order. The request is then repeated once with the token.
    ///
    /// # Errors
    /// [`WrongPreimage`]: the wallet's answer does not prove the payment.
    ///
    /// ```
    /// use l402_core::{Exchange, Limits, PayOrder, Preimage, WrongPreimage};
    ///
    /// let preimage = Preimage::from_bytes([1; 32]);
    /// let order = PayOrder { payment_hash: preimage.hash(), amount_msat: 21_000, max_fee_msat: 1_000 };
    /// let mut exchange = Exchange::new(Limits { max_price_msat: 100_000, max_fee_msat: 1_000 });
    /// assert_eq!(exchange.paid(&order, &Preimage::from_bytes([2; 32])), Err(WrongPreimage));
    /// exchange.paid(&order, &preimage)?;
    /// # Ok::<(), WrongPreimage>(())
    /// ```
    pub fn paid(&mut self, order: &PayOrder, preimage: &Preimage) -> Result<(), WrongPreimage> {
        if !preimage.matches(&order.payment_hash) {
            return Err(WrongPreimage);
        }
        self.sent = Sent::PaidToken;
        Ok(())
    }
}

/// The status of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `grpc-status`, where the response is gRPC and carries one in its headers.
    pub grpc_status: Option<u32>,
}

impl Answer {
    /// 402; 401, which some servers send with a fresh challenge; and gRPC's trailers-only form of either.
    fn may_demand_payment(self) -> bool {
        matches!(self.status, 401 | 402) || matches!(self.grpc_status, Some(GRPC_INTERNAL | GRPC_UNAUTHENTICATED))
    }
}

/// What to do after a response.
#[derive(Debug, Clone, Copy)]
pub enum Next<'a> {
    /// Hand the response to the caller.
    Deliver,
    /// Pay the challenge, then repeat the request with the token.
    Pay(Challenge<'a>),
    /// The stored token was refused: forget it, then go on as with [`Next::Pay`].
    Replace(Challenge<'a>),
    /// The token that was just paid for was refused. Hand the response to the caller, keep the token, pay nothing more.
    Refused,
}

/// What a caller allows for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most that an invoice may ask for, in millisatoshi.
    pub max_price_msat: u64,
    /// The most that routing it may cost, in millisatoshi.
    pub max_fee_msat: u64,
}

/// What a decoded BOLT11 invoice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceFacts {
    /// The payment hash.
    pub payment_hash: PaymentHash,
    /// The amount in millisatoshi, if it names one.
    pub amount_msat: Option<u64>,
    /// When it expires, in Unix seconds.
    pub expires_at: u64,
}

/// Permission to pay one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayOrder {
    /// What will be proven.
    pub payment_hash: PaymentHash,
    /// What the invoice asks for, in millisatoshi.
    pub amount_msat: u64,
    /// The most that routing may cost, in millisatoshi.
    pub max_fee_msat: u64,
}

/// Why an invoice is not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Declined {
    /// It names no amount.
    NoAmount,
    /// It asks for more than the limit.
    OverLimit {
        /// What it asks for, in millisatoshi.
        amount_msat: u64,
        /// The limit, in millisatoshi.
        max_price_msat: u64,
    },
    /// It has expired.
    Expired,
    /// Its payment hash is not the one in the token: paying it would not buy the token.
    OtherPayment,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAmount => f.write_str("the invoice names no amount"),
            Self::OverLimit { amount_msat, max_price_msat } => {
                write!(f, "the invoice asks for {amount_msat} msat, which is above the limit of {max_price_msat} msat")
            }
            Self::Expired => f.write_str("the invoice has expired"),
            Self::OtherPayment => f.write_str("the invoice's payment hash is not the one in the token"),
        }
    }
}

impl core::error::Error for Declined {}

/// The preimage that a wallet returned does not prove the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongPreimage;

impl fmt::Display for WrongPreimage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the preimage does not match the payment hash")
    }
}

impl core::error::Error for WrongPreimage {}

/// What the last request carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Nothing,
    StoredToken,
    PaidToken,
}

/// The gRPC status of an unpaid call.
const GRPC_INTERNAL: u32 = 13;

/// The gRPC status of a forged credential.
const GRPC_UNAUTHENTICATED: u32 = 16;
