//! Challenges, against the plain reader.

use crate::second;
use crate::second::text;
use l402_core::macaroon::MAX_LEN;
use l402_core::{Challenge, ChallengeLine, ParamValue, Scheme, TokenFacts};

/// Whatever stands in one challenge of ours, both readers find the same in it, and a value's accessors agree.
pub fn params(data: &[u8]) {
    let field = [b"L402 ", data].concat();
    read_alike(&field);
    for challenge in Challenge::parse_all(&field).flatten() {
        consistent(challenge.token());
        consistent(challenge.invoice());
    }
}

/// Both readers find the same challenges in a field, and choose the same one from several.
pub fn challenge(data: &[u8]) {
    read_alike(data);
    let lines: Vec<_> = data.split(|c| *c == b'\n').map(<[u8]>::to_vec).collect();
    let ours = Challenge::select(lines.iter().map(Vec::as_slice)).ok();
    assert_eq!(ours.as_ref().map(parts), second::challenge::select(&lines));
}

/// The two lines that are written read back as they were written: each alone, joined with a comma, and behind another scheme.
pub fn challenge_line(data: &[u8]) {
    let data = &data[..data.len().min(MAX_LEN)];
    if data.is_empty() {
        return; // no token is empty
    }
    let token = text::to_base64(data);
    let invoice: String = data
        .iter()
        .take(1024)
        .map(|byte| char::from(b"023456789acdefghjklmnpqrstuvwxyz"[usize::from(byte & 31)]))
        .collect();
    let invoice = format!("lnbc1{invoice}");
    let [lsat, l402] = ChallengeLine::both(&token, &invoice).map(|line| line.to_string());
    assert_eq!(lsat, format!(r#"LSAT macaroon="{token}", invoice="{invoice}""#));
    assert_eq!(l402, format!(r#"L402 version="0", token="{token}", invoice="{invoice}""#));
    let fields = [
        (lsat.clone(), vec![Scheme::Lsat]),
        (l402.clone(), vec![Scheme::L402]),
        (format!("{lsat}, {l402}"), vec![Scheme::Lsat, Scheme::L402]),
        (format!("Basic realm=\"a, b\", {l402}, Negotiate ab/+=="), vec![Scheme::L402]),
    ];
    for (field, schemes) in fields {
        let read: Vec<_> =
            Challenge::parse_all(field.as_bytes()).map(|read| read.expect("what is written can be read")).collect();
        assert_eq!(read.iter().map(Challenge::scheme).collect::<Vec<_>>(), schemes);
        for challenge in read {
            assert_eq!((challenge.token().as_str(), challenge.invoice().as_str()), (Some(&*token), Some(&*invoice)));
        }
    }
}

/// The same is read in a token: in the text of a case, and in what the case is in base64.
pub fn token_facts(data: &[u8]) {
    let in_base64 = text::to_base64(data);
    for token in [data, in_base64.as_bytes()] {
        let ours = TokenFacts::read(token, &mut vec![0; token.len()]);
        let payment_hash = ours.payment_hash.map(|hash| hash.as_bytes().to_vec());
        let read = second::token_facts::TokenFacts { payment_hash, expires_at: ours.expires_at.map(u64::from) };
        assert_eq!(read, second::token_facts::read(token));
        assert_eq!(TokenFacts::read(token, &mut []), TokenFacts::default());
    }
}

fn read_alike(field: &[u8]) {
    let ours: Vec<_> = Challenge::parse_all(field).map(|read| read.ok().as_ref().map(parts)).collect();
    assert_eq!(ours, second::challenge::read(field));
}

fn parts(challenge: &Challenge<'_>) -> second::challenge::Challenge {
    let l402 = challenge.scheme() == Scheme::L402;
    let [token, invoice] = [challenge.token(), challenge.invoice()].map(|value| value.bytes().collect());
    second::challenge::Challenge { l402, token, invoice }
}

fn consistent(value: ParamValue<'_>) {
    let bytes: Vec<u8> = value.bytes().collect();
    let mut exact = vec![0; bytes.len()];
    assert_eq!(value.unescape(&mut exact), Some(&*bytes));
    if !bytes.is_empty() {
        assert_eq!(value.unescape(&mut vec![0; bytes.len() - 1]), None);
    }
    if let Some(text) = value.as_str() {
        assert_eq!(text.as_bytes(), bytes);
    }
}
