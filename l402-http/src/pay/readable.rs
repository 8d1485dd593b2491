//! What can be read in a token and in a 402's body, in the forms that deployed servers write.
//!
//! 1. A token is opaque, and is sent back as it came. Macaroons are read by [`TokenFacts::read`]; besides, JSON in base64, alone or as
//!    the payload of a JWT (RFC 7519), may name its `payment_hash` and `exp`.
//! 2. A payment hash is 64 hexadecimal digits, or 32 bytes in base64.
//! 3. What cannot be read says nothing.

use l402_core::macaroon::{MAX_LEN, base64};
use l402_core::{PaymentHash, TokenFacts, UnixSeconds};
use serde::Deserialize;
use serde_json::Value;

/// Reads what a token says of itself.
pub(super) fn token_facts(text: &str) -> TokenFacts {
    let mut buffer = vec![0; MAX_LEN];
    let facts = TokenFacts::read(text.as_bytes(), &mut buffer);
    if facts != TokenFacts::default() {
        return facts;
    }
    let payload = match text.split('.').collect::<Vec<_>>()[..] {
        [_, payload, _] => payload,
        _ => text,
    };
    let claims = base64::decode_into(payload.as_bytes(), &mut buffer).ok();
    let claims = claims.and_then(|json| serde_json::from_slice::<Claims>(json).ok()).unwrap_or_default();
    TokenFacts {
        payment_hash: claims.payment_hash.as_ref().and_then(Value::as_str).and_then(payment_hash),
        expires_at: claims.exp.as_ref().and_then(Value::as_u64).map(UnixSeconds::new),
    }
}

/// Reads a payment hash in one of its forms.
pub(super) fn payment_hash(text: &str) -> Option<PaymentHash> {
    text.parse().ok().or_else(|| {
        let mut bytes = [0; 33];
        let bytes = base64::decode_into(text.as_bytes(), &mut bytes).ok()?;
        Some(PaymentHash::from_bytes(bytes.try_into().ok()?))
    })
}

/// Reads an amount: a number, or its digits.
pub(super) fn amount(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Values of any type: one that is of another kind must not hide the other.
#[derive(Deserialize, Default)]
struct Claims {
    #[serde(alias = "paymentHash")]
    payment_hash: Option<Value>,
    exp: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut text = vec![0; base64::encoded_len(bytes.len())];
        base64::encode_into(bytes, &mut text).unwrap().to_owned()
    }

    #[test]
    fn a_payment_hash_is_hexadecimal_or_base64() {
        let hash = PaymentHash::from_bytes([0xfb; 32]);
        let standard = encoded(hash.as_bytes());
        let url_safe = standard.replace('+', "-").replace('/', "_");
        for text in [hash.to_string(), hash.to_string().to_uppercase(), standard.replace('=', ""), standard, url_safe] {
            assert_eq!(payment_hash(&text), Some(hash), "{text}");
        }
        for text in ["", "fb", &"fb".repeat(33), &encoded(&[0xfb; 33]), "the invoice's"] {
            assert_eq!(payment_hash(text), None, "{text}");
        }
    }

    #[test]
    fn json_says_what_it_pays_for_and_when_it_ends() {
        let hash = PaymentHash::from_bytes([0xfb; 32]);
        let read = TokenFacts { payment_hash: Some(hash), expires_at: Some(UnixSeconds::new(1_700_000_000)) };
        let json = format!(r#"{{"payment_hash":"{hash}","mac":"00","exp":1700000000}}"#);
        assert_eq!(token_facts(&encoded(json.as_bytes())), read);
        let in_base64 = format!(r#"{{"paymentHash":"{}","exp":1700000000}}"#, encoded(hash.as_bytes()));
        let jwt = format!("eyJhbGciOiJIUzI1NiJ9.{}.AAAA", encoded(in_base64.as_bytes()).replace('=', ""));
        assert_eq!(token_facts(&jwt), read);
        let only_hash = format!(r#"{{"payment_hash":"{hash}","exp":"tomorrow"}}"#);
        assert_eq!(token_facts(&encoded(only_hash.as_bytes())), TokenFacts { expires_at: None, ..read });
    }

    #[test]
    fn other_texts_say_nothing() {
        for text in ["", "AgEE", "a.b.c", "any~text", &encoded(b"[1]"), &encoded(b"{}"), &"A".repeat(40_000)] {
            assert_eq!(token_facts(text), TokenFacts::default(), "{text:.40}");
        }
    }
}
