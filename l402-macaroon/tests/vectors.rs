//! Runs `spec-vectors/macaroon.json`, and makes every authentic case again from its parts.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use l402_macaroon::{MAX_LEN, MacaroonRef, ParseError, RootKey, attenuate, hex, mint};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    format: u8,
    root_key: String,
    macaroon: String,
    verdict: String,
    error: Option<String>,
    #[serde(default)]
    caveats: Vec<String>,
    signature: Option<String>,
}

#[test]
fn every_case_has_its_verdict() {
    for case in cases() {
        let bytes = unhex(&case.macaroon);
        let verdict = match parse(case.format, &bytes) {
            Err(fault) => ("malformed", Some(kebab(fault))),
            Ok(token) => match token.verify(&RootKey::new(&unhex(&case.root_key))) {
                Err(_) => ("forged", None),
                Ok(_) => ("authentic", None),
            },
        };
        assert_eq!(verdict, (case.verdict.as_str(), case.error), "{}", case.id);
    }
}

#[test]
fn authentic_cases_read_as_they_were_written() {
    for case in authentic() {
        let bytes = unhex(&case.macaroon);
        let token = parse(case.format, &bytes).unwrap();
        let caveats: Vec<_> = token.unverified_caveats().map(|caveat| caveat.id.to_vec()).collect();
        let expected: Vec<_> = case.caveats.iter().map(|text| unhex(text)).collect();
        assert_eq!(caveats, expected, "{}", case.id);
        assert_eq!(token.signature()[..], unhex(&case.signature.unwrap()), "{}", case.id);
    }
}

#[test]
fn minting_and_attenuating_give_the_same_bytes() {
    for case in authentic().filter(|case| case.format == 2 && case.id != "third-party") {
        let bytes = unhex(&case.macaroon);
        let token = MacaroonRef::parse(&bytes).unwrap();
        let key = RootKey::new(&unhex(&case.root_key));
        let caveats: Vec<_> = token.unverified_caveats().map(|caveat| caveat.id).collect();

        let mut out = [0; MAX_LEN];
        let minted = mint(&key, token.location(), token.identifier(), &caveats, &mut out).unwrap();
        assert_eq!(minted.as_bytes(), bytes, "{}", case.id);

        if let Some((last, first)) = caveats.split_last() {
            let (mut out, mut narrowed) = ([0; MAX_LEN], [0; MAX_LEN]);
            let wide = mint(&key, token.location(), token.identifier(), first, &mut out).unwrap();
            assert_eq!(attenuate(wide, last, &mut narrowed).unwrap().as_bytes(), bytes, "{}", case.id);
        }
    }
}

#[test]
fn attenuating_keeps_third_party_caveats() {
    let case = authentic().find(|case| case.id == "third-party").unwrap();
    let (bytes, mut out) = (unhex(&case.macaroon), [0; MAX_LEN]);
    let narrowed = attenuate(MacaroonRef::parse(&bytes).unwrap(), b"b=2", &mut out).unwrap();
    let authentic = narrowed.verify(&RootKey::new(&unhex(&case.root_key))).unwrap();
    assert_eq!(authentic.caveats().filter(|caveat| caveat.verification_id.is_some()).count(), 1);
    assert_eq!(authentic.caveats().count(), 3);
}

fn parse(format: u8, bytes: &[u8]) -> Result<MacaroonRef<'_>, ParseError> {
    match format {
        #[cfg(feature = "v1")]
        1 => MacaroonRef::parse_v1(bytes),
        _ => MacaroonRef::parse(bytes),
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let file: File = serde_json::from_str(include_str!("../../spec-vectors/macaroon.json")).unwrap();
    assert!(file.cases.len() > 50);
    file.cases.into_iter().filter(|case| cfg!(feature = "v1") || case.format == 2)
}

fn authentic() -> impl Iterator<Item = Case> {
    cases().filter(|case| case.verdict == "authentic")
}

fn unhex(text: &str) -> Vec<u8> {
    let mut out = vec![0; text.len() / 2];
    hex::decode_into(text.as_bytes(), &mut out).unwrap().to_vec()
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
