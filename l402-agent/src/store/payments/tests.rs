//! Tests of the record of payments.

use super::*;
use crate::store::budget::{BudgetId, CallId, FeeLimit};
use http::Method;
use l402_core::{Msat, Preimage, Scheme};
use l402_http::pay::Asking;

const PAYER: Payer = Payer { budget: BudgetId::MAIN, call: CallId::from_bytes([7; 16]), fee_limit: FeeLimit::Kept };

fn order(max_fee_msat: u64, asking: Asking) -> Order {
    Order {
        invoice: "lnbcrt210n1".to_owned(),
        max_fee_msat: Msat::new(max_fee_msat),
        max_cltv_expiry_delta: 1008,
        asking,
    }
}

fn intent(seed: u8) -> Intent {
    Intent {
        payment_hash: Preimage::from_bytes([seed; 32]).hash(),
        amount_msat: 21_000.into(),
        wallet: "sandbox".to_owned(),
        origin: "http://a".parse().unwrap(),
        method: Method::GET,
        path: format!("/{seed}"),
        scheme: Scheme::L402,
        token: "AgEE".to_owned(),
        at: (1_700_000_000 + u64::from(seed)).into(),
        order: Some(order(5_000, Asking::First)),
        uses: None,
        is_isolated: false,
    }
}

fn kept(seed: u8, fee_msat: u64) -> KeptToken {
    let mut token = intent(seed).token();
    token.preimage = Some(Preimage::from_bytes([seed; 32]));
    token.fee_msat = Msat::new(fee_msat);
    KeptToken::new(&intent(seed).origin, &token).unwrap()
}

fn payments() -> (tempfile::TempDir, Payments) {
    let folder = tempfile::tempdir().unwrap();
    let data = PrivateDir::open(folder.path().join("data")).unwrap();
    (folder, Payments::new(Database::open(&data).unwrap()).unwrap())
}

/// As another process would: with a connection of its own.
fn another(payments: &Payments) -> Payments {
    Payments::new(Database::open(payments.database.folder()).unwrap()).unwrap()
}

#[test]
fn a4_an_intent_outlives_its_process() {
    let (_folder, payments) = payments();
    let open = payments.begin(intent(1), &PAYER).unwrap();
    let hash = intent(1).payment_hash;
    let next = another(&payments);
    assert!(matches!(next.adopt(&hash), Err(PaymentsError::Held(_))), "its owner lives");
    drop((open, payments)); // as the system does with the files of a killed process
    assert_eq!(next.adopt(&hash).unwrap().unwrap().intent(), &intent(1));
}

#[test]
fn a4_that_a_request_was_repeated_outlives_its_process() {
    let (_folder, payments) = payments();
    let mut open = payments.begin(intent(1), &PAYER).unwrap();
    open.repeat(&order(7, Asking::Again)).unwrap();
    let expected = Intent { order: Some(order(7, Asking::Again)), ..intent(1) };
    assert_eq!(open.intent(), &expected);
    drop(open);
    assert_eq!(another(&payments).intents().unwrap(), [expected]);
}

#[test]
fn a4_a_lookup_does_not_hide_a_payment() {
    let (_folder, payments) = payments();
    let open = payments.begin(intent(1), &PAYER).unwrap();
    drop(payments.begin(intent(2), &PAYER).unwrap());
    let adopted = payments.adopt(&intent(2).payment_hash).unwrap().unwrap();
    assert_eq!(payments.intents().unwrap(), [intent(1), intent(2)], "while both are held");
    drop((open, adopted));
    let _looked = payments.intents().unwrap();
    assert!(payments.adopt(&intent(1).payment_hash).unwrap().is_some(), "looking takes no lock");
}

#[test]
fn a4_the_outcome_and_the_token_come_together() {
    let (_folder, payments) = payments();
    payments.begin(intent(1), &PAYER).unwrap().paid(&kept(1, 3)).unwrap();
    assert!(payments.intents().unwrap().is_empty());
    let paid = Recorded { intent: intent(1), outcome: Some(PaymentOutcome::Paid { fee_msat: 3.into() }) };
    assert_eq!(payments.all().unwrap(), [paid]);
    let tokens = super::super::tokens::Tokens::new(payments.database.clone());
    assert_eq!(tokens.all().unwrap()[0].preimage.expose(), &[1; 32]);
    assert_eq!(payments.locks.names().unwrap(), [""; 0]);
}

#[test]
fn a4_a_token_that_cannot_be_kept_leaves_it_open() {
    let (_folder, payments) = payments();
    let open = payments.begin(intent(1), &PAYER).unwrap();
    payments.database.write(|tx| tx.execute_batch("ALTER TABLE tokens RENAME TO hidden")).unwrap();
    assert!(open.paid(&kept(1, 3)).is_err());
    assert_eq!(payments.intents().unwrap(), [intent(1)]);
    assert!(payments.adopt(&intent(1).payment_hash).unwrap().is_some(), "the next call settles it");
}

#[test]
fn a4_one_hash_is_paid_once() {
    let (_folder, payments) = payments();
    let open = payments.begin(intent(1), &PAYER).unwrap();
    assert!(matches!(another(&payments).begin(intent(1), &PAYER), Err(PaymentsError::StillOpen(_))), "under way");
    open.close(Closing::NotPaid).unwrap();
    assert!(payments.adopt(&intent(1).payment_hash).unwrap().is_none(), "it has an outcome");
    payments.begin(intent(1), &PAYER).unwrap().paid(&kept(1, 0)).unwrap();
    assert!(matches!(payments.begin(intent(1), &PAYER), Err(PaymentsError::Seen(_))), "paid");
    payments.begin(intent(2), &PAYER).unwrap().close(Closing::Forgotten).unwrap();
    assert!(matches!(payments.begin(intent(2), &PAYER), Err(PaymentsError::Seen(_))), "it may have been paid");
    assert!(payments.begin(intent(3), &PAYER).is_ok());
}

#[test]
fn a5_one_request_is_paid_for_once() {
    let (_folder, payments) = payments();
    let open = payments.begin(intent(1), &PAYER).unwrap();
    let path = intent(1).path;
    let again = || Intent { path: path.clone(), ..intent(2) };
    let fault = another(&payments).begin(again(), &PAYER).unwrap_err();
    assert!(matches!(fault, PaymentsError::Held(hash) if hash == intent(1).payment_hash), "{fault:?}");
    let elsewhere = Intent { origin: "http://b".parse().unwrap(), path: path.clone(), ..intent(3) };
    let other_method = Intent { method: Method::POST, path: path.clone(), ..intent(4) };
    for other in [elsewhere, other_method] {
        payments.begin(other, &PAYER).unwrap().close(Closing::NotPaid).unwrap();
    }
    open.close(Closing::NotPaid).unwrap();
    assert!(payments.begin(again(), &PAYER).is_ok());
}

#[test]
fn a4_of_two_who_begin_at_once_one_does() {
    let (_folder, payments) = payments();
    let other = another(&payments);
    for seed in 0..20 {
        let start = std::sync::Barrier::new(2);
        let begin = |payments: &Payments| {
            start.wait();
            payments.begin(intent(seed), &PAYER)
        };
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(|| begin(&other));
            (begin(&payments), one.join().unwrap())
        });
        let ((Ok(_open), Err(fault)) | (Err(fault), Ok(_open))) = (&one, &other) else {
            panic!("{seed}: {one:?} {other:?}");
        };
        assert!(matches!(fault, PaymentsError::StillOpen(_)), "{seed}: {fault:?}");
        assert!(matches!(payments.adopt(&intent(seed).payment_hash), Err(PaymentsError::Held(_))), "{seed}");
    }
}

#[test]
fn a_damaged_record_is_said() {
    let (_folder, payments) = payments();
    drop(payments.begin(intent(1), &PAYER).unwrap());
    payments.database.write(|tx| tx.execute("UPDATE payments SET origin = 'nowhere'", [])).unwrap();
    assert!(matches!(payments.intents(), Err(DatabaseError::Damaged { .. })));
}
