//! What `l402 get` reports: prices, failures and their exits, for people and for programs.

use crate::buyer::{Buyer, said_twice};
use l402_client::exit::{self as ended, Exit};
use l402_lightning::FailureReason;
use l402_lightning::testing::FakeFault;

#[tokio::test]
async fn every_failure_has_an_exit_of_its_own() {
    let buyer = Buyer::new().await;
    let gone = "http://127.0.0.1:1/".to_owned();
    let shop = |path| buyer.shop.url(path);
    for (url, options, exit, word) in [
        (shop("/dear"), &[][..], Exit::Limit, "--max-price \"1000 sat\""),
        (shop("/teapot"), &[], Exit::Http, ""),
        (shop("/never"), &[], Exit::Http, "402"),
        (shop("/bare"), &[], Exit::Http, "the server offers only a body"),
        (shop("/garbled"), &[], Exit::Challenge, "that no credential can carry"),
        (shop("/liar"), &[], Exit::Challenge, "differs from the invoice"),
        (gone, &[], Exit::Network, "cannot connect"),
        (shop("/hang"), &["--timeout", "0.1"], Exit::Network, "no response"),
        (shop("/stall"), &["--timeout", "0.1"], Exit::Network, "ended early"),
        (shop("/break"), &[], Exit::Network, ""),
        ("example.com".to_owned(), &[], Exit::Usage, "http://"),
        (
            shop("/weather"),
            &["-H", "Authorization: Bearer x", "--token-field", "authorization"],
            Exit::Http,
            "--token-field macaroon",
        ),
        (shop("/free"), &["-o", "/does/not/exist"], Exit::Local, "cannot write /does/not/exist: No such file"),
    ] {
        let outcome = buyer.get_url(&url, options).await;
        assert_eq!(outcome.exit, exit, "{url}: {}", outcome.report);
        assert!(outcome.report.contains(word), "{url}: {}", outcome.report);
        let last = outcome.report.lines().last().unwrap_or_default();
        assert_eq!(said_twice(last), None, "{last}");
    }
    assert_eq!(buyer.paid(), 1, "for what was refused after it was paid");
}

#[tokio::test]
async fn a_402_without_l402_is_reported_and_not_called_free() {
    let buyer = Buyer::new().await;
    for (path, body, offer) in [
        ("/bare", "pay me somehow", "only a body"),
        ("/html", "<p>pay me", "only a body of type text/html"),
        ("/payment", "{}", "the `Payment` scheme (lightning charge, 21 sat)"),
        ("/x402", "{\"x402", "x402 version 1 (10000 of USDC\u{fffd}[2J on base)"),
        ("/fewsats", "{\"version", "a JSON offer in the format of Fewsats (10 calls for 100 USD)"),
    ] {
        let said = format!("status 402 without an L402 challenge; only L402 is supported; the server offers {offer}\n");
        for options in [&[][..], &["-q"]] {
            let outcome = buyer.get(path, options).await;
            assert_eq!((outcome.exit, outcome.report), (Exit::Http, format!("not paid: {said}")));
            assert!(outcome.out.starts_with(body), "the body is printed all the same: {}", outcome.out);
        }
        let dry = buyer.get(path, &["--dry-run"]).await;
        assert_eq!((dry.exit, dry.out), (Exit::Http, format!("would not be paid: {said}")));
    }
    assert_eq!(buyer.paid(), 0);
}

#[tokio::test]
async fn programs_read_what_was_offered() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/payment", &["--json"]).await;
    let told: serde_json::Value = serde_json::from_str(outcome.report.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&told["event"], &told["reason"], &told["status"]),
        (&"unpaid".into(), &"no_challenge".into(), &402.into())
    );
    assert_eq!((&told["offers"][0]["kind"], &told["offers"][0]["amount"]), (&"payment".into(), &"21".into()));
    for (path, free, offers) in [("/fewsats", false, 1), ("/free", true, 0), ("/down", false, 0)] {
        let dry = buyer.get(path, &["--dry-run", "--json"]).await;
        let price: serde_json::Value = serde_json::from_str(&dry.out).unwrap();
        assert_eq!((&price["free"], price["offers"].as_array().unwrap().len()), (&free.into(), offers), "{path}");
    }
}

#[tokio::test]
async fn what_failed_is_not_called_free() {
    let buyer = Buyer::new().await;
    for (path, status) in [("/down", "503"), ("/teapot", "418"), ("/moved?/free", "302")] {
        let dry = buyer.get(path, &["--dry-run"]).await;
        assert_eq!(dry.out, format!("price unknown: status {status}\n"));
    }
}

#[tokio::test]
async fn an_own_authorization_header_is_reported_with_the_alternative() {
    let buyer = Buyer::new().await;
    let own = ["-H", "Authorization: Bearer mine"];
    let login = [&own[..], &["--token-field", "authorization"]].concat();
    let refused = buyer.get("/weather", &login).await;
    let said = "the server asks for 21 sat (L402), but you set the `Authorization` header yourself; \
                use `--token-field macaroon` to send the token in the `Macaroon` header\n";
    assert_eq!((refused.exit, refused.report), (Exit::Http, format!("not paid: {said}")));
    let json = buyer.get("/weather", &[&login[..], &["--json"]].concat()).await;
    let told: serde_json::Value = serde_json::from_str(json.report.lines().last().unwrap()).unwrap();
    assert_eq!((&told["reason"], &told["amount_msat"]), (&"own_authorization".into(), &21_000.into()));
    let dry = buyer.get("/weather", &[&login[..], &["--dry-run"]].concat()).await;
    assert!(dry.out.ends_with(&format!("would not be paid: {said}")), "{}", dry.out);
    assert_eq!(buyer.paid(), 0);

    let with_field = [&own[..], &["--token-field", "macaroon"]].concat();
    for options in [&own[..], &with_field] {
        let served = buyer.get("/weather", options).await;
        assert_eq!((served.exit, served.out.as_str()), (Exit::Served, "GET weather "), "{}", served.report);
        assert_eq!(buyer.shop.last("authorization"), "Bearer mine");
        assert!(buyer.shop.last("macaroon").starts_with("02"), "a V2 macaroon in hexadecimal");
    }
    let dry = buyer.get("/weather", &[&with_field[..], &["--dry-run"]].concat()).await;
    assert!(dry.out.ends_with("would be paid\n"), "{}", dry.out);
    assert_eq!(buyer.paid(), 1);
}

/// What a caller's own login prevents from being answered is told, whatever it is.
#[tokio::test]
async fn an_unreadable_challenge_is_reported_with_an_own_login_too() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/garbled", &["-H", "Authorization: Bearer mine", "--token-field", "authorization"]).await;
    assert_eq!(outcome.exit, Exit::Http);
    assert!(
        outcome.report.starts_with("not paid: the server asks for a payment (L402), but you set the"),
        "{}",
        outcome.report
    );
}

#[tokio::test]
async fn an_error_of_a_payment_says_nothing_twice() {
    for fault in [FakeFault::NoRoute, FakeFault::Unreachable, FakeFault::LoseOutcome, FakeFault::Hang] {
        let buyer = Buyer::new().await;
        buyer.wallet.misbehave(fault);
        for _ in 0..2 {
            let report = buyer.get("/weather", &["--pay-timeout", "0.1"]).await.report;
            assert_eq!(said_twice(&report), None, "{fault:?}: {report}");
        }
    }
    let refused = l402_lightning::PayError::Failed(FailureReason::Rejected);
    let failed = l402_http::pay::RequestError::<core::convert::Infallible>::PaymentFailed(refused);
    let failed = ended::Failure::new(Exit::Payment, failed).to_string();
    assert_eq!(failed, "not paid, no money moved: the payment failed: the payee refused it");
}

#[tokio::test]
async fn an_error_says_nothing_twice() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get_url("http://127.0.0.1:1/", &[]).await;
    let expected = "l402: cannot connect to the server: tcp connect error: Connection refused (os error 111)\n";
    assert_eq!(outcome.report, expected);
}

#[tokio::test]
async fn an_error_of_the_server_is_printed() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/teapot", &[]).await;
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Http, "short and stout"));
}

#[tokio::test]
async fn dry_run_shows_the_price_without_paying() {
    let buyer = Buyer::new().await;
    let quote = buyer.get("/weather", &["--dry-run"]).await;
    assert_eq!(quote.exit, Exit::Served);
    assert_eq!(buyer.shop.last("accept-authenticate"), "L402");
    for part in ["price         21 sat\n", "regtest", "weather \u{fffd}[2J today", "\nwould be paid\n"] {
        assert!(quote.out.contains(part), "{part}: {}", quote.out);
    }
    let dear = buyer.get("/dear", &["--dry-run", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&dear.out).unwrap();
    assert_eq!(json["invoice"]["amount_msat"], 1_000_000);
    assert!(json["invoice"]["expires_at"].as_u64().is_some_and(|at| at > 1_700_000_000), "Unix seconds: {json}");
    assert!(json["refusal"].as_str().unwrap().contains("the price is "));
    assert!(buyer.get("/free", &["--dry-run"]).await.out.starts_with("free"));
    assert_eq!(buyer.get("/teapot", &["--dry-run"]).await.exit, Exit::Http);
    assert_eq!(buyer.paid(), 0);
}

#[tokio::test]
async fn programs_read_one_object_a_line() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/weather", &["--json"]).await;
    let lines: Vec<serde_json::Value> =
        outcome.report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"], &lines[0]["amount_msat"]), (&"paid".into(), &21_000.into()));
    assert_eq!((&lines[1]["event"], &lines[1]["credential"]), (&"served".into(), &"bought".into()));
    let failed = buyer.get("/dear", &["--json"]).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&failed.report).unwrap()["exit"], 6);
}
