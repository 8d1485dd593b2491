use crate::shop::World;
use core::time::Duration;
use l402_agent::Agent;
use l402_agent::errand::{Ask, Caller, Credential, Errands, Limits, LocalErrands, Outcome, Reason};
use l402_agent::http::egress::Egress;
use l402_agent::http::settings::HttpSettings;
use l402_lightning::testing::FakeNode;

fn errands(world: &World) -> LocalErrands<FakeNode> {
    LocalErrands::new(world.budget("research", 50), Caller::Agent)
}

#[tokio::test]
async fn a_fetch_pays_says_what_it_cost_and_what_is_left() {
    let world = World::new().await;
    let errands = errands(&world);
    let free = errands.fetch(Ask::get(world.shop.url("/free"))).await.unwrap();
    assert_eq!(free.head.credential, Credential::None);
    let fetched = errands.fetch(Ask::get(world.shop.url("/a"))).await.unwrap();
    let head = fetched.head.clone();
    assert_eq!((head.status, head.credential, head.is_unpaid), (200, Credential::Bought, false));
    assert_eq!((head.paid_msat, head.left_msat), (21_000, Some(29_000)));
    assert_eq!(head.payments[0].origin, world.shop.origin);
    assert!(head.headers.contains(&("x-a".to_owned(), "1".to_owned())));
    assert_eq!(fetched.bytes().await.unwrap(), "sunny");

    let again = errands.fetch(Ask::get(world.shop.url("/a"))).await.unwrap();
    assert_eq!((again.head.credential, again.head.paid_msat), (Credential::Kept, 0));

    let budget = errands.budget().await.unwrap();
    assert_eq!((budget.name.as_str(), budget.standing.as_str()), ("research", "active"));
    assert_eq!((budget.limits.total_msat, budget.spent_msat, budget.left_msat), (Some(50_000), 21_000, Some(29_000)));
    let purchases = errands.purchases(9).await.unwrap();
    assert_eq!(purchases.len(), 1);
    assert_eq!((purchases[0].path.as_str(), purchases[0].amount_msat), ("/a", 21_000));
    assert_eq!((purchases[0].outcome, purchases[0].fee_msat), (Outcome::Paid, Some(0)));
}

#[tokio::test]
async fn a_preview_pays_nothing_and_says_what_the_budget_would() {
    let world = World::new().await;
    let errands = errands(&world);
    let preview = errands.preview(Ask::get(world.shop.url("/a"))).await.unwrap();
    assert_eq!((preview.price_msat, preview.sold.as_deref()), (Some(21_000), Some("weather")));
    assert_eq!((preview.refusal, preview.left_msat, preview.is_free), (None, Some(50_000), false));
    let cheap = Ask { max_price_msat: Some(20_000), ..Ask::get(world.shop.url("/a")) };
    assert!(errands.preview(cheap).await.unwrap().refusal.unwrap().contains("the limit 20 sat"));

    let poor = LocalErrands::new(world.budget("poor", 20), Caller::Agent);
    let refusal = poor.preview(Ask::get(world.shop.url("/a"))).await.unwrap().refusal.unwrap();
    assert!(refusal.starts_with("poor: 0 of 20 sat in total"), "{refusal}");
    assert!(errands.preview(Ask::get(world.shop.url("/free"))).await.unwrap().is_free);
    assert_eq!(world.wallet.payments_sent(), 0);
    assert_eq!(errands.budget().await.unwrap().reserved_msat, 0);
}

#[tokio::test]
async fn a_preview_of_what_may_have_an_effect_is_not_sent() {
    let world = World::new().await;
    let errands = errands(&world);
    for method in ["POST", "PUT", "DELETE", "PATCH", "x"] {
        let ask = Ask { method: method.to_owned(), ..Ask::get(world.shop.url("/free")) };
        assert_eq!(errands.preview(ask).await.unwrap_err().reason, Reason::MethodRefused, "{method}");
    }
    let with_body = Ask { body: "x".into(), ..Ask::get(world.shop.url("/free")) };
    assert_eq!(errands.preview(with_body).await.unwrap_err().reason, Reason::MethodRefused);
    assert!(world.shop.seen().is_empty());
}

#[tokio::test]
async fn a_refusal_has_a_reason_and_costs_nothing() {
    let world = World::new().await;
    let errands = errands(&world);
    let poor = LocalErrands::new(world.budget("poor", 20), Caller::Agent);
    let fault = poor.fetch(Ask::get(world.shop.url("/a"))).await.unwrap_err();
    assert_eq!((fault.reason, fault.paid_msat), (Reason::Policy, 0));
    let ask = Ask { max_price_msat: Some(1), ..Ask::get(world.shop.url("/a")) };
    assert_eq!(errands.fetch(ask).await.unwrap_err().reason, Reason::OverLimit);
    let dear = Ask { max_price_msat: Some(u64::MAX), ..Ask::get(world.shop.url("/a")) };
    let tight = LocalErrands::new(world.agent(), Caller::Agent);
    assert!(tight.fetch(dear).await.is_ok(), "a limit above that of the owner has no effect");
    assert_eq!(world.wallet.payments_sent(), 1);
    assert_eq!(errands.fetch(Ask::get("http://127.0.0.1:1/")).await.unwrap_err().reason, Reason::Network);
}

#[tokio::test]
async fn what_was_paid_is_said_although_the_server_refuses() {
    let world = World::new().await;
    let errands = errands(&world);
    let fault = errands.fetch(Ask::get(world.shop.url("/refuses"))).await.unwrap_err();
    assert_eq!((fault.reason, fault.paid_msat), (Reason::NotAccepted, 21_000));
    let fault = errands.fetch(Ask::get(world.shop.url("/refuses"))).await.unwrap_err();
    assert_eq!((fault.reason, fault.paid_msat), (Reason::NotAccepted, 0));
}

#[tokio::test]
async fn a7_a_body_that_is_too_long_or_breaks_off_is_no_answer() {
    let world = World::new().await;
    let errands = errands(&world).limited(Limits { body: 1_000, ..Limits::default() });
    let fault = errands.fetch(Ask::get(world.shop.url("/long"))).await.unwrap_err();
    assert_eq!((fault.reason, fault.paid_msat), (Reason::TooLarge, 21_000));
    let endless = errands.fetch(Ask::get(world.shop.url("/endless"))).await.unwrap();
    assert_eq!(endless.bytes().await.unwrap_err().reason, Reason::TooLarge);
    let broken = errands.fetch(Ask::get(world.shop.url("/broken"))).await.unwrap();
    assert_eq!(broken.bytes().await.unwrap_err().reason, Reason::BodyBroke);
    let ask = Ask { timeout_ms: Some(300), ..Ask::get(world.shop.url("/hangs")) };
    let fault = match errands.fetch(ask).await {
        Ok(fetched) => fetched.bytes().await.unwrap_err(),
        Err(fault) => fault, // on a slow machine
    };
    assert_eq!(fault.reason, Reason::Timeout);
    let limits = Limits { time: Duration::from_mins(10), body: 9 };
    assert_eq!(
        errands.limited(limits).fetch(Ask::get(world.shop.url("/a"))).await.unwrap().bytes().await.unwrap(),
        "sunny"
    );
}

#[tokio::test]
async fn a_body_and_headers_are_sent_and_redirects_followed() {
    let world = World::new().await;
    let errands = errands(&world);
    let mut ask = Ask { method: "POST".to_owned(), body: "hello".into(), ..Ask::get(world.shop.url("/echo")) };
    ask.headers.push(("X-Of-Mine".to_owned(), "7".to_owned()));
    assert_eq!(errands.fetch(ask).await.unwrap().bytes().await.unwrap(), "hello");
    assert!(world.shop.seen().iter().all(|request| request.contains("x-of-mine: 7")));
    let moved = Ask { follow_redirects: true, ..Ask::get(world.shop.url("/moved")) };
    let fetched = errands.fetch(moved).await.unwrap();
    assert_eq!(fetched.head.url, world.shop.url("/free"));
    assert_eq!(errands.fetch(Ask::get(world.shop.url("/moved"))).await.unwrap().head.status, 302);
}

/// The shop is on loopback, and a redirect leads to another port of it.
#[tokio::test]
async fn a7_an_address_that_is_not_public_is_reached_where_it_is_permitted_at_each_hop() {
    let (world, other) = (World::new().await, World::new().await);
    let permitted = world.shop.origin.clone();
    let egress = Egress::guarded(move |origin, _| origin.to_string() == permitted);
    let guarded = |egress| {
        let builder = Agent::builder(world.data.path().join("data"), world.wallet.clone(), "fake");
        LocalErrands::new(
            builder.http(HttpSettings { egress, ..HttpSettings::default() }).build().unwrap(),
            Caller::Agent,
        )
    };
    let (none, errands) = (guarded(Egress::guarded(|_, _| false)), guarded(egress));
    for path in ["/free", "/a"] {
        let fault = none.fetch(Ask::get(world.shop.url(path))).await.unwrap_err();
        assert_eq!(fault.reason, Reason::AddressRefused, "{fault}");
        assert_eq!(none.preview(Ask::get(world.shop.url(path))).await.unwrap_err().reason, Reason::AddressRefused);
    }
    assert!(world.shop.seen().is_empty());
    assert!(errands.fetch(Ask::get(world.shop.url("/a"))).await.is_ok());
    let away =
        Ask { follow_redirects: true, ..Ask::get(world.shop.url(&format!("/away?{}", other.shop.url("/free")))) };
    let fault = errands.fetch(away).await.unwrap_err();
    assert_eq!(fault.reason, Reason::AddressRefused, "{fault}");
    assert!(other.shop.seen().is_empty());
}
