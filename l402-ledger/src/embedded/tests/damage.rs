//! Files that are not what this program wrote.

use super::disk::{Disk, Entry};
use super::script::Script;
use super::{Moved, attempt, payment};
use crate::embedded::file::{Change, File, Row};
use crate::embedded::layer::Layer;
use crate::embedded::{Durability, Embedded};
use crate::error::StoreErrorKind;
use crate::testing::reserve;
use crate::{LedgerStore, StoreError};
use l402_core::ledger::Event;
use std::fs;

fn open(disk: &Disk) -> Result<Embedded, StoreError> {
    Embedded::open_on(Box::new(disk.clone()), Durability::Power, Moved::new().clock())
}

#[tokio::test]
async fn s6_a_damaged_file_stops_the_start_and_stays_as_it_is() {
    let (disk, script) = (Disk::default(), Script::random(40));
    script.play(&disk).await.unwrap();
    let whole = disk.image();
    let (mut damaged, mut harmless) = (0, 0);
    for position in (0..whole.len()).step_by(509) {
        let mut image = whole.clone();
        image[position] ^= 0x55;
        let disk = Disk::new(image.clone());
        match File::open(Layer::hold(Box::new(disk.clone()), Durability::Power).unwrap()) {
            Ok(_) => {
                script.audit(image, script.rows.len() - 1);
                harmless += 1;
            }
            Err(error) => {
                assert!(
                    matches!(error.kind(), StoreErrorKind::Damaged | StoreErrorKind::TooNew),
                    "{position}: {error:?}"
                );
                assert!(disk.image() == image, "{position}: it is written to");
                assert!(disk.log().is_empty());
                damaged += 1;
            }
        }
    }
    assert!(damaged > 10, "{damaged}, and {harmless} in pages that are not used");
}

#[tokio::test]
async fn s6_a_file_that_was_cut_stops_the_start() {
    let (disk, script) = (Disk::default(), Script::random(40));
    script.play(&disk).await.unwrap();
    for len in [1, 100, 4_096, 9_000, disk.image().len() / 2] {
        let mut image = disk.image();
        image.truncate(len);
        let error = open(&Disk::new(image)).map(drop).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Damaged, "{len}: {error:?}");
    }
}

#[test]
fn s6_what_is_no_ledger_stops_the_start_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    for content in [&b""[..], b"hello", &[0; 8_192]] {
        fs::write(&path, content).unwrap();
        for open in [Embedded::open, Embedded::open_or_create] {
            let error = open(&path, Durability::Power).map(drop).unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Damaged, "{error:?}");
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }
}

#[tokio::test]
async fn a_later_version_is_not_opened() {
    let disk = Disk::default();
    drop(open(&disk).unwrap());
    File::open(Layer::hold(Box::new(disk.clone()), Durability::Power).unwrap()).unwrap().set_version(3).unwrap();
    let (image, written) = (disk.image(), disk.log().len());
    assert_eq!(open(&disk).map(drop).unwrap_err().kind(), StoreErrorKind::TooNew);
    assert!(disk.image() == image && disk.log().len() == written);
}

#[tokio::test]
async fn a_row_of_a_later_version_is_not_read() {
    let disk = Disk::default();
    drop(open(&disk).unwrap());
    let file = File::open(Layer::hold(Box::new(disk.clone()), Durability::Power).unwrap()).unwrap();
    let row = Row { bytes: vec![2, 0, 0], is_open: false };
    file.write(&[Change { payment: payment(1), was_open: false, row: Some(row) }]).unwrap();
    drop(file);
    let store = open(&disk).unwrap();
    for event in [Event::Reserve(reserve(1)), Event::Commit { amount: 1 }] {
        let error = store.apply(&payment(1), attempt(1), event).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::TooNew);
    }
    store.apply(&payment(2), attempt(1), Event::Reserve(reserve(1))).await.unwrap();
    assert!(disk.log().iter().any(|entry| matches!(entry, Entry::Sync)));
}
