//! `l402 get`, from its arguments to its exit.

use crate::shop::{Failure, Shop};
use clap::Parser;
use l402_agent::store::Database;
use l402_agent::store::payments::Payments;
use l402_agent::store::private::PrivateDir;
use l402_agent::store::tokens::Tokens;
use l402_client::cli::{Cli, Command};
use l402_client::exit::{self as ended, Exit};
use l402_client::get;
use l402_client::get::report::{Event, Reporter};
use l402_client::home::Home;
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use l402_lightning::{FailureReason, Invoice};
use rusqlite::Connection;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A user with a data folder and a wallet, and a shop to buy from.
struct Buyer {
    folder: TempDir,
    wallet: FakeNode,
    payee: FakeNode,
    shop: Shop,
}

struct Outcome {
    exit: Exit,
    out: String,
    report: String,
}

impl Buyer {
    async fn new() -> Self {
        let network = FakeNetwork::new();
        let payee = network.node();
        let shop = Shop::open(payee.clone()).await;
        Self { folder: tempfile::tempdir().unwrap(), wallet: network.node(), payee, shop }
    }

    /// Runs `l402 get` for a path of the shop.
    async fn get(&self, path: &str, options: &[&str]) -> Outcome {
        self.get_url(&self.shop.url(path), options).await
    }

    async fn get_url(&self, url: &str, options: &[&str]) -> Outcome {
        let data = self.data().into_os_string().into_string().unwrap();
        let fixed = ["l402", "get", url, "--data-dir", &data, "--config", "/dev/null"];
        let cli = Cli::try_parse_from(fixed.iter().chain(options)).unwrap();
        let home = Home::open(&cli.home).unwrap();
        let Command::Get(args) = cli.command else { panic!("not a get") };
        let (mut out, mut report) = (Vec::new(), Vec::new());
        let mut reporter = Reporter::new(&mut report, args.json, args.quiet);
        let result = get::run(&args, &home, Arc::new(self.wallet.clone()), &mut out, &mut reporter).await;
        let exit = result.unwrap_or_else(|failure| {
            reporter.tell(&Event::from(&failure));
            failure.exit()
        });
        Outcome { exit, out: String::from_utf8(out).unwrap(), report: String::from_utf8(report).unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn database(&self) -> Database {
        Database::open(&PrivateDir::open(self.data()).unwrap()).unwrap()
    }

    fn tokens(&self) -> Tokens {
        Tokens::new(self.database())
    }

    fn payments(&self) -> Payments {
        Payments::new(self.database()).unwrap()
    }

    /// Changes the database behind the program's back.
    fn sql(&self, sql: &str) {
        Connection::open(self.data().join("store.sqlite")).unwrap().execute(sql, []).unwrap();
    }

    /// Counts the kept tokens.
    fn kept(&self) -> usize {
        self.tokens().all().unwrap().len()
    }

    fn paid(&self) -> usize {
        self.wallet.payments_sent()
    }
}

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
        (shop("/weather"), &["-H", "Authorization: Bearer x"], Exit::Http, "--token-field macaroon"),
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
    let login = ["-H", "Authorization: Bearer mine"];
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

    let with_field = [&login[..], &["--token-field", "macaroon"]].concat();
    for _ in 0..2 {
        let served = buyer.get("/weather", &with_field).await;
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
    let outcome = buyer.get("/garbled", &["-H", "Authorization: Bearer mine"]).await;
    assert_eq!(outcome.exit, Exit::Http);
    assert!(
        outcome.report.starts_with("not paid: the server asks for a payment (L402), but you set the"),
        "{}",
        outcome.report
    );
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

/// Returns three words that occur twice.
fn said_twice(text: &str) -> Option<String> {
    let words: Vec<_> = text.split_whitespace().map(|word| word.trim_matches([':', ',', ';'])).collect();
    let mut seen = HashSet::new();
    words.windows(3).find(|three| !seen.insert(three.to_vec())).map(|three| three.join(" "))
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
async fn a_payment_that_failed_is_no_payment() {
    let buyer = Buyer::new().await;
    for fault in [FakeFault::NoRoute, FakeFault::Unreachable] {
        buyer.wallet.misbehave(fault);
        let outcome = buyer.get("/weather", &[]).await;
        assert_eq!(outcome.exit, Exit::Payment, "{}", outcome.report);
    }
    buyer.wallet.behave();
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Served);
    assert_eq!(buyer.paid(), 1);
}

#[tokio::test]
async fn a1_an_invoice_for_another_network_or_without_an_amount_is_not_paid() {
    let buyer = Buyer::new().await;
    for (fault, exit) in [
        (FakeFault::WrongNetwork, Exit::Payment),
        (FakeFault::NoAmount, Exit::Challenge),
        (FakeFault::WrongExpiry, Exit::Challenge),
    ] {
        buyer.payee.misbehave(fault);
        assert_eq!(buyer.get("/weather", &[]).await.exit, exit, "{fault:?}");
    }
    assert_eq!(buyer.paid(), 0);
}

#[tokio::test]
async fn a4_a_lost_outcome_is_asked_for_and_not_paid_again() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    let lost = buyer.get("/weather", &[]).await;
    assert_eq!(lost.exit, Exit::Unknown, "{}", lost.report);
    assert!(lost.report.contains("run the same command again"), "{}", lost.report);
    buyer.wallet.behave();
    let found = buyer.get("/weather", &[]).await;
    assert_eq!((found.exit, found.out.as_str()), (Exit::Served, "GET weather "));
    assert!(found.report.starts_with("an earlier call paid 21 sat"), "{}", found.report);
    assert_eq!(buyer.paid(), 1);
}

#[tokio::test]
async fn a4_nothing_is_paid_while_a_payment_is_under_way() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::Hang);
    for _ in 0..2 {
        assert_eq!(buyer.get("/weather", &["--pay-timeout", "0.1"]).await.exit, Exit::Unknown);
    }
    assert_eq!((buyer.paid(), buyer.payee.invoices_asked()), (0, 1));
}

#[tokio::test]
async fn a4_killed_between_intent_and_outcome_it_goes_on() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::Hang);
    let is_begun = async {
        while buyer.payments().intents().unwrap().is_empty() {
            tokio::time::sleep(core::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        outcome = buyer.get("/weather", &[]) => panic!("it ended: {}", outcome.report),
        begun = tokio::time::timeout(core::time::Duration::from_secs(20), is_begun) => begun.unwrap(),
    }
    let intents = buyer.payments().intents().unwrap();
    let [intent] = intents.as_slice() else { panic!("the intent is on the disk: {intents:?}") };
    let order = intent.order.as_ref().unwrap();
    let invoice = Invoice::parse(&order.invoice).unwrap();
    assert_eq!((invoice.payment_hash(), invoice.amount_msat()), (intent.payment_hash, Some(21_000)));
    assert_eq!((order.max_fee_msat, order.max_cltv_expiry_delta), (10_000, 1008));
    let waited = buyer.get("/weather", &["--pay-timeout", "0.1"]).await;
    assert_eq!(waited.exit, Exit::Unknown, "the wallet says that it is under way");
    buyer.wallet.behave();
    let found = buyer.get("/weather", &[]).await;
    assert_eq!((found.exit, found.out.as_str()), (Exit::Served, "GET weather "));
    assert!(found.report.starts_with("an earlier call paid 21 sat"), "{}", found.report);
    assert_eq!((buyer.paid(), buyer.payee.invoices_asked()), (1, 1));
}

#[tokio::test]
async fn a4_a_payment_that_another_call_settles_is_waited_for() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Unknown);
    buyer.wallet.behave();
    let payments = buyer.payments();
    let other_call = payments.adopt(&payments.intents().unwrap()[0].payment_hash).unwrap().unwrap();
    let held = buyer.get("/weather", &[]).await;
    assert_eq!(held.exit, Exit::Unknown, "{}", held.report);
    assert!(held.report.contains("another command is resolving payment"), "{}", held.report);
    assert_eq!(buyer.get("/poems", &[]).await.exit, Exit::Served, "another path is not held up");
    let (served, ()) = tokio::join!(buyer.get("/weather", &[]), async {
        tokio::time::sleep(core::time::Duration::from_millis(500)).await;
        drop(other_call);
    });
    assert_eq!(served.exit, Exit::Served, "{}", served.report);
    assert_eq!(buyer.paid(), 2);
}

#[tokio::test]
async fn a9_who_waits_in_vain_for_another_call_pays_nothing() {
    let buyer = Buyer::new().await;
    let origin = buyer.shop.url("").parse().unwrap();
    let turn = buyer.payments().try_turn(&origin, &http::Method::GET, "/weather").unwrap().unwrap();
    let waited = buyer.get("/weather", &["--pay-timeout", "0.1", "--timeout", "0.2"]).await;
    assert_eq!(waited.exit, Exit::Unknown, "{}", waited.report);
    assert!(waited.report.contains("another call is buying the same"), "{}", waited.report);
    assert_eq!((buyer.paid(), buyer.shop.requests()), (0, 0));
    drop(turn);
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Served);
}

#[tokio::test]
async fn a4_only_the_wallet_that_paid_is_asked() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Unknown);
    buyer.wallet.behave();
    let other = buyer.get("/weather", &["--wallet", "ldk"]).await;
    assert_eq!(other.exit, Exit::Unknown);
    assert!(other.report.contains("--wallet sandbox"), "{}", other.report);
    assert_eq!(buyer.paid(), 1);
}

#[tokio::test]
async fn a4_the_node_of_another_network_is_not_asked() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(buyer.get("/weather", &["--wallet", "ldk"]).await.exit, Exit::Unknown);
    buyer.wallet.behave();
    for (wallet, hint) in [("ldk/bitcoin", "--wallet ldk --network bitcoin"), ("ldk", "--wallet ldk,")] {
        buyer.sql(&format!("UPDATE payments SET wallet = '{wallet}'"));
        let other = buyer.get("/weather", &["--wallet", "ldk"]).await;
        assert_eq!(other.exit, Exit::Unknown, "{wallet}: {}", other.report);
        assert!(other.report.contains(hint), "{}", other.report);
        assert_eq!(buyer.payments().intents().unwrap().len(), 1, "{wallet}: it stays open");
    }
    buyer.sql("UPDATE payments SET wallet = 'ldk/regtest'");
    assert_eq!(buyer.get("/weather", &["--wallet", "ldk"]).await.exit, Exit::Served);
    assert_eq!(buyer.paid(), 1);
}

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
    assert!(json["refusal"].as_str().unwrap().contains("above the limit"));
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
    assert!(strange.report.contains("certificate"), "{}", strange.report);
    let trusted = buyer.get_url(&shop.url("/weather"), &["--cacert", pem.to_str().unwrap()]).await;
    assert_eq!((trusted.exit, trusted.out.as_str()), (Exit::Served, "GET weather "), "{}", trusted.report);
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
