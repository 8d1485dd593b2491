//! 402 and 401 with something to buy: the challenge, in the form that the client understands.

use super::page::Page;
use super::{Form, Reason, Rejection, grpc, json};
use crate::policy::{Meter, Metered};
use bytes::Bytes;
use core::num::NonZeroU32;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Response, StatusCode};
use l402_core::{ChallengeLine, Msat, UnixSeconds, Uses};
use l402_lightning::Invoice;
use serde::Serialize;

/// A challenge with all that a buyer may want to know.
///
/// The JSON body has the fields `error`, `reason`, `invoice`, `token`, `authorization_format`, `format` (the same again),
/// `price_msat`, `payment_hash`, `expires_at` (of the invoice), `uses`, `valid_for_seconds` and `valid_until` (of the token); times
/// are in Unix seconds. `uses` is how often the token can be used: a number, `unlimited`, or `metered`: then the price buys a balance,
/// and `meter` says what is charged for (`unit`, `price_msat`, `per`; for tokens also `output_price_msat` and `up_to`). A token can be used from its payment
/// until `valid_until`, which is `valid_for_seconds` after the invoice's expiry: that long for a buyer who pays at the last moment,
/// longer for all others.
#[derive(Debug, Clone, Copy)]
pub struct ChallengeResponse<'a> {
    /// 402, or 401 where the credential proved nothing.
    pub status: StatusCode,
    /// Why this is asked, for programs.
    pub reason: Reason,
    /// The same for people.
    pub message: &'a str,
    /// What is sold.
    pub description: &'a str,
    /// The price.
    pub price_msat: Msat,
    /// How often the token can be used.
    pub uses: Uses,
    /// What a metered route charges for.
    pub meter: Option<&'a Meter>,
    /// How long the token is valid at least, in seconds: for a buyer who pays at the last moment.
    pub valid_for: u64,
    /// When the token ends.
    pub valid_until: UnixSeconds,
    /// The token, padded standard base64.
    pub token: &'a str,
    /// The invoice that the token's payment hash belongs to.
    pub invoice: &'a Invoice,
    /// Whether older clients get the LSAT line, before the other.
    pub lsat_line: bool,
}

impl ChallengeResponse<'_> {
    /// Writes the answer. The challenge holds nothing secret: a token without its preimage opens nothing.
    pub fn response(&self, form: Form) -> Response<Bytes> {
        let mut response = match form {
            Form::Json => json(self.status, &self.body()),
            Form::Html => self.page().response(),
            Form::Grpc => grpc::answer(self.status, self.reason, self.grpc_message()),
        };
        response.extensions_mut().insert(Rejection { status: self.status, reason: self.reason });
        let [lsat, l402] = ChallengeLine::both(self.token, self.invoice.bolt11());
        for line in [lsat].into_iter().filter(|_| self.lsat_line).chain([l402]) {
            if let Ok(line) = HeaderValue::try_from(line.to_string()) {
                response.headers_mut().append(WWW_AUTHENTICATE, line);
            }
        }
        response
    }

    const fn page(&self) -> Page<'_> {
        let Self { status, message, description, price_msat, uses, valid_for, token, invoice, .. } = *self;
        Page { status, message, description, price_msat, uses, valid_for, token, invoice }
    }

    fn grpc_message(&self) -> &str {
        if self.status == StatusCode::PAYMENT_REQUIRED { PAYMENT_REQUIRED } else { self.message }
    }

    fn body(&self) -> impl Serialize {
        let authorization = format!("L402 {}:<preimage>", self.token);
        Body {
            error: super::error_text(self.status),
            reason: self.reason.code(),
            invoice: self.invoice.bolt11(),
            token: self.token,
            format: authorization.clone(),
            authorization_format: authorization,
            price_msat: self.price_msat.get(),
            payment_hash: self.invoice.payment_hash().to_string(),
            expires_at: self.invoice.expires_at().get(),
            uses: Often::of(self.uses),
            meter: self.meter.map(Metered::of),
            valid_for_seconds: self.valid_for,
            valid_until: self.valid_until.get(),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'static str,
    reason: &'a str,
    invoice: &'a str,
    token: &'a str,
    authorization_format: String,
    format: String,
    price_msat: u64,
    payment_hash: String,
    expires_at: u64,
    uses: Often,
    #[serde(skip_serializing_if = "Option::is_none")]
    meter: Option<Metered>,
    valid_for_seconds: u64,
    valid_until: u64,
}

/// How often a token can be used: a number, or a word.
#[derive(Serialize)]
#[serde(untagged)]
enum Often {
    Times(NonZeroU32),
    Word(&'static str),
}

impl Often {
    fn of(uses: Uses) -> Self {
        match uses {
            Uses::Unlimited => Self::Word("unlimited"),
            Uses::Metered => Self::Word("metered"),
            Uses::Times(uses) => Self::Times(uses),
        }
    }
}

/// What a gRPC client that pays by itself looks for, beside status 13.
const PAYMENT_REQUIRED: &str = "payment required";
