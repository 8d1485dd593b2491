//! Tokens.

use l402_agent::delegate;
use l402_agent::inspect::{ReadCaveat, Reading, UNKNOWN};
use l402_agent::store::record::KeptToken;
use l402_core::{Msat, Preimage, UnixSeconds};
use l402_http::pay::Standing;
use schemars::JsonSchema;
use serde::Serialize;

/// `l402 tokens list`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenList {
    /// The kept tokens, oldest first.
    pub tokens: Vec<ShownToken>,
}

/// A kept token, without its secrets.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownToken {
    /// The payment that bought it; names it in other commands.
    pub payment_hash: String,
    /// Where it was bought, and the only place that it is sent to.
    pub origin: String,
    /// The method of the request that it was bought for.
    pub method: String,
    /// The path of that request.
    pub path: String,
    /// What was paid, without the fee.
    pub amount_msat: u64,
    /// The routing fee.
    pub fee_msat: u64,
    /// When it was bought.
    pub bought_at: u64,
    /// What its server has made of it so far.
    pub standing: KeptStanding,
    /// How many uses are left, as far as is known; null without a limit.
    pub uses_left: Option<u64>,
    /// The balance that it was sold with.
    pub balance_msat: Option<u64>,
    /// When it ends.
    pub expires_at: Option<u64>,
    /// The routes that it opens, by their names at the server; empty where it does not say.
    pub routes: Vec<String>,
}

/// What a server has made of a token.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeptStanding {
    /// It was not presented yet, as far as is known.
    New,
    /// It was accepted.
    Served,
    /// It was refused.
    Refused,
}

impl ShownToken {
    /// Describes a token.
    pub fn new(token: &KeptToken) -> Self {
        let reading = Reading::of(&token.token, UnixSeconds::new(0));
        Self {
            payment_hash: token.payment_hash.to_string(),
            origin: token.origin.to_string(),
            method: token.method.to_string(),
            path: token.path.clone(),
            amount_msat: token.amount_msat.get(),
            fee_msat: token.fee_msat.get(),
            bought_at: token.bought_at.get(),
            standing: match token.standing {
                Standing::Refused => KeptStanding::Refused,
                Standing::Served => KeptStanding::Served,
                Standing::New => KeptStanding::New,
            },
            uses_left: delegate::uses_left(token),
            balance_msat: reading.balance_msat.map(Msat::get),
            expires_at: reading.expires_at.map(UnixSeconds::get),
            routes: delegate::routes(token),
        }
    }
}

/// `l402 tokens show`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TokenDetails {
    /// What is kept.
    pub token: ShownToken,
    /// What can be read in it.
    pub inspected: InspectedToken,
}

/// `l402 tokens inspect`: what can be read in a token. Nothing of it is proven: only the server has the key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InspectedToken {
    /// Whether it is a macaroon of format V2; where not, only its server can read it.
    pub is_macaroon: bool,
    /// Where it says that it comes from.
    pub location: Option<String>,
    /// The payment that it names.
    pub payment_hash: Option<String>,
    /// Whether the preimage beside it proves that payment; null without a preimage or a payment.
    pub preimage_matches: Option<bool>,
    /// When it ends.
    pub expires_at: Option<u64>,
    /// How many uses it was sold with.
    pub uses: Option<u32>,
    /// The balance that it was sold with.
    pub balance_msat: Option<u64>,
    /// Its conditions, in their order.
    pub caveats: Vec<CaveatObject>,
    /// What no token says.
    pub unknown: Vec<String>,
}

/// A condition of a token.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaveatObject {
    /// As it stands in the token, without control characters.
    pub text: String,
    /// What it means; the text may change.
    pub meaning: String,
}

impl InspectedToken {
    /// Describes what was read, with the preimage that came along.
    pub fn new(reading: &Reading, preimage: Option<&Preimage>) -> Self {
        let caveat =
            |ReadCaveat { text, meaning }: &ReadCaveat| CaveatObject { text: text.clone(), meaning: meaning.clone() };
        Self {
            is_macaroon: reading.is_macaroon,
            location: Some(reading.location.clone()).filter(|location| !location.is_empty()),
            payment_hash: reading.payment_hash.map(|hash| hash.to_string()),
            preimage_matches: preimage.and_then(|preimage| reading.is_proven_by(preimage)),
            expires_at: reading.expires_at.map(UnixSeconds::get),
            uses: reading.uses,
            balance_msat: reading.balance_msat.map(Msat::get),
            caveats: reading.caveats.iter().map(caveat).collect(),
            unknown: UNKNOWN.map(str::to_owned).to_vec(),
        }
    }
}
