//! A user with a wallet that counts what it is asked.

use crate::server::Server;
use clap::Parser;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use l402_client::cli::{Cli, Command};
use l402_client::exit::Exit;
use l402_client::get;
use l402_client::get::report::{ReportEvent, Reporter};
use l402_client::home::Home;
use l402_core::{Msat, PaymentHash};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, LookupError, Network, Paid, PayError, PayLimit, PaymentSource,
    PaymentStatus,
};
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const PRICE_MSAT: u64 = 21_000;

pub(crate) struct Buyer {
    pub(crate) payee: FakeNode,
    pub(crate) wallet: Arc<CountingWallet>,
    folder: TempDir,
}

/// How a command ended.
pub(crate) struct Outcome {
    pub(crate) exit: Exit,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) report: String,
}

impl Buyer {
    pub(crate) fn new() -> Self {
        let network = FakeNetwork::new();
        let wallet = CountingWallet { node: network.node(), asked: AtomicUsize::new(0) };
        Self { payee: network.node(), wallet: Arc::new(wallet), folder: tempfile::tempdir().unwrap() }
    }

    /// An invoice that the buyer's wallet can pay, unless the payee was told to lie.
    pub(crate) async fn invoice(&self, amount_msat: u64) -> Invoice {
        let request =
            InvoiceRequest { amount_msat: Msat::new(amount_msat), description: "a", expiry: Duration::from_mins(5) };
        self.payee.create_invoice(request).await.unwrap()
    }

    /// Runs `l402 get`.
    pub(crate) async fn get(&self, url: &str, options: &[&str]) -> Outcome {
        let data = self.folder.path().join("data").into_os_string().into_string().unwrap();
        let fixed = ["l402", "get", url, "--data-dir", &data, "--config", "/dev/null"];
        let cli = Cli::try_parse_from(fixed.iter().chain(options)).unwrap();
        let home = Home::open(&cli.home).unwrap();
        let Command::Get(args) = cli.command else { panic!("not a get") };
        let (mut out, mut report) = (Vec::new(), Vec::new());
        let mut reporter = Reporter::new(&mut report, args.output.json, args.output.quiet);
        let result = get::run(&args, &home, Arc::clone(&self.wallet), &mut out, &mut reporter).await;
        let exit = result.unwrap_or_else(|failure| {
            reporter.tell(&ReportEvent::from(&failure));
            failure.exit()
        });
        let [out, report] = [out, report].map(|bytes| String::from_utf8(bytes).unwrap());
        Outcome { exit, out, report }
    }

    /// Demands that nothing is paid for what a server demands: the wallet is not even asked.
    pub(crate) async fn declines(&self, what: &str, demand: String, options: &[&str], exit: Exit, word: &str) {
        let server = Server::sell(demand).await;
        let asked_before = self.wallet.asked();
        let outcome = self.get(&server.url("/"), options).await;
        assert_eq!(outcome.exit, exit, "{what}: {}", outcome.report);
        assert!(outcome.report.contains(word), "{what}: {}", outcome.report);
        assert_eq!(outcome.out, "", "{what}: standard output is for the body alone");
        assert_eq!(self.wallet.asked(), asked_before, "{what}: the wallet was asked to pay");
        assert_eq!((server.seen().len(), server.credentials().len()), (1, 0), "{what}: it was asked again");
    }
}

/// A fake node that counts how often it is asked to pay, whether it does or not.
#[derive(Debug)]
pub(crate) struct CountingWallet {
    pub(crate) node: FakeNode,
    asked: AtomicUsize,
}

impl CountingWallet {
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl PaymentSource for CountingWallet {
    fn network(&self) -> Network {
        self.node.network()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.node.pay(invoice, limit).await
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.node.payment(hash).await
    }
}
