//! From a failure of the agent to the reason that a caller is told.
//!
//! A sentence quotes no server. An agent does not learn either what is wrong with the owner's files and wallet: a path or an address is
//! none of its business.

use super::error::{ErrandError, Reason};
use super::headers::Caller;
use crate::amount::Amount;
use crate::fetch::FetchFault;
use crate::http::client::TransportError;
use crate::policy::Stopped;
use crate::price::QuoteError;
use crate::store::file::StoreError;
use crate::store::payments::PaymentsError;
use l402_core::Declined;
use l402_http::pay::{Receipt, RequestError};
use l402_lightning::PayError;

/// There is no response.
pub(super) fn of_fetch(fault: FetchFault, caller: Caller) -> ErrandError {
    match fault {
        FetchFault::Url(cause) => ErrandError::of(Reason::InvalidUrl, &cause),
        FetchFault::Redirect(cause) => ErrandError::of(Reason::Redirect, &cause),
        FetchFault::Store(cause) => of_store(&cause, caller),
        FetchFault::Policy(cause) => of_policy(&cause, caller),
        FetchFault::Pay { cause, .. } => of_pay(*cause, caller),
    }
}

/// There is no price.
pub(super) fn of_price(fault: QuoteError, caller: Caller) -> ErrandError {
    match fault {
        QuoteError::Url(cause) => ErrandError::of(Reason::InvalidUrl, &cause),
        QuoteError::Transport(cause) => of_transport(&cause),
        QuoteError::Redirect(cause) => ErrandError::of(Reason::Redirect, &cause),
        QuoteError::Challenge(cause) => ErrandError::of(Reason::BadChallenge, &cause),
        QuoteError::Refused(refused) => ErrandError::new(Reason::Policy, format!("nothing was sent: {refused}")),
        QuoteError::Store(_) => {
            ErrandError::new(Reason::Local, "cannot use the store of tokens and payments; tell the owner")
        }
        QuoteError::Policy(cause) => of_policy(&cause, caller),
    }
}

fn of_transport(fault: &TransportError) -> ErrandError {
    if let Some(refused) = fault.address_refused() {
        return ErrandError::new(Reason::AddressRefused, refused);
    }
    match fault {
        TransportError::Silent(_) => ErrandError::new(Reason::Timeout, fault),
        fault => ErrandError::of(Reason::Network, fault),
    }
}

fn of_pay(fault: RequestError<TransportError>, caller: Caller) -> ErrandError {
    match fault {
        RequestError::Transport(cause) => of_transport(&cause),
        RequestError::Origin(cause) => ErrandError::of(Reason::InvalidUrl, &cause),
        RequestError::BadChallenge(cause) => {
            let message = format!("cannot use the server's payment challenge: {cause}");
            ErrandError::new(Reason::BadChallenge, message)
        }
        RequestError::Declined(Declined::OverLimit { amount_msat, max_price_msat }) => {
            let (price, limit) = (Amount::new(amount_msat), Amount::new(max_price_msat));
            ErrandError::new(Reason::OverLimit, format!("not paid: the price is {price}, the limit {limit}"))
        }
        RequestError::Declined(why) => ErrandError::new(Reason::BadChallenge, format!("not paid: {why}")),
        RequestError::PaymentFailed(PayError::Unavailable(_)) if caller == Caller::Agent => {
            ErrandError::new(Reason::PaymentFailed, "not paid: the wallet cannot be reached")
        }
        RequestError::PaymentUnknown { .. } | RequestError::NotStored { .. } => {
            let message =
                "it is not known whether the payment succeeded; ask again: the wallet is asked before more is paid";
            ErrandError::new(Reason::PaymentUnknown, message)
        }
        RequestError::StillRefused { status, receipt } => {
            not_accepted(&format!("the server answers {} although it was paid", status.as_u16()), &receipt)
        }
        RequestError::NotAccepted(receipt) => {
            not_accepted("not paid: the server has not accepted what was bought from it before", &receipt)
        }
        RequestError::Store(cause) => match cause.downcast_ref() {
            Some(cause) => of_store(cause, caller),
            None => local(&*cause, caller),
        },
        fault => ErrandError::of(reason_of(&fault), &fault),
    }
}

fn reason_of(fault: &RequestError<TransportError>) -> Reason {
    match fault {
        RequestError::WrongNetwork { .. } | RequestError::PaymentFailed(_) => Reason::PaymentFailed,
        RequestError::MayHaveServed { .. } => Reason::MayHaveServed,
        RequestError::Busy => Reason::Busy,
        RequestError::Body(_) | RequestError::BodyTooLong { .. } => Reason::InvalidRequest,
        _ => Reason::Local,
    }
}

/// What is lost is said, so that a caller can tell its owner.
fn not_accepted(what: &str, receipt: &Receipt) -> ErrandError {
    let (lost, fee) = (Amount::new(receipt.amount_msat), Amount::new(receipt.fee_msat));
    let message = format!("{what}; {lost} (and a fee of {fee}) are lost, unless it accepts the token later");
    ErrandError::new(Reason::NotAccepted, message)
}

fn of_policy(fault: &Stopped, caller: Caller) -> ErrandError {
    match (fault, caller) {
        (Stopped::Denied(denied), _) => ErrandError::new(Reason::Policy, denied),
        (fault, Caller::Owner) => ErrandError::of(Reason::Policy, fault),
        (_, Caller::Agent) => ErrandError::new(Reason::Policy, "the owner's policy cannot be used; tell the owner"),
    }
}

fn of_store(fault: &StoreError, caller: Caller) -> ErrandError {
    match fault {
        StoreError::Payments(PaymentsError::Refused(refused)) => {
            ErrandError::new(Reason::Policy, format!("not paid: {refused}"))
        }
        StoreError::Payments(PaymentsError::Policy(cause)) => match caller {
            Caller::Owner => ErrandError::of(Reason::Policy, cause),
            Caller::Agent => ErrandError::new(Reason::Policy, "the owner's policy cannot be used; tell the owner"),
        },
        StoreError::Payments(PaymentsError::Held(_)) => {
            ErrandError::new(Reason::Busy, "not paid: another call sees to a payment for the same; ask again later")
        }
        StoreError::OtherWallet { .. } | StoreError::Payments(PaymentsError::StillOpen(_)) => {
            let message = "not paid: an earlier payment for the same has no known outcome; the owner can resolve it";
            ErrandError::new(Reason::PaymentUnknown, message)
        }
        StoreError::Payments(PaymentsError::Seen(_)) => ErrandError::new(
            Reason::BadChallenge,
            "not paid: the server asks again for a payment that was made already",
        ),
        fault => local(fault, caller),
    }
}

fn local(fault: &(dyn core::error::Error + 'static), caller: Caller) -> ErrandError {
    match caller {
        Caller::Owner => ErrandError::of(Reason::Local, fault),
        Caller::Agent => ErrandError::new(Reason::Local, "cannot use the store of tokens and payments; tell the owner"),
    }
}
