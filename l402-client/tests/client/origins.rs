//! Redirects: followed on request only, paid from one limit, and a token is for its origin only.

use crate::buyer::Buyer;
use crate::shop::Shop;
use l402_client::exit::Exit;

#[tokio::test]
async fn a6_a_token_is_shown_to_its_origin_only() {
    let buyer = Buyer::new().await;
    let other = Shop::open(buyer.payee.clone()).await;
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Served);
    assert_eq!(buyer.get_url(&other.url("/weather"), &[]).await.exit, Exit::Served);
    let there = buyer.shop.url(&format!("/kept?{}", other.url("/weather")));
    assert_eq!(buyer.get_url(&there, &["-L"]).await.exit, Exit::Served);
    let sold_here: Vec<_> = buyer.shop.credentials().into_iter().filter(|line| !line.is_empty()).collect();
    assert!(other.credentials().iter().all(|line| !sold_here.contains(line)));
    assert_eq!(buyer.paid(), 2);
}

#[tokio::test]
async fn a_redirect_is_followed_on_request_only() {
    let buyer = Buyer::new().await;
    let moved = format!("/moved?{}", buyer.shop.url("/weather"));
    let stayed = buyer.get(&moved, &["-i"]).await;
    assert_eq!(stayed.exit, Exit::Served);
    assert!(stayed.out.starts_with("HTTP/1.1 302 Found\r\nlocation: "), "{}", stayed.out);
    assert_eq!(buyer.paid(), 0);
    assert_eq!(buyer.get(&moved, &["-L"]).await.out, "GET weather ");
    let round = buyer.get("/moved?/moved", &["-L"]).await; // the query is lost: a place that is sold
    assert_ne!(round.exit, Exit::Served);
}

#[tokio::test]
async fn a6_nothing_is_paid_behind_a_downgrade() {
    let buyer = Buyer::new().await;
    let pem = buyer.folder.path().join("root.pem");
    let shop = Shop::open_tls(buyer.payee.clone(), &pem).await;
    let down = shop.url(&format!("/moved?{}", buyer.shop.url("/weather")));
    let outcome = buyer.get_url(&down, &["-L", "--cacert", pem.to_str().unwrap()]).await;
    assert_eq!(outcome.exit, Exit::Http);
    assert!(outcome.report.contains("from https to http"), "{}", outcome.report);
    assert_eq!((buyer.paid(), buyer.shop.requests()), (0, 0));
}

#[tokio::test]
async fn redirects_are_paid_from_one_limit() {
    let buyer = Buyer::new().await;
    let other = Shop::open(buyer.payee.clone()).await;
    let path = format!("/paid-move?{}", other.url("/weather"));
    let too_much = buyer.get(&path, &["-L", "--max-price", "41 sat"]).await;
    assert_eq!(too_much.exit, Exit::Limit, "{}", too_much.report);
    assert!(too_much.report.contains("the limit 20 sat"), "{}", too_much.report);
    let enough = buyer.get(&path, &["-L", "--max-price", "41 sat"]).await; // the first step is paid for by now
    assert_eq!((enough.exit, enough.out.as_str()), (Exit::Served, "GET weather "), "{}", enough.report);
    assert_eq!(buyer.paid(), 2);
}
