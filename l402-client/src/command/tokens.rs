//! `l402 tokens`.

use crate::amount::Amount;
use crate::cli::TokensCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::store::tokens::{KeptToken, Tokens};
use crate::text::printable;
use std::io::Write;

/// Runs the command. What it prints opens nothing: preimages stay in the file.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(command: &TokensCommand, tokens: &Tokens, out: &mut impl Write) -> Result<Exit, Failure> {
    match command {
        TokensCommand::List => {
            for token in tokens.all().or_exit(Exit::Local)? {
                writeln!(out, "{}", line(&token)).or_exit(Exit::Local)?;
            }
        }
        TokensCommand::Forget { origin } => {
            let count = tokens.forget_origin(origin).or_exit(Exit::Local)?;
            writeln!(out, "forgot {count} of {origin}").or_exit(Exit::Local)?;
        }
    }
    Ok(Exit::Served)
}

fn line(token: &KeptToken) -> String {
    let paid = Amount::from_msat(token.amount_msat);
    let bought_for = printable(&format!("{} {}{}", token.method, token.origin, token.path));
    format!("{}\t{paid}\t{bought_for}", token.payment_hash)
}
