//! `l402 payments`.

use crate::amount::Amount;
use crate::cli::PaymentsCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::store::payments::{Outcome, Payments};
use crate::text::printable;
use std::io::Write;

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(command: &PaymentsCommand, payments: &Payments, out: &mut impl Write) -> Result<Exit, Failure> {
    let unknown = payments.unknown().or_exit(Exit::Local)?;
    match command {
        PaymentsCommand::List => {
            for payment in &unknown {
                let intent = payment.intent();
                let amount = Amount::from_msat(intent.amount_msat);
                let request = printable(&format!("{} {}{}", intent.method, intent.origin, intent.path));
                let (hash, wallet) = (intent.payment_hash, printable(&intent.wallet));
                writeln!(out, "{hash}\t{amount}\t{wallet}\t{request}").or_exit(Exit::Local)?;
            }
        }
        PaymentsCommand::Forget { payment_hash } => {
            let payment = unknown.into_iter().find(|payment| payment.intent().payment_hash == *payment_hash);
            let payment = payment.ok_or_else(|| {
                Failure::say(
                    Exit::Usage,
                    format!("no payment {payment_hash} of unknown outcome; `l402 payments list` has them"),
                )
            })?;
            payment.close(Outcome::Forgotten).or_exit(Exit::Local)?;
            writeln!(out, "forgot {payment_hash}").or_exit(Exit::Local)?;
        }
    }
    Ok(Exit::Served)
}
