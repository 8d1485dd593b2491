//! Which kept token is meant.

use super::kept;
use crate::exit::{Exit, Failure, OrExit};
use l402_agent::store::record::KeptToken;
use l402_agent::store::tokens::Tokens;
use l402_core::PaymentHash;
use l402_http::pay::Origin;

/// A payment, or what was bought with it.
pub(super) enum Which {
    Payment(PaymentHash),
    /// Those of an origin; of a path too, unless it is the root.
    Url(Origin, String),
}

impl Which {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        if let Ok(hash) = text.parse() {
            return Ok(Self::Payment(hash));
        }
        let uri: Option<http::Uri> = text.parse().ok();
        let url = uri.and_then(|uri| Some(Self::Url(Origin::of(&uri).ok()?, uri.path().to_owned())));
        url.ok_or_else(|| {
            Failure::say(Exit::Usage, "name the token by its payment hash, or by a URL that it was bought for")
        })
    }

    pub(super) fn is(&self, token: &KeptToken) -> bool {
        match self {
            Self::Payment(hash) => token.payment_hash == *hash,
            Self::Url(origin, path) => token.origin == *origin && (path == "/" || token.path == *path),
        }
    }
}

/// Returns those that are meant; all of them where none is named.
pub(super) fn meant(name: Option<&str>, tokens: &Tokens) -> Result<Vec<KeptToken>, Failure> {
    let which = name.map(Which::parse).transpose()?;
    let mut kept = tokens.all().or_exit(Exit::Local)?;
    kept.retain(|token| which.as_ref().is_none_or(|which| which.is(token)));
    Ok(kept)
}

/// Returns the one that is meant.
pub(super) fn one(name: Option<&str>, tokens: &Tokens) -> Result<KeptToken, Failure> {
    let mut meant = meant(name, tokens)?;
    match (meant.pop(), meant.as_slice()) {
        (None, _) => Err(none()),
        (Some(token), []) => Ok(token),
        (Some(last), others) => {
            let told = ambiguous(others.iter().chain([&last]));
            Err(Failure::say(Exit::Usage, format!("several kept tokens are meant; {told}")))
        }
    }
}

pub(super) fn none() -> Failure {
    Failure::say(Exit::Usage, "no such token is kept; `l402 tokens list` shows those that are")
}

pub(super) fn ambiguous<'a>(several: impl Iterator<Item = &'a KeptToken>) -> String {
    let tokens: Vec<_> = several.map(kept::line).collect();
    format!("name one by its payment hash: {}", tokens.join("; ").replace('\t', "  "))
}
