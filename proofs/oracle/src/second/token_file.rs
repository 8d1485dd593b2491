//! lnget's token file: the places of its parts, counted from both ends.

use super::credential::payment_hash;
use super::macaroon::Macaroon;
use super::text::sha256;

/// A stored token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFile {
    /// The token.
    pub macaroon: Macaroon,
    /// The payment hash.
    pub payment_hash: Vec<u8>,
    /// The preimage, once the token was paid for.
    pub preimage: Option<Vec<u8>>,
    /// What was paid, in millisatoshi.
    pub paid_msat: u64,
    /// What routing cost, in millisatoshi.
    pub fee_msat: u64,
    /// When, in nanoseconds after the Unix epoch.
    pub time_ns: i64,
}

/// Reads a whole file.
pub fn read(file: &[u8]) -> Option<TokenFile> {
    let (tail, length) =
        (file.len().checked_sub(32 + 32 + 3 * 8)?, u32::from_be_bytes(file.get(..4)?.try_into().ok()?));
    if tail != 4 + usize::try_from(length).ok()? {
        return None;
    }
    let macaroon = Macaroon::read_v2(&file[4..tail])?;
    let number = |place: usize| file[tail + place..][..8].try_into().ok();
    let (hash, preimage) = (file[tail..][..32].to_vec(), file[tail + 32..][..32].to_vec());
    let paid = preimage != [0; 32];
    let sound = payment_hash(&macaroon.identifier)? == hash && (!paid || sha256(&preimage)[..] == hash);
    sound.then_some(TokenFile {
        macaroon,
        payment_hash: hash,
        preimage: paid.then_some(preimage),
        paid_msat: u64::from_be_bytes(number(64)?),
        fee_msat: u64::from_be_bytes(number(72)?),
        time_ns: i64::from_be_bytes(number(80)?),
    })
}
