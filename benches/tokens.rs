//! Making and reading tokens and challenges.

use criterion::{Criterion, criterion_group, criterion_main};
use l402_benches::{NOW, PREIMAGE, RANDOM, decoded, gate, macaroon_crate, offer, token};
use l402_core::macaroon::{MAX_LEN, MacaroonRef, attenuate, base64};
use l402_core::{Challenge, ChallengeLine, Preimage, TokenText};
use std::fmt::Write;
use std::hint::black_box;

/// As long as an invoice of an ldk-node with one private channel.
const INVOICE: &str = concat!(
    "lnbcrt210n1p4szu5xdqj2pkxzmnwwsszqnz6x5erxqgpp5u6cctdl0d2hg0hp8gfls2424u9h6udmlte8ufdqmr4eplu93lh7sxqyz5vqcqzpgsp5",
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
);

fn parse(c: &mut Criterion) {
    let text = token(3);
    let mut group = c.benchmark_group("parse a token from base64, 3 caveats");
    group.bench_function("l402-core", |b| {
        b.iter(|| {
            let mut buffer = [0; 1024];
            let bytes = base64::decode_into(black_box(text.as_bytes()), &mut buffer).unwrap_or_default();
            MacaroonRef::parse(bytes).map(|token| token.unverified_caveats().count())
        });
    });
    group.bench_function("macaroon crate", |b| b.iter(|| macaroon_crate::parse(black_box(&text))));
    group.finish();
}

fn mint(c: &mut Criterion) {
    let (gate, offer, hash) = (gate(), offer(), Preimage::from_bytes(PREIMAGE).hash());
    let mut group = c.benchmark_group("mint to base64, 3 caveats");
    group.bench_function("l402-core", |b| {
        let mut text = TokenText::new();
        b.iter(|| gate.keys().mint(&offer, black_box(&hash), RANDOM, NOW.into(), &mut text).map(str::len));
    });
    group.bench_function("macaroon crate", |b| b.iter(|| macaroon_crate::mint(black_box(hash.as_bytes()))));
    group.finish();
}

fn narrow(c: &mut Criterion) {
    let text = token(3);
    let bytes = decoded(&text);
    let mut group = c.benchmark_group("attenuate");
    group.bench_function("l402-core", |b| {
        let token = MacaroonRef::parse(&bytes).expect("a macaroon");
        let mut out = [0; MAX_LEN];
        b.iter(|| attenuate(black_box(token), b"api_valid_until=1780000001", &mut out).is_ok());
    });
    let theirs = macaroon_crate::parse(&text);
    group.bench_function("macaroon crate", |b| {
        b.iter(|| macaroon_crate::attenuate(black_box(&theirs), "api_valid_until=1780000001"));
    });
    group.finish();
}

fn challenge(c: &mut Criterion) {
    let text = token(3);
    let mut lines = String::with_capacity(4096);
    let mut group = c.benchmark_group("challenge");
    group.bench_function("emit both lines", |b| {
        b.iter(|| {
            lines.clear();
            for line in ChallengeLine::both(black_box(&text), INVOICE) {
                write!(lines, "{line}").expect("a String takes everything");
            }
            lines.len()
        });
    });
    let field = ChallengeLine::both(&text, INVOICE).map(|line| line.to_string()).join(", ");
    group.bench_function("read both lines", |b| b.iter(|| Challenge::select([black_box(&field).as_bytes()]).is_ok()));
    group.finish();
}

criterion_group!(benches, parse, mint, narrow, challenge);
criterion_main!(benches);
