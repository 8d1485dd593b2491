//! `l402 payments`.

use crate::amount::Amount;
use crate::cli::PaymentsCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::store::payments::{Intent, Outcome, Payments, PaymentsError};
use crate::text::{lines, printable};
use l402_core::PaymentHash;

/// Runs the command, and returns what it prints.
pub(super) fn run(command: &PaymentsCommand, payments: &Payments) -> Result<String, Failure> {
    match command {
        PaymentsCommand::List => Ok(lines(payments.intents().or_exit(Exit::Local)?.iter().map(line))),
        PaymentsCommand::Forget { payment_hash } => forget(payments, payment_hash),
    }
}

fn line(intent: &Intent) -> String {
    let (hash, amount) = (intent.payment_hash, Amount::from_msat(intent.amount_msat));
    let request = printable(&format!("{} {}{}", intent.method, intent.origin, intent.path));
    format!("{hash}\t{amount}\t{}\t{request}", printable(&intent.wallet))
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
    payment.close(Outcome::Forgotten).or_exit(Exit::Local)?;
    Ok(lines([format!("forgot {hash}")]))
}
