//! Header field in, verdict out: the gate, and the same work by others, in one run.
//!
//! `compressions` is the floor: the (11 + 4N) SHA-256 compressions that N caveats need, and nothing else.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use l402_benches::{NOW, credential, gate, macaroon_crate, naive, offer, token};
use l402_core::{Decision, Presentation};
use std::hint::black_box;

fn decide(field: &str) -> Decision {
    let mut fields = Presentation::new();
    fields.field("authorization", black_box(field).as_bytes());
    gate_static().decide(&fields, offer_static(), NOW)
}

fn gate_static() -> &'static l402_core::Gate<l402_core::DerivedKeys> {
    static GATE: std::sync::LazyLock<l402_core::Gate<l402_core::DerivedKeys>> = std::sync::LazyLock::new(gate);
    &GATE
}

fn offer_static() -> &'static l402_core::Offer {
    static OFFER: std::sync::LazyLock<l402_core::Offer> = std::sync::LazyLock::new(offer);
    &OFFER
}

fn reference(c: &mut Criterion) {
    let field = credential(&token(0));
    assert!(matches!(decide(&field), Decision::Admit(_)) && naive(&field) && macaroon_crate(&field));
    let mut group = c.benchmark_group("credential with 3 caveats");
    group.throughput(Throughput::Elements(1));
    group.bench_function("compressions", |b| b.iter(|| compressions(3)));
    group.bench_function("l402-core", |b| b.iter(|| decide(&field)));
    group.bench_function("hmac + base64ct, naive", |b| b.iter(|| naive(black_box(&field))));
    group.bench_function("macaroon crate", |b| b.iter(|| macaroon_crate(black_box(&field))));
    group.finish();
}

fn caveats(c: &mut Criterion) {
    let mut group = c.benchmark_group("l402-core by caveats");
    for extra in [0, 13] {
        let field = credential(&token(extra));
        assert!(matches!(decide(&field), Decision::Admit(_)));
        group.bench_with_input(BenchmarkId::from_parameter(3 + extra), &field, |b, field| b.iter(|| decide(field)));
    }
    group.finish();
}

fn verdicts(c: &mut Criterion) {
    let field = credential(&token(0));
    let mut group = c.benchmark_group("l402-core by verdict");
    group.bench_function("admitted", |b| b.iter(|| decide(&field)));
    for (name, position) in [("forged in its first byte", 250), ("wrong preimage", field.len() - 1)] {
        let mut forged = field.clone().into_bytes();
        let byte = &mut forged[position];
        *byte = if *byte == b'2' { b'3' } else { b'2' };
        let forged = String::from_utf8(forged).expect("ascii");
        assert!(!matches!(decide(&forged), Decision::Admit(_)));
        group
            .bench_function(name, |b| b.iter_batched(|| forged.clone(), |field| decide(&field), BatchSize::SmallInput));
    }
    group.finish();
}

fn compressions(caveats: u32) -> [u32; 8] {
    let mut state = black_box([1; 8]);
    for _ in 0..11 + 4 * caveats {
        sha2::block_api::compress256(&mut state, black_box(&[[0; 64]]));
    }
    state
}

criterion_group!(benches, reference, caveats, verdicts);
criterion_main!(benches);
