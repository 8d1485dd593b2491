//! The decisions of [`Gate`] and [`Exchange`], row by row.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, attenuate, base64};
use l402_core::{
    Caveat, Challenge, ChallengeError, CredentialHeaders, CredentialLine, Decision, Declined, DerivedKeys, Exchange,
    ForgedStatus, Gate, GatePolicy, Identifier, InvoiceFacts, MalformedStatus, MasterKey, Msat, Name, Next, Offer,
    PaymentHash, Preimage, ResponseStatus, Scheme, SettlementRule, SpendLimits, TokenId, TokenText, UnixSeconds,
    UnknownCaveats, WrongPreimage,
};

const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);
const LIMITS: SpendLimits = SpendLimits { max_price_msat: Msat::new(21_000), max_fee_msat: Msat::new(1_000) };
const LINE: &[u8] = br#"L402 version="0", token="AgEE", invoice="lnbc1""#;

fn gate(policy: GatePolicy) -> Gate<DerivedKeys> {
    Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), policy)
}

fn offer() -> Offer {
    Offer::new(Name::new("s").unwrap(), Msat::new(1000)).valid_for(Duration::from_secs(60))
}

fn decide(policy: GatePolicy, authorization: &str, now: UnixSeconds) -> Decision {
    let mut headers = CredentialHeaders::new();
    headers.add("authorization", authorization.as_bytes());
    gate(policy).decide(&headers, &offer(), now)
}

fn credential(master: u8, preimage: u8) -> String {
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes([master; 32]));
    let mut text = TokenText::new();
    let token = keys.mint(&offer(), &Preimage::from_bytes([1; 32]).hash(), [2; 28], NOW, &mut text).unwrap();
    let preimage = Preimage::from_bytes([preimage; 32]);
    CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string()
}

fn charged(decision: Decision) -> (u16, &'static str) {
    match decision {
        Decision::Charge(charge) => (charge.status, charge.reason.as_str()),
        other => panic!("not charged: {other:?}"),
    }
}

#[test]
fn each_situation_has_its_status() {
    let literal = GatePolicy {
        malformed: MalformedStatus::Unauthorized,
        forged: ForgedStatus::PaymentRequired,
        ..GatePolicy::default()
    };
    let usual = GatePolicy::default();
    assert_eq!(charged(decide(usual, "Bearer x", NOW)), (402, "payment-required"));
    assert_eq!(charged(decide(usual, &credential(8, 1), NOW)), (401, "forged"));
    assert_eq!(charged(decide(usual, &credential(7, 2), NOW)), (401, "forged"));
    assert_eq!(charged(decide(literal, &credential(7, 2), NOW)), (402, "forged"));
    assert_eq!(charged(decide(usual, &credential(7, 1), NOW.saturating_add(60))), (402, "expired"));
    assert!(matches!(decide(usual, &credential(7, 1), NOW.saturating_add(59)), Decision::Admit(_)));
    assert!(matches!(decide(usual, "L402 x", NOW), Decision::Refuse(refusal) if refusal.status == 400));
    assert!(matches!(decide(literal, "L402 x", NOW), Decision::Refuse(refusal) if refusal.status == 401));
}

#[test]
fn l5_strict_settlement_asks_before_it_admits() {
    let strict = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    let paid = Preimage::from_bytes([1; 32]).hash();
    assert!(matches!(decide(strict, &credential(7, 1), NOW), Decision::Settle(grant) if grant.payment_hash() == paid));
    assert_eq!(charged(decide(strict, &credential(7, 2), NOW)), (401, "forged"));
}

/// A holder who adds a capability to a token for the whole service gains nothing.
#[test]
fn t3_a_capability_cannot_be_added() {
    let policy = GatePolicy { unknown_caveats: UnknownCaveats::Skip, ..GatePolicy::default() };
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    let (mut text, mut bytes, mut longer, mut added) = (TokenText::new(), [0; 512], [0; 512], [0; 512]);
    let text = keys.mint(&offer(), &hash(1), [2; 28], NOW, &mut text).unwrap();
    let token = MacaroonRef::parse(base64::decode_into(text.as_bytes(), &mut bytes).unwrap()).unwrap();
    let token = attenuate(token, b"s_capabilities=a", &mut longer).unwrap();
    let token = base64::encode_into(token.as_bytes(), &mut added).unwrap();

    let credential = format!("L402 {token}:{}", "01".repeat(32));
    let mut headers = CredentialHeaders::new();
    headers.add("authorization", credential.as_bytes());
    for capability in [None, Some(Name::new("a").unwrap())] {
        let asked = offer().capability(capability);
        assert!(matches!(charged(gate(policy).decide(&headers, &asked, NOW)), (402, "widened" | "other-capability")));
    }
}

#[test]
fn nothing_that_is_shown_names_a_secret() {
    let (credential, keys) = (credential(7, 1), gate(GatePolicy::default()));
    let mut headers = CredentialHeaders::new();
    headers.add("authorization", credential.as_bytes());
    let presented = format!("{headers:?} {:?} {keys:?}", headers.decode(&mut [0; 512]).unwrap());
    assert!(!presented.contains(&"01".repeat(4)) && !presented.contains("1, 1, 1"), "{presented}");
    assert!(!presented.contains("AgEE") && !presented.contains("7, 7, 7"), "{presented}");

    let preimage = Preimage::from_bytes([1; 32]);
    let line = CredentialLine { scheme: Scheme::L402, token: "AgEE", preimage: &preimage };
    let caveat = Caveat::parse(b"preimage=0101").unwrap();
    let shown = format!("{line:?} {caveat:?} {preimage:?} {:?}", preimage.to_hex());
    assert!(!shown.contains("AgEE") && !shown.contains("0101"), "{shown}");
}

#[test]
fn a_credential_that_does_not_fit_the_buffer_is_too_long() {
    let credential = credential(7, 1);
    let mut headers = CredentialHeaders::new();
    headers.add("authorization", credential.as_bytes());
    let gate = gate(GatePolicy::default());
    assert!(matches!(gate.decide_in(&mut [0; 400], &headers, &offer(), NOW), Decision::Admit(_)));
    assert!(
        matches!(gate.decide_in(&mut [0; 64], &headers, &offer(), NOW), Decision::Refuse(refusal) if refusal.status == 400)
    );
}

#[test]
fn a_free_answer_is_delivered() {
    let mut exchange = Exchange::new(LIMITS);
    for status in [200, 204, 301, 400, 403, 404, 409, 500, 503] {
        assert!(matches!(exchange.on_response(answer(status), [LINE]), Ok(Next::Deliver)));
    }
    assert!(matches!(exchange.on_response(answer(401), [&b"Basic realm=x"[..]]), Ok(Next::Deliver)));
}

#[test]
fn a_402_a_401_with_challenge_and_grpc_all_ask_for_payment() {
    let grpc = |status| ResponseStatus { status: 200, grpc_status: Some(status) };
    for answer in [answer(402), answer(401), grpc(13), grpc(16)] {
        assert!(matches!(Exchange::new(LIMITS).on_response(answer, [LINE]), Ok(Next::Pay(_))));
    }
    let unusable = Exchange::new(LIMITS).on_response(answer(402), [&b"Basic realm=x"[..]]);
    assert_eq!(unusable.unwrap_err(), ChallengeError::Missing);
}

#[test]
fn a_stored_token_that_is_refused_is_replaced_once() {
    let mut exchange = Exchange::with_token(LIMITS);
    assert!(matches!(exchange.on_response(answer(402), [LINE]), Ok(Next::Replace(_))));
    let order = exchange.authorize(&token(1), &invoice(1, Some(1000)), NOW).unwrap();
    exchange.paid(&order, &Preimage::from_bytes([1; 32])).unwrap();
    assert!(matches!(exchange.on_response(answer(402), [LINE]), Ok(Next::Refused)));
}

#[test]
fn a1_an_invoice_without_an_amount_above_the_limit_or_expired_is_declined() {
    let exchange = Exchange::new(LIMITS);
    assert_eq!(exchange.authorize(&token(1), &invoice(1, None), NOW), Err(Declined::NoAmount));
    let over = Declined::OverLimit { amount_msat: Msat::new(21_001), max_price_msat: Msat::new(21_000) };
    assert_eq!(exchange.authorize(&token(1), &invoice(1, Some(21_001)), NOW), Err(over));
    assert_eq!(exchange.authorize(&token(1), &invoice(1, Some(1)), NOW.saturating_add(60)), Err(Declined::Expired));
    let order = exchange.authorize(&token(1), &invoice(1, Some(21_000)), NOW.saturating_add(59)).unwrap();
    assert_eq!((order.amount_msat, order.max_fee_msat), (Msat::new(21_000), Msat::new(1_000)));
}

#[test]
fn a3_invoice_token_and_preimage_name_one_payment() {
    let mut exchange = Exchange::new(LIMITS);
    assert_eq!(exchange.authorize(&token(2), &invoice(1, Some(1000)), NOW), Err(Declined::OtherPayment));
    let order = exchange.authorize(&token(1), &invoice(1, Some(1000)), NOW).unwrap();
    assert_eq!(exchange.paid(&order, &Preimage::from_bytes([2; 32])), Err(WrongPreimage));
    assert!(matches!(exchange.on_response(answer(402), [LINE]), Ok(Next::Pay(_))));
}

#[test]
fn a_token_too_long_for_the_buffers_is_an_error() {
    let challenge = Challenge::select([LINE]).unwrap();
    assert!(challenge.decode_token(&mut [0; 2], &mut [0; 64]).is_err());
    assert!(challenge.decode_token(&mut [0; 64], &mut [0; 2]).is_err());
}

fn answer(status: u16) -> ResponseStatus {
    ResponseStatus { status, grpc_status: None }
}

fn hash(preimage: u8) -> PaymentHash {
    Preimage::from_bytes([preimage; 32]).hash()
}

fn token(preimage: u8) -> Identifier {
    Identifier::new(hash(preimage), TokenId::new(0, [0; 28]))
}

fn invoice(preimage: u8, amount_msat: Option<u64>) -> InvoiceFacts {
    InvoiceFacts {
        payment_hash: hash(preimage),
        amount_msat: amount_msat.map(Msat::new),
        expires_at: NOW.saturating_add(60),
    }
}
