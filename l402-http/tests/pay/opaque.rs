//! Tokens and challenges of other servers, in every form that is met: bought, and sent back as they came.

use crate::shop::{Error, PRICE_MSAT};
use crate::stall::{Kind, Lines, Manner, Market, OTHER, READABLE, UNREADABLE, not_paid, sold, text, v2, version_0};
use http::{Request, StatusCode};
use http_body_util::Full;
use l402_core::{ChallengeError, Declined, PaymentHash};
use l402_http::pay::BadChallenge;

#[tokio::test]
async fn a_token_of_any_kind_is_bought_and_sent_back_as_it_came() {
    for (kind, token) in READABLE.into_iter().chain(UNREADABLE) {
        sold(kind, Manner { token, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn base64_of_any_form_is_sent_back_as_it_came() {
    let odd: fn(&PaymentHash) -> String = |hash| v2(&version_0(hash), &[b"a=1", &[0xfb; 30]]);
    assert!(odd(&OTHER).contains('+') && odd(&OTHER).ends_with('='), "the forms differ");
    let url_safe: fn(&PaymentHash) -> String =
        |hash| v2(&version_0(hash), &[b"a=1", &[0xfb; 30]]).replace('+', "-").replace('/', "_");
    let bare: fn(&PaymentHash) -> String = |hash| v2(&version_0(hash), &[b"a=1", &[0xfb; 30]]).replace('=', "");
    for (form, token) in [("standard", odd), ("url-safe", url_safe), ("unpadded", bare)] {
        sold(form, Manner { token, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn a3_a_payment_hash_that_can_be_read_is_the_invoices() {
    for (kind, token) in READABLE {
        let error = not_paid(kind, Manner { token, named: Some(OTHER), ..Manner::default() }).await;
        assert!(matches!(error, Error::Declined(Declined::OtherPayment)), "{kind}: {error:?}");
    }
}

#[tokio::test]
async fn a_token_that_no_credential_can_carry_is_not_paid_for() {
    let tokens: [fn(&PaymentHash) -> String; 6] =
        [|_| "a:b".into(), |_| "a,b".into(), |_| "a b".into(), |_| "a\tb".into(), |_| " ab".into(), |_| "ä".into()];
    for token in tokens {
        let error = not_paid(&token(&OTHER), Manner { token, ..Manner::default() }).await;
        let unfit = BadChallenge::Challenge(ChallengeError::TokenCharacter);
        assert!(matches!(&error, Error::BadChallenge(fault) if *fault == unfit), "{error:?}");
    }
}

#[tokio::test]
async fn challenges_are_read_as_they_are_sent() {
    let lines: [(&str, Lines); 6] = [
        ("no commas", |token, invoice| vec![format!(r#"L402 version="0" token="{token}" invoice="{invoice}""#)]),
        ("no commas but one", |token, invoice| vec![format!(r#"LSAT macaroon="{token}" invoice="{invoice}", x=y"#)]),
        ("a scheme", |token, invoice| vec![format!(r#"L402 token="{token}", invoice="lightning:{invoice}""#)]),
        ("a scheme in capitals", |token, invoice| {
            vec![format!(r#"L402 token="{token}", invoice="LIGHTNING:{}""#, invoice.to_uppercase())]
        }),
        ("blanks", |token, invoice| vec![format!("L402 token=\"{token}\", invoice=\" {invoice}\t \"")]),
        ("blanks and a scheme", |token, invoice| {
            vec![format!(r#"L402 token="{token}", invoice=" Lightning: {invoice} ""#)]
        }),
    ];
    for (what, lines) in lines {
        sold(what, Manner { lines, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn a_body_may_repeat_the_hash_in_other_forms() {
    let bodies: [Kind; 5] = [
        ("base64", |hash| format!(r#"{{"payment_hash":"{}"}}"#, text(hash.as_bytes()))),
        ("url-safe", |hash| {
            let hash = text(hash.as_bytes()).replace('+', "-").replace('/', "_");
            format!(r#"{{"payment_hash":"{hash}"}}"#)
        }),
        ("capitals", |hash| format!(r#"{{"payment_hash":"{}"}}"#, hash.to_string().to_uppercase())),
        ("nothing that could be read", |_| r#"{"payment_hash":"see the header","price_msat":"cheap"}"#.to_owned()),
        ("a price in digits", |_| format!(r#"{{"price_msat":"{PRICE_MSAT}","payment_hash":null}}"#)),
    ];
    for (what, body) in bodies {
        sold(what, Manner { body, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn a2_a_contradiction_that_can_be_read_is_refused_in_any_form() {
    let other_hash: fn(&PaymentHash) -> String = |_| format!(r#"{{"payment_hash":"{}"}}"#, text(OTHER.as_bytes()));
    let error = not_paid("another hash", Manner { body: other_hash, ..Manner::default() }).await;
    assert!(matches!(error, Error::BadChallenge(BadChallenge::OtherHash)), "{error:?}");
    // Neither does a field that cannot be read hide the other.
    let other_price: fn(&PaymentHash) -> String = |_| r#"{"payment_hash":7,"price_msat":"1000"}"#.to_owned();
    let error = not_paid("another price", Manner { body: other_price, ..Manner::default() }).await;
    assert!(matches!(error, Error::BadChallenge(BadChallenge::OtherPrice)), "{error:?}");
}

#[tokio::test]
async fn an_lsat_challenge_is_used_if_the_l402_one_cannot_be() {
    let lines: [(&str, Lines); 3] = [
        ("an invoice that is none", |token, invoice| {
            vec![
                format!(r#"L402 token="{token}", invoice="soon""#),
                format!(r#"LSAT macaroon="{token}", invoice="{invoice}""#),
            ]
        }),
        ("a token that cannot be carried", |token, invoice| {
            vec![format!(r#"L402 token="a b", invoice="{invoice}", LSAT macaroon="{token}", invoice="{invoice}""#)]
        }),
        ("no invoice", |token, invoice| {
            vec![format!(r#"LSAT macaroon="{token}", invoice="{invoice}", L402 token="{token}""#)]
        }),
    ];
    for (what, lines) in lines {
        let market = Market::new(Manner { lines, ..Manner::default() });
        assert_eq!(market.get().await.unwrap().status(), StatusCode::OK, "{what}");
        assert!(market.seen("authorization")[1].as_ref().unwrap().starts_with("LSAT "), "{what}");
    }
}

#[tokio::test]
async fn every_request_says_which_challenges_it_accepts() {
    let market = Market::new(Manner::default());
    market.get().await.unwrap();
    market.get().await.unwrap();
    let l402 = Some("L402".to_owned());
    assert_eq!(market.seen("accept-authenticate"), [l402.clone(), l402.clone(), l402]);
    let own = |name, value| Request::get("http://stall.example/").header(name, value).body(Full::default()).unwrap();
    market.send(own("accept-authenticate", "Basic")).await.unwrap();
    market.send(own("authorization", "Bearer a")).await.unwrap();
    assert_eq!(market.seen("accept-authenticate")[3..], [Some("Basic".to_owned()), None]);
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_paid_for() {
    let ended: [fn(&PaymentHash) -> String; 3] = [
        |hash| v2(hash.as_bytes(), &[b"services=stall:0", b"stall_valid_until=1700000000"]),
        |hash| v2(hash.as_bytes(), &[b"valid_until=1700000000"]),
        |hash| text(format!(r#"{{"payment_hash":"{hash}","exp":1700000000}}"#).as_bytes()),
    ];
    for token in ended {
        let error = not_paid("ended", Manner { token, ..Manner::default() }).await;
        assert!(matches!(error, Error::Declined(Declined::TokenExpired)), "{error:?}");
    }
}
