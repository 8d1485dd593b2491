//! `l402 tokens attenuate`: a part of a kept token, for a pipe.

use super::{kept, which};
use crate::cli::AttenuateArgs;
use crate::exit::{Exit, Failure};
use l402_agent::delegate::{self, DelegateError};
use l402_agent::store::record::KeptToken;
use l402_agent::store::tokens::Tokens;
use l402_agent::text::lines;
use l402_core::Narrowing;
use l402_lightning::unix_now;

/// Returns the line to print: `L402 TOKEN:PREIMAGE`.
pub(super) fn run(args: &AttenuateArgs, tokens: &Tokens) -> Result<(String, Exit), Failure> {
    let meant = which::meant(args.token.as_deref(), tokens)?;
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
    for token in &meant {
        match delegate::part(token, &narrowing) {
            Ok(part) => fit.push((token, part)),
            Err(why) => unfit.push((token, why)),
        }
    }
    match fit.as_slice() {
        [(_, part)] => Ok((lines([part.to_string()]), Exit::Served)),
        [] => Err(none(unfit)),
        several => {
            let told = which::ambiguous(several.iter().map(|(token, _)| *token));
            Err(Failure::say(Exit::Usage, format!("several kept tokens fit; {told}")))
        }
    }
}

fn none(mut unfit: Vec<(&KeptToken, DelegateError)>) -> Failure {
    match unfit.len() {
        0 => which::none(),
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

const NOTHING: &str = "say what the part may do: `--uses 5`, `--expires 1h`, `--route NAME` or `--service NAME`; `l402 tokens list` shows what is kept";
