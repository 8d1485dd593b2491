//! The client's side of an exchange, without I/O: when to pay, what to pay, and what to believe.
//!
//! 1. A request is paid at most once: after the paid retry the answer is delivered, whatever it is.
//! 2. The price is the invoice's amount, whatever else the server says. An invoice without an amount, of
//!    amount zero, above the limit, or expired, is declined.
//! 3. A token is opaque. Where its payment hash can be read, it must be the invoice's before anything is paid; where it cannot,
//!    the limits protect the buyer. The preimage must prove the invoice's hash afterwards.
//! 4. A token that is known to have ended already is not paid for.
//! 5. A stored token that is refused without a challenge that can be answered is left out of one more request, so that the server can show one.
//!
//! The caller sends requests, decodes invoices and pays; this module says in which order and on what conditions.

// Threats A1, A2, A3.

use crate::challenge::{Challenge, ChallengeError};
use crate::identifier::Identifier;
use crate::msat::Msat;
use crate::payment::{PaymentHash, Preimage};
use crate::token_facts::TokenFacts;
use crate::unix_seconds::UnixSeconds;
use core::fmt;

/// One request on its way through answer, payment and retry.
///
/// ```
/// use l402_core::{ResponseStatus, Exchange, SpendLimits, Next};
/// use l402_core::Msat;
///
/// let mut exchange = Exchange::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
/// let line = br#"L402 version="0", token="AgEE", invoice="lnbc1""#;
/// let answer = ResponseStatus { status: 402, grpc_status: None };
/// assert!(matches!(exchange.on_response(answer, [&line[..]])?, Next::Pay(_)));
/// # Ok::<(), l402_core::ChallengeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Exchange {
    limits: SpendLimits,
    sent: Sent,
}

impl Exchange {
    /// Begins with a request that carries no credential: a demand for payment is answered with [`Next::Pay`].
    pub const fn new(limits: SpendLimits) -> Self {
        Self { limits, sent: Sent::Nothing }
    }

    /// Begins with a request that carries a token from an earlier exchange: a demand for payment is answered
    /// with [`Next::Replace`].
    pub const fn with_token(limits: SpendLimits) -> Self {
        Self { limits, sent: Sent::StoredToken }
    }

    /// Takes a response: its status and all its `WWW-Authenticate` lines (L402 §HTTP Client Flow).
    ///
    /// # Errors
    /// [`ChallengeError`] when the server demands payment and shows no challenge that can be answered.
    ///
    /// ```
    /// use l402_core::{ResponseStatus, ChallengeError, Exchange, SpendLimits, Next};
    /// use l402_core::Msat;
    ///
    /// let mut exchange = Exchange::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
    /// let answer = |status| ResponseStatus { status, grpc_status: None };
    /// assert!(matches!(exchange.on_response(answer(200), [])?, Next::Deliver));
    /// assert_eq!(exchange.on_response(answer(402), []).unwrap_err(), ChallengeError::Missing);
    /// # Ok::<(), ChallengeError>(())
    /// ```
    pub fn on_response<'a>(
        &mut self,
        answer: ResponseStatus,
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Next<'a>, ChallengeError> {
        self.on_response_where(answer, lines, |_| true)
    }

    /// Does the same, and answers a challenge only if `usable` says that the caller can: see [`Challenge::select_where`].
    ///
    /// # Errors
    /// As [`Exchange::on_response`].
    pub fn on_response_where<'a>(
        &mut self,
        answer: ResponseStatus,
        lines: impl IntoIterator<Item = &'a [u8]>,
        usable: impl FnMut(&Challenge<'a>) -> bool,
    ) -> Result<Next<'a>, ChallengeError> {
        if !answer.may_demand_payment() {
            return Ok(Next::Deliver);
        }
        match (Challenge::select_where(lines, usable), self.sent) {
            (Err(ChallengeError::Missing), _) if answer.status != 402 => Ok(Next::Deliver),
            (_, Sent::PaidToken) => Ok(Next::Refused),
            (Ok(challenge), Sent::StoredToken) => Ok(Next::Replace(challenge)),
            (Ok(challenge), Sent::Nothing) => Ok(Next::Pay(challenge)),
            (Err(fault), _) => Err(fault),
        }
    }

    /// Tells, of an answer that shows no challenge that can be answered, whether to send the request once more without the stored token that it
    /// carried: the server may refuse that token, and has had no reason to show a challenge.
    ///
    /// ```
    /// use l402_core::{ResponseStatus, Exchange, SpendLimits, Next};
    /// use l402_core::Msat;
    ///
    /// let mut exchange = Exchange::with_token(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
    /// let bare = ResponseStatus { status: 401, grpc_status: None };
    /// assert!(matches!(exchange.on_response(bare, [])?, Next::Deliver));
    /// assert!(exchange.leave_out_token(bare));
    /// assert!(!exchange.leave_out_token(bare), "once is enough");
    /// # Ok::<(), l402_core::ChallengeError>(())
    /// ```
    pub fn leave_out_token(&mut self, answer: ResponseStatus) -> bool {
        let leaves_out = self.sent == Sent::StoredToken && answer.verdict() == Verdict::Refused;
        if leaves_out {
            self.sent = Sent::Nothing;
        }
        leaves_out
    }

    /// Decides whether an invoice may be paid; `token` is the identifier of the challenge's token.
    ///
    /// # Errors
    /// [`Declined`]; nothing must be paid then.
    ///
    /// ```
    /// use l402_core::{Declined, Exchange, Identifier, InvoiceFacts, SpendLimits, PaymentHash, TokenId};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let (payment_hash, now) = (PaymentHash::from_bytes([1; 32]), UnixSeconds::new(1_700_000_000));
    /// let token = Identifier::new(payment_hash, TokenId::from_bytes([2; 32]));
    /// let invoice = InvoiceFacts { payment_hash, amount_msat: Some(Msat::new(21_000)), expires_at: now.saturating_add(600) };
    ///
    /// let generous = Exchange::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
    /// assert_eq!(generous.authorize(&token, &invoice, now)?.amount_msat, Msat::new(21_000));
    /// let thrifty = Exchange::new(SpendLimits { max_price_msat: Msat::new(20_000), max_fee_msat: Msat::new(1_000) });
    /// assert!(matches!(thrifty.authorize(&token, &invoice, now), Err(Declined::OverLimit { .. })));
    /// # Ok::<(), Declined>(())
    /// ```
    pub fn authorize(
        &self,
        token: &Identifier,
        invoice: &InvoiceFacts,
        now: UnixSeconds,
    ) -> Result<PayOrder, Declined> {
        self.authorize_token(&token.into(), invoice, now)
    }

    /// Does the same for a token of which no more is known than can be read in it.
    ///
    /// # Errors
    /// [`Declined`]; nothing must be paid then.
    ///
    /// ```
    /// use l402_core::{Declined, Exchange, InvoiceFacts, SpendLimits, PaymentHash, TokenFacts};
    /// use l402_core::{Msat, UnixSeconds};
    ///
    /// let (payment_hash, now) = (PaymentHash::from_bytes([1; 32]), UnixSeconds::new(1_700_000_000));
    /// let invoice = InvoiceFacts { payment_hash, amount_msat: Some(Msat::new(21_000)), expires_at: now.saturating_add(600) };
    /// let exchange = Exchange::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
    ///
    /// let opaque = TokenFacts::default();
    /// assert_eq!(exchange.authorize_token(&opaque, &invoice, now)?.amount_msat, Msat::new(21_000));
    /// let other = TokenFacts { payment_hash: Some(PaymentHash::from_bytes([2; 32])), expires_at: None };
    /// assert_eq!(exchange.authorize_token(&other, &invoice, now), Err(Declined::OtherPayment));
    /// # Ok::<(), Declined>(())
    /// ```
    pub fn authorize_token(
        &self,
        token: &TokenFacts,
        invoice: &InvoiceFacts,
        now: UnixSeconds,
    ) -> Result<PayOrder, Declined> {
        let amount_msat = match invoice.amount_msat.ok_or(Declined::NoAmount)? {
            Msat::ZERO => return Err(Declined::ZeroAmount),
            amount_msat if amount_msat > Msat::SUPPLY => return Err(Declined::AboveAllMoney { amount_msat }),
            amount_msat => amount_msat,
        };
        if token.contradicts(&invoice.payment_hash) {
            return Err(Declined::OtherPayment);
        }
        if token.has_expired(now) {
            return Err(Declined::TokenExpired);
        }
        if invoice.expires_at <= now {
            return Err(Declined::Expired);
        }
        let SpendLimits { max_price_msat, max_fee_msat } = self.limits;
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
    /// use l402_core::{Exchange, SpendLimits, PayOrder, Preimage, WrongPreimage};
    /// use l402_core::Msat;
    ///
    /// let preimage = Preimage::from_bytes([1; 32]);
    /// let order = PayOrder { payment_hash: preimage.hash(), amount_msat: Msat::new(21_000), max_fee_msat: Msat::new(1_000) };
    /// let mut exchange = Exchange::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
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
pub struct ResponseStatus {
    /// The HTTP status.
    pub status: u16,
    /// `grpc-status`, where the response is gRPC and carries one in its headers.
    pub grpc_status: Option<u32>,
}

impl ResponseStatus {
    /// Tells what the server made of a token that the request carried, as far as the beginning of the answer shows it.
    ///
    /// ```
    /// use l402_core::{ResponseStatus, Verdict};
    ///
    /// assert_eq!(ResponseStatus { status: 200, grpc_status: None }.verdict(), Verdict::Served);
    /// assert_eq!(ResponseStatus { status: 200, grpc_status: Some(16) }.verdict(), Verdict::Refused);
    /// ```
    pub const fn verdict(self) -> Verdict {
        match (self.status, self.grpc_status) {
            (401 | 402, _) | (_, Some(GRPC_UNAUTHENTICATED)) => Verdict::Refused,
            (500.., _)
            | (_, Some(GRPC_UNKNOWN | GRPC_DEADLINE | GRPC_INTERNAL | GRPC_UNAVAILABLE | GRPC_DATA_LOSS)) => {
                Verdict::OutOfOrder
            }
            (400..=499, _) | (_, Some(1..)) => Verdict::Failed,
            (_, Some(GRPC_OK) | None) => Verdict::Served,
        }
    }

    /// 402; 401, which some servers send with a fresh challenge; and gRPC's trailers-only form of either. gRPC's status 13 alone
    /// says nothing of a token: the call may have been served in part.
    fn may_demand_payment(self) -> bool {
        self.verdict() == Verdict::Refused || self.grpc_status == Some(GRPC_INTERNAL)
    }
}

/// What an answer says of the token that its request carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The token was accepted, and the request served.
    Served,
    /// The token was accepted, and the request failed for another reason.
    Failed,
    /// The token was refused, or there was none and one is demanded.
    Refused,
    /// Nothing: the server is out of order.
    OutOfOrder,
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
pub struct SpendLimits {
    /// The most that an invoice may ask for.
    pub max_price_msat: Msat,
    /// The most that routing it may cost.
    pub max_fee_msat: Msat,
}

/// What a decoded BOLT11 invoice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceFacts {
    /// The payment hash.
    pub payment_hash: PaymentHash,
    /// The amount in millisatoshi, if it names one.
    pub amount_msat: Option<Msat>,
    /// When it expires.
    pub expires_at: UnixSeconds,
}

/// Permission to pay one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayOrder {
    /// What will be proven.
    pub payment_hash: PaymentHash,
    /// What the invoice asks for.
    pub amount_msat: Msat,
    /// The most that routing may cost.
    pub max_fee_msat: Msat,
}

/// Why an invoice is not paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Declined {
    /// It names no amount.
    NoAmount,
    /// It asks for more than the limit.
    OverLimit {
        /// What it asks for.
        amount_msat: Msat,
        /// The limit.
        max_price_msat: Msat,
    },
    /// It has expired.
    Expired,
    /// Its payment hash is not the one in the token: paying it would not buy the token.
    OtherPayment,
    /// The token that it buys has ended already.
    TokenExpired,
    /// It asks for nothing.
    ZeroAmount,
    /// It asks for more than 21 million bitcoin.
    AboveAllMoney {
        /// What it asks for.
        amount_msat: Msat,
    },
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAmount => f.write_str("the invoice has no amount"),
            Self::ZeroAmount => f.write_str("the invoice asks for an amount of zero"),
            Self::AboveAllMoney { amount_msat } => {
                write!(f, "the invoice asks for {amount_msat}, which is more than 21 million bitcoin")
            }
            Self::OverLimit { amount_msat, max_price_msat } => {
                write!(f, "the invoice asks for {amount_msat}, which is above the limit of {max_price_msat}")
            }
            Self::Expired => f.write_str("the invoice has expired"),
            Self::OtherPayment => f.write_str("the invoice's payment hash is not the one in the token"),
            Self::TokenExpired => {
                f.write_str("the token that the invoice buys has already expired by this machine's clock")
            }
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

/// The gRPC statuses that say something of a payment or of the server: `INTERNAL` is that of an unpaid call.
const GRPC_OK: u32 = 0;
const GRPC_UNKNOWN: u32 = 2;
const GRPC_DEADLINE: u32 = 4;
const GRPC_INTERNAL: u32 = 13;
const GRPC_UNAVAILABLE: u32 = 14;
const GRPC_DATA_LOSS: u32 = 15;

/// The gRPC status of a forged credential.
const GRPC_UNAUTHENTICATED: u32 = 16;
