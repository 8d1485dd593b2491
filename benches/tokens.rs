//! Making and reading tokens.

use criterion::{Criterion, criterion_group, criterion_main};
use l402_benches::{NOW, PREIMAGE, decoded, gate, offer, token};
use l402_core::macaroon::{MacaroonRef, attenuate};
use l402_core::{Challenge, ChallengeLine, Preimage, TokenText};
use std::hint::black_box;

fn parse(c: &mut Criterion) {
    let (text, bytes) = (token(0), decoded(&token(0)));
    let mut group = c.benchmark_group("parse");
    group.bench_function("l402-core", |b| b.iter(|| MacaroonRef::parse(black_box(&bytes)).is_ok()));
    group
        .bench_function("l402-core from base64", |b| b.iter(|| MacaroonRef::parse(&decoded(black_box(&text))).is_ok()));
    group.bench_function("macaroon crate from base64", |b| {
        b.iter(|| macaroon::Macaroon::deserialize(black_box(&text)).is_ok());
    });
    let field = ChallengeLine::both(&text, "lnbc210n1").map(|line| line.to_string()).join(", ");
    group.bench_function("challenge", |b| b.iter(|| Challenge::select([black_box(&field).as_bytes()]).is_ok()));
    group.finish();
}

fn mint(c: &mut Criterion) {
    let (gate, offer, hash) = (gate(), offer(), Preimage::from_bytes(PREIMAGE).hash());
    let bytes = decoded(&token(0));
    let mut group = c.benchmark_group("make");
    group.bench_function("mint, l402-core", |b| {
        b.iter(|| gate.keys().mint(&offer, black_box(&hash), [7; 28], NOW, &mut TokenText::new()).map(str::len));
    });
    group.bench_function("mint, macaroon crate", |b| b.iter(|| macaroon_mint(black_box(hash.as_bytes()))));
    group.bench_function("attenuate, l402-core", |b| {
        let token = MacaroonRef::parse(&bytes).expect("a macaroon");
        b.iter(|| attenuate(black_box(token), b"api_valid_until=1780000001", &mut [0; 512]).is_ok());
    });
    group.finish();
}

fn macaroon_mint(hash: &[u8; 32]) -> usize {
    let key = macaroon::MacaroonKey::generate(&[9; 32]);
    let identifier = [&[0, 0][..], hash, &[7; 32]].concat();
    let mut token = macaroon::Macaroon::create(Some("lsat".into()), &key, identifier.into()).expect("minted");
    for caveat in ["services=api:0", "api_capabilities=read", "api_valid_until=1790000000"] {
        token.add_first_party_caveat(caveat.into());
    }
    token.serialize(macaroon::Format::V2).map_or(0, |text| text.len())
}

criterion_group!(benches, parse, mint);
criterion_main!(benches);
