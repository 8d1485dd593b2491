//! Header field in, verdict out: the gate, and the same work by others, in one run.
//!
//! `compressions` is the floor `L`: the 11 + 4N SHA-256 compressions that N caveats need, one after another, and nothing else.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use l402_benches::{credential, decide, gate, hmac_crate, macaroon_crate, offer, ring_crate, token};
use l402_core::{ChargeReason, Decision, Unsatisfied};
use std::hint::black_box;

fn accepted(c: &mut Criterion) {
    assert_eq!(token(3).len(), 252, "the reference credential");
    for caveats in [0, 3, 16] {
        let field = credential(&token(caveats));
        // Without any caveat a token is authentic, and names no service.
        let verdict = decide(&gate(), &offer(), field.as_bytes());
        let expected = match caveats {
            0 => is_unsatisfied(&verdict),
            _ => matches!(verdict, Decision::Admit(_)),
        };
        assert!(expected, "{caveats} caveats: {verdict:?}");
        let ring = ring_crate::Verifier::new();
        assert!(hmac_crate::verify(&field) && macaroon_crate::verify(&field) && ring.verify(&field));

        let mut group = c.benchmark_group(format!("verify, {caveats} caveats"));
        group.bench_function("compressions", |b| b.iter(|| compressions(caveats)));
        ours(&mut group, &field);
        group.bench_function("hmac crate", |b| b.iter(|| hmac_crate::verify(black_box(&field))));
        group.bench_function("ring", |b| b.iter(|| ring.verify(black_box(&field))));
        group.bench_function("macaroon crate", |b| b.iter(|| macaroon_crate::verify(black_box(&field))));
        group.finish();
    }
}

fn rejected(c: &mut Criterion) {
    let field = credential(&token(3));
    let signature = 4 + field.find(':').expect("a preimage") - 30;
    for (name, position) in [("forged", signature), ("wrong preimage", field.len() - 1)] {
        let mut forged = field.clone().into_bytes();
        let byte = &mut forged[position];
        *byte = if *byte == b'2' { b'3' } else { b'2' };
        let forged = String::from_utf8(forged).expect("ascii");
        let verdict = decide(&gate(), &offer(), forged.as_bytes());
        assert!(matches!(verdict, Decision::Charge(charge) if charge.reason == ChargeReason::Forged), "{verdict:?}");

        let mut group = c.benchmark_group(format!("reject, {name}"));
        group.bench_function("compressions", |b| b.iter(|| compressions(3)));
        ours(&mut group, &forged);
        group.bench_function("macaroon crate", |b| b.iter(|| macaroon_crate::verify(black_box(&forged))));
        group.finish();
    }
}

fn ours(group: &mut BenchmarkGroup<'_, WallTime>, field: &str) {
    let (gate, offer) = (gate(), offer());
    group.bench_function("l402-core", |b| b.iter(|| decide(&gate, &offer, black_box(field.as_bytes()))));
}

fn is_unsatisfied(verdict: &Decision) -> bool {
    let reason = ChargeReason::Unsatisfied(Unsatisfied::NoServices);
    matches!(verdict, Decision::Charge(charge) if charge.reason == reason)
}

fn compressions(caveats: usize) -> [u32; 8] {
    let mut state = black_box([1; 8]);
    for _ in 0..11 + 4 * caveats {
        sha2::block_api::compress256(&mut state, black_box(&[[0; 64]]));
    }
    state
}

criterion_group!(benches, accepted, rejected);
criterion_main!(benches);
