//! L1: how many invoices are open at once at a node that stores each.

use crate::support::{Answer, Shop, policy, request};
use core::net::{IpAddr, Ipv4Addr};
use core::task::Poll;
use http::Request;
use l402_http::service::{Paywall, RequestHead, UnpaidInvoices};
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use tower::ServiceExt;

/// Bounds how many are open, by the address that a request brings with it.
fn bounded(most: usize) -> impl Fn(Paywall<FakeNode>) -> Paywall<FakeNode> {
    move |paywall| {
        let unpaid = UnpaidInvoices::new(most.try_into().unwrap());
        paywall.unpaid_invoices(
            unpaid.each_client(|request: &RequestHead<'_>| request.extensions().get::<IpAddr>().copied()),
        )
    }
}

/// Forty may be open, two of them for one client.
fn shop() -> Shop {
    let network = FakeNetwork::new();
    let nodes = [network.node(), network.node()];
    nodes[0].store_invoices(true);
    Shop::between(nodes, crate::support::Upstream::default(), policy(), bounded(40))
}

fn from(client: u32, fields: &[(&str, &str)]) -> Request<String> {
    let mut request = request("/v1/demo", fields);
    request.extensions_mut().insert(IpAddr::V4(Ipv4Addr::from_bits(client)));
    request
}

async fn ask(shop: &Shop, client: u32) -> Answer {
    shop.ask(from(client, &[])).await
}

/// Two for each of twenty clients.
async fn fill(shop: &Shop) -> Vec<Answer> {
    let mut challenges = Vec::new();
    for client in (0..40).map(|number| number / 2) {
        challenges.push(ask(shop, client).await);
        assert_eq!(challenges.last().unwrap().status, 402, "{client}");
    }
    challenges
}

#[tokio::test]
async fn l1_unpaid_invoices_are_bounded_for_one_client_and_for_all() {
    let shop = shop();
    let challenges = fill(&shop).await;
    let refused = ask(&shop, 7).await;
    assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (429, "too-many-unpaid"));
    assert_eq!(refused.field("ratelimit-policy"), Some(r#""unpaid-invoices-per-client";q=2;w=600"#));
    let wait: u64 = refused.field("retry-after").unwrap().parse().unwrap();
    assert!((500..=600).contains(&wait), "{wait}");
    let of_grpc = shop.ask(from(7, &[("content-type", "application/grpc")])).await;
    assert_eq!((of_grpc.field("grpc-status"), of_grpc.field("l402-reason")), (Some("8"), Some("too-many-unpaid")));
    let crowded = ask(&shop, 70).await;
    assert_eq!((crowded.status.as_u16(), crowded.reason().as_str()), (503, "too-many-unpaid"));
    assert!(crowded.field("retry-after").unwrap().parse::<u64>().unwrap() <= 600);
    assert_eq!(shop.get("/v1/demo").await.status, 503, "who is not known counts for all");
    assert_eq!(shop.payee.invoices_asked(), 40, "the node was not asked");

    let bought = shop.pay(&challenges[14]).await; // client 7
    assert_eq!(shop.present("/v1/demo", &bought.credential()).await.status, 200, "what was paid for is served");
    shop.wait(1);
    assert_eq!(ask(&shop, 7).await.status, 402, "one of its invoices was paid");
    assert_eq!(ask(&shop, 7).await.status, 429);
    shop.wait(600);
    for client in [7, 70] {
        // The node's clock is not moved, so that what it makes has ended as well. But it is asked.
        assert_eq!(ask(&shop, client).await.reason(), "no-invoice", "all have ended");
    }
}

#[tokio::test]
async fn l1_a_node_that_stores_nothing_has_no_bound() {
    let shop = Shop::with(policy(), bounded(40));
    for _ in 0..100 {
        assert_eq!(ask(&shop, 1).await.status, 402);
    }
}

#[tokio::test]
async fn l1_what_was_open_before_a_restart_counts() {
    let shop = shop();
    let challenges = fill(&shop).await;
    let again = shop.reopened(policy(), bounded(40));
    assert_eq!(ask(&again, 70).await.status, 503);
    again.pay(&challenges[0]).await;
    again.wait(1);
    assert_eq!([ask(&again, 70).await.status, ask(&again, 71).await.status], [402, 503]);

    let unsure = shop.reopened(policy(), bounded(40));
    shop.payee.misbehave(FakeFault::Unreachable);
    let answer = ask(&unsure, 70).await;
    assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (503, "no-invoice"));
    shop.payee.behave();
    assert_eq!(ask(&unsure, 70).await.reason(), "no-invoice", "the node is not asked for its list at once");
    unsure.wait(5);
    assert_eq!(ask(&unsure, 70).await.reason(), "too-many-unpaid", "the node is asked again");
}

#[tokio::test]
async fn l1_an_invoice_counts_though_its_client_has_gone_and_not_if_there_is_none() {
    let shop = shop();
    assert_eq!(ask(&shop, 1).await.status, 402);
    shop.payee.misbehave(FakeFault::Hang);
    for _ in 0..2 {
        let mut gone = shop.service.clone().oneshot(from(2, &[]));
        let polled = core::future::poll_fn(|context| Poll::Ready(core::pin::Pin::new(&mut gone).poll(context))).await;
        assert!(polled.is_pending(), "the node has been asked");
    }
    shop.payee.misbehave(FakeFault::Unreachable);
    for _ in 0..3 {
        assert_eq!(ask(&shop, 3).await.reason(), "no-invoice");
    }
    shop.payee.behave();
    assert_eq!(ask(&shop, 2).await.status, 429, "there may be two");
    assert_eq!(ask(&shop, 3).await.status, 402);
}
