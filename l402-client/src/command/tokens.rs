//! `l402 tokens`.

use crate::amount::Amount;
use crate::cli::TokensCommand;
use crate::exit::{Exit, Failure, OrExit};
use crate::store::tokens::{KeptToken, Tokens};
use crate::text::{lines, printable};

/// Runs the command, and returns what it prints. That opens nothing: preimages stay in the database.
pub(super) fn run(command: &TokensCommand, tokens: &Tokens) -> Result<String, Failure> {
    match command {
        TokensCommand::List => Ok(lines(tokens.all().or_exit(Exit::Local)?.iter().map(line))),
        TokensCommand::Forget { origin } => {
            let count = tokens.forget_origin(origin).or_exit(Exit::Local)?;
            Ok(lines([format!("forgot {count} of {origin}")]))
        }
    }
}

fn line(token: &KeptToken) -> String {
    let paid = Amount::from_msat(token.amount_msat);
    let bought_for = printable(&format!("{} {}{}", token.method, token.origin, token.path));
    format!("{}\t{paid}\t{bought_for}", token.payment_hash)
}
