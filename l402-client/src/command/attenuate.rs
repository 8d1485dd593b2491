//! `l402 tokens attenuate`: a part of a kept token, for a pipe.

use super::kept;
use crate::cli::AttenuateArgs;
use crate::exit::{Exit, Failure, OrExit};
use l402_agent::delegate::{self, DelegateError};
use l402_agent::store::record::KeptToken;
use l402_agent::store::tokens::Tokens;
use l402_agent::text::lines;
use l402_core::{Narrowing, PaymentHash};
use l402_http::pay::Origin;
use l402_lightning::unix_now;

/// Returns the line to print: `L402 TOKEN:PREIMAGE`.
pub(super) fn run(args: &AttenuateArgs, tokens: &Tokens) -> Result<(String, Exit), Failure> {
    let which = args.token.as_deref().map(Which::parse).transpose()?;
    let kept = tokens.all().or_exit(Exit::Local)?;
    let meant: Vec<_> = kept.iter().filter(|token| which.as_ref().is_none_or(|which| which.is(token))).collect();
    let narrowing = Narrowing {
        service: args.service.as_ref(),
        capability: args.route.as_ref(),
        ends_at: args.expires.map(|time| unix_now().saturating_add(time.as_secs())),
        uses: args.uses,
    };
    if narrowing == Narrowing::default() {
        return Err(Failure::say(Exit::Usage, NOTHING));
    }
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for token in meant {
        match delegate::part(token, &narrowing) {
            Ok(part) => fit.push((token, part)),
            Err(why) => unfit.push((token, why)),
        }
    }
    match fit.as_slice() {
        [(_, part)] => Ok((lines([part.to_string()]), Exit::Served)),
        [] => Err(none(unfit)),
        several => Err(Failure::say(Exit::Usage, ambiguous(several.iter().map(|(token, _)| *token)))),
    }
}

fn none(mut unfit: Vec<(&KeptToken, DelegateError)>) -> Failure {
    match unfit.len() {
        0 => Failure::say(Exit::Usage, "no such token is kept; `l402 tokens list` shows those that are"),
        1 => match unfit.pop() {
            Some((_, why)) => Failure::new(Exit::Usage, why),
            None => Failure::say(Exit::Usage, "no kept token fits"),
        },
        _ => {
            let whys = unfit.iter().map(|(token, why)| format!("{}: {why}", kept::line(token)));
            let whys = whys.collect::<Vec<_>>().join("; ").replace('\t', "  ");
            Failure::say(Exit::Usage, format!("no kept token fits. {whys}"))
        }
    }
}

fn ambiguous<'a>(several: impl Iterator<Item = &'a KeptToken>) -> String {
    let tokens: Vec<_> = several.map(kept::line).collect();
    format!("several kept tokens fit; name one by its payment hash: {}", tokens.join("; ").replace('\t', "  "))
}

const NOTHING: &str = "say what the part may do: `--uses 5`, `--expires 1h`, `--route NAME` or `--service NAME`; `l402 tokens list` shows what is kept";

/// Which token is meant.
enum Which {
    Payment(PaymentHash),
    /// Those of an origin; of a path too, unless it is the root.
    Url(Origin, String),
}

impl Which {
    fn parse(text: &str) -> Result<Self, Failure> {
        if let Ok(hash) = text.parse() {
            return Ok(Self::Payment(hash));
        }
        let uri: Option<http::Uri> = text.parse().ok();
        let url = uri.and_then(|uri| Some(Self::Url(Origin::of(&uri).ok()?, uri.path().to_owned())));
        url.ok_or_else(|| {
            Failure::say(Exit::Usage, "name the token by its payment hash, or by a URL that it was bought for")
        })
    }

    fn is(&self, token: &KeptToken) -> bool {
        match self {
            Self::Payment(hash) => token.payment_hash == *hash,
            Self::Url(origin, path) => token.origin == *origin && (path == "/" || token.path == *path),
        }
    }
}
