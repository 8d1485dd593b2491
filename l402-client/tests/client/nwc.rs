//! The command as a process, with a wallet over Nostr Wallet Connect.

use crate::process::{Machine, text};
use core::time::Duration;
use l402_lightning::{InvoiceRequest, InvoiceSource, PayeeNode, PayerWallet};
use l402_nwc::testing::{FakeRelay, FakeWallet, Mood, RunningWallet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

struct Stand {
    machine: Machine,
    wallet: RunningWallet,
    relay: FakeRelay,
}

impl Stand {
    async fn new(change: impl FnOnce(FakeWallet) -> FakeWallet) -> Self {
        let (machine, relay) = (Machine::new().await, FakeRelay::start().await);
        let node = machine.wallet.clone();
        let wallet = FakeWallet::new(PayeeNode::new(node.clone()), PayerWallet::new(node));
        let wallet = change(wallet).start(&[relay.url()]).await;
        Self { machine, wallet, relay }
    }

    async fn run(&self, args: &[&str]) -> Output {
        let mut command = self.machine.command(args);
        let settings = [("L402_WALLET", "nwc"), ("L402_NETWORK", "regtest"), ("NWC_URI", self.wallet.uri())];
        command.envs(settings).output().await.unwrap()
    }

    async fn invoice(&self) -> String {
        let expiry = Duration::from_mins(5);
        let request = InvoiceRequest { amount_msat: l402_core::Msat::from_sat(3), description: "trial", expiry };
        self.machine.payee.create_invoice(request).await.unwrap().bolt11().to_owned()
    }
}

#[tokio::test]
async fn a_call_is_paid_by_a_wallet_elsewhere() {
    let stand = Stand::new(|wallet| wallet).await;
    let url = stand.machine.shop.url("/weather");
    let first = stand.run(&["get", &url]).await;
    assert_eq!((first.status.code(), text(&first.stdout)), (Some(0), "GET weather "), "{}", text(&first.stderr));
    assert!(text(&first.stderr).starts_with("paid 21 sat"), "{}", text(&first.stderr));
    assert_eq!((stand.wallet.asked("pay_invoice"), stand.machine.wallet.payments_sent()), (1, 1));
    assert_eq!(stand.run(&["get", &url]).await.status.code(), Some(0), "with the token that is kept");
    assert_eq!(stand.wallet.asked("pay_invoice"), 1);
}

#[tokio::test]
async fn a4_a_payment_that_stayed_unknown_is_found_by_the_next_call() {
    let stand = Stand::new(|wallet| wallet).await;
    let url = stand.machine.shop.url("/weather");
    stand.wallet.be(Mood::Sleeps);
    let unknown = stand.run(&["get", &url, "--pay-timeout", "1"]).await;
    assert_eq!(unknown.status.code(), Some(8), "{}", text(&unknown.stderr));
    let resolved = stand.run(&["payments", "resolve"]).await;
    assert_eq!(resolved.status.code(), Some(8), "{}", text(&resolved.stdout));
    stand.wallet.be(Mood::Well);
    let found = stand.run(&["get", &url]).await;
    assert_eq!((found.status.code(), text(&found.stdout)), (Some(0), "GET weather "), "{}", text(&found.stderr));
    assert_eq!((stand.wallet.asked("pay_invoice"), stand.machine.wallet.payments_sent()), (1, 1));
}

#[tokio::test]
async fn a_look_at_the_wallet_pays_nothing_and_says_what_it_has_not_proven() {
    let stand = Stand::new(|wallet| wallet.methods(&["get_info", "pay_invoice", "pay_keysend"])).await;
    let looked = stand.run(&["wallet", "check"]).await;
    assert_eq!(looked.status.code(), Some(0), "{}", text(&looked.stderr));
    let lines: Vec<&str> = text(&looked.stdout).lines().collect();
    let relay = stand.relay.url();
    assert_eq!(
        lines,
        [
            &*format!("relay {relay}: connected, without TLS: others can see that a wallet is asked"),
            "wallet fake on regtest, NIP-44, allows get_info pay_invoice pay_keysend",
            "warning: no `lookup_invoice`: a payment whose answer gets lost stays unknown",
            "warning: the connection allows more than paying invoices: pay_keysend",
            "limits on fee and blocks: not enforced by the wallet; set a budget there as well",
            "preimages: not proven; try with `l402 wallet check --pay INVOICE`",
        ]
    );
    assert_eq!(stand.wallet.asked("pay_invoice"), 0);
}

#[tokio::test]
async fn a3_only_a_payment_shows_that_a_wallet_returns_preimages() {
    let stand = Stand::new(|wallet| wallet).await;
    stand.wallet.be(Mood::HidesPreimage);
    let tried = stand.run(&["wallet", "check", "--pay", &stand.invoice().await]).await;
    assert_eq!(tried.status.code(), Some(8), "{}", text(&tried.stderr));
    assert!(text(&tried.stderr).contains("returned no preimage"), "{}", text(&tried.stderr));

    let stopped = stand.run(&["get", &stand.machine.shop.url("/weather")]).await;
    assert_eq!((stopped.status.code(), stand.wallet.asked("pay_invoice")), (Some(7), 1), "{}", text(&stopped.stderr));
    assert!(
        text(&stand.run(&["wallet", "check"]).await.stdout).contains("\nstopped: it paid and returned no preimage")
    );

    stand.wallet.be(Mood::Well);
    let tried = stand.run(&["wallet", "check", "--pay", &stand.invoice().await]).await;
    assert_eq!(text(&tried.stdout), "preimages: proven; paid 3 sat and a fee of 0 sat\n", "{}", text(&tried.stderr));
    assert_eq!(stand.run(&["get", &stand.machine.shop.url("/weather")]).await.status.code(), Some(0));
}

#[tokio::test]
async fn o2_what_is_wrong_with_the_connection_is_said_without_its_secret() {
    let stand = Stand::new(|wallet| wallet.methods(&["get_info", "make_invoice"])).await;
    let secret = stand.wallet.uri().rsplit('=').next().unwrap();
    let refused = stand.run(&["wallet", "check"]).await;
    assert_eq!(refused.status.code(), Some(7));
    assert!(text(&refused.stderr).contains("does not allow `pay_invoice`"), "{}", text(&refused.stderr));
    assert!(!text(&refused.stderr).contains(secret));

    let file = stand.machine.folder.path().join("wallet.nwc");
    fs::write(&file, &stand.wallet.uri()[..stand.wallet.uri().len() - 3]).unwrap();
    for (mode, expected) in
        [(0o644, "instead of 600"), (0o600, "was cut short: its secret has 61 of 64 digits (NWC_URI)")]
    {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let mut command = stand.machine.command(&["wallet", "check", "--wallet", "nwc"]);
        let refused = command.env("NWC_URI", &file).output().await.unwrap();
        let told = text(&refused.stderr);
        assert!(told.contains(expected) && !told.contains(&secret[..20]), "{told}");
    }
}
