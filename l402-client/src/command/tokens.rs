//! `l402 tokens`.

use super::kept;
use crate::cli::{ImportArgs, TokensCommand};
use crate::exit::{Exit, Failure, OrExit};
use l402_agent::store::lnget::{self, FoundToken, LngetError};
use l402_agent::store::tokens::Tokens;
use l402_agent::text::{lines, printable};

/// Runs the command, and returns what it prints and how it ends. Only `attenuate` prints a secret, which is what it is for.
pub(super) fn run(command: &TokensCommand, tokens: &Tokens) -> Result<(String, Exit), Failure> {
    match command {
        TokensCommand::List => Ok((lines(tokens.all().or_exit(Exit::Local)?.iter().map(kept::line)), Exit::Served)),
        TokensCommand::Forget { origin } => {
            let count = tokens.forget_origin(origin).or_exit(Exit::Local)?;
            let noun = if count == 1 { "token" } else { "tokens" };
            Ok((lines([format!("deleted {count} {noun} of {origin}")]), Exit::Served))
        }
        TokensCommand::Import(args) => import(args, tokens),
        TokensCommand::Attenuate(args) => super::attenuate::run(args, tokens),
    }
}

/// Takes over what can be read, and names the rest.
fn import(args: &ImportArgs, tokens: &Tokens) -> Result<(String, Exit), Failure> {
    let found = lnget::find(&args.path, args.origin.as_ref(), args.http).map_err(|fault| {
        let exit = if matches!(fault, LngetError::NoTokens) { Exit::Usage } else { Exit::Local };
        Failure::new(exit, anyhow::Error::from(fault).context(args.path.display().to_string()))
    })?;
    let (mut paid, mut told, mut exit) = (Vec::new(), Vec::new(), Exit::Served);
    for FoundToken { path, token } in found {
        let why = match token {
            Ok(Some(token)) => {
                paid.push(token);
                continue;
            }
            Ok(None) => "skipped: no preimage yet".to_owned(),
            Err(fault) => {
                exit = Exit::Local;
                format!("left out: {:#}", anyhow::Error::from(fault))
            }
        };
        told.push(format!("{}\t{}", printable(&path.display().to_string()), printable(&why)));
    }
    let added = tokens.import(&paid).or_exit(Exit::Local)?;
    told.push(format!("imported {added}; {} already known", paid.len().saturating_sub(added)));
    Ok((lines(told), exit))
}
