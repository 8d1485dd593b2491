//! Tokens that can be used so many times: bought anew when they are spent, waited for when they are held, handed on in part.

use crate::buyer::Buyer;
use crate::process::{Machine, text};
use crate::shop::{Failure, Shop};
use l402_client::exit::Exit;
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn a9_a_spent_token_is_not_shown_and_the_next_call_buys() {
    let buyer = Buyer::new().await;
    for round in 1..=3 {
        let outcome = buyer.get("/once", &[]).await;
        assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "GET once "), "{}", outcome.report);
        assert_eq!((buyer.paid(), buyer.shop.requests(), buyer.kept()), (round, 2 * round, 1));
    }
    assert_eq!(buyer.tokens().all().unwrap()[0].uses_left, Some(0));
    let credentials = buyer.shop.credentials();
    assert!(credentials.iter().step_by(2).all(String::is_empty), "{credentials:?}");
    let too_dear = buyer.get("/once", &["--max-price", "1 sat"]).await;
    assert_eq!((too_dear.exit, buyer.paid()), (Exit::Limit, 3), "the limits hold");
}

#[tokio::test]
async fn a9_a_bundle_is_used_up_before_another_is_bought() {
    let buyer = Buyer::new().await;
    let mut told = String::new();
    for _ in 0..4 {
        told += &buyer.get("/bundle", &[]).await.report;
    }
    assert_eq!(buyer.paid(), 2);
    for line in ["2 uses of the token left\n", "kept token; 1 use of the token left\n", "0 uses of the token left\n"] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

/// The body of a response that says `spent` did not come: a server that keeps its answers gives it again.
#[tokio::test]
async fn a9_what_was_cut_off_is_asked_for_with_the_same_token() {
    let buyer = Buyer::new().await;
    buyer.shop.fail_next_sale(Failure::Break);
    assert_eq!(buyer.get("/once", &[]).await.exit, Exit::Network);
    assert_eq!(buyer.tokens().all().unwrap()[0].uses_left, None);
    buyer.get("/once", &["--max-price", "1 sat"]).await;
    let credentials = buyer.shop.credentials();
    assert_eq!(credentials[1], credentials[2]);
    assert_eq!(buyer.tokens().all().unwrap()[0].uses_left, Some(0), "the server refused it as spent");
}

#[tokio::test]
async fn a9_a_lost_response_is_asked_for_again_with_the_same_token() {
    let buyer = Buyer::new().await;
    buyer.shop.fail_next_sale(Failure::Lose);
    let outcome = buyer.get("/bundle", &[]).await;
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "GET bundle "), "{}", outcome.report);
    let credentials = buyer.shop.credentials();
    assert_eq!((credentials.len(), buyer.paid()), (3, 1));
    assert_eq!(credentials[1], credentials[2]);
}

#[tokio::test]
async fn a9_a_lost_single_use_is_not_bought_twice() {
    let buyer = Buyer::new().await;
    buyer.shop.fail_next_sale(Failure::Lose);
    let lost = buyer.get("/once", &[]).await;
    assert_eq!((lost.exit, buyer.paid(), buyer.shop.requests()), (Exit::Http, 1, 3), "{}", lost.report);
    for _ in 0..2 {
        let again = buyer.get("/once", &[]).await;
        assert_eq!((again.exit, buyer.paid()), (Exit::Http, 1), "{}", again.report);
        assert!(again.report.contains("--buy-again"), "{}", again.report);
    }
    assert_eq!(buyer.get("/once", &["--buy-again"]).await.exit, Exit::Served);
}

#[tokio::test]
async fn a9_the_last_use_of_a_bundle_that_was_lost_buys_nothing_by_itself() {
    let buyer = Buyer::new().await;
    for _ in 0..2 {
        assert_eq!(buyer.get("/bundle", &[]).await.exit, Exit::Served);
    }
    buyer.shop.fail_next_sale(Failure::Lose);
    let lost = buyer.get("/bundle", &[]).await;
    assert_eq!((lost.exit, buyer.paid()), (Exit::Http, 1), "{}", lost.report);
    assert!(lost.report.contains("nothing was paid: the server refused the token with 402"), "{}", lost.report);
    assert_eq!(buyer.get("/bundle", &[]).await.exit, Exit::Served);
    assert_eq!(buyer.paid(), 2, "a new call is a new request");
}

#[tokio::test]
async fn a9_a_lost_response_to_a_post_is_not_asked_for_again() {
    let buyer = Buyer::new().await;
    assert_eq!(buyer.get("/bundle", &["-d", "a"]).await.exit, Exit::Served);
    let before = buyer.shop.requests();
    buyer.shop.fail_next_sale(Failure::Lose);
    let lost = buyer.get("/bundle", &["-d", "a"]).await;
    assert_eq!((lost.exit, buyer.shop.requests() - before), (Exit::Network, 1), "{}", lost.report);
    let key = buyer.shop.last("idempotency-key");
    assert!(lost.report.contains(&format!("-H \"Idempotency-Key: {key}\"")), "{}", lost.report);
    assert_eq!(buyer.get("/bundle", &["-d", "a", "-H", &format!("Idempotency-Key: {key}")]).await.exit, Exit::Served);
    assert_eq!((buyer.shop.last("idempotency-key"), buyer.paid()), (key, 1));
}

#[tokio::test]
async fn a9_what_has_an_effect_has_one_key_for_all_of_its_attempts() {
    let buyer = Buyer::new().await;
    let mut keys = Vec::new();
    for (options, attempts) in [(&["-d", "a"][..], 2), (&["-X", "DELETE"], 1), (&["-d", "a"], 1)] {
        let before = buyer.shop.requests();
        assert_eq!(buyer.get("/bundle", options).await.exit, Exit::Served, "{options:?}");
        assert_eq!(buyer.shop.requests() - before, attempts);
        let sent = buyer.shop.all("idempotency-key").split_off(before);
        assert!(sent.iter().all(|key| key.len() == 32 && *key == sent[0]), "{sent:?}");
        assert!(!keys.contains(&sent[0]), "{sent:?}");
        keys.push(sent[0].clone());
    }
    buyer.get("/poems", &["-d", "a", "-H", "Idempotency-Key: mine"]).await;
    assert_eq!(buyer.shop.last("idempotency-key"), "mine");
    buyer.get("/poems", &[]).await;
    assert_eq!(buyer.shop.last("idempotency-key"), "");
}

#[tokio::test]
async fn a9_who_is_told_to_wait_waits_and_pays_nothing() {
    for (status, reason, word) in [
        (409, "uses-reserved", "other requests hold what is left of the token"),
        (429, "token-rate", "the server takes no more requests"),
        (503, "ledger-unavailable", "the server cannot count uses"),
    ] {
        let buyer = Buyer::new().await;
        assert_eq!(buyer.get("/bundle", &[]).await.exit, Exit::Served);
        buyer.shop.fail_next_sale(Failure::Withhold(status, reason, Some(0)));
        let outcome = buyer.get("/bundle", &[]).await;
        assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "GET bundle "), "{}", outcome.report);
        assert!(outcome.report.starts_with("waiting 200ms, paying nothing: "), "{}", outcome.report);
        assert!(outcome.report.contains(word), "{}", outcome.report);
        assert_eq!(buyer.paid(), 1);
    }
}

#[tokio::test]
async fn a9_who_waits_too_long_or_in_vain_pays_nothing() {
    let buyer = Buyer::new().await;
    assert_eq!(buyer.get("/bundle", &[]).await.exit, Exit::Served);
    for (reason, retry_after, advice) in [
        ("in-doubt", None, "add --no-token-cache and -H \"Idempotency-Key: …\" with a new key"),
        ("uses-reserved", Some(3_600), "run the command again later"),
        ("key-held", None, "run the command again later"),
    ] {
        let before = buyer.shop.requests();
        buyer.shop.fail_next_sale(Failure::Withhold(409, reason, retry_after));
        let outcome = buyer.get("/bundle", &["--timeout", "5"]).await;
        assert_eq!((outcome.exit, buyer.shop.requests() - before), (Exit::Http, 1), "{reason}: {}", outcome.report);
        assert!(outcome.report.contains("not served, and nothing paid: "), "{reason}: {}", outcome.report);
        assert!(outcome.report.contains(advice), "{reason}: {}", outcome.report);
    }
    assert_eq!(buyer.paid(), 1);
}

#[tokio::test]
async fn a9_a_request_in_doubt_is_said_and_repeated_as_the_same_request() {
    let buyer = Buyer::new().await;
    buyer.shop.fail_next_sale(Failure::Doubt);
    let doubt = buyer.get("/bundle", &["-d", "a"]).await;
    assert_eq!((doubt.exit, doubt.out.as_str()), (Exit::Http, "bad gateway"), "{}", doubt.report);
    let words = "the server does not know whether it was performed; to repeat it as the same request, run the same command again";
    assert!(doubt.report.contains(words), "{}", doubt.report);
    let key = buyer.shop.last("idempotency-key");
    assert_eq!(buyer.get("/bundle", &["-d", "b"]).await.exit, Exit::Served);
    assert_ne!(buyer.shop.last("idempotency-key"), key, "another body is another request");
    for is_same in [true, false] {
        assert_eq!(buyer.get("/bundle", &["-d", "a"]).await.exit, Exit::Served);
        assert_eq!(buyer.shop.last("idempotency-key") == key, is_same, "once it is served, the next is a new one");
    }
    assert_eq!(buyer.paid(), 1);
}

/// Who waited for others may buy once they have used the token up; who may have been served may not.
#[tokio::test]
async fn a9_after_a_pause_only_a_request_that_was_not_performed_is_bought() {
    for (status, reason, buys) in [
        (409, "uses-reserved", true),
        (429, "token-rate", true),
        (409, "key-held", false),
        (503, "ledger-unavailable", false),
        (503, "not-settled", false),
    ] {
        let buyer = Buyer::new().await;
        for _ in 0..3 {
            assert_eq!(buyer.get("/bundle", &[]).await.exit, Exit::Served);
        }
        buyer.sql("UPDATE tokens SET uses_left = NULL, used = 0"); // as if others had used the rest
        buyer.shop.fail_next_sale(Failure::Withhold(status, reason, Some(0)));
        let outcome = buyer.get("/bundle", &[]).await;
        assert_eq!(outcome.exit == Exit::Served, buys, "{reason}: {}", outcome.report);
        assert_eq!(buyer.paid(), 1 + usize::from(buys), "{reason}: {}", outcome.report);
    }
}

/// Runs the command with something on its standard input.
async fn run_with_input(machine: &Machine, args: &[&str], input: &[u8]) -> Output {
    let mut child = machine.command(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(input).await; // it may not want it
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

#[tokio::test]
async fn s3_a_part_of_a_bundle_is_used_by_somebody_else_who_cannot_pay() {
    let (owner, agent) = (Machine::new().await, Machine::new().await);
    let url = owner.shop.url("/bundle");
    assert_eq!(owner.run(&["get", &url]).await.status.code(), Some(0));
    let listed = owner.run(&["tokens", "list"]).await;
    assert!(text(&listed.stdout).contains("\t2 uses left\n"), "{}", text(&listed.stdout));
    let part = owner.run(&["tokens", "attenuate", "--uses", "1", "--expires", "30m"]).await;
    assert_eq!(part.status.code(), Some(0), "{}", text(&part.stderr));
    assert!(text(&part.stdout).starts_with("L402 ") && text(&part.stdout).ends_with('\n'));

    let get = ["get", &url, "--token", "-"];
    let used = run_with_input(&agent, &get, &part.stdout).await;
    assert_eq!((used.status.code(), text(&used.stdout)), (Some(0), "GET bundle "), "{}", text(&used.stderr));
    let file = agent.folder.path().join("part");
    std::fs::write(&file, &part.stdout).unwrap();
    let spent = agent.run(&["get", &url, "--token", file.to_str().unwrap()]).await;
    assert_eq!(spent.status.code(), Some(4), "{}", text(&spent.stderr));
    assert!(
        text(&spent.stderr).contains("the server refused the token that you gave (spent)"),
        "{}",
        text(&spent.stderr)
    );
    assert_eq!((agent.wallet.payments_sent(), text(&agent.run(&["tokens", "list"]).await.stdout)), (0, ""));

    assert_eq!(owner.run(&["get", &url]).await.status.code(), Some(0), "the last use is the owner's");
    assert!(text(&owner.run(&["tokens", "list"]).await.stdout).contains("\tspent\n"));
    let none = owner.run(&["tokens", "attenuate", "--uses", "1"]).await;
    assert_eq!((none.status.code(), text(&none.stderr)), (Some(2), "l402: the token is spent\n"));
    assert_eq!(owner.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn t2_a_part_that_no_server_would_accept_is_not_made() {
    let machine = Machine::new().await;
    let attenuate = async |options: &[&str]| {
        let output = machine.run(&[&["tokens", "attenuate"], options].concat()).await;
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{options:?}");
        text(&output.stderr).to_owned()
    };
    assert!(attenuate(&["--uses", "1"]).await.contains("no such token is kept"));
    let url = machine.shop.url("/bundle");
    assert!(attenuate(&[&url]).await.contains("say what the part may do: `--uses 5`"));
    assert_eq!(machine.run(&["get", &machine.shop.url("/bundle")]).await.status.code(), Some(0));
    let listed = machine.run(&["tokens", "list"]).await;
    assert!(!text(&listed.stdout).contains("opens"), "a token without routes says none: {}", text(&listed.stdout));
    for (options, word) in [
        (&["--uses", "4"][..], "the token allows 3 uses; the server would refuse more"),
        (&["--uses", "3"], "only 2 uses of the token are left"),
        (&["--uses", "0"], "write a number from 1 to 4294967295"),
        (&["--uses", "-1"], "write a number from 1 to 4294967295"),
        (&["--expires", "2h"], "the server would refuse a later end"),
        (&["--route", "north"], "does not open this route"),
        (&["--service", "other", "--uses", "1"], "not for this service"),
        (&["--uses", "1", "http://other.example/"], "no such token is kept"),
        (&["--uses", "1", "nonsense"], "by its payment hash, or by a URL"),
        (&[], "required"),
    ] {
        let told = attenuate(options).await;
        assert!(told.contains(word), "{options:?}: {told}");
    }
    assert_eq!(machine.run(&["get", &machine.shop.url("/poems")]).await.status.code(), Some(0));
    let told = attenuate(&["--expires", "1m"]).await;
    assert!(told.contains("several kept tokens fit") && told.contains("/poems"), "{told}");
    assert!(!told.contains('\u{fffd}'), "{told}");
    let told = attenuate(&["--route", "north"]).await;
    assert!(told.contains("no kept token fits") && !told.contains('\u{fffd}'), "{told}");
    let one = machine.run(&["tokens", "attenuate", "--expires", "1m", &machine.shop.url("/poems")]).await;
    assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
}

#[tokio::test]
async fn a6_a_token_given_by_hand_goes_to_one_origin_and_never_stands_in_the_arguments() {
    let (machine, stranger) = (Machine::new().await, Machine::new().await);
    assert_eq!(machine.run(&["get", &machine.shop.url("/poems")]).await.status.code(), Some(0));
    let part = machine.run(&["tokens", "attenuate", "--expires", "1m"]).await.stdout;
    let away = machine.shop.url(&format!("/kept?{}", stranger.shop.url("/free")));
    let moved = run_with_input(&machine, &["get", &away, "--token", "-", "-L"], &part).await;
    assert_eq!(text(&moved.stdout), "free", "{}", text(&moved.stderr));
    assert_eq!(stranger.shop.credentials(), [""]);
    let within = machine.shop.url("/kept?/poems");
    let moved = run_with_input(&machine, &["get", &within, "--token", "-", "-L"], &part).await;
    assert_eq!(text(&moved.stdout), "GET poems ", "{}", text(&moved.stderr));

    let (before, secret) = (machine.shop.requests(), text(&part).trim_end());
    let preimage = secret.rsplit(':').next().unwrap();
    for args in
        [&["--token", secret][..], &["--token", secret.trim_start_matches("L402 ")], &["--token", "-", "-d", "@-"]]
    {
        let refused = machine.run(&[&["get", &within], args].concat()).await;
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
        assert!(!text(&refused.stderr).contains(preimage), "{}", text(&refused.stderr));
    }
    assert_eq!(machine.shop.requests(), before);
}

/// A shop over TLS: from https to http, nothing is followed.
#[tokio::test]
async fn a6_a_token_given_by_hand_is_not_sent_in_the_open() {
    let machine = Machine::new().await;
    let pem = machine.folder.path().join("root.pem");
    let secure = Shop::open_tls(machine.payee.clone(), &pem).await;
    let preimage = "01".repeat(32);
    let url = secure.url(&format!("/kept?{}", machine.shop.url("/free")));
    let args = ["get", &url, "--token", "-", "-L", "--cacert", pem.to_str().unwrap()];
    let refused = run_with_input(&machine, &args, format!("L402 AgEE:{preimage}").as_bytes()).await;
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));
    assert_eq!((secure.requests(), machine.shop.requests()), (1, 0));
}
