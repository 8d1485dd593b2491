//! A token that is given by hand, and a response that is lost: what is waited for and sent again, and what is not.

use crate::buyer::Buyer;
use crate::process::{Machine, text};
use crate::shop::Failure;
use l402_client::exit::Exit;

/// A machine, the URL of its shop's bundle, and a file with two of its uses.
async fn handed() -> (Machine, String, String) {
    let machine = Machine::new().await;
    let url = machine.shop.url("/bundle");
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0));
    let part = machine.run(&["tokens", "attenuate", "--uses", "2", "--expires", "30m"]).await;
    assert_eq!(part.status.code(), Some(0), "{}", text(&part.stderr));
    let file = machine.folder.path().join("part");
    std::fs::write(&file, &part.stdout).unwrap();
    (machine, url, file.into_os_string().into_string().unwrap())
}

#[tokio::test]
async fn a9_who_was_handed_a_token_and_is_told_to_wait_waits() {
    let (machine, url, file) = handed().await;
    for (status, reason) in [(409, "uses-reserved"), (503, "ledger-unavailable")] {
        let before = machine.shop.requests();
        machine.shop.fail_next_sale(Failure::Withhold(status, reason, Some(0)));
        let got = machine.run(&["get", &url, "--token", &file]).await;
        assert_eq!((got.status.code(), text(&got.stdout)), (Some(0), "GET bundle "), "{}", text(&got.stderr));
        assert!(text(&got.stderr).contains("waiting 200ms, paying nothing: "), "{}", text(&got.stderr));
        assert_eq!(machine.shop.requests() - before, 2, "{reason}");
    }
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a9_who_was_handed_a_token_waits_no_longer_than_it_says() {
    let (machine, url, file) = handed().await;
    for (reason, retry_after) in [("uses-reserved", Some(3_600)), ("in-doubt", None), ("key-held", None)] {
        let before = machine.shop.requests();
        machine.shop.fail_next_sale(Failure::Withhold(409, reason, retry_after));
        let got = machine.run(&["get", &url, "--token", &file, "--timeout", "30"]).await;
        assert_eq!(got.status.code(), Some(4), "{reason}: {}", text(&got.stderr));
        assert_eq!(machine.shop.requests() - before, 1, "{reason}: {}", text(&got.stderr));
    }
    let got = machine.run(&["get", &url, "--token", &file]).await;
    assert_eq!(got.status.code(), Some(0), "nothing was used: {}", text(&got.stderr));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

/// Each of these may have been performed, and cannot be told from what was not.
#[tokio::test]
async fn a9_what_is_lost_is_sent_once_more_only_where_that_does_no_harm() {
    for (options, lost, sent) in [
        (&[][..], Failure::Lose, 2),
        (&[], Failure::LoseTwice, 2),
        (&["-X", "GET", "-d", "a"], Failure::Lose, 1),
        (&["-X", "DELETE"], Failure::Lose, 1),
    ] {
        let buyer = Buyer::new().await;
        assert_eq!(buyer.get("/bundle", options).await.exit, Exit::Served);
        let before = buyer.shop.requests();
        buyer.shop.fail_next_sale(lost);
        let outcome = buyer.get("/bundle", options).await;
        assert_eq!(buyer.shop.requests() - before, sent, "{options:?} {lost:?}: {}", outcome.report);
        let is_served = sent == 2 && matches!(lost, Failure::Lose);
        assert_eq!(outcome.exit == Exit::Served, is_served, "{options:?} {lost:?}: {}", outcome.report);
        assert_eq!(buyer.paid(), 1);
    }
}

/// A request without a token pays for nothing, and is none of this.
#[tokio::test]
async fn what_is_lost_without_a_token_is_not_sent_again() {
    let buyer = Buyer::new().await;
    let outcome = buyer.get("/lost", &[]).await;
    assert_eq!((outcome.exit, buyer.shop.requests()), (Exit::Network, 1), "{}", outcome.report);
}
