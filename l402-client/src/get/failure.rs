//! From a failure of the agent to the exit code, and to what the user can do.

use crate::cli::GetArgs;
use crate::exit::{Exit, Failure};
use crate::flags::flags;
use crate::home::Home;
use core::time::Duration;
use http::{HeaderValue, StatusCode, Uri};
use l402_agent::amount::Amount;
use l402_agent::http::client::TransportError;
use l402_agent::price::QuoteError;
use l402_agent::store::Database;
use l402_agent::store::budget::BudgetError;
use l402_agent::store::file::StoreError;
use l402_agent::store::payments::{Payments, PaymentsError};
use l402_agent::{BuildError, FetchError, FetchFault};
use l402_core::Declined;
use l402_http::pay::{Origin, RequestError};
use l402_program::Causes;

/// The time of `--max-time` is over.
pub(super) fn too_long(args: &GetArgs, home: &Home, limit: Duration) -> Failure {
    let message = format!("the command took longer than {limit:?} (--max-time)");
    let origin = args.url.parse().ok().and_then(|url: Uri| Origin::of(&url).ok());
    let intents = Database::open(&home.data).ok().and_then(|database| Payments::new(database).ok()?.intents().ok());
    let is_paying = intents.unwrap_or_default().iter().any(|intent| Some(&intent.origin) == origin.as_ref());
    if is_paying {
        let hint =
            "and a payment may be under way; run the same command again to learn the outcome; nothing is paid twice";
        return Failure::say(Exit::Unknown, format!("{message}, {hint}"));
    }
    Failure::say(Exit::Network, message)
}

/// An agent could not be made.
pub(crate) fn of_build(fault: BuildError) -> Failure {
    let exit = match &fault {
        BuildError::Tls(_) | BuildError::Budget { cause: BudgetError::Unknown, .. } => Exit::Usage,
        _ => Exit::Local,
    };
    Failure::new(exit, fault)
}

/// The price is not known.
pub(super) fn of_price(fault: QuoteError) -> Failure {
    let exit = match &fault {
        QuoteError::Url(_) => Exit::Usage,
        QuoteError::Transport(_) => Exit::Network,
        QuoteError::Redirect(_) => Exit::Http,
        QuoteError::Challenge(_) => Exit::Challenge,
        QuoteError::Refused(_) | QuoteError::Policy(_) => Exit::Policy,
        _ => Exit::Local,
    };
    Failure::new(exit, fault)
}

/// There is no response.
pub(super) fn of(fault: FetchError) -> Failure {
    match fault.fault {
        FetchFault::Url(cause) => Failure::new(Exit::Usage, cause),
        FetchFault::Redirect(cause) => Failure::new(Exit::Http, cause),
        FetchFault::Store(cause) => of_store(cause),
        FetchFault::Policy(cause) => Failure::new(Exit::Policy, cause),
        FetchFault::Pay { url, cause, key, is_remembered } => {
            let key = key.as_ref().map(|key| (key, is_remembered));
            not_accepted(&cause, &url).unwrap_or_else(|| of_pay(*cause, key))
        }
        fault => Failure::new(Exit::Local, fault),
    }
}

/// `key` is the `Idempotency-Key` of the request, and whether the next call sends it by itself.
fn of_pay(fault: RequestError<TransportError>, key: Option<(&HeaderValue, bool)>) -> Failure {
    use l402_lightning::PayError;
    let exit = match &fault {
        RequestError::Transport(_) => Exit::Network,
        RequestError::Origin(_) => Exit::Usage,
        RequestError::BadChallenge(_) => Exit::Challenge,
        RequestError::Declined(why) => return declined(*why),
        RequestError::WrongNetwork { .. } | RequestError::PaymentFailed(_) => Exit::Payment,
        RequestError::PaymentUnknown { .. } => {
            let hint = "run the same command again to learn the outcome; nothing is paid twice";
            return Failure::new(Exit::Unknown, anyhow::Error::from(fault).context(hint));
        }
        RequestError::MayHaveServed { payment_hash: None, .. } => {
            let message =
                "nothing was paid: the server asks for a payment, and a repetition buys nothing; run the command again";
            return Failure::say(Exit::Http, message);
        }
        RequestError::MayHaveServed { status, .. } => return may_have_served(*status),
        RequestError::StillRefused { .. } | RequestError::NotAccepted(_) => Exit::Http,
        RequestError::Busy => Exit::Unknown,
        _ => Exit::Local,
    };
    match fault {
        // Nothing was tried, so that the cause alone says more than what it prevented.
        RequestError::PaymentFailed(PayError::Unavailable(cause)) => {
            Failure::new(exit, anyhow::Error::from_boxed(cause))
        }
        RequestError::Transport(cause) => match key.and_then(|(key, same)| Some((key.to_str().ok()?, same))) {
            Some((key, is_remembered)) if !cannot_connect(&cause) => {
                let how = if is_remembered { "run the same command again, or add" } else { "add" };
                let hint = "perhaps the server performed the request: to repeat it as the same request,";
                Failure::say(exit, format!("{}; {hint} {how} -H \"Idempotency-Key: {key}\"", Causes(&cause)))
            }
            _ => Failure::new(exit, cause),
        },
        // The store's own errors say what they are about.
        RequestError::Store(cause) => match cause.downcast() {
            Ok(cause) => of_store(*cause),
            Err(cause) => Failure::new(exit, anyhow::Error::from_boxed(cause)),
        },
        fault => Failure::new(exit, fault),
    }
}

/// A server that is silent may have performed the request as well.
fn cannot_connect(fault: &TransportError) -> bool {
    !fault.may_have_been_performed() && !matches!(fault, TransportError::Silent(_))
}

/// Nothing was bought for a request that may have been performed.
fn may_have_served(status: StatusCode) -> Failure {
    let message = format!(
        "nothing was paid: the server refused the token with {status}, and an earlier attempt of this request may have used it; run \
         the command again to buy another token"
    );
    Failure::say(Exit::Http, message)
}

/// Says what was lost to a server that takes money for nothing, and how to pay it all the same.
fn not_accepted(fault: &RequestError<TransportError>, url: &Uri) -> Option<Failure> {
    let (start, receipt) = match fault {
        RequestError::StillRefused { status, receipt } => {
            (format!("the server refused the new token with {status}"), receipt)
        }
        RequestError::NotAccepted(receipt) => {
            ("nothing was paid: the server refused a token that you bought before".to_owned(), receipt)
        }
        _ => return None,
    };
    let (lost, fee) = (Amount::new(receipt.amount_msat), Amount::new(receipt.fee_msat));
    let origin = Origin::of(url).map_or_else(|_| "ORIGIN".to_owned(), |origin| origin.to_string());
    let message = format!(
        "{start}; {lost} (and a fee of {fee}) are lost with payment {}, unless it accepts the token later; it is not paid again, but \
         with --buy-again, or after `l402 tokens forget {origin}`",
        receipt.payment_hash
    );
    Some(Failure::say(Exit::Http, message))
}

/// Only what the user can change is the limit's fault; the rest is the server's.
fn declined(why: Declined) -> Failure {
    let Declined::OverLimit { amount_msat, max_price_msat } = why else {
        return Failure::new(Exit::Challenge, RequestError::<TransportError>::Declined(why));
    };
    let (price, limit) = (Amount::new(amount_msat), Amount::new(max_price_msat));
    let hint = format!("not paid: the price is {price}, the limit {limit}; allow more with --max-price \"{price}\"");
    Failure::say(Exit::Limit, hint)
}

fn of_store(fault: StoreError) -> Failure {
    let exit = match &fault {
        StoreError::OtherWallet { wallet, payment_hash } => {
            let hint = format!(
                "an earlier payment to this origin, from the wallet `{wallet}`, has no known outcome; repeat the command with {}, \
                 or give it up with `l402 payments forget {payment_hash}`",
                flags(wallet)
            );
            return Failure::say(Exit::Unknown, hint);
        }
        StoreError::Payments(PaymentsError::Held(_) | PaymentsError::StillOpen(_)) => Exit::Unknown,
        StoreError::Payments(PaymentsError::Seen(_)) => Exit::Challenge,
        StoreError::Payments(PaymentsError::Refused(refused)) => {
            return Failure::say(Exit::Policy, format!("not paid: {refused}"));
        }
        StoreError::Payments(PaymentsError::Policy(_)) => Exit::Policy,
        _ => Exit::Local,
    };
    Failure::new(exit, fault)
}
