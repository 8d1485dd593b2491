//! Which field of a request carries the token, and in what form (L402 §HTTP Client Flow).

use super::Token;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use l402_core::macaroon::{MAX_LEN, MacaroonRef, attenuate, base64, hex};
use l402_core::{CredentialLine, Preimage};

/// The field that carries a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TokenField {
    /// `Authorization: L402 <token>:<preimage>`, as the specification has it.
    #[default]
    Authorization,
    /// `Macaroon: <hex>`, with the preimage as a caveat. It leaves `Authorization` to the caller, for servers that want a login as
    /// well. Not every server reads it, and only a macaroon of format V2 can be sent so.
    Macaroon,
}

impl TokenField {
    /// Returns the name of the field.
    pub const fn name(self) -> HeaderName {
        match self {
            Self::Authorization => AUTHORIZATION,
            Self::Macaroon => HeaderName::from_static("macaroon"),
        }
    }

    /// Tells whether a request has room for the token. One that has not is sent as it is, and never paid for.
    pub fn is_free(self, headers: &HeaderMap) -> bool {
        !headers.contains_key(self.name())
    }

    /// Tells whether a token, as a challenge shows it, can be sent in this field.
    pub fn carries(self, token: &str) -> bool {
        match self {
            Self::Authorization => true,
            Self::Macaroon => macaroon(token, &Preimage::from_bytes([0; 32])).is_some(),
        }
    }

    /// Returns the field's value; [`None`] for a token without a proof, or one that this field cannot carry.
    pub(super) fn value(self, token: &Token) -> Option<HeaderValue> {
        let preimage = token.preimage.as_ref()?;
        self.line(CredentialLine { scheme: token.scheme, token: &token.text, preimage })
    }

    /// Returns the field's value for a credential, marked sensitive; [`None`] for one that this field cannot carry.
    ///
    /// ```
    /// use l402_core::{CredentialLine, Preimage, Scheme};
    /// use l402_http::pay::TokenField;
    ///
    /// let preimage = Preimage::from_bytes([1; 32]);
    /// let credential = CredentialLine { scheme: Scheme::L402, token: "AgEE", preimage: &preimage };
    /// assert!(TokenField::Authorization.line(credential).unwrap().is_sensitive());
    /// assert!(TokenField::Macaroon.line(credential).is_none(), "no macaroon of format V2");
    /// ```
    pub fn line(self, credential: CredentialLine<'_>) -> Option<HeaderValue> {
        let text = match self {
            Self::Authorization => credential.to_string(),
            Self::Macaroon => macaroon(credential.token, credential.preimage)?,
        };
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

/// Writes a token in hexadecimal, with the preimage as its last caveat.
fn macaroon(token: &str, preimage: &Preimage) -> Option<String> {
    let (mut bytes, mut narrowed, mut text) = (vec![0; MAX_LEN], vec![0; MAX_LEN], vec![0; 2 * MAX_LEN]);
    let mut from_hex = vec![0; MAX_LEN];
    let binary = base64::decode_into(token.as_bytes(), &mut bytes).ok();
    let other = hex::decode_into(token.as_bytes(), &mut from_hex).ok();
    let token = [binary, other].into_iter().flatten().find_map(|bytes| MacaroonRef::parse(bytes).ok())?;
    let caveat = format!("preimage={}", preimage.to_hex().expose());
    let narrowed = attenuate(token, caveat.as_bytes(), &mut narrowed).ok()?;
    hex::encode_into(narrowed.as_bytes(), &mut text).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use l402_core::{
        CredentialHeaders, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Msat, Name, Offer, Scheme, TokenText,
        UnixSeconds,
    };

    fn token(text: &str, preimage: &Preimage) -> Token {
        Token {
            scheme: Scheme::L402,
            text: text.to_owned(),
            payment_hash: preimage.hash(),
            preimage: Some(preimage.clone()),
            amount_msat: Msat::ZERO,
            fee_msat: Msat::ZERO,
            method: Method::GET,
            path: "/".to_owned(),
            bought_at: UnixSeconds::new(0),
            standing: crate::pay::Standing::New,
            uses_left: None,
            is_under_way: false,
            order: None,
        }
    }

    #[test]
    fn a_gate_admits_the_token_beside_a_login() {
        let offer = Offer::new(Name::new("a").unwrap(), Msat::new(1));
        let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
        let (preimage, mut text) = (Preimage::from_bytes([1; 32]), TokenText::new());
        let minted = gate.keys().mint(&offer, &preimage.hash(), [2; 28], 1_000.into(), &mut text).unwrap();
        let value = TokenField::Macaroon.value(&token(minted, &preimage)).unwrap();
        assert!(value.is_sensitive());
        let mut fields = CredentialHeaders::new();
        fields.add("authorization", b"Bearer x");
        fields.add("macaroon", value.as_bytes());
        assert!(matches!(gate.decide(&fields, &offer, 1_001.into()), Decision::Admit(_)));
    }

    #[test]
    fn what_is_no_macaroon_has_no_place_there() {
        for text in ["", "AgEE", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "MDAxNWxvY2F0aW9uIGxzYXQK", "not base64!"] {
            assert!(!TokenField::Macaroon.carries(text), "{text}");
            assert!(TokenField::Authorization.carries(text), "{text}");
            assert!(TokenField::Macaroon.value(&token(text, &Preimage::from_bytes([1; 32]))).is_none());
        }
    }
}
