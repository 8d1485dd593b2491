//! What a caller gets to see.

use super::body::FetchBody;
use super::error::ErrandError;
use crate::fetch::CredentialUsed;
use bytes::Bytes;
use core::fmt;
use serde::{Deserialize, Serialize};

/// A response.
pub struct Fetched {
    /// All of it but the body.
    pub head: FetchHead,
    /// The body, as it arrives.
    pub body: FetchBody,
}

impl Fetched {
    /// Reads the whole body, which is never longer than the limits allow.
    ///
    /// # Errors
    /// Why it did not arrive whole.
    pub async fn bytes(self) -> Result<Bytes, ErrandError> {
        self.body.bytes().await
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("head", &self.head).finish_non_exhaustive()
    }
}

/// A response without its body, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchHead {
    /// The URL that answered, after redirects.
    pub url: String,
    /// The status.
    pub status: u16,
    /// Names and values of the headers, without challenges and without those of the connection.
    pub headers: Vec<(String, String)>,
    /// What opened it.
    pub credential: Credential,
    /// How many more requests what was bought opens, where the server says so.
    pub uses_left: Option<u64>,
    /// What this call has paid, fees included.
    pub paid_msat: u64,
    /// The payments of it.
    pub payments: Vec<PaidSeen>,
    /// Whether the server demands a payment in a way that is not met here: the response is not what was asked for.
    pub is_unpaid: bool,
    /// What the budget may still spend, as far as it has limits: the least of its own and of those above it.
    pub left_msat: Option<u64>,
}

/// What opened a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Credential {
    /// Nothing: it is free, or was not paid for.
    None,
    /// What an earlier call bought.
    Kept,
    /// What this call bought.
    Bought,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

impl From<CredentialUsed> for Credential {
    fn from(used: CredentialUsed) -> Self {
        match used {
            CredentialUsed::None => Self::None,
            CredentialUsed::Kept | CredentialUsed::Recovered | CredentialUsed::Answered => Self::Kept,
            CredentialUsed::Bought => Self::Bought,
            CredentialUsed::Given => Self::Other,
        }
    }
}

/// A payment of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidSeen {
    /// Who was paid.
    pub origin: String,
    /// The payment hash.
    pub payment_hash: String,
    /// What the payee received.
    pub amount_msat: u64,
    /// What routing cost.
    pub fee_msat: u64,
}

/// What a request would cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The URL that would be paid for, after redirects.
    pub url: String,
    /// The status of the response.
    pub status: u16,
    /// Whether it was served without a payment.
    pub is_free: bool,
    /// The price; absent where there is none, or the server leaves it open.
    pub price_msat: Option<u64>,
    /// What the seller says is sold. These are its words.
    pub sold: Option<String>,
    /// Why nothing would be paid; absent where it would be, and where nothing is asked for.
    pub refusal: Option<String>,
    /// What the budget may still spend, as far as it has limits.
    pub left_msat: Option<u64>,
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetSeen {
    /// Its name.
    pub name: String,
    /// Whether it pays at all: `active`, `frozen`, `expired` or `removed`.
    pub standing: String,
    /// In how many seconds it ends.
    pub ends_in_s: Option<u64>,
    /// The most that may be spent.
    pub limits: LimitsSeen,
    /// Spent, fees included.
    pub spent_msat: u64,
    /// Reserved for payments without an outcome.
    pub reserved_msat: u64,
    /// How many those are.
    pub in_flight: u64,
    /// Spent and reserved in the hour.
    pub hour_msat: u64,
    /// Spent and reserved in the day.
    pub day_msat: u64,
    /// What may still be spent, as far as there are limits: the least of its own and of the budgets above it. 0 where one of
    /// them does not pay.
    pub left_msat: Option<u64>,
}

/// The limits of a budget, in msat; null is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LimitsSeen {
    /// For one call.
    pub per_call_msat: Option<u64>,
    /// In an hour.
    pub per_hour_msat: Option<u64>,
    /// In 24 hours.
    pub per_day_msat: Option<u64>,
    /// At each origin.
    pub per_origin_msat: Option<u64>,
    /// For each service of an origin.
    pub per_service_msat: Option<u64>,
    /// In all.
    pub total_msat: Option<u64>,
}

/// A purchase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseSeen {
    /// When it began, in seconds since 1970.
    pub at: u64,
    /// The payment hash.
    pub payment_hash: String,
    /// Who was paid.
    pub origin: String,
    /// The method of the request that it was for.
    pub method: String,
    /// The path of that request.
    pub path: String,
    /// What the invoice asks for.
    pub amount_msat: u64,
    /// What routing cost; absent while it is not known.
    pub fee_msat: Option<u64>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It succeeded.
    Paid,
    /// It failed, and no money moved.
    NotPaid,
    /// Nobody knows yet. It counts as spent.
    Unknown,
    /// The owner no longer wants to know. It counts as spent.
    Forgotten,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}
