//! `l402 payments`.

use crate::cli::PaymentsCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::flags::flags;
use crate::home::Home;
use crate::json::{self, PaymentList, Resolution, ResolutionList, ShownPayment};
use crate::wallet;
use l402_agent::amount::Amount;
use l402_agent::resolve::{self, Finding, Resolved};
use l402_agent::store::Database;
use l402_agent::store::payments::{Closing, Payments, PaymentsError};
use l402_agent::store::record::{Intent, PaymentOutcome, Recorded};
use l402_agent::text::{lines, printable};
use l402_core::PaymentHash;
use l402_lightning::PaymentSource;
use l402_program::Causes;

/// Runs the command, and returns what it prints and how it ends.
pub(super) async fn run(command: &PaymentsCommand, home: &Home) -> Result<(String, Exit), Failure> {
    let payments = Payments::new(Database::open(&home.data).or_exit(Exit::Local)?).or_exit(Exit::Local)?;
    match command {
        PaymentsCommand::List { all, json: true } => {
            let shown = if *all {
                payments.all().or_exit(Exit::Local)?.iter().map(ShownPayment::new).collect()
            } else {
                payments.intents().or_exit(Exit::Local)?.iter().map(ShownPayment::open).collect()
            };
            json::line(&PaymentList { payments: shown }).map(|text| (text, Exit::Served))
        }
        PaymentsCommand::List { all: false, .. } => {
            Ok((lines(payments.intents().or_exit(Exit::Local)?.iter().map(line)), Exit::Served))
        }
        PaymentsCommand::List { all: true, .. } => {
            Ok((lines(payments.all().or_exit(Exit::Local)?.iter().map(outcome_line)), Exit::Served))
        }
        PaymentsCommand::Resolve { json } => {
            let wallet = wallet::chosen_wallet(home).or_exit(Exit::Usage)?;
            let name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
            let resolved = resolve(&payments, &wallet, &name, *json).await;
            wallet::close(wallet).await;
            resolved
        }
        PaymentsCommand::Forget { payment_hash } => forget(&payments, payment_hash).map(|text| (text, Exit::Served)),
    }
}

fn line(intent: &Intent) -> String {
    let (hash, amount) = (intent.payment_hash, Amount::new(intent.amount_msat));
    let request = printable(&format!("{} {}{}", intent.method, intent.origin, intent.path));
    format!("{hash}\t{amount}\t{}\t{request}", printable(&intent.wallet))
}

fn outcome_line(Recorded { intent, outcome }: &Recorded) -> String {
    let outcome = match outcome {
        None => "unknown".to_owned(),
        Some(PaymentOutcome::Paid { fee_msat }) => format!("paid, fee {}", Amount::new(*fee_msat)),
        Some(PaymentOutcome::NotPaid) => "not paid".to_owned(),
        Some(PaymentOutcome::Forgotten) => "forgotten".to_owned(),
    };
    format!("{}\t{outcome}", line(intent))
}

/// Asks about each payment without an outcome, and pays nothing.
async fn resolve(
    payments: &Payments,
    wallet: &impl PaymentSource,
    name: &str,
    json: bool,
) -> Result<(String, Exit), Failure> {
    let (mut told, mut objects, mut exit) = (Vec::new(), Vec::new(), Exit::Served);
    for Resolved { intent, finding } in resolve::all(payments, wallet, name).await.or_exit(Exit::Local)? {
        let (finding, why) = learned(&finding);
        let what = match &why {
            None if matches!(finding, json::Finding::Paid) => "paid; its token is kept".to_owned(),
            None => "not paid".to_owned(),
            Some(why) => {
                exit = Exit::Unknown;
                format!("unknown: {}", printable(why))
            }
        };
        told.push(format!("{}\t{what}", line(&intent)));
        objects.push(Resolution::new(&intent, finding, why));
    }
    let text = if json { json::line(&ResolutionList { payments: objects })? } else { lines(told) };
    Ok((text, exit))
}

/// Returns what was learned, and why nothing was.
fn learned(finding: &Finding) -> (json::Finding, Option<String>) {
    match finding {
        Finding::Paid => (json::Finding::Paid, None),
        Finding::NotPaid => (json::Finding::NotPaid, None),
        Finding::Unknown(why) => (json::Finding::Unknown, Some(why.to_string())),
        Finding::Silent(fault) => (json::Finding::Silent, Some(Causes(fault).to_string())),
        Finding::OtherWallet(name) => {
            (json::Finding::OtherWallet, Some(format!("made by another wallet; repeat with {}", flags(name))))
        }
        Finding::Held => (json::Finding::Held, Some("another command is resolving it".to_owned())),
    }
}

fn forget(payments: &Payments, hash: &PaymentHash) -> Result<String, Failure> {
    let adopted = payments.adopt(hash).map_err(|fault| {
        let exit = if matches!(fault, PaymentsError::Held(_)) { Exit::Unknown } else { Exit::Local };
        Failure::new(exit, fault)
    });
    let Some(payment) = adopted? else {
        let hint = format!("no unresolved payment {hash}; see `l402 payments list`");
        return Err(Failure::say(Exit::Usage, hint));
    };
    payment.close(Closing::Forgotten).or_exit(Exit::Local)?;
    Ok(lines([format!("forgot {hash}")]))
}
