//! Requests for which there is next to nothing left.

use super::{begin, paced, read, tariff, till};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use l402_http::policy::Meter;

/// 21 requests have begun when the first of them draws: who gets next to nothing is told to come again, and no head passes.
#[tokio::test(start_paused = true)]
async fn s6_a_request_for_which_others_leave_no_slice_is_refused_before_its_head() {
    let till = till(Meter::Seconds(tariff(1_000, 1)));
    let token = till.buy().await;
    let gate = till.works().waits();
    paced(till.works(), &[100]);
    let begun: Vec<_> = (0..21)
        .map(|_| {
            let (till, token) = (till.clone(), token.clone());
            tokio::spawn(async move { begin(&till, &token).await })
        })
        .collect();
    till.works().called(21).await;
    assert_eq!(till.tally(&token).await.reserved, 21);
    gate.add_permits(21);
    let (mut served, mut refused) = (Vec::new(), Vec::new());
    for response in begun {
        let response = response.await.unwrap();
        if response.status() == StatusCode::OK { served.push(response) } else { refused.push(response) }
    }
    assert!(matches!(served.len(), 4 | 5), "{}: four slices of five seconds, and the last second", served.len());
    for response in refused {
        assert_eq!(response.status(), StatusCode::CONFLICT);
        let body = response.into_body().collect().await.map_err(drop).unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains("uses-reserved"), "{body}");
    }
    drop(served);
    till.settles(&token, |tally| tally.reserved == 0 && tally.committed < 100).await;
}

/// What is left pays for a part of what is known to come: nothing of it passes, and nothing is charged.
#[tokio::test]
async fn s6_a_response_that_the_rest_of_the_balance_is_too_little_for_is_refused() {
    let till = till(Meter::Bytes(tariff(20_999, 2_099_900)));
    let token = till.buy().await;
    let sized = |bytes| {
        move || {
            let body = http_body_util::Full::from(vec![0; bytes]).map_err(|never| match never {}).boxed();
            Response::new(body)
        }
    };
    for bytes in [1_000_000, 1_099_900] {
        till.works().answers(sized(bytes));
        assert_eq!(read(&till, &token).await.bytes, bytes);
    }
    assert_eq!(till.tally(&token).await.committed, 20_999, "one msat is left");
    let answer = till.get(&token).await;
    assert_eq!((answer.status, answer.reason()), (StatusCode::PAYMENT_REQUIRED, "balance".to_owned()));
    assert_eq!(till.settles(&token, |tally| tally.reserved == 0).await.committed, 20_999);
    till.works().answers(sized(100));
    assert_eq!(read(&till, &token).await.bytes, 100);
}
