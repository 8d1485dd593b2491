//! Tests of taking over the first format, on a folder as that version wrote it.

use super::*;
use crate::store::payments::{Closing, Payments as PaymentRecord};
use crate::store::record::Recorded;
use crate::store::tokens::Tokens;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

const KEPT: &str = include_str!("fixture/tokens.json");
const OPEN: &str = include_str!("fixture/open.json");
const CLOSED: &str = include_str!("fixture/closed.json");

fn write(data: &PrivateDir, name: &str, text: &str) {
    let path = data.path(name);
    DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap()).unwrap();
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

fn hash(seed: u8) -> PaymentHash {
    Preimage::from_bytes([seed; 32]).hash()
}

fn open_file() -> String {
    format!("payments/open/{}.json", hash(3))
}

/// A data folder of the first format: a token for each of two origins, a payment without an outcome, and one with.
fn first_format() -> (tempfile::TempDir, PrivateDir) {
    let home = tempfile::tempdir().unwrap();
    let data = PrivateDir::open(home.path().join("data")).unwrap();
    write(&data, "tokens.json", KEPT);
    write(&data, "tokens.lock", "");
    write(&data, "payments/begin.lock", "");
    write(&data, &open_file(), OPEN);
    write(&data, &format!("payments/closed/{}.json", hash(1)), CLOSED);
    write(&data, "payments/closed/half.json.new", "{");
    (home, data)
}

fn is_untouched(data: &PrivateDir) -> bool {
    let text = |name: &str| fs::read_to_string(data.path(name)).unwrap_or_default();
    text(&open_file()) == OPEN && data.path("tokens.json").exists() && !data.path("imported").exists()
}

fn open(data: &PrivateDir) -> (Tokens, PaymentRecord) {
    let database = Database::open(data).unwrap();
    (Tokens::new(database.clone()), PaymentRecord::new(database).unwrap())
}

#[test]
fn a4_nothing_of_the_first_format_is_lost() {
    let (_home, data) = first_format();
    let (tokens, payments) = open(&data);
    let kept = tokens.all().unwrap();
    let seeds = kept.iter().map(|token| (token.origin.to_string(), token.preimage.expose()[0], token.fee_msat.get()));
    let expected = [("http://127.0.0.1:8402".to_owned(), 1, 3), ("https://shop.example".to_owned(), 2, 0)];
    assert_eq!(seeds.collect::<Vec<_>>(), expected);
    assert!(kept.iter().all(|token| token.preimage.matches(&token.payment_hash)));
    assert_eq!(kept[0].token, "AgEETDQwMg==");
    let recorded = payments.all().unwrap();
    let outcomes = recorded.iter().map(|Recorded { intent, outcome }| (intent.payment_hash, *outcome));
    assert_eq!(
        outcomes.collect::<Vec<_>>(),
        [(hash(1), Some(PaymentOutcome::Paid { fee_msat: 3.into() })), (hash(3), None)]
    );
    let intent = &recorded[1].intent;
    assert_eq!(
        (intent.wallet.as_str(), intent.path.as_str(), intent.at.get()),
        ("ldk/signet", "/poems", 1_700_000_002)
    );
    assert!(payments.adopt(&hash(3)).unwrap().is_some(), "it can be asked for");
    assert!(intent.order.is_none());
}

#[test]
fn the_files_are_moved_aside_and_taken_over_once() {
    let (_home, data) = first_format();
    let (tokens, _) = open(&data);
    assert_eq!(fs::read_to_string(data.path("imported/tokens.json")).unwrap(), KEPT);
    assert_eq!(fs::read_to_string(data.path(&format!("imported/{}", open_file()))).unwrap(), OPEN);
    assert!(
        !data.path("tokens.json").exists() && !data.path("payments").exists() && !data.path("tokens.lock").exists()
    );
    tokens.forget(&hash(1)).unwrap();
    drop(tokens);
    assert_eq!(open(&data).0.all().unwrap().len(), 1, "what was forgotten does not return");
}

#[test]
fn a_crash_before_the_files_are_moved_changes_nothing() {
    let (_home, data) = first_format();
    drop(open(&data));
    for name in ["tokens.json", "payments"] {
        fs::rename(data.path(&format!("imported/{name}")), data.path(name)).unwrap();
    }
    let (tokens, payments) = open(&data);
    assert_eq!((tokens.all().unwrap().len(), payments.all().unwrap().len()), (2, 2));
    assert!(data.path("imported-2/payments/open").exists());
}

#[test]
fn an_outcome_that_is_known_by_now_stays() {
    let (_home, data) = first_format();
    let (_, payments) = open(&data);
    payments.adopt(&hash(3)).unwrap().unwrap().close(Closing::Forgotten).unwrap();
    write(&data, &open_file(), OPEN);
    let (_, payments) = open(&data);
    assert!(payments.intents().unwrap().is_empty());
}

#[test]
fn what_an_earlier_version_begins_again_is_open_again() {
    let (_home, data) = first_format();
    let (_, payments) = open(&data);
    payments.adopt(&hash(3)).unwrap().unwrap().close(Closing::NotPaid).unwrap();
    write(&data, &open_file(), OPEN);
    let (_, payments) = open(&data);
    assert_eq!(payments.intents().unwrap().len(), 1);
}

#[test]
fn a4_nothing_is_taken_over_while_an_earlier_version_pays() {
    let (_home, data) = first_format();
    let payer = fs::File::open(data.path(&open_file())).unwrap();
    payer.try_lock().unwrap();
    let fault = Database::open(&data).unwrap_err();
    assert!(matches!(fault, DatabaseError::Import(ImportError::InUse(_))), "{fault:?}");
    assert!(is_untouched(&data));
    drop(payer);
    assert_eq!(open(&data).1.all().unwrap().len(), 2);
}

#[test]
fn a_damaged_file_is_said_and_left_alone() {
    let later = KEPT.replace("\"version\": 1", "\"version\": 2");
    for damage in ["", "{", "[]", r#"{"version":1}"#, r#"{"version":1,"tokens":[{"origin":"http://a"}]}"#, &later] {
        let (_home, data) = first_format();
        write(&data, "tokens.json", damage);
        let fault = Database::open(&data).unwrap_err();
        let version = damage == later;
        assert!(fault.to_string().contains(if version { "has version 2" } else { "damaged" }), "{fault}");
        assert!(is_untouched(&data));
        assert_eq!(fs::read_to_string(data.path("tokens.json")).unwrap(), damage);
    }
    let (_home, data) = first_format();
    write(&data, &open_file(), CLOSED);
    assert!(Database::open(&data).unwrap_err().to_string().contains("damaged"), "a record in the wrong folder");
    write(&data, "tokens.json", KEPT);
    write(&data, &open_file(), OPEN);
    assert_eq!(open(&data).1.all().unwrap().len(), 2, "once it is repaired");
}

#[test]
fn a_wrong_preimage_is_not_repeated_in_the_error() {
    let (_home, data) = first_format();
    write(&data, "tokens.json", &KEPT.replace(&"01".repeat(32), &"5ec2e7".repeat(11)));
    let fault = anyhow::Error::from(Database::open(&data).unwrap_err());
    assert!(!format!("{fault:#} {fault:?}").contains("5ec2e7"), "{fault:#}");
}
