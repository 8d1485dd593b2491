//! A page in a real Chromium buys from the gateway (P9). `just browser` runs these; without Chromium they are left out.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

mod chromium;
mod stand;

use stand::Stand;

/// What the page does: see `page.html`.
#[tokio::test]
#[ignore = "needs Chromium: run `just browser`"]
async fn p9_a_page_reads_the_challenge_pays_and_repeats_the_request() {
    for stand in [Stand::quick_start().await, Stand::with_cors("[\"{page}\"]").await] {
        let told = stand.visit().await;
        assert_eq!(told["error"], serde_json::Value::Null, "{told:#}");
        assert_eq!(told["unpaid"]["status"], 402);
        let challenge = told["unpaid"]["challenge"].as_str().expect("the page reads WWW-Authenticate");
        assert!(challenge.contains("L402 version=\"0\", token=\""), "{told:#}");
        assert_eq!(told["unpaid"]["reason"], "payment-required");
        assert_eq!(told["paid"], serde_json::json!({ "status": 200, "text": "sunny", "left": "7" }), "{told:#}");
        assert_eq!(told["posted"], serde_json::json!({ "status": 200, "text": "sunny", "left": "7" }), "{told:#}");
        assert_eq!(
            told["malformed"],
            serde_json::json!({ "status": 400, "reason": "malformed-credential" }),
            "{told:#}"
        );
        assert_eq!(told["info"]["name"], "l402-server", "{told:#}");
        assert_eq!(told["down"], serde_json::json!({ "status": 503, "retry": "5" }), "{told:#}");
        assert_eq!(stand.upstream_saw(), ["GET /forecast", "POST /forecast"], "no preflight, nothing unpaid");
        // One for the call without a token, one that the node refused at the end; none for any preflight.
        assert_eq!((stand.invoices_asked(), stand.payments()), (2, 1));
    }
}

/// What the page does: see `once.html`.
#[tokio::test]
#[ignore = "needs Chromium: run `just browser`"]
async fn p9_a_page_reads_that_its_token_is_spent_and_buys_another() {
    let stand = Stand::single_use().await;
    let told = stand.visit_at("/once").await;
    assert_eq!(told["error"], serde_json::Value::Null, "{told:#}");
    let served = serde_json::json!({ "status": 200, "uses": "spent", "remaining": "0", "reason": null });
    let refused = serde_json::json!({ "status": 402, "uses": null, "remaining": null, "reason": "spent" });
    assert_eq!((&told["served"], &told["again"], &told["anew"]), (&served, &refused, &served), "{told:#}");
    assert_eq!(told["uses"], 1, "the 402 says what is sold");
    assert_eq!(stand.upstream_saw(), ["GET /forecast", "GET /forecast"], "nothing that is not paid");
    assert_eq!((stand.invoices_asked(), stand.payments()), (2, 2));
}

#[tokio::test]
#[ignore = "needs Chromium: run `just browser`"]
async fn p9_a_page_of_another_origin_learns_nothing_and_costs_nothing() {
    for cors in ["false", "[\"https://other.example\"]"] {
        let stand = Stand::with_cors(cors).await;
        let told = stand.visit().await;
        assert_eq!(told["error"], "TypeError: Failed to fetch", "{cors}: {told:#}");
        assert_eq!(told["unpaid"], serde_json::Value::Null);
        assert_eq!(
            (stand.invoices_asked(), stand.upstream_saw().len()),
            (0, 0),
            "the browser stopped at the preflight"
        );
    }
}
