//! Tokens: bought, minted with the gateway's own key, or made by hand.

use super::keys;
use super::wire::to_hex;
use l402_core::macaroon::{MacKey, MacaroonRef, attenuate, base64};
use l402_core::{CredentialLine, DerivedKeys, Identifier, Offer, Preimage, RootKeySource, Scheme, TokenText};
use std::time::SystemTime;

/// A token with its proof of payment.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) token: String,
    pub(crate) preimage: Preimage,
}

impl Purchase {
    /// Mints as the gateway would, `later` seconds from now, for a preimage that no node knows.
    pub(crate) fn mint(keys: &DerivedKeys, offer: &Offer, preimage: [u8; 32], later: i64) -> Self {
        let preimage = Preimage::from_bytes(preimage);
        let now = unix_now().checked_add_signed(later).unwrap();
        let mut text = TokenText::new();
        let token = keys.mint(offer, &preimage.hash(), [9; 28], now.into(), &mut text).unwrap().to_owned();
        Self { token, preimage }
    }

    pub(crate) fn preimage(&self) -> String {
        to_hex(self.preimage.expose())
    }

    /// The value of `Authorization`.
    pub(crate) fn credential(&self) -> String {
        CredentialLine { scheme: Scheme::L402, token: &self.token, preimage: &self.preimage }.to_string()
    }

    /// The value of a metadata field: hexadecimal, with the preimage as a caveat.
    pub(crate) fn metadata(&self) -> String {
        self.with(format!("preimage={}", self.preimage())).hex()
    }

    /// Adds a caveat, as every holder can.
    pub(crate) fn with(&self, caveat: impl AsRef<[u8]>) -> Self {
        let (bytes, mut longer) = (self.bytes(), [0; 8192]);
        let token = attenuate(MacaroonRef::parse(&bytes).unwrap(), caveat.as_ref(), &mut longer).unwrap();
        Self { token: text(token.as_bytes()), preimage: self.preimage.clone() }
    }

    /// Changes the bytes of the token, whatever becomes of it.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = self.bytes();
        change(&mut bytes);
        Self { token: text(&bytes), preimage: self.preimage.clone() }
    }

    /// The token in hexadecimal.
    pub(crate) fn hex(&self) -> String {
        to_hex(&self.bytes())
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; base64::decoded_len(self.token.len())];
        base64::decode_into(self.token.as_bytes(), &mut bytes).unwrap().to_vec()
    }
}

/// A token that is written field by field, and signed as its root key would sign it, whatever its size.
pub(crate) struct Crafted {
    bytes: Vec<u8>,
    signature: [u8; 32],
    preimage: Preimage,
}

impl Crafted {
    /// Begins a token of the gateway's own key, without any caveat.
    pub(crate) fn new(preimage: [u8; 32]) -> Self {
        let preimage = Preimage::from_bytes(preimage);
        let identifier = Identifier::new(preimage.hash(), keys().token_id([9; 28]));
        let key = keys().root_key(&identifier).unwrap();
        let mut out = [0; 256];
        let token = l402_core::macaroon::mint(&key, b"lsat", &identifier.to_bytes(), &[], &mut out).unwrap();
        let signature = *token.signature();
        let bytes = token.as_bytes();
        Self { bytes: bytes[..bytes.len() - TAIL].to_vec(), signature, preimage }
    }

    pub(crate) fn caveat(mut self, caveat: &[u8]) -> Self {
        self.signature = MacKey::new(&self.signature).mac(caveat);
        self.field(2, caveat);
        self.bytes.push(0);
        self
    }

    /// Adds a caveat that another party would have to discharge, with this verification id.
    pub(crate) fn third_party(mut self, caveat: &[u8], id: &[u8]) -> Self {
        let key = MacKey::new(&self.signature);
        let both = [key.mac(id), key.mac(caveat)].concat();
        self.signature = key.mac(&both);
        self.field(2, caveat);
        self.field(4, id);
        self.bytes.push(0);
        self
    }

    pub(crate) fn sign(mut self) -> Purchase {
        self.bytes.extend_from_slice(&[0, 6, 32]);
        self.bytes.extend_from_slice(&self.signature);
        Purchase { token: text(&self.bytes), preimage: self.preimage }
    }

    fn field(&mut self, tag: u8, content: &[u8]) {
        self.bytes.push(tag);
        let mut length = content.len();
        while length > 0x7f {
            self.bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        self.bytes.push(u8::try_from(length).unwrap());
        self.bytes.extend_from_slice(content);
    }
}

fn text(bytes: &[u8]) -> String {
    let mut text = vec![0; base64::encoded_len(bytes.len())];
    base64::encode_into(bytes, &mut text).unwrap().to_owned()
}

fn unix_now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The end of the caveats, and the signature with its tag and length.
const TAIL: usize = 1 + 2 + 32;
