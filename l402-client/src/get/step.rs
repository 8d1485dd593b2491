//! The steps that `--explain` tells.

use core::fmt;
use l402_agent::CredentialUsed;
use l402_agent::amount::Amount;
use l402_agent::text::printable;
use l402_core::Msat;
use serde::Serialize;

/// A step on the way to a payment, or to none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The limits of this command.
    Limits {
        /// The most to pay, fees not counted.
        max_price_msat: u64,
        /// The most to pay for routing.
        max_fee_msat: u64,
        /// The wallet that would pay.
        wallet: String,
    },
    /// What the policy says of the origin, before a price is known.
    Policy {
        /// The origin.
        origin: String,
        /// `absent`, `allow`, `ask` or `deny`.
        verdict: &'static str,
        /// Why it is denied.
        why: Option<String>,
    },
    /// A breaker that is not in its normal mode.
    Breaker {
        /// The origin; null for all of them.
        origin: Option<String>,
        /// Its mode.
        mode: String,
        /// Why.
        why: Option<String>,
    },
    /// A budget that the payment needs room in: the one that pays, then those above it.
    Budget {
        /// Its name.
        name: String,
        /// `active`, `frozen`, `expired` or `removed`.
        standing: &'static str,
        /// What is left in all; null without a limit.
        left_msat: Option<u64>,
        /// What is left this hour.
        hour_left_msat: Option<u64>,
        /// What is left in these 24 hours.
        day_left_msat: Option<u64>,
    },
    /// What is kept of the origin.
    Kept {
        /// The origin.
        origin: String,
        /// The kept tokens.
        tokens: usize,
        /// Those that have not ended, are not spent and were not refused.
        usable: usize,
        /// Payments whose outcome is unknown; nothing else is bought with them open.
        open_payments: usize,
    },
    /// A request goes out.
    Sent {
        /// Its method.
        method: String,
        /// Its URL.
        url: String,
        /// Whether it carries a token.
        with_token: bool,
        /// The payment that bought the token, where the token names it.
        payment_hash: Option<String>,
    },
    /// A response came in.
    Answered {
        /// Its status.
        status: u16,
    },
    /// The response asks for a payment.
    Asked {
        /// How much; null where it does not say.
        amount_msat: Option<u64>,
        /// For which payment.
        payment_hash: String,
        /// On which network.
        network: String,
        /// To which node.
        payee: String,
    },
    /// The response asks for a payment in a way that cannot be used.
    Unusable {
        /// Why.
        why: String,
    },
    /// What opened the call.
    Opened {
        /// The token.
        credential: CredentialUsed,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |msat: &u64| Amount::new(Msat::new(*msat));
        let left =
            |msat: &Option<u64>| msat.map_or_else(|| "no limit".to_owned(), |msat| format!("{} left", amount(&msat)));
        match self {
            Self::Limits { max_price_msat, max_fee_msat, wallet } => {
                let (price, fee, wallet) = (amount(max_price_msat), amount(max_fee_msat), printable(wallet));
                write!(f, "limits: at most {price}, and {fee} of fees, from the wallet {wallet}")
            }
            Self::Policy { origin, verdict: "absent", .. } => {
                write!(f, "policy: there is none; {} is allowed", printable(origin))
            }
            Self::Policy { origin, verdict, why: None } => write!(f, "policy: {verdict} {}", printable(origin)),
            Self::Policy { why: Some(why), .. } => write!(f, "policy: deny {}", printable(why)),
            Self::Breaker { origin, mode, why } => {
                let (origin, why) =
                    (origin.as_deref().unwrap_or("all origins"), why.as_deref().unwrap_or("set by its owner"));
                write!(f, "breaker: {} is {mode}: {}", printable(origin), printable(why))
            }
            Self::Budget { name, standing, left_msat, hour_left_msat, day_left_msat } => {
                let (total, hour, day) = (left(left_msat), left(hour_left_msat), left(day_left_msat));
                write!(f, "budget: {} is {standing}; in all {total}, this hour {hour}, this day {day}", printable(name))
            }
            Self::Kept { origin, tokens, usable, open_payments } => write!(
                f,
                "kept: {tokens} tokens of {}, {usable} of them usable; {open_payments} payments without an outcome",
                printable(origin)
            ),
            Self::Sent { method, url, with_token: false, .. } => {
                write!(f, "sent: {method} {} without a token", printable(url))
            }
            Self::Sent { method, url, payment_hash, .. } => {
                let hash = payment_hash.as_deref().unwrap_or("a payment that it does not name");
                write!(f, "sent: {method} {} with the token of {hash}", printable(url))
            }
            Self::Answered { status } => write!(f, "answered: status {status}"),
            Self::Asked { amount_msat, payment_hash, network, payee } => {
                let price =
                    amount_msat.as_ref().map_or_else(|| "any amount".to_owned(), |msat| amount(msat).to_string());
                write!(f, "asked: {price} on {network}, to node {payee}, payment {payment_hash}")
            }
            Self::Unusable { why } => write!(f, "asked: in a way that cannot be used: {}", printable(why)),
            Self::Opened { credential } => f.write_str(match credential {
                CredentialUsed::None => "opened: by no token, so nothing was paid",
                CredentialUsed::Kept => "opened: by a kept token, so nothing was paid",
                CredentialUsed::Recovered => "opened: by the token of an earlier payment, so nothing more was paid",
                CredentialUsed::Bought => "opened: by a new token; policy, limits and budgets allowed the payment",
                CredentialUsed::Given => "opened: by the token of --token, so nothing was paid",
                _ => "opened",
            }),
        }
    }
}
