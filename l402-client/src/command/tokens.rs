//! `l402 tokens`.

use super::{export, inspect, kept};
use crate::cli::{ImportArgs, TokensCommand};
use crate::exit::{Exit, Failure, OrExit};
use crate::get::given::GivenToken;
use crate::json::{self, ShownToken, TokenList};
use http::Method;
use l402_agent::store::lnget::{self, FoundToken, LngetError};
use l402_agent::store::record::KeptToken;
use l402_agent::store::tokens::Tokens;
use l402_agent::text::{lines, printable};
use l402_core::{MAX_HEADER_LEN, Msat, TokenFacts, macaroon};
use l402_http::pay::{Origin, Standing};
use l402_lightning::unix_now;
use std::fs::File;
use std::io::{self, Read};
use zeroize::Zeroizing;

/// Runs the command, and returns what it prints and how it ends. Only `attenuate` and `export` print a secret, which is what they
/// are for.
pub(super) fn run(command: &TokensCommand, tokens: &Tokens) -> Result<(String, Exit), Failure> {
    let served = |text| (text, Exit::Served);
    match command {
        TokensCommand::List { json: false } => {
            Ok(served(lines(tokens.all().or_exit(Exit::Local)?.iter().map(kept::line))))
        }
        TokensCommand::List { json: true } => {
            let tokens = tokens.all().or_exit(Exit::Local)?.iter().map(ShownToken::new).collect();
            json::line(&TokenList { tokens }).map(served)
        }
        TokensCommand::Show { token, json } => inspect::show(token.as_deref(), *json, tokens).map(served),
        TokensCommand::Inspect(args) => inspect::inspect(args).map(served),
        TokensCommand::Export(args) => export::run(args, tokens).map(served),
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
    if let Some(given) = line(args)? {
        let added = tokens.import(&[kept_of(&given, args.origin.as_ref())?]).or_exit(Exit::Local)?;
        return Ok((lines([told(added, 1)]), Exit::Served));
    }
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
    told.push(self::told(added, paid.len()));
    Ok((lines(told), exit))
}

fn told(added: usize, of: usize) -> String {
    format!("imported {added}; {} already known", of.saturating_sub(added))
}

/// Reads a token as `export` prints it; [`None`] where there is something else. lnget's files begin with a zero byte.
fn line(args: &ImportArgs) -> Result<Option<GivenToken>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let (path, limit) = (&args.path, MAX_HEADER_LEN as u64 + 1);
    if path.as_os_str() == "-" {
        io::stdin().take(limit).read_to_end(&mut bytes).or_exit(Exit::Local)?;
        let given = core::str::from_utf8(&bytes).ok().and_then(|text| GivenToken::parse(text).ok());
        return given.map(Some).ok_or_else(|| Failure::say(Exit::Usage, "expected `L402 TOKEN:PREIMAGE`"));
    }
    if path.is_file() {
        let file = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        file.or_exit(Exit::Local)?;
    }
    Ok(core::str::from_utf8(&bytes).ok().and_then(|text| GivenToken::parse(text).ok()))
}

/// What it cost, and for which request it was bought, the line does not say.
fn kept_of(given: &GivenToken, origin: Option<&Origin>) -> Result<KeptToken, Failure> {
    let origin =
        origin.ok_or_else(|| Failure::say(Exit::Usage, "the line does not say whose token it is; use --origin"))?;
    let payment_hash = given.preimage().hash();
    let facts = TokenFacts::read(given.token().as_bytes(), &mut vec![0; macaroon::MAX_LEN]);
    if facts.contradicts(&payment_hash) {
        return Err(Failure::say(Exit::Usage, "the preimage belongs to another payment than the token names"));
    }
    Ok(KeptToken {
        origin: origin.clone(),
        method: Method::GET,
        path: "/".to_owned(),
        scheme: given.scheme(),
        token: given.token().to_owned(),
        payment_hash,
        preimage: given.preimage().clone(),
        amount_msat: Msat::ZERO,
        fee_msat: Msat::ZERO,
        bought_at: unix_now(),
        standing: Standing::Served, // another may be bought when it is refused
        uses_left: None,
    })
}
