//! What is varied between two runs of a subject: the secrets, and what is wrong with the credential.
//!
//! 1. Two cases of one subject have the same public shape: lengths, field types, caveat texts, time.
//! 2. All keys, preimages, payment hashes and token ids are random.
//! 3. A [`Kind`] of fault comes once for each of its positions; a sound credential comes [`SOUND`] times.

use crate::random::Random;

/// How many sound cases there are, each with secrets of its own.
const SOUND: usize = 16;

/// How many cases have another key than the token's.
const KEYS: usize = 4;

/// The secrets of one run.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Of the gateway.
    pub master: [u8; 32],
    /// The proof of payment.
    pub preimage: [u8; 32],
    /// The random part of the token id.
    pub token_id: [u8; 28],
}

impl Secrets {
    /// Draws secrets.
    pub fn new(random: &mut Random) -> Self {
        Self { master: random.bytes(), preimage: random.bytes(), token_id: random.bytes() }
    }
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Sound,
    /// The token was minted under another master key.
    Key,
    /// A byte of the signature.
    SignatureByte,
    /// A byte of the preimage.
    PreimageByte,
    /// A base64 character of the signature, in its signature bits: another character of the alphabet.
    SignatureCharacter,
    /// A base64 character of the signature: none of the alphabet.
    SignatureGarbage,
    /// A digit of the preimage: another digit, of either case.
    PreimageDigit,
    /// A digit of the preimage: no digit.
    PreimageGarbage,
    /// A digit of the signature in a hexadecimal token: no digit.
    HexGarbage,
}

impl Kind {
    /// How many positions the fault has in a token of this many bytes.
    fn positions(self, token: usize) -> usize {
        match self {
            Self::Sound => SOUND,
            Self::Key => KEYS,
            Self::SignatureByte | Self::PreimageByte => 32,
            Self::SignatureCharacter | Self::SignatureGarbage => characters(token).len(),
            Self::PreimageDigit | Self::PreimageGarbage | Self::HexGarbage => 64,
        }
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct Case {
    /// The secrets that the credential is made from.
    pub secrets: Secrets,
    /// What is wrong with it.
    pub kind: Kind,
    /// Where.
    pub position: usize,
    /// Decides what the fault puts there.
    pub random: Random,
}

impl Case {
    /// Draws a case.
    pub fn new(kind: Kind, position: usize, random: &mut Random) -> Self {
        Self { secrets: Secrets::new(random), kind, position, random: Random::new(random.word()) }
    }

    /// All cases of these kinds for a token of this many bytes, kinds in order.
    pub fn all(kinds: impl IntoIterator<Item = Kind>, token: usize, random: &mut Random) -> Vec<Self> {
        let places =
            kinds.into_iter().flat_map(|kind| (0..kind.positions(token)).map(move |position| (kind, position)));
        places.map(|(kind, position)| Self::new(kind, position, random)).collect()
    }

    /// One case of each kind, somewhere in the middle.
    pub fn each(kinds: impl IntoIterator<Item = Kind>, token: usize, random: &mut Random) -> Vec<Self> {
        kinds.into_iter().map(|kind| Self::new(kind, kind.positions(token) / 2, random)).collect()
    }

    /// The position, if this is the fault.
    pub fn at(&self, kind: Kind) -> Option<usize> {
        (self.kind == kind).then_some(self.position)
    }
}

/// The characters in the base64 text of a token that hold bits of its signature, the first of them maybe not only such.
pub const fn characters(token: usize) -> std::ops::Range<usize> {
    (token - 32) * 8 / 6..(token * 8).div_ceil(6)
}
