//! A user with a data directory and a wallet, and a shop to buy from.

use crate::shop::Shop;
use clap::Parser;
use l402_agent::store::Database;
use l402_agent::store::payments::Payments;
use l402_agent::store::private::PrivateDir;
use l402_agent::store::tokens::Tokens;
use l402_client::cli::{Cli, Command};
use l402_client::exit::Exit;
use l402_client::get;
use l402_client::get::report::{ReportEvent, Reporter};
use l402_client::home::Home;
use l402_lightning::testing::{FakeNetwork, FakeNode};
use rusqlite::Connection;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A user with a data folder and a wallet, and a shop to buy from.
pub(crate) struct Buyer {
    pub(crate) folder: TempDir,
    pub(crate) wallet: FakeNode,
    pub(crate) payee: FakeNode,
    pub(crate) shop: Shop,
}

pub(crate) struct Outcome {
    pub(crate) exit: Exit,
    pub(crate) out: String,
    pub(crate) report: String,
}

impl Buyer {
    pub(crate) async fn new() -> Self {
        let network = FakeNetwork::new();
        let payee = network.node();
        let shop = Shop::open(payee.clone()).await;
        Self { folder: tempfile::tempdir().unwrap(), wallet: network.node(), payee, shop }
    }

    /// Runs `l402 get` for a path of the shop.
    pub(crate) async fn get(&self, path: &str, options: &[&str]) -> Outcome {
        self.get_url(&self.shop.url(path), options).await
    }

    pub(crate) async fn get_url(&self, url: &str, options: &[&str]) -> Outcome {
        let data = self.data().into_os_string().into_string().unwrap();
        let fixed = ["l402", "get", url, "--data-dir", &data, "--config", "/dev/null"];
        let cli = Cli::try_parse_from(fixed.iter().chain(options)).unwrap();
        let home = Home::open(&cli.home).unwrap();
        let Command::Get(args) = cli.command else { panic!("not a get") };
        let (mut out, mut report) = (Vec::new(), Vec::new());
        let mut reporter = Reporter::new(&mut report, args.output.json, args.output.quiet);
        let result = get::run(&args, &home, Arc::new(self.wallet.clone()), &mut out, &mut reporter).await;
        let exit = result.unwrap_or_else(|failure| {
            reporter.tell(&ReportEvent::from(&failure));
            failure.exit()
        });
        Outcome { exit, out: String::from_utf8(out).unwrap(), report: String::from_utf8(report).unwrap() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&PrivateDir::open(self.data()).unwrap()).unwrap()
    }

    pub(crate) fn tokens(&self) -> Tokens {
        Tokens::new(self.database())
    }

    pub(crate) fn payments(&self) -> Payments {
        Payments::new(self.database()).unwrap()
    }

    /// Changes the database behind the program's back.
    pub(crate) fn sql(&self, sql: &str) {
        Connection::open(self.data().join("store.sqlite")).unwrap().execute(sql, []).unwrap();
    }

    /// Counts the kept tokens.
    pub(crate) fn kept(&self) -> usize {
        self.tokens().all().unwrap().len()
    }

    pub(crate) fn paid(&self) -> usize {
        self.wallet.payments_sent()
    }
}

/// Returns three words that occur twice.
pub(crate) fn said_twice(text: &str) -> Option<String> {
    let words: Vec<_> = text.split_whitespace().map(|word| word.trim_matches([':', ',', ';'])).collect();
    let mut seen = HashSet::new();
    words.windows(3).find(|three| !seen.insert(three.to_vec())).map(|three| three.join(" "))
}
