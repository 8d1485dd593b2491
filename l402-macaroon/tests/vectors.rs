//! Runs `spec-vectors/macaroon`.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use l402_macaroon::{MAX_LEN, MacaroonRef, MintError, ParseError, RootKey, attenuate, hex, mint};
use serde_json::Value;

#[test]
fn decode() {
    for case in cases(include_str!("../../spec-vectors/macaroon/decode.json")) {
        match MacaroonRef::parse(&bytes(&case["macaroon"])) {
            Ok(token) => {
                assert_eq!(case["verdict"], "read", "{}", case["id"]);
                assert_reads(&case, &token);
            }
            Err(fault) => assert_malformed(&case, fault),
        }
    }
}

#[test]
#[cfg(feature = "v1")]
fn v1() {
    for case in cases(include_str!("../../spec-vectors/macaroon/v1.json")) {
        match MacaroonRef::parse_v1(&bytes(&case["macaroon"])) {
            Err(fault) => assert_malformed(&case, fault),
            Ok(token) if token.verify(&key(&case)).is_ok() => {
                assert_eq!(case["verdict"], "authentic", "{}", case["id"]);
                assert_reads(&case, &token);
            }
            Ok(_) => assert_eq!(case["verdict"], "forged", "{}", case["id"]),
        }
    }
}

#[test]
fn verify() {
    for case in cases(include_str!("../../spec-vectors/macaroon/verify.json")) {
        let verified = MacaroonRef::parse(&bytes(&case["macaroon"])).unwrap().verify(&key(&case)).is_ok();
        assert_eq!(verified, case["verdict"] == "authentic", "{}", case["id"]);
    }
}

#[test]
fn minted() {
    for case in cases(include_str!("../../spec-vectors/macaroon/mint.json")) {
        let [location, identifier] = ["location", "identifier"].map(|name| bytes(&case[name]));
        let caveats: Vec<_> = case["caveats"].as_array().unwrap().iter().map(bytes).collect();
        let caveats: Vec<_> = caveats.iter().map(Vec::as_slice).collect();
        let mut out = room(&case);
        assert_made(&case, "minted", mint(&key(&case), &location, &identifier, &caveats, &mut out));
    }
}

#[test]
fn attenuated() {
    for case in cases(include_str!("../../spec-vectors/macaroon/attenuate.json")) {
        let (token, mut out) = (bytes(&case["macaroon"]), room(&case));
        let made = attenuate(MacaroonRef::parse(&token).unwrap(), &bytes(&case["caveat"]), &mut out);
        assert_made(&case, "attenuated", made);
    }
}

fn assert_reads(case: &Value, token: &MacaroonRef<'_>) {
    let (id, case) = (&case["id"], &case["result"]);
    assert_eq!(token.location(), bytes(&case["location"]), "{id}");
    assert_eq!(token.identifier(), bytes(&case["identifier"]), "{id}");
    assert_eq!(token.signature()[..], bytes(&case["signature"]), "{id}");
    let expected = case["caveats"].as_array().unwrap();
    assert_eq!(token.unverified_caveats().count(), expected.len(), "{id}");
    for (caveat, expected) in token.unverified_caveats().zip(expected) {
        assert_eq!(caveat.id, bytes(&expected["id"]), "{id}");
        assert_eq!(caveat.location, bytes(&expected["location"]), "{id}");
        let verification_id = Some(&expected["verification_id"]).filter(|value| !value.is_null()).map(bytes);
        assert_eq!(caveat.verification_id, verification_id.as_deref(), "{id}");
    }
}

fn assert_malformed(case: &Value, fault: ParseError) {
    assert_eq!((&case["verdict"], &case["error"]), (&"malformed".into(), &kebab(fault).into()), "{}", case["id"]);
}

fn assert_made(case: &Value, verdict: &str, made: Result<MacaroonRef<'_>, MintError>) {
    let id = &case["id"];
    match made {
        Ok(token) => {
            assert_eq!(case["verdict"], verdict, "{id}");
            assert_eq!(token.as_bytes(), bytes(&case["result"]["macaroon"]), "{id}");
        }
        Err(MintError::BufferTooSmall { .. }) => assert_eq!(case["error"], "buffer-too-small", "{id}"),
        Err(MintError::Limit(fault)) => assert_eq!(case["error"], kebab(fault), "{id}"),
        Err(other) => panic!("{id}: {other}"),
    }
}

fn key(case: &Value) -> RootKey {
    RootKey::new(&bytes(&case["root_key"]))
}

fn room(case: &Value) -> Vec<u8> {
    vec![0; case["capacity"].as_u64().map_or(MAX_LEN, |capacity| capacity.try_into().unwrap())]
}

fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    let Value::Array(cases) = file["cases"].take() else { panic!("no cases") };
    assert!(cases.len() >= 2);
    cases
}

/// Hexadecimal text, or pieces of it.
fn bytes(value: &Value) -> Vec<u8> {
    let text = match value {
        Value::Array(pieces) => pieces.iter().map(piece).collect(),
        piece => piece.as_str().unwrap().to_owned(),
    };
    let mut out = vec![0; text.len() / 2];
    hex::decode_into(text.as_bytes(), &mut out).unwrap().to_vec()
}

fn piece(value: &Value) -> String {
    value.as_str().map_or_else(
        || value["repeat"].as_str().unwrap().repeat(value["times"].as_u64().unwrap().try_into().unwrap()),
        str::to_owned,
    )
}

/// `TrailingBytes` → `trailing-bytes`.
fn kebab(fault: ParseError) -> String {
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
