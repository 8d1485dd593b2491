//! A part of a kept token for somebody else, made offline.
//!
//! 1. What comes out is the credential as `Authorization` carries it, `L402 TOKEN:PREIMAGE`: a secret. Whoever has it can use the
//!    part, and narrow it further.
//! 2. Its uses come out of those of the kept token. A token that is known to be spent, or to have ended, has no part.

use crate::store::record::KeptToken;
use core::fmt;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, attenuate, base64};
use l402_core::{CredentialLine, Msat, NarrowError, Narrowing, TokenFacts, balance_of_token, uses_of_token};
use l402_lightning::unix_now;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// Narrows a kept token, and returns the credential.
///
/// # Errors
/// [`DelegateError`].
///
/// ```
/// use l402_agent::delegate;
/// use l402_agent::store::tokens::Tokens;
/// use l402_core::Narrowing;
///
/// fn five_uses(tokens: &Tokens) -> Result<Option<String>, Box<dyn std::error::Error>> {
///     let narrowing = Narrowing { uses: 5.try_into().ok(), ..Narrowing::default() };
///     let kept = tokens.all()?;
///     Ok(kept.first().map(|token| delegate::part(token, &narrowing)).transpose()?.map(|part| part.to_string()))
/// }
/// ```
pub fn part(token: &KeptToken, narrowing: &Narrowing<'_>) -> Result<Zeroizing<String>, DelegateError> {
    if token.uses_left == Some(0) {
        return Err(DelegateError::Spent);
    }
    let now = unix_now();
    if TokenFacts::read(token.token.as_bytes(), &mut vec![0; MAX_LEN]).has_expired(now) {
        return Err(DelegateError::Ended);
    }
    let mut bytes = macaroon(&token.token).ok_or(DelegateError::Opaque)?;
    let parsed = MacaroonRef::parse(&bytes).map_err(|_| DelegateError::Opaque)?;
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(DelegateError::Random)?;
    let caveats = narrowing.caveats(parsed, random, now).map_err(DelegateError::Narrow)?;
    if let (Some(wanted), Some(left)) = (narrowing.uses, token.uses_left)
        && u64::from(wanted.get()) > left
    {
        return Err(DelegateError::FewerLeft(left));
    }
    for caveat in caveats.iter() {
        let (parsed, mut out) = (MacaroonRef::parse(&bytes).map_err(|_| DelegateError::Opaque)?, vec![0; MAX_LEN]);
        bytes = attenuate(parsed, caveat, &mut out).map_err(|_| DelegateError::TooLong)?.as_bytes().to_vec();
    }
    let mut text = vec![0; base64::encoded_len(bytes.len())];
    let text = base64::encode_into(&bytes, &mut text).ok_or(DelegateError::TooLong)?;
    let credential = CredentialLine { scheme: token.scheme, token: text, preimage: &token.preimage };
    Ok(Zeroizing::new(credential.to_string()))
}

/// Returns how many uses of a token are left, as far as is known: what servers have said, or else what it was sold for.
pub fn uses_left(token: &KeptToken) -> Option<u64> {
    let sold = || uses_of_token(MacaroonRef::parse(&macaroon(&token.token)?).ok()?).map(u64::from);
    token.uses_left.or_else(sold)
}

/// Returns the balance that a token was sold with, where it has one.
pub fn balance(token: &KeptToken) -> Option<Msat> {
    balance_of_token(MacaroonRef::parse(&macaroon(&token.token)?).ok()?)
}

/// Returns the routes that a token opens, by their names at its server; none where it does not say.
pub fn routes(token: &KeptToken) -> Vec<String> {
    let Some(bytes) = macaroon(&token.token) else { return Vec::new() };
    let Ok(parsed) = MacaroonRef::parse(&bytes) else { return Vec::new() };
    let caveats =
        parsed.unverified_caveats().filter_map(|caveat| core::str::from_utf8(caveat.id).ok()?.split_once('='));
    let mut lists: Vec<_> = caveats.filter(|(condition, _)| condition.ends_with("_capabilities")).collect();
    // A later list of the same service is narrower.
    lists.reverse();
    let mut seen = HashSet::new();
    lists.retain(|(condition, _)| seen.insert(*condition));
    let names = lists.iter().flat_map(|(_, list)| list.split(','));
    names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn macaroon(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; MAX_LEN];
    base64::decode_into(text.as_bytes(), &mut bytes).ok().map(<[u8]>::to_vec)
}

/// Why a token has no such part.
#[derive(Debug)]
#[non_exhaustive]
pub enum DelegateError {
    /// Only its server can read it.
    Opaque,
    /// Its last use went.
    Spent,
    /// It has ended.
    Ended,
    /// Fewer uses are left.
    FewerLeft(u64),
    /// It would be wider, or cannot be narrowed.
    Narrow(NarrowError),
    /// No more fits into it.
    TooLong,
    /// The system gives no random bytes.
    Random(getrandom::Error),
}

impl fmt::Display for DelegateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opaque => f.write_str("only the server can read this token, so it cannot be narrowed"),
            Self::Spent => f.write_str("the token is spent"),
            Self::Ended => f.write_str("the token has ended"),
            Self::FewerLeft(left) => write!(f, "only {left} uses of the token are left"),
            Self::Narrow(cause) => cause.fmt(f),
            Self::TooLong => f.write_str("the token is too long for another caveat"),
            Self::Random(_) => f.write_str("the system gives no random bytes"),
        }
    }
}

impl core::error::Error for DelegateError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Random(cause) => Some(cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use l402_core::macaroon::{RootKey, mint};
    use l402_core::{Msat, Preimage, Scheme};
    use l402_http::pay::Standing;

    fn token(caveats: &[&[u8]]) -> KeptToken {
        let (mut bytes, mut text) = ([0; 512], [0; 1024]);
        let macaroon = mint(&RootKey::new(b"root"), b"", b"id", caveats, &mut bytes).unwrap();
        let preimage = Preimage::from_bytes([1; 32]);
        KeptToken {
            origin: "http://a".parse().unwrap(),
            method: Method::GET,
            path: "/".to_owned(),
            scheme: Scheme::L402,
            token: base64::encode_into(macaroon.as_bytes(), &mut text).unwrap().to_owned(),
            payment_hash: preimage.hash(),
            preimage,
            amount_msat: Msat::ZERO,
            fee_msat: Msat::ZERO,
            bought_at: 0.into(),
            standing: Standing::New,
            uses_left: None,
        }
    }

    #[test]
    fn the_routes_are_those_of_the_last_list() {
        assert!(routes(&token(&[b"services=a:0"])).is_empty());
        let caveats: [&[u8]; 3] = [b"services=a:0", b"a_capabilities=north,south", b"a_valid_until=9"];
        assert_eq!(routes(&token(&caveats)), ["north", "south"]);
        assert_eq!(routes(&token(&[caveats[1], b"a_capabilities=south"])), ["south"]);
        assert!(routes(&KeptToken { token: "opaque".to_owned(), ..token(&[]) }).is_empty());
    }
}
