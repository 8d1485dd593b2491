//! `l402 tokens show|inspect`: what is known of a token.

use super::{kept, which};
use crate::cli::InspectArgs;
use crate::exit::{Exit, Failure};
use crate::get::given::{self, GivenToken, GivenTokenError};
use crate::json::{self, InspectedToken, ShownToken, TokenDetails};
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::inspect::{Reading, UNKNOWN};
use l402_agent::store::tokens::Tokens;
use l402_agent::text::{lines, printable};
use l402_core::{Preimage, UnixSeconds};
use l402_lightning::unix_now;

/// Shows a kept token.
pub(super) fn show(name: Option<&str>, json: bool, tokens: &Tokens) -> Result<String, Failure> {
    let token = which::one(name, tokens)?;
    let reading = Reading::of(&token.token, unix_now());
    if json {
        let inspected = InspectedToken::new(&reading, Some(&token.preimage));
        return json::line(&TokenDetails { token: ShownToken::new(&token), inspected });
    }
    let shown = ShownToken::new(&token);
    let own = [
        format!("payment   {}", token.payment_hash),
        format!("origin    {}", printable(&shown.origin)),
        format!("bought    for {} {}", token.method, printable(&token.path)),
        format!("paid      {} and a fee of {}", Amount::new(token.amount_msat), Amount::new(token.fee_msat)),
        format!("left      {}", left(&shown)),
        format!("accepted  {}", kept::accepted(token.standing)),
    ];
    Ok(lines(own.into_iter().chain(read(&reading))))
}

/// Explains a token that comes from anywhere.
pub(super) fn inspect(args: &InspectArgs) -> Result<String, Failure> {
    let (text, preimage) = bare(&args.token)?;
    let reading = Reading::of(&text, unix_now());
    if args.json {
        return json::line(&InspectedToken::new(&reading, preimage.as_ref()));
    }
    let proof = match (&preimage, preimage.as_ref().and_then(|preimage| reading.is_proven_by(preimage))) {
        (None, _) => "none here",
        (_, Some(true)) => "the preimage matches the payment",
        (_, Some(false)) => "the preimage belongs to another payment",
        (_, None) => "a preimage; the token names no payment",
    };
    let payment = reading.payment_hash.map(|hash| format!("payment   {hash}"));
    let own = payment.into_iter().chain([format!("proof     {proof}")]);
    Ok(lines(own.chain(read(&reading))))
}

/// Takes a token without a preimage from the command line, everything else from a file.
fn bare(source: &str) -> Result<(String, Option<Preimage>), Failure> {
    let is_token = source != "-" && !source.contains(':') && !std::path::Path::new(source).exists();
    if is_token && Reading::of(source, UnixSeconds::new(0)).is_macaroon {
        return Ok((source.to_owned(), None));
    }
    let text = given::text(source).map_err(|fault| unreadable(source, fault))?;
    let line = text.trim();
    match GivenToken::parse(line) {
        Ok(token) => Ok((token.token().to_owned(), Some(token.preimage().clone()))),
        Err(_) if !line.is_empty() && !line.contains([' ', ':', '\n']) => Ok((line.to_owned(), None)),
        Err(_) => Err(Failure::say(Exit::Usage, "this is no token: expected `L402 TOKEN:PREIMAGE`, or a token alone")),
    }
}

/// What looks like a credential is not repeated.
fn unreadable(source: &str, fault: GivenTokenError) -> Failure {
    match fault {
        GivenTokenError::NoFile if source.contains(':') => Failure::say(
            Exit::Usage,
            "give a token with its preimage on standard input: other users can read the command line",
        ),
        GivenTokenError::NoFile => Failure::say(Exit::Usage, "neither a file nor a token"),
        GivenTokenError::Unreadable(cause) => Failure::new(Exit::Local, cause),
        fault => Failure::new(Exit::Usage, fault),
    }
}

fn left(token: &ShownToken) -> String {
    match (token.uses_left, token.balance_msat) {
        (Some(0), _) => "nothing: it is spent".to_owned(),
        (Some(1), _) => "1 use".to_owned(),
        (Some(uses), _) => format!("{uses} uses"),
        (None, Some(msat)) => format!("sold with a balance of {}", Amount::new(msat.into())),
        (None, None) => "no number of uses is known".to_owned(),
    }
}

fn read(reading: &Reading) -> Vec<String> {
    if !reading.is_macaroon {
        return vec!["token     only its server can read it".to_owned()];
    }
    let mut told = Vec::new();
    if !reading.location.is_empty() {
        told.push(format!("location  {}", reading.location));
    }
    told.push(format!("ends      {}", ends(reading.expires_at, unix_now())));
    if reading.caveats.is_empty() {
        told.push("caveat    none".to_owned());
    }
    told.extend(reading.caveats.iter().map(|caveat| format!("caveat    {}\t{}", caveat.text, caveat.meaning)));
    told.extend(UNKNOWN.iter().map(|unknown| format!("unknown   {unknown}")));
    told
}

fn ends(end: Option<UnixSeconds>, now: UnixSeconds) -> String {
    match end {
        None => "it does not say".to_owned(),
        Some(end) if end <= now => format!("it has ended, at {} (Unix seconds)", end.get()),
        Some(end) => {
            let left = Duration::from_secs(end.get().saturating_sub(now.get()));
            format!("at {} (Unix seconds), in {left:?}", end.get())
        }
    }
}
