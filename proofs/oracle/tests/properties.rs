//! Every property on stable Rust: over the seeds as they are, over seeds that were damaged, and over words strung together.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use l402_oracle::property::{self, Property};
use l402_oracle::seeds;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use std::path::Path;
use std::sync::LazyLock;

macro_rules! properties {
    ($($(#[$meta:meta])* $test:ident: $property:ident,)*) => {$(
        $(#[$meta])*
        #[test]
        fn $test() {
            hold(property::$property);
        }
    )*};
}

properties! {
    base64_is_that_of_base64ct: base64,
    hex_is_plain_hex: hex,
    hmac_is_that_of_the_hmac_crate: mac,
    #[cfg(feature = "engines")]
    engines_compute_what_other_crates_do: engines,
    t4_macaroons_v2_are_read_alike: macaroon_v2,
    #[cfg(feature = "v1")]
    t4_macaroons_v1_are_read_alike: macaroon_v1,
    t4_only_the_right_signature_verifies: verify,
    minted_tokens_are_written_alike: mint,
    t4_token_files_are_read_alike: token_file,
    t4_parameters_are_read_alike: params,
    t4_challenges_are_read_alike: challenge,
    emitted_challenges_read_back: challenge_line,
    a3_tokens_are_read_alike: token_facts,
    h1_credentials_are_read_alike: credential,
    emitted_credentials_read_back: credential_line,
    identifiers_are_their_bytes: identifier,
    caveats_are_split_alike: caveat,
    t2_caveats_are_judged_alike: permits,
    t2_adding_a_caveat_never_widens: narrowing,
    t3_a_token_opens_what_it_was_sold_for_and_nothing_else: offer,
    h1_t4_the_gate_decides_alike: gate,
}

#[test]
fn every_property_has_a_fuzz_target() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    for (name, _) in property::ALL {
        let target = std::fs::read_to_string(targets.join(format!("{name}.rs"))).unwrap();
        assert!(target.contains(&format!("l402_oracle::property::{name}(")), "{name}");
    }
}

/// Miri is some thousand times slower, so that it sees one seed in nine of those that need no file, and one case.
const CASES: u32 = if cfg!(miri) { 1 } else { 1024 };
const STEP: usize = if cfg!(miri) { 9 } else { 1 };

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut all = seeds::builtin();
    if !cfg!(miri) {
        all.extend(seeds::from_vectors(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec-vectors")).unwrap());
    }
    all.into_iter().step_by(STEP).collect()
});

fn hold(property: Property) {
    SEEDS.iter().for_each(|seed| property(seed));
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&cases(), |case| {
        property(&case);
        Ok(())
    });
    if let Err(fault) = run {
        panic!("{fault}");
    }
}

fn cases() -> impl Strategy<Value = Vec<u8>> {
    let damaged_seed = (select(&**SEEDS), prop::collection::vec((any::<Index>(), edit()), 1..4))
        .prop_map(|(seed, damages)| damages.into_iter().fold(seed, damaged));
    let words = prop::collection::vec(select(seeds::WORDS), 0..24).prop_map(|words| words.concat().into_bytes());
    prop_oneof![
        3 => damaged_seed,
        2 => words,
        4 => (0..4_u8).prop_flat_map(chosen),
        1 => any::<Vec<u8>>(),
    ]
}

/// Choices of which the first is a service, and caveats for it.
fn chosen(service: u8) -> impl Strategy<Value = Vec<u8>> {
    let lines = prop::collection::vec(select(seeds::caveats(seeds::SERVICES[usize::from(service)])), 0..6);
    let choices = prop::collection::vec(any::<u8>(), seeds::CHOICES - 1);
    (choices, lines).prop_map(move |(choices, lines)| [&[service][..], &choices, lines.join("\n").as_bytes()].concat())
}

#[derive(Debug, Clone)]
enum Edit {
    Set(u8),
    Insert(Vec<u8>),
    Cut(Index),
    Double(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        any::<u8>().prop_map(Edit::Set),
        select(seeds::WORDS).prop_map(|word| Edit::Insert(word.as_bytes().to_vec())),
        select(&**SEEDS).prop_map(Edit::Insert),
        any::<Index>().prop_map(Edit::Cut),
        any::<Index>().prop_map(Edit::Double),
    ]
}

fn damaged(mut case: Vec<u8>, (at, edit): (Index, Edit)) -> Vec<u8> {
    let start = at.index(case.len() + 1);
    let end = |index: Index| start + index.index(case.len() - start + 1);
    match edit {
        Edit::Set(byte) => case.get_mut(start).into_iter().for_each(|found| *found = byte),
        Edit::Insert(bytes) => drop(case.splice(start..start, bytes)),
        Edit::Cut(index) => drop(case.drain(start..end(index))),
        Edit::Double(index) => {
            let again = case[start..end(index)].to_vec();
            drop(case.splice(start..start, again));
        }
    }
    case
}
