//! `l402 payments`.

use crate::cli::PaymentsCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::home::Home;
use crate::wallet::{self, LazyWallet};
use l402_agent::amount::Amount;
use l402_agent::store::Database;
use l402_agent::store::file::flags;
use l402_agent::store::payments::{Intent, OpenPayment, Outcome, Payments, PaymentsError, Recorded, Unpaid};
use l402_agent::text::{lines, printable};
use l402_core::PaymentHash;
use l402_core::purchase::{Step, Unresolved};
use l402_http::pay::{Order, payment_status};
use l402_lightning::{PaymentSource, PaymentStatus};
use l402_program::Causes;
use std::time::SystemTime;

/// Runs the command, and returns what it prints and how it ends.
pub(super) async fn run(command: &PaymentsCommand, home: &Home) -> Result<(String, Exit), Failure> {
    let payments = Payments::new(Database::open(&home.data).or_exit(Exit::Local)?).or_exit(Exit::Local)?;
    match command {
        PaymentsCommand::List { all: false } => {
            Ok((lines(payments.intents().or_exit(Exit::Local)?.iter().map(line)), Exit::Served))
        }
        PaymentsCommand::List { all: true } => {
            Ok((lines(payments.all().or_exit(Exit::Local)?.iter().map(outcome_line)), Exit::Served))
        }
        PaymentsCommand::Resolve => {
            let wallet = LazyWallet::new(home).or_exit(Exit::Usage)?;
            let name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
            let resolved = resolve(&payments, &wallet, &name).await;
            wallet.close().await;
            resolved
        }
        PaymentsCommand::Forget { payment_hash } => forget(&payments, payment_hash).map(|text| (text, Exit::Served)),
    }
}

fn line(intent: &Intent) -> String {
    let (hash, amount) = (intent.payment_hash, Amount::from_msat(intent.amount_msat));
    let request = printable(&format!("{} {}{}", intent.method, intent.origin, intent.path));
    format!("{hash}\t{amount}\t{}\t{request}", printable(&intent.wallet))
}

fn outcome_line(Recorded { intent, outcome }: &Recorded) -> String {
    let outcome = match outcome {
        None => "unknown".to_owned(),
        Some(Outcome::Paid { fee_msat }) => format!("paid, fee {}", Amount::from_msat(*fee_msat)),
        Some(Outcome::NotPaid) => "not paid".to_owned(),
        Some(Outcome::Forgotten) => "forgotten".to_owned(),
    };
    format!("{}\t{outcome}", line(intent))
}

/// Asks about each payment without an outcome, and pays nothing.
async fn resolve(payments: &Payments, wallet: &impl PaymentSource, name: &str) -> Result<(String, Exit), Failure> {
    let (mut told, mut exit) = (Vec::new(), Exit::Served);
    for intent in payments.intents().or_exit(Exit::Local)? {
        let Some(found) = settle(payments, &intent, wallet, name).await? else { continue };
        let found = match found {
            Found::Paid => "paid; its token is kept".to_owned(),
            Found::NotPaid => "not paid".to_owned(),
            Found::Unknown(why) => {
                exit = Exit::Unknown;
                format!("unknown: {}", printable(&why))
            }
        };
        told.push(format!("{}\t{found}", line(&intent)));
    }
    Ok((lines(told), exit))
}

/// Returns what became of a payment; `None` where somebody else has settled it meanwhile.
async fn settle(
    payments: &Payments,
    intent: &Intent,
    wallet: &impl PaymentSource,
    name: &str,
) -> Result<Option<Found>, Failure> {
    if intent.wallet != name {
        let why = format!("another wallet was asked to pay; repeat with {}", flags(&intent.wallet));
        return Ok(Some(Found::Unknown(why)));
    }
    match payments.adopt(&intent.payment_hash) {
        Ok(None) => Ok(None),
        Ok(Some(payment)) => ask(payment, wallet).await.map(Some),
        Err(PaymentsError::Held(_)) => Ok(Some(Found::Unknown("another call is settling it".to_owned()))),
        Err(fault) => Err(Failure::new(Exit::Local, fault)),
    }
}

enum Found {
    Paid,
    NotPaid,
    Unknown(String),
}

/// Asks the wallet, and records what is known then. What to pay again is left to the next call for the same URL.
async fn ask(payment: OpenPayment, wallet: &impl PaymentSource) -> Result<Found, Failure> {
    let (hash, order) = (payment.intent().payment_hash, payment.intent().order.as_ref());
    let found = match wallet.payment(&hash).await {
        Ok(found) => found,
        Err(fault) => return Ok(Found::Unknown(Causes(&fault).to_string())),
    };
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let step = Order::record(order).after_lookup(payment_status(&found, &hash), now).without_paying();
    match (step, found) {
        (Step::Prove, PaymentStatus::Succeeded(paid)) => {
            let kept = payment.intent().prove(paid);
            payment.paid(&kept).or_exit(Exit::Local)?;
            Ok(Found::Paid)
        }
        (Step::NotPaid, _) => {
            payment.close(Unpaid::NotPaid).or_exit(Exit::Local)?;
            Ok(Found::NotPaid)
        }
        (Step::Unknown(why) | Step::PayAgain(why), _) => Ok(Found::Unknown(why.to_string())),
        (Step::Prove | Step::Wait, _) => Ok(Found::Unknown(Unresolved::Pending.to_string())),
    }
}

fn forget(payments: &Payments, hash: &PaymentHash) -> Result<String, Failure> {
    let adopted = payments.adopt(hash).map_err(|fault| {
        let exit = if matches!(fault, PaymentsError::Held(_)) { Exit::Unknown } else { Exit::Local };
        Failure::new(exit, fault)
    });
    let Some(payment) = adopted? else {
        let hint =
            format!("there is no payment {hash} without an outcome; `l402 payments list` shows those that there are");
        return Err(Failure::say(Exit::Usage, hint));
    };
    payment.close(Unpaid::Forgotten).or_exit(Exit::Local)?;
    Ok(lines([format!("forgot {hash}")]))
}
