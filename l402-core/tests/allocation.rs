//! Reading, deciding, minting and attenuating allocate nothing, counted by an allocator that wraps the system's.
#![cfg(not(miri))] // who takes minutes for the largest inputs, and allocates as it likes
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod maximal;

use allocation_counter::measure;
use core::hint::black_box;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, attenuate, hex};
use l402_core::{
    Caveat, CredentialHeaders, Decision, Exchange, Msat, Next, Preimage, ResponseStatus, Ruling, SpendLimits,
    TokenFile, TokenText,
};
use maximal::{NOW, challenges, credentials, gate, largest, offer, reads, sold, verdict};

#[test]
fn deciding_allocates_nothing_whatever_the_verdict() {
    let (gate, offer) = (gate(), offer());
    for credential in credentials() {
        let mut seen = "";
        assert_eq!(allocations(|| seen = verdict(&credential.decide(&gate, &offer))), 0, "{}", credential.name);
        assert_eq!(seen, credential.verdict);
    }
}

#[test]
fn asking_a_rule_allocates_nothing() {
    let (sold, [mut once, mut twice, mut thrice]) = (sold(), [[0; 512]; 3]);
    let token = attenuate(MacaroonRef::parse(&sold).unwrap(), b"limit=9", &mut once).unwrap();
    let token = attenuate(token, b"limit=3", &mut twice).unwrap();
    let preimage = format!("preimage={}", "01".repeat(32));
    let token = attenuate(token, preimage.as_bytes(), &mut thrice).unwrap();
    let (mut text, mut buffer) = ([0; 1024], [0; 512]);
    let mut headers = CredentialHeaders::new();
    headers.add("macaroon", hex::encode_into(token.as_bytes(), &mut text).unwrap().as_bytes());
    let (gate, offer, mut earlier_seen) = (gate(), offer(), 0);
    let mut rule = |_: Caveat<'_>, earlier: Option<&str>| {
        earlier_seen += usize::from(earlier == Some("9"));
        Ruling::Holds
    };
    let decide = || {
        let decision = gate.decide_with(&mut buffer, &headers, &offer, NOW, &mut rule);
        assert!(matches!(decision, Decision::Admit(_)), "{decision:?}");
    };
    assert_eq!(allocations(decide), 0);
    assert_eq!(earlier_seen, 1);
}

#[test]
fn reading_challenges_allocates_nothing() {
    let (mut text, mut bytes) = (vec![0; 2 * MAX_LEN], vec![0; MAX_LEN]);
    for (line, found) in challenges() {
        assert_eq!(allocations(|| assert_eq!(reads(&line, &mut text, &mut bytes), found)), 0);
    }
    let (line, _) = &challenges()[0];
    let answer = ResponseStatus { status: 402, grpc_status: None };
    let mut exchange = Exchange::new(SpendLimits { max_price_msat: Msat::new(1000), max_fee_msat: Msat::new(10) });
    assert_eq!(allocations(|| assert!(matches!(exchange.on_response(answer, [&**line]), Ok(Next::Pay(_))))), 0);
}

#[test]
fn minting_and_attenuating_allocate_nothing() {
    let (gate, offer, sold) = (gate(), offer(), sold());
    let paid = Preimage::from_bytes([1; 32]).hash();
    let mint = || {
        let mut text = TokenText::new();
        assert!(gate.keys().mint(&offer, &paid, [5; 28], NOW, &mut text).is_ok());
    };
    assert_eq!(allocations(mint), 0);
    let mut longer = [0; 512];
    let attenuate = || assert!(attenuate(MacaroonRef::parse(&sold).unwrap(), b"services=x:0", &mut longer).is_ok());
    assert_eq!(allocations(attenuate), 0);
}

#[test]
fn token_files_allocate_nothing() {
    let (token, mut file) = (largest(), vec![0; 2 * MAX_LEN]);
    let round = || {
        let macaroon = MacaroonRef::parse(&token).unwrap();
        let stored = TokenFile::pending(macaroon, 0)
            .unwrap()
            .paid(Preimage::from_bytes([1; 32]), Msat::new(1), Msat::ZERO)
            .unwrap();
        assert!(TokenFile::parse(stored.write_into(&mut file).unwrap()).is_ok());
    };
    assert_eq!(allocations(round), 0);
}

/// The control: what allocates is counted.
#[test]
fn an_allocation_is_counted() {
    assert_eq!(allocations(|| drop(black_box(vec![0_u8; 1]))), 1);
    assert!(allocations(|| assert!(!sold().is_empty())) > 0);
}

fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}
