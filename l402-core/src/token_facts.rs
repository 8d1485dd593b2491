//! What a client can read in a token (L402 §HTTP Client Flow): the hash of its payment, and when it ends.
//!
//! 1. A token is text that only its server understands. A client sends it back as it came, and nothing here changes it.
//! 2. Where the text is base64 of one macaroon, the payment hash can stand in its identifier: 66 bytes of any version, the 32
//!    bytes alone, one byte and the 32, or each of these in hexadecimal. Bytes that are all printable are taken for a name.
//! 3. `<service>_valid_until` ends a service, `valid_until` the whole token. It ends with the last service that its
//!    `services` caveat names; where one of those has no end, the token has none.
//! 4. What cannot be read says nothing. A client decides nothing *for* a purchase by what a token says, only against it.

use crate::caveat::{Parts, Services, number};
use crate::identifier::Identifier;
use crate::payment::PaymentHash;
use crate::unix_seconds::UnixSeconds;
use l402_macaroon::{MacaroonRef, ParseError, base64, hex};

/// What can be read in a token. Nothing vouches for it: only the server has its key.
///
/// ```
/// use l402_core::macaroon::{RootKey, base64, mint};
/// use l402_core::{PaymentHash, TokenFacts, UnixSeconds};
///
/// let (mut bytes, mut text) = ([0; 192], [0; 256]);
/// let token = mint(&RootKey::new(b"root key"), b"", &[7; 32], &[b"maps_valid_until=1700000000"], &mut bytes)?;
/// let text = base64::encode_into(token.as_bytes(), &mut text).unwrap();
/// let facts = TokenFacts::read(text.as_bytes(), &mut [0; 192]);
/// assert_eq!(facts.payment_hash, Some(PaymentHash::from_bytes([7; 32])));
/// assert!(facts.has_expired(UnixSeconds::new(1_700_000_000)));
///
/// assert_eq!(TokenFacts::read(b"any-other.text", &mut [0; 192]), TokenFacts::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenFacts {
    /// The payment that buys the token.
    pub payment_hash: Option<PaymentHash>,
    /// When the token ends.
    pub expires_at: Option<UnixSeconds>,
}

impl TokenFacts {
    /// Reads a token's text. `buffer` needs three quarters of its bytes, [`MAX_LEN`](crate::macaroon::MAX_LEN) at most; in a
    /// smaller one, nothing is read.
    ///
    /// Macaroons of format V2 are read, and with the feature `v1-facts` those of format V1.
    pub fn read(text: &[u8], buffer: &mut [u8]) -> Self {
        let bytes = base64::decode_into(text, buffer).ok();
        let token = bytes.and_then(|bytes| macaroon(bytes).ok());
        token.map_or(Self::default(), |token| Self {
            payment_hash: payment_hash(token.identifier()),
            expires_at: end(token),
        })
    }

    /// Tells whether the token is known to have ended at `now`.
    pub const fn has_expired(&self, now: UnixSeconds) -> bool {
        matches!(self.expires_at, Some(end) if end.get() <= now.get())
    }

    /// Tells whether the token is known to belong to another payment.
    pub fn contradicts(&self, payment: &PaymentHash) -> bool {
        self.payment_hash.is_some_and(|hash| hash != *payment)
    }
}

impl From<&Identifier> for TokenFacts {
    fn from(identifier: &Identifier) -> Self {
        Self { payment_hash: Some(identifier.payment_hash()), expires_at: None }
    }
}

fn macaroon(bytes: &[u8]) -> Result<MacaroonRef<'_>, ParseError> {
    #[cfg(feature = "v1-facts")]
    if bytes.first().is_some_and(u8::is_ascii_hexdigit) {
        return MacaroonRef::parse_v1(bytes);
    }
    MacaroonRef::parse(bytes)
}

fn payment_hash(identifier: &[u8]) -> Option<PaymentHash> {
    let mut decoded = [0; Identifier::LEN];
    if let Ok(bytes) = hex::decode_into(identifier, &mut decoded) {
        return bound_hash(bytes);
    }
    // A name of this length: by chance, a hash looks like one once in 10¹³ times.
    let is_name = |hash: &PaymentHash| hash.as_bytes().iter().all(|c| matches!(c, b' '..=b'~'));
    bound_hash(identifier).filter(|hash| !is_name(hash))
}

fn bound_hash(identifier: &[u8]) -> Option<PaymentHash> {
    let start = match identifier.len() {
        32 => 0,
        33 => 1,
        Identifier::LEN => 2,
        _ => return None,
    };
    let hash = identifier.get(start..)?.first_chunk()?;
    Some(PaymentHash::from_bytes(*hash))
}

/// Returns when a token ends for one of its services. Each caveat narrows those before it: the earliest end counts.
pub(crate) fn end_of_service(token: MacaroonRef<'_>, service: &[u8]) -> Option<UnixSeconds> {
    let ends = parts(token).filter(|parts| service_of(parts.condition) == Some(service));
    ends.filter_map(|parts| number(parts.value)).min().map(UnixSeconds::new)
}

/// Returns the caveats that are addressed to the server itself, as far as they have a condition and a value.
pub(crate) fn parts(token: MacaroonRef<'_>) -> impl Iterator<Item = Parts<'_>> {
    let first_party = token.unverified_caveats().filter(|caveat| caveat.verification_id.is_none());
    first_party.filter_map(|caveat| Parts::split(caveat.id).ok())
}

/// Returns the last list of services that can be read: the one that counts.
pub(crate) fn services(token: MacaroonRef<'_>) -> Option<Services<'_>> {
    let lists = parts(token).filter(|parts| parts.condition == b"services");
    lists.filter_map(|parts| Services::parse(parts.value, b"")).last().map(|(services, _)| services)
}

/// Returns when a token ends for the last of its services.
pub(crate) fn end(token: MacaroonRef<'_>) -> Option<UnixSeconds> {
    let parts = || parts(token);
    let end_of = |service| end_of_service(token, service);
    let of_services = match services(token) {
        Some(services) => latest(services.names().map(end_of)),
        None => latest(parts().filter_map(|parts| service_of(parts.condition)).map(end_of)),
    };
    let of_token = parts().filter(|parts| parts.condition == b"valid_until");
    let of_token = of_token.filter_map(|parts| number(parts.value)).min().map(UnixSeconds::new);
    of_token.into_iter().chain(of_services).min()
}

/// The service that a condition ends.
fn service_of(condition: &[u8]) -> Option<&[u8]> {
    condition.strip_suffix(b"_valid_until")
}

/// The last of several ends, where each is known.
fn latest(ends: impl Iterator<Item = Option<UnixSeconds>>) -> Option<UnixSeconds> {
    ends.reduce(|one, other| Some(one?.max(other?))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_macaroon::{RootKey, mint};

    fn end_with(caveats: &[&[u8]]) -> Option<u64> {
        let mut out = [0; 1024];
        let end = end(mint(&RootKey::new(b"key"), b"", b"id", caveats, &mut out).unwrap());
        end.map(UnixSeconds::get)
    }

    #[test]
    fn a_token_ends_with_its_last_service() {
        assert_eq!(end_with(&[]), None);
        assert_eq!(end_with(&[b"services=a:0", b"a_valid_until=5"]), Some(5));
        assert_eq!(end_with(&[b"services=a:0,b:0", b"a_valid_until=5", b"b_valid_until=9"]), Some(9));
        assert_eq!(end_with(&[b"services=a:0,b:0", b"a_valid_until=5"]), None, "b has no end");
        assert_eq!(end_with(&[b"services=a:0,b:0", b"a_valid_until=5", b"services=a:0"]), Some(5), "b is given up");
        assert_eq!(end_with(&[b"services=a:0", b"other_valid_until=5"]), None, "of a service that it does not open");
        assert_eq!(end_with(&[b"a_valid_until=5", b"b_valid_until=9"]), Some(9), "no list of services");
    }

    #[test]
    fn the_earliest_end_of_a_service_counts() {
        assert_eq!(end_with(&[b"services=a:0", b"a_valid_until=9", b" a_valid_until = 5"]), Some(5));
        assert_eq!(end_with(&[b"services=a:0", b"a_valid_until=5", b"a_valid_until=soon"]), Some(5));
        assert_eq!(end_with(&[b"a_valid_until=soon", b"b_valid_until=5"]), None, "nobody knows the end of a");
        assert_eq!(end_with(&[b"services=a:0", b"a_valid_until=9", b"valid_until=5"]), Some(5));
        assert_eq!(end_with(&[b"services=a:0", b"valid_until=5"]), Some(5));
    }
}
