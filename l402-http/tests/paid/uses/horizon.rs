//! The clock of the ledger was ahead, and was put back: what it has deleted is not sold again, and nobody pays for what it would refuse.

use super::{Till, store};
use crate::support::system_time;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use http::{Method, StatusCode};
use l402_core::ledger::{AttemptId, Event, Reserve, SKEW};
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::LedgerStore;
use l402_ledger::testing::reserve;
use l402_lightning::testing::FakeNetwork;
use std::sync::Arc;

/// What a token of this shop lasts: ten minutes to pay, and an hour.
const SALE: u64 = 600 + 3_600;

const DAY: u64 = 86_400;

/// A shop, and the clock of its gateway.
struct Stand {
    till: Till,
    clock: Arc<AtomicU64>,
    began_at: u64,
}

impl Stand {
    fn open() -> Self {
        // A month ago, so that it can go on: the fake node makes its invoices by the system's clock.
        let (network, began_at, store) = (FakeNetwork::new(), system_time() - 30 * DAY, store());
        store.turn_back(Duration::from_secs(30 * DAY));
        let clock = Arc::new(AtomicU64::new(began_at));
        let read = Arc::clone(&clock);
        let adjust = |paywall: l402_http::service::Paywall<_>| paywall.clock(move || read.load(Ordering::Relaxed));
        let nodes = [network.node(), network.node()];
        Self { till: Till::between(nodes, store, 1, |sale| sale, adjust), clock, began_at }
    }

    /// Both clocks go on.
    async fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
        self.till.store.pass(Duration::from_secs(seconds));
        tokio::time::advance(Duration::from_secs(11)).await; // nobody goes by an older look
    }

    /// The store's clock jumps until a record is deleted that ends so many seconds after the beginning, and back. Time goes on
    /// until nobody goes by an older look.
    async fn jump(&self, seconds: u64) {
        self.jump_now(seconds).await;
        tokio::time::advance(Duration::from_secs(11)).await;
    }

    async fn jump_now(&self, seconds: u64) {
        let (store, payment) = (&self.till.store, PaymentHash::from_bytes([9; 32]));
        let asked = Reserve { ends_at: UnixSeconds::new(self.began_at + seconds), ..reserve(1) };
        let attempt = AttemptId::from_bytes([9; 16]);
        store.apply(&payment, attempt, Event::Reserve(asked)).await.unwrap();
        store.apply(&payment, attempt, Event::Commit { amount: 1 }).await.unwrap();
        let jump = Duration::from_secs(seconds) + SKEW;
        store.pass(jump);
        assert!(store.sweep(100).await.unwrap() > 0);
        store.turn_back(jump);
    }
}

#[tokio::test(start_paused = true)]
async fn s5_no_token_is_sold_that_the_ledger_would_refuse() {
    let stand = Stand::open();
    let till = &stand.till;
    let days = 10 * DAY;
    stand.jump(days).await;
    for seconds in [0, 5, days - SALE - 5] {
        stand.pass(seconds).await;
        let left = stand.began_at + days - stand.clock.load(Ordering::Relaxed) - SALE;
        let unsold = till.shop.get("/v1/demo").await;
        assert_eq!((unsold.status.as_u16(), unsold.reason().as_str()), (503, "ledger-ahead"));
        assert_eq!(unsold.field("retry-after"), Some(&*(left + 1).to_string()), "when a token ends late enough");
        assert!(unsold.challenges().is_empty());
    }
    assert_eq!(till.shop.payee.invoices_asked(), 0);
    assert_eq!(till.shop.get("/v1/endless").await.status, StatusCode::PAYMENT_REQUIRED, "what is not counted is sold");
    stand.pass(1).await;
    let token = till.buy().await;
    assert_eq!(till.get(&token).await.status, StatusCode::OK);
}

/// A use that is refused costs nothing; a token that is sold in vain does.
#[tokio::test(start_paused = true)]
async fn s5_a_sale_goes_by_a_look_at_the_ledger_that_is_a_second_old_at_most() {
    let stand = Stand::open();
    stand.till.buy().await;
    stand.jump_now(10 * DAY).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(stand.till.shop.get("/v1/demo").await.reason(), "ledger-ahead");
}

#[tokio::test(start_paused = true)]
async fn s5_a_token_that_the_ledger_has_forgotten_gets_no_invoice_for_another_such() {
    let stand = Stand::open();
    let till = &stand.till;
    let token = till.buy().await;
    let invoices = till.shop.payee.invoices_asked();
    stand.jump(2 * SALE).await;
    for method in [Method::GET, Method::POST, Method::HEAD] {
        let answer = till.send(&token, method.clone(), &[], "").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{method}");
        assert!(answer.challenges().is_empty() && answer.field("retry-after").is_some());
    }
    assert_eq!((till.works().calls(), till.shop.payee.invoices_asked()), (0, invoices));
}

#[tokio::test(start_paused = true)]
async fn s5_a_token_that_the_ledger_has_forgotten_gets_an_invoice_for_one_that_serves() {
    let stand = Stand::open();
    let till = &stand.till;
    let token = till.buy().await;
    stand.jump(SALE).await;
    stand.pass(1).await;
    for method in [Method::HEAD, Method::GET] {
        let answer = till.send(&token, method, &[], "").await;
        assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED);
    }
    let answer = till.get(&token).await;
    assert_eq!(answer.reason(), "spent");
    let new = till.shop.pay(&answer).await;
    assert_eq!(till.get(&new).await.status, StatusCode::OK);
    assert_eq!(till.works().calls(), 1);
}
