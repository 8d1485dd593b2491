//! `l402 get`, from its arguments to its exit.

use crate::buyer::Buyer;
use crate::shop::{Failure, Shop};
use l402_client::exit::Exit;
use l402_lightning::testing::FakeFault;

#[tokio::test]
async fn it_pays_once_and_keeps_the_token() {
    let buyer = Buyer::new().await;
    let first = buyer.get("/weather", &[]).await;
    assert_eq!((first.exit, first.out.as_str()), (Exit::Served, "GET weather "), "{}", first.report);
    assert!(first.report.starts_with("paid 21 sat (and a fee of 0 sat) to http://127.0.0.1:"), "{}", first.report);
    let second = buyer.get("/weather", &[]).await;
    assert_eq!((second.exit, second.out.as_str()), (Exit::Served, "GET weather "));
    assert!(second.report.starts_with("paid nothing"), "{}", second.report);
    assert_eq!((buyer.paid(), buyer.shop.requests()), (1, 3));
}

#[tokio::test]
async fn a_token_is_kept_for_each_path() {
    let buyer = Buyer::new().await;
    for path in ["/weather", "/poems", "/weather", "/poems"] {
        assert_eq!(buyer.get(path, &[]).await.exit, Exit::Served);
    }
    assert_eq!(buyer.paid(), 2);
}

#[tokio::test]
async fn what_is_free_needs_no_wallet() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::Unreachable);
    let outcome = buyer.get("/free", &[]).await;
    assert_eq!((outcome.exit, outcome.out.as_str(), outcome.report.as_str()), (Exit::Served, "free", ""));
}

/// Each with a store of its own, as processes have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a9_calls_at_the_same_time_share_one_purchase() {
    let buyer = Buyer::new().await;
    let options = ["--timeout", "120"];
    let outcomes = futures_util::future::join_all((0..20).map(|_| buyer.get("/weather", &options))).await;
    for outcome in outcomes {
        assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "GET weather "), "{}", outcome.report);
    }
    assert_eq!((buyer.paid(), buyer.kept()), (1, 1));
}

#[tokio::test]
async fn a9_what_opens_one_path_is_used_for_another_of_the_same_service() {
    let buyer = Buyer::new().await;
    for path in ["/weather", "/poems", "/weather?1", "/poems?2"] {
        assert_eq!(buyer.get(path, &[]).await.exit, Exit::Served);
    }
    buyer.sql("UPDATE tokens SET path = '/elsewhere'"); // as if each had been bought for another path
    for path in ["/weather", "/poems", "/weather"] {
        let outcome = buyer.get(path, &[]).await;
        assert!(outcome.report.starts_with("paid nothing"), "{path}: {}", outcome.report);
    }
    assert_eq!(buyer.paid(), 2);
}

#[tokio::test]
async fn a_body_is_sent_again_after_the_payment() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/poems", &["-d", "roses", "-H", "X-A: 1"]).await;
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "POST poems roses"));
    assert_eq!(buyer.shop.last("x-a"), "1");
}

#[tokio::test]
async fn without_the_cache_every_call_pays() {
    let buyer = Buyer::new().await;
    for _ in 0..2 {
        assert_eq!(buyer.get("/weather", &["--no-token-cache"]).await.exit, Exit::Served);
    }
    assert_eq!(buyer.paid(), 2);
    assert_eq!(buyer.kept(), 0);
}

#[tokio::test]
async fn a4_without_the_cache_a_token_that_did_not_serve_is_not_lost() {
    let buyer = Buyer::new().await;
    let mut sales = 0;
    for failure in [Failure::Status503, Failure::Status403, Failure::Break] {
        for next in [&[][..], &["--no-token-cache"]] {
            buyer.shop.fail_next_sale(failure);
            let outcome = buyer.get("/weather", &["--no-token-cache"]).await;
            assert_ne!(outcome.exit, Exit::Served, "{}", outcome.report);
            assert_eq!(buyer.kept(), 1, "{}", outcome.report);
            assert_eq!(buyer.get("/weather", next).await.out, "GET weather ");
            sales += 1;
            assert_eq!(buyer.paid(), sales, "{failure:?} {next:?}");
            assert_eq!(buyer.kept(), usize::from(next.is_empty()), "{failure:?} {next:?}");
            buyer.sql("DELETE FROM tokens");
        }
    }
}

#[tokio::test]
async fn nothing_is_paid_for_a_body_that_cannot_be_written() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/weather", &["-o", "/does/not/exist"]).await;
    assert_eq!(outcome.exit, Exit::Local);
    assert_eq!(outcome.report, "l402: cannot write /does/not/exist: No such file or directory (os error 2)\n");
    assert_eq!((buyer.paid(), buyer.shop.requests()), (0, 0));
}

#[tokio::test]
async fn a_call_that_failed_leaves_the_file_as_it_was() {
    let buyer = Buyer::new().await;
    let path = buyer.folder.path().join("body");
    let write = ["-o", path.to_str().unwrap()];
    assert_eq!(buyer.get("/dear", &write).await.exit, Exit::Limit);
    assert!(!path.exists());
    std::fs::write(&path, "what was there, and longer than what comes").unwrap();
    assert_eq!(buyer.get("/dear", &write).await.exit, Exit::Limit);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "what was there, and longer than what comes");
    assert_eq!(buyer.get("/weather", &write).await.exit, Exit::Served);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "GET weather ");
    let standard = buyer.get("/weather", &["-o", "-"]).await;
    assert_eq!((standard.exit, standard.out.as_str()), (Exit::Served, "GET weather "));
}

#[tokio::test]
async fn a_file_is_sent_again_after_the_payment() {
    let buyer = Buyer::new().await;
    let path = buyer.folder.path().join("poem");
    std::fs::write(&path, "roses").unwrap();
    let outcome = buyer.get("/poems", &["-d", &format!("@{}", path.display())]).await;
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "POST poems roses"), "{}", outcome.report);
    assert_eq!(buyer.shop.last("content-length"), "5");
    let missing = buyer.get("/poems", &["-d", "@/does/not/exist"]);
    assert!(missing.await.report.contains("cannot read /does/not/exist: No such file"));
}

#[tokio::test]
async fn what_is_not_ascii_is_encoded_before_anything_is_paid() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/weather?city=Z\u{fc}rich", &[]).await;
    assert_eq!(outcome.exit, Exit::Served, "{}", outcome.report);
    assert_eq!(buyer.shop.last_uri(), "/weather?city=Z%C3%BCrich");
}

#[tokio::test]
async fn no_report_holds_a_secret() {
    let buyer = Buyer::new().await;
    let mut told = String::new();
    for options in [&["--json"][..], &["--json"], &[], &["--dry-run"]] {
        let outcome = buyer.get("/weather", options).await;
        told += &(outcome.report + &outcome.out);
    }
    let preimage = buyer.tokens().all().unwrap()[0].preimage.to_hex();
    assert!(!told.contains(preimage.expose()));
}

#[tokio::test]
async fn a_damaged_database_stops_everything() {
    let buyer = Buyer::new().await;
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Served);
    std::fs::write(buyer.data().join("store.sqlite"), "{").unwrap();
    for options in [&[][..], &["--no-token-cache"]] {
        let outcome = buyer.get("/weather", options).await;
        assert_eq!(outcome.exit, Exit::Local);
        assert!(outcome.report.contains("damaged"), "{}", outcome.report);
    }
    assert_eq!(buyer.paid(), 1);
}

#[tokio::test]
async fn a_body_goes_to_a_file() {
    let buyer = Buyer::new().await;
    let path = buyer.folder.path().join("body");
    let outcome = buyer.get("/weather", &["-o", path.to_str().unwrap()]).await;
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, ""));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "GET weather ");
}

#[tokio::test]
async fn a_certificate_must_be_trusted() {
    let buyer = Buyer::new().await;
    let pem = buyer.folder.path().join("root.pem");
    let shop = Shop::open_tls(buyer.payee.clone(), &pem).await;
    let strange = buyer.get_url(&shop.url("/weather"), &[]).await;
    assert_eq!(strange.exit, Exit::Network, "{}", strange.report);
    assert!(strange.report.contains("its certificate is not from a trusted authority"), "{}", strange.report);
    let trusted = buyer.get_url(&shop.url("/weather"), &["--cacert", pem.to_str().unwrap()]).await;
    assert_eq!((trusted.exit, trusted.out.as_str()), (Exit::Served, "GET weather "), "{}", trusted.report);
}
