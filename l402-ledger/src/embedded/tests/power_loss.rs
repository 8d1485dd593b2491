//! The power fails: of what was written since the last sync, any part may be there.

use super::disk::{Disk, Entry, apply};
use super::script::Script;
use super::{Moved, attempt};
use crate::LedgerStore;
use crate::embedded::file::File;
use crate::embedded::layer::Layer;
use crate::embedded::{Durability, Embedded};
use crate::testing::reserve;
use core::pin::pin;
use core::task::{Context, Waker};
use l402_core::PaymentHash;
use l402_core::ledger::Event;
use std::sync::Arc;

/// Every moment of the log, with several choices of what reached the disk by then: the image, and the last that was told.
fn moments(log: &[Entry], choices: usize) -> impl Iterator<Item = (Vec<u8>, usize)> + '_ {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let (mut synced, mut since, mut told) = (Vec::new(), Vec::new(), 0);
    log.iter().flat_map(move |entry| {
        match entry {
            Entry::Sync => {
                for entry in since.drain(..) {
                    apply(&mut synced, entry);
                }
            }
            Entry::Told(what) => told = told.max(*what),
            Entry::Write(..) | Entry::SetLen(_) => since.push(entry),
        }
        let choices = if since.is_empty() { 1 } else { choices };
        let images: Vec<_> = (0..choices)
            .map(|choice| {
                let mut image = synced.clone();
                for entry in &since {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    let kept = random % 3;
                    match (choice, kept, entry) {
                        (0, ..) | (_, 0, _) | (_, _, Entry::SetLen(_)) => apply(&mut image, entry),
                        // A sector of it, but not the rest.
                        (_, 1, Entry::Write(offset, data)) => {
                            apply(&mut image, &Entry::Write(*offset, data[..data.len().min(512)].to_vec()));
                        }
                        _ => {}
                    }
                }
                (image, told)
            })
            .collect();
        images
    })
}

#[tokio::test]
async fn s1_what_was_told_is_there_after_any_loss_of_power() {
    let (disk, script) = (Disk::default(), Script::random(40));
    script.play(&disk).await.unwrap();
    let mut audited = 0;
    // A file that was not whole before the first answer is never used: it gets its name once it is.
    let begins = |told: &usize| *told > 0;
    for (image, told) in moments(&disk.log(), 3).filter(|(_, told)| begins(told)) {
        script.audit(image, told);
        audited += 1;
    }
    assert!(audited > 50, "{audited}");
}

/// Many callers at once, so that a sync is for many.
#[tokio::test(flavor = "multi_thread")]
async fn s1_what_many_were_told_at_once_is_there_after_any_loss_of_power() {
    let disk = Disk::default();
    let store = Embedded::open_on(Box::new(disk.clone()), Durability::Power, Moved::new().clock()).unwrap();
    let begun = disk.log().len();
    let (tokens, store) = (60_usize, Arc::new(store));
    let callers = (0..tokens).map(|number| {
        let (store, disk) = (Arc::clone(&store), disk.clone());
        tokio::spawn(async move {
            store.apply(&token(number), attempt(1), Event::Reserve(reserve(1))).await.unwrap();
            store.apply(&token(number), attempt(1), Event::Commit { amount: 1 }).await.unwrap();
            disk.note(number);
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    drop(store);
    let log = disk.log();
    let mut told: Vec<Vec<usize>> = vec![Vec::new()];
    for entry in &log {
        let mut so_far = told.last().unwrap().clone();
        so_far.extend(match entry {
            Entry::Told(number) => Some(*number),
            _ => None,
        });
        told.push(so_far);
    }
    for at in begun..log.len() {
        let (image, _) = moments(&log[..=at], 2).last().unwrap();
        let file = File::open(Layer::hold(Box::new(Disk::new(image)), Durability::Power).unwrap()).unwrap();
        for number in 0..tokens {
            let uses = file.account(&token(number)).unwrap().map(|account| account.uses());
            let committed = uses.map_or(0, |uses| uses.tallies.iter().map(|(_, tally)| tally.committed).sum::<u64>());
            assert!(committed <= 1);
            assert!(committed == 1 || !told[at + 1].contains(&number), "{number} was told that it is spent");
        }
    }
}

/// A reply rests on what is on its way to the disk, also one that changes nothing.
#[tokio::test]
async fn s1_who_asks_again_is_told_no_sooner_than_who_asked_first() {
    let (disk, payment) = (Disk::default(), token(1));
    let store = Embedded::open_on(Box::new(disk.clone()), Durability::Power, Moved::new().clock()).unwrap();
    store.apply(&payment, attempt(1), Event::Reserve(reserve(1))).await.unwrap();
    let ask = || store.apply(&payment, attempt(1), Event::Commit { amount: 1 });
    let (mut first, mut again) = (pin!(ask()), pin!(ask()));
    let held = disk.hold_syncs();
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(again.as_mut().poll(&mut context).is_pending());
    drop(held);
    assert_eq!(again.await.unwrap(), first.await.unwrap());
}

fn token(number: usize) -> PaymentHash {
    let mut bytes = [7; 32];
    bytes[0] = u8::try_from(number).unwrap();
    PaymentHash::from_bytes(bytes)
}
