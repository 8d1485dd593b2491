//! Runs the files of `spec-vectors` that speak of L402.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use l402_core::macaroon::{MacaroonRef, RootKey, hex};
use l402_core::{
    Challenge, Denied, DerivedKeys, Identifier, MasterKey, Name, Offer, Preimage, Presentation, Rules, UnknownCaveats,
    verify,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[test]
fn identifiers() {
    #[derive(Deserialize)]
    struct Case {
        id: String,
        identifier: String,
        error: Option<String>,
        payment_hash: Option<String>,
        token_id: Option<String>,
    }
    for case in cases::<Case>(include_str!("../../spec-vectors/identifier.json")) {
        let bytes = unhex(&case.identifier);
        let read = Identifier::parse(&bytes);
        assert_eq!(read.err().map(|fault| kebab(&fault)), case.error, "{}", case.id);
        if let Ok(identifier) = read {
            assert_eq!(Some(identifier.payment_hash().to_string()), case.payment_hash);
            assert_eq!(Some(identifier.token_id().to_string()), case.token_id);
            assert_eq!(identifier.to_bytes()[..], bytes);
        }
    }
}

#[test]
fn challenges() {
    #[derive(Deserialize)]
    struct Case {
        id: String,
        lines: Vec<String>,
        error: Option<String>,
        scheme: Option<String>,
        token: Option<String>,
        invoice: Option<String>,
    }
    for case in cases::<Case>(include_str!("../../spec-vectors/challenge.json")) {
        let chosen = Challenge::select(case.lines.iter().map(String::as_bytes));
        assert_eq!(chosen.err().map(|fault| kebab(&fault)), case.error, "{}", case.id);
        if let Ok(challenge) = chosen {
            assert_eq!(Some(challenge.scheme().to_string()), case.scheme, "{}", case.id);
            assert_eq!(Some(text(challenge.token().bytes())), case.token, "{}", case.id);
            assert_eq!(Some(text(challenge.invoice().bytes())), case.invoice, "{}", case.id);
            assert!(challenge.decode_token(&mut [0; 512], &mut [0; 512]).is_ok(), "{}", case.id);
        }
    }
}

#[test]
fn credentials() {
    #[derive(Deserialize)]
    struct Case {
        id: String,
        root_key: String,
        fields: Vec<(String, String)>,
        verdict: String,
        error: Option<String>,
    }
    for case in cases::<Case>(include_str!("../../spec-vectors/credential.json")) {
        let mut fields = Presentation::new();
        for (name, value) in &case.fields {
            fields.field(name, value.as_bytes());
        }
        let root = unhex(&case.root_key);
        let mut buffer = vec![0; fields.buffer_len()];
        let verdict = match fields.decode(&mut buffer) {
            Ok(None) => ("none", None),
            Err(fault) => ("malformed", Some(kebab(&fault))),
            Ok(Some(presented)) => match presented.verify(&|_: &Identifier| Some(RootKey::new(&root))) {
                Ok(_) => ("authentic", None),
                Err(Denied) => ("forged", None),
            },
        };
        assert_eq!(verdict, (case.verdict.as_str(), case.error), "{}", case.id);
        let strips = case.fields.iter().any(|(name, value)| Presentation::is_credential(name, value.as_bytes()));
        assert_eq!(strips, case.verdict != "none", "{}", case.id);
    }
}

#[test]
#[cfg(feature = "v1")]
fn a_v1_token_is_read_where_the_feature_asks_for_it() {
    #[derive(Deserialize)]
    struct Case {
        id: String,
        root_key: String,
        macaroon: String,
    }
    let cases = cases::<Case>(include_str!("../../spec-vectors/macaroon.json"));
    let case = cases.into_iter().find(|case| case.id == "v1").unwrap();
    let credential = format!("L402 {}:{}", base64(&unhex(&case.macaroon)), "11".repeat(32));
    let mut fields = Presentation::new();
    fields.field("authorization", credential.as_bytes());
    let root = unhex(&case.root_key);
    let mut buffer = vec![0; fields.buffer_len()];
    let presented = fields.decode(&mut buffer).unwrap().unwrap();
    assert!(presented.verify(&|_: &Identifier| Some(RootKey::new(&root))).is_ok());
}

#[test]
fn caveats() {
    #[derive(Deserialize)]
    struct Case {
        id: String,
        root_key: String,
        macaroon: String,
        preimage: String,
        service: String,
        tier: u32,
        capability: Option<String>,
        unknown: String,
        now: u64,
        verdict: String,
        reason: Option<String>,
        expires_at: Option<u64>,
    }
    for case in cases::<Case>(include_str!("../../spec-vectors/caveat.json")) {
        let bytes = unhex(&case.macaroon);
        let offer = Offer {
            service: Name::new(&case.service).unwrap(),
            tier: case.tier,
            capability: case.capability.as_deref().map(|name| Name::new(name).unwrap()),
            price_msat: 1000,
            valid_for: 3600,
        };
        let unknown = if case.unknown == "skip" { UnknownCaveats::Skip } else { UnknownCaveats::Refuse };
        let preimage = Preimage::from_hex(case.preimage.as_bytes()).unwrap();
        let key = RootKey::new(&unhex(&case.root_key));
        let verified = verify(MacaroonRef::parse(&bytes).unwrap(), &preimage, &key).unwrap();
        let verdict = match verified.grant(&Rules { offer: &offer, now: case.now, unknown }) {
            Ok(grant) => {
                assert_eq!(grant.expires_at(), case.expires_at, "{}", case.id);
                ("granted", None)
            }
            Err(reason) => ("denied", Some(reason.as_str().to_owned())),
        };
        assert_eq!(verdict, (case.verdict.as_str(), case.reason), "{}", case.id);
    }
}

#[test]
fn derived_keys() {
    #[derive(Deserialize)]
    struct Epoch {
        epoch: u32,
        master: String,
    }
    #[derive(Deserialize)]
    struct Case {
        id: String,
        keys: Vec<Epoch>,
        macaroon: String,
        preimage: String,
        verdict: String,
    }
    for case in cases::<Case>(include_str!("../../spec-vectors/keys.json")) {
        let mut epochs =
            case.keys.iter().map(|key| (key.epoch, MasterKey::from_bytes(unhex(&key.master).try_into().unwrap())));
        let (epoch, master) = epochs.next().unwrap();
        let keys = epochs
            .fold(DerivedKeys::new(epoch, &master), |keys, (epoch, master)| keys.with_retired(epoch, &master).unwrap());
        let credential = format!("L402 {}:{}", base64(&unhex(&case.macaroon)), case.preimage);
        let mut fields = Presentation::new();
        fields.field("authorization", credential.as_bytes());
        let verified = fields.decode(&mut [0; 512]).unwrap().unwrap().verify(&keys).is_ok();
        assert_eq!(verified, case.verdict == "authentic", "{}", case.id);
    }
}

fn cases<T: DeserializeOwned>(file: &str) -> Vec<T> {
    #[derive(Deserialize)]
    struct File<T> {
        cases: Vec<T>,
    }
    let file: File<T> = serde_json::from_str(file).unwrap();
    assert!(file.cases.len() >= 5);
    file.cases
}

fn unhex(text: &str) -> Vec<u8> {
    let mut out = vec![0; text.len() / 2];
    hex::decode_into(text.as_bytes(), &mut out).unwrap().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(bytes)
}

fn text(bytes: impl Iterator<Item = u8>) -> String {
    String::from_utf8(bytes.collect()).unwrap()
}

/// `MissingToken` → `missing-token`.
fn kebab(fault: &impl core::fmt::Debug) -> String {
    let name = format!("{fault:?}");
    let name = name.split('(').next().unwrap_or_default();
    name.chars().fold(String::new(), |mut text, c| {
        if c.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
        text
    })
}
