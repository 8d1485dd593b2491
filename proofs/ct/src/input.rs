//! What the subjects work on, made from a [`Case`].
//!
//! 1. An input lies at one address for all runs, so that nothing depends on where it lies.
//! 2. Concealed, its secrets are undefined for memcheck: the master key before anything is derived from it, the preimage, the
//!    signature in the token's bytes, and in the text the characters and digits that hold nothing but secrets.

use crate::case::{Case, Kind, characters};
use crate::random::Random;
use crate::request;
use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, RootKey, attenuate, base64, hex, mint};
use l402_core::{
    DerivedKeys, Gate, GatePolicy, Identifier, MasterKey, Name, Offer, PaymentHash, Preimage, RootKeySource,
};
use std::array;
use std::ops::Range;

/// The time of every decision.
pub const NOW: u64 = 1_780_000_000;

/// Everything that a subject may take.
pub struct Input {
    /// With keys from the master key.
    pub gate: Gate<DerivedKeys>,
    /// What the request asks for.
    pub offer: Offer,
    /// Of the token.
    pub root: RootKey,
    /// Of the token.
    pub identifier: Identifier,
    /// The token's random part.
    pub token_id: [u8; 28],
    /// The proof of payment.
    pub preimage: Preimage,
    /// The signature that the token should have.
    pub signature: [u8; 32],
    /// The token's bytes.
    pub token: Text,
    /// The `Authorization` field.
    pub field: Text,
    /// The same credential as a hexadecimal token with a `preimage` caveat.
    pub metadata: Text,
}

impl Input {
    /// Makes the input of a case, with a token of so many caveats; concealed, its secrets are undefined.
    pub fn new(case: &Case, caveats: usize, concealed: bool) -> Self {
        let hide = |bytes: &mut [u8]| {
            if concealed {
                request::undefined(bytes);
            }
        };
        let mut random = case.random.clone();
        let minting = keys(case.secrets.master);
        let payment_hash = Preimage::from_bytes(case.secrets.preimage).hash();
        let identifier = Identifier::new(payment_hash, minting.token_id(case.secrets.token_id));
        let sound = minted(&minting, &identifier, caveats);
        let mut signature = *parsed(&sound).signature();

        let mut preimage = case.secrets.preimage;
        if let Some(at) = case.at(Kind::PreimageByte) {
            preimage[at] ^= random.choose(&NOT_ZERO);
        }
        let token = damaged(sound, case, &mut random);
        let field = field(&token, &preimage, case, &mut random, hide);
        let metadata = metadata(&sound, &preimage, case, &mut random, hide);
        let mut token = token;
        hide(token.range_mut(token.len - 32..token.len));
        hide(&mut signature);

        let mut master = if case.kind == Kind::Key { random.bytes() } else { case.secrets.master };
        hide(&mut master);
        hide(&mut preimage);
        let gate = Gate::new(keys(master), GatePolicy::default());
        let root = gate.keys().root_key(&identifier).expect("the minting epoch has a key");
        let (preimage, token_id) = (Preimage::from_bytes(preimage), case.secrets.token_id);
        Self { gate, offer: offer(), root, identifier, token_id, preimage, signature, token, field, metadata }
    }

    /// The bytes of a token with so many caveats.
    pub fn token_len(caveats: usize) -> usize {
        minted(
            &keys([0; 32]),
            &Identifier::new(PaymentHash::from_bytes([0; 32]), keys([0; 32]).token_id([0; 28])),
            caveats,
        )
        .len
    }

    /// The base64 text of the token inside of the field.
    pub fn token_text(&self) -> &[u8] {
        &self.field.bytes()[SCHEME.len()..self.field.len - 65]
    }

    /// The 64 digits of the preimage inside of the field.
    pub fn digits(&self) -> &[u8] {
        &self.field.bytes()[self.field.len - 64..]
    }
}

/// Bytes of a length that is set later, at an address of their own.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    bytes: [u8; 2048],
    len: usize,
}

impl Text {
    const EMPTY: Self = Self { bytes: [0; 2048], len: 0 };

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn range_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        &mut self.bytes[range]
    }

    fn push(&mut self, more: &[u8]) {
        self.bytes[self.len..self.len + more.len()].copy_from_slice(more);
        self.len += more.len();
    }
}

/// Characters that are decoded at once by multiplications, of which memcheck takes each result for undefined when one factor is.
const CHUNK: usize = if cfg!(feature = "accel") { 32 } else { 1 };

const SCHEME: &[u8] = b"L402 ";
const NOT_ZERO: [u8; 8] = [1, 2, 4, 8, 16, 32, 64, 0xff];
const DIGITS: &[u8; 22] = b"0123456789abcdefABCDEF";

/// Neither base64 nor a digit, nor one of the characters that take a field apart: where those stand is public.
const GARBAGE: [u8; 8] = [b'!', b'*', b'~', b'.', b'@', 0x00, 0x80, 0xff];

fn keys(master: [u8; 32]) -> DerivedKeys {
    DerivedKeys::new(0, &MasterKey::from_bytes(master))
}

fn offer() -> Offer {
    let name = |text| Name::new(text).expect("a legal name");
    Offer::new(name("api"), 21_000.into()).capability(name("read")).valid_for(Duration::from_secs(10_000_000))
}

fn parsed(token: &Text) -> MacaroonRef<'_> {
    MacaroonRef::parse(token.bytes()).expect("minted here")
}

/// A token with so many caveats: the reference credential has three. With four it says what it was sold for too, as a minted token
/// does, and with five for how many uses.
fn minted(keys: &DerivedKeys, identifier: &Identifier, caveats: usize) -> Text {
    let ends = (0..13).map(|less| format!("api_valid_until={}", 1_790_000_000 - less).into_bytes());
    let terms = match caveats {
        4 => &[&b"api_sale=21000,default"[..]][..],
        5 => &[&b"api_uses=100"[..], b"api_sale=21000,default"],
        _ => &[],
    };
    let sold = [&b"services=api:0"[..], b"api_capabilities=read,write"].into_iter().chain(terms.iter().copied());
    let conditions = sold.map(<[u8]>::to_vec).chain(ends);
    let conditions: Vec<Vec<u8>> = conditions.chain([b"services=api:0".to_vec()]).take(caveats).collect();
    let conditions: Vec<&[u8]> = conditions.iter().map(Vec::as_slice).collect();
    let root = keys.root_key(identifier).expect("the minting epoch has a key");
    let mut text = Text::EMPTY;
    let token = mint(&root, b"lsat", &identifier.to_bytes(), &conditions, &mut text.bytes).expect("it fits");
    text.len = token.as_bytes().len();
    text
}

/// The token with what is wrong in its bytes.
fn damaged(mut token: Text, case: &Case, random: &mut Random) -> Text {
    let signature = token.len - 32;
    if let Some(at) = case.at(Kind::SignatureByte) {
        token.bytes[signature + at] ^= random.choose(&NOT_ZERO);
    }
    if let Some(at) = case.at(Kind::SignatureCharacter) {
        let characters = characters(token.len);
        let character = characters.start + at % characters.len();
        let bits = (character * 6).max(signature * 8)..(character * 6 + 6).min(token.len * 8);
        let bits: Vec<usize> = bits.collect();
        let bit = random.choose(&bits);
        token.bytes[bit / 8] ^= 0x80 >> (bit % 8);
    }
    token
}

fn field(token: &Text, preimage: &[u8; 32], case: &Case, random: &mut Random, hide: impl Fn(&mut [u8])) -> Text {
    let mut field = Text::EMPTY;
    let (mut base64, mut digits) = ([0; 2048], [0; 64]);
    field.push(SCHEME);
    field.push(base64::encode_into(token.bytes(), &mut base64).expect("it fits").as_bytes());
    field.push(b":");
    field.push(any_case(hex::encode_into(preimage, &mut digits).expect("it fits"), random).as_bytes());

    let characters = characters(token.len);
    if let Some(at) = case.at(Kind::SignatureGarbage) {
        field.bytes[SCHEME.len() + characters.start + at] = random.choose(&GARBAGE);
    }
    let digits = field.len - 64;
    if let Some(at) = case.at(Kind::PreimageDigit) {
        let digit = &mut field.bytes[digits + at];
        let others: Vec<u8> = DIGITS.iter().copied().filter(|other| !other.eq_ignore_ascii_case(digit)).collect();
        *digit = random.choose(&others);
    }
    if let Some(at) = case.at(Kind::PreimageGarbage) {
        field.bytes[digits + at] = random.choose(&GARBAGE);
    }
    // The first character may share bits with the length in front of the signature, which is public. The last two are looked
    // at as padding and the last digit as white space: what they decide, the shape of the text, is public.
    let last = (SCHEME.len() + characters.end).min(digits - 3);
    let first = (characters.start + 1).next_multiple_of(CHUNK);
    hide(field.range_mut(SCHEME.len() + first..last));
    hide(field.range_mut(digits..digits + 63));
    field
}

fn metadata(sound: &Text, preimage: &[u8; 32], case: &Case, random: &mut Random, hide: impl Fn(&mut [u8])) -> Text {
    let mut digits = [0; 64];
    let condition = format!("preimage={}", hex::encode_into(preimage, &mut digits).expect("it fits"));
    let mut token = Text::EMPTY;
    token.len = attenuate(parsed(sound), condition.as_bytes(), &mut token.bytes).expect("it fits").as_bytes().len();
    let token = damaged(token, case, random);
    let mut text = Text::EMPTY;
    text.len = hex::encode_into(token.bytes(), &mut text.bytes).expect("it fits").len();

    let signature = text.len - 64;
    if let Some(at) = case.at(Kind::HexGarbage) {
        text.bytes[signature + at] = random.choose(&GARBAGE);
    }
    // The preimage stays defined here: it is part of a caveat, which is read as UTF-8.
    hide(text.range_mut(signature..signature + 63));
    text
}

/// Digits of random case: both are read.
fn any_case(digits: &str, random: &mut Random) -> String {
    let raised: [bool; 64] = array::from_fn(|_| random.byte() & 1 == 1);
    let raise = |(digit, raised): (char, bool)| if raised { digit.to_ascii_uppercase() } else { digit };
    digits.chars().zip(raised).map(raise).collect()
}
