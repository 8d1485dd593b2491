//! L1: a request above a rate takes no use, and a spent token does not get around the limit of challenges.

use super::Till;
use http::Method;
use l402_core::Name;
use l402_http::service::RateLimits;
use l402_ledger::LedgerStore;
use l402_ledger::testing::FakeStore;

#[tokio::test]
async fn l1_a_request_above_the_rate_of_its_token_takes_no_use() {
    let limits = RateLimits::new().each_token(Name::new("plannt").unwrap(), "1/h".parse().unwrap());
    let till = Till::with(3, |sale| sale, |paywall| paywall.rate_limits(limits));
    let token = till.buy().await;
    assert_eq!(till.get(&token).await.status, 200);
    for method in [Method::GET, Method::POST] {
        let answer = till.send(&token, method, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (429, "token-rate"));
    }
    let tally = till.tally(&token).await;
    assert_eq!((tally.committed, tally.reserved), (1, 0));
}

#[tokio::test]
async fn l1_a_use_is_given_back_where_others_have_used_up_the_rate() {
    let rates = FakeStore::new();
    let limits = || {
        let limits = RateLimits::new().each_token(Name::new("plannt").unwrap(), "3/h".parse().unwrap());
        limits.shared(rates.rates().unwrap())
    };
    let one = Till::with(9, |sale| sale, |paywall| paywall.rate_limits(limits()));
    let other = Till::between(
        [one.shop.payee.clone(), one.shop.payer.clone()],
        one.store.clone(),
        9,
        |sale| sale,
        |paywall| paywall.rate_limits(limits()),
    );
    let token = one.buy().await;
    for _ in 0..3 {
        assert_eq!(one.get(&token).await.status, 200);
    }
    for method in [Method::GET, Method::POST, Method::HEAD] {
        let answer = other.send(&token, method.clone(), &[], "").await;
        assert_eq!(answer.status, 429, "{method}");
        let tally = other.tally(&token).await;
        assert_eq!((tally.committed, tally.reserved, tally.doubtful, tally.tries), (3, 0, 0, 0), "{method}");
    }
}

#[tokio::test]
async fn l1_a_spent_token_asks_for_a_challenge_like_any_other() {
    let limits = RateLimits::new().all_clients("2/h".parse().unwrap());
    let till = Till::with(1, |sale| sale, |paywall| paywall.rate_limits(limits));
    let token = till.buy().await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(till.get(&token).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 402, 429, 429]);
    assert_eq!(till.shop.payee.invoices_asked(), 2);
}
