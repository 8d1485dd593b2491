//! What opens the door, and what does not; the same firmware's logic in QEMU is `check.py`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a step that fails, fails the test")]

use core::cell::Cell;
use embedded_door::{Answer, Clock, Door, Monotonic, TOKEN_LEN, sign_time};
use l402_core::{CredentialLine, DerivedKeys, MasterKey, Name, Offer, Preimage, Scheme, TokenText, Unsatisfied};

const NOW: u64 = 1_767_300_000;
const FLOOR: u64 = 1_767_225_600;

#[test]
fn a_paid_token_opens_until_it_ends_and_as_often_as_it_is_shown() {
    let since_power_on = Cell::new(7);
    let mut door = door(|| since_power_on.get());
    assert_eq!(hear(&mut door, &credential("door", 0, NOW)), Answer::NoTime);
    assert_eq!(hear(&mut door, &time(NOW)), Answer::TimeSet);
    for _ in 0..3 {
        assert_eq!(hear(&mut door, &credential("door", 0, NOW)), Answer::Open);
    }
    since_power_on.set(7 + 3599);
    assert_eq!(hear(&mut door, &credential("door", 0, NOW)), Answer::Open);
    since_power_on.set(7 + 3600);
    assert_eq!(hear(&mut door, &credential("door", 0, NOW)), Answer::Unsatisfied(Unsatisfied::Expired));
}

#[test]
fn another_service_epoch_key_or_byte_does_not_open() {
    let mut door = door(|| 0);
    assert_eq!(hear(&mut door, &time(NOW)), Answer::TimeSet);
    assert_eq!(hear(&mut door, &credential("garage", 0, NOW)), Answer::Unsatisfied(Unsatisfied::Service));
    assert_eq!(hear(&mut door, &credential("door", 1, NOW)), Answer::Forged);
    let good = credential("door", 0, NOW);
    let location = 9..14; // a hint that no signature covers
    for at in (0..good.len()).filter(|at| !location.contains(at)) {
        let mut changed = good.clone();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        assert!(!hear(&mut door, &changed).opens(), "byte {at}");
        assert!(!hear(&mut door, &good[..at]).opens(), "cut at {at}");
    }
}

#[test]
fn s5_a_clock_stepped_back_revives_nothing() {
    let mut door = door(|| 0);
    assert_eq!(hear(&mut door, &time(FLOOR - 1)), Answer::EarlierTime);
    assert_eq!(hear(&mut door, &time(NOW)), Answer::TimeSet);
    assert_eq!(hear(&mut door, &time(NOW - 1)), Answer::EarlierTime);
    assert_eq!(hear(&mut door, &credential("door", 0, NOW - 3600)), Answer::Unsatisfied(Unsatisfied::Expired));
}

#[test]
fn only_the_seller_tells_the_time() {
    let mut door = door(|| 0);
    let message = time(NOW);
    for at in "time ".len()..message.len() {
        let mut changed = message.clone();
        changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
        assert_eq!(hear(&mut door, &changed), Answer::ForgedTime, "byte {at}");
        assert_eq!(hear(&mut door, &message[..at]), Answer::ForgedTime, "cut at {at}");
    }
    assert_eq!(hear(&mut door, &[&message[..], b"00"].concat()), Answer::ForgedTime);
}

fn master() -> MasterKey {
    MasterKey::from_bytes([0x4d; 32])
}

fn door<M: Monotonic>(monotonic: M) -> Door<M> {
    Door::new(0, &master(), offer("door"), Clock::new(monotonic, FLOOR))
}

fn offer(service: &str) -> Offer {
    Offer::new(Name::new(service).unwrap(), 50_000.into())
}

fn time(unix: u64) -> Vec<u8> {
    [&b"time "[..], &sign_time(&master(), unix)].concat()
}

fn credential(service: &str, epoch: u32, now: u64) -> Vec<u8> {
    let preimage = Preimage::from_bytes([0x11; 32]);
    let mut text = TokenText::new();
    let keys = DerivedKeys::new(epoch, &master());
    let token = keys.mint(&offer(service), &preimage.hash(), [9; 28], now.into(), &mut text).unwrap();
    CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string().into_bytes()
}

fn hear<M: Monotonic>(door: &mut Door<M>, line: &[u8]) -> Answer {
    door.hear(line, &mut [0; TOKEN_LEN])
}
