//! A network for a person: what it is made of goes to standard output, ready to paste.

use core::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use l402_regtest::lnd::{LndNode, Macaroon, PAY, SELL};
use l402_regtest::wallet::{self, WalletServer};
use l402_regtest::{DEFAULT_CHANNEL_SAT, Network, NetworkBuilder, NodeKind};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Args)]
pub(crate) struct Options {
    /// The nodes, `(lnd)` or `(ldk)`, and a dash for each channel; a comma begins another line of nodes, in which those that
    /// were there before are named alone: "a(lnd) - b(lnd) - c(ldk), a - c"
    #[arg(default_value = "alice(lnd) — bob(lnd) — carol(ldk)")]
    topology: NetworkBuilder,

    /// The size of each channel in satoshis; each side owns half
    #[arg(long, value_name = "SAT", default_value_t = DEFAULT_CHANNEL_SAT,
          value_parser = clap::value_parser!(u64).range(100_000..=16_777_215))]
    channel_size: u64,

    /// Keep everything in this new folder, also afterwards [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Runs until Ctrl-C or `SIGTERM`, which also end a start that is under way.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let end = async {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    };
    tokio::select! {
        ran = stand(options) => ran,
        () = end => Ok(()),
    }
}

/// Starts the network, shows it, and keeps it until this is dropped.
async fn stand(options: Options) -> anyhow::Result<()> {
    let mut builder = options.topology.channel_size(options.channel_size);
    if let Some(dir) = options.dir {
        builder = builder.dir(empty(&dir)?);
    }
    eprintln!("starting; this takes some seconds");
    let network = builder.start().await?;
    let (text, _wallets) = describe(&network).await?;
    // Who closes standard output does not want to read it.
    let _ = std::io::stdout().write_all(text.as_bytes());
    core::future::pending().await
}

/// Returns `dir` as an absolute path, for the lines to paste work in any folder.
fn empty(dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let is_empty = dir.read_dir()?.next().is_none();
    anyhow::ensure!(is_empty, "{} is not empty; use an empty directory", dir.display());
    Ok(dir.canonicalize()?)
}

/// Returns how to reach everything, and the wallets that this serves meanwhile.
async fn describe(network: &Network) -> anyhow::Result<(String, Vec<WalletServer>)> {
    let mut text = String::new();
    let mut wallets = Vec::new();
    for (name, kind) in network.nodes() {
        let (id, address) = network.peer(name)?;
        match kind {
            NodeKind::Lnd => {
                writeln!(text, "{name} (lnd) {id}@{address}")?;
                text += &lnd(network.lnd(name)).await?;
            }
            NodeKind::Ldk => {
                let file = network.dir().join(name).join("wallet");
                writeln!(text, "{name} (ldk) {id}@{address}")?;
                writeln!(text, "  pay:      L402_WALLET=sandbox L402_SANDBOX={}", quoted(&file))?;
                wallets.push(wallet::serve(network.ldk(name), file)?);
            }
        }
        text.push('\n');
    }
    for channel in network.channels() {
        writeln!(text, "{channel}")?;
    }
    let (rpc, folder) = (network.rpc(), quoted(network.dir()));
    let (user, password) = (rpc.credentials().user(), rpc.credentials().password());
    writeln!(text, "\nchain (bitcoind's RPC): http://{user}:{password}@{}", rpc.address())?;
    writeln!(text, "files and logs: {folder}\nblocks are mined as transactions come; Ctrl-C ends everything")?;
    Ok((text, wallets))
}

/// Returns the lines of one LND: for a gateway, for a client, and for a person.
async fn lnd(node: &LndNode) -> anyhow::Result<String> {
    let (sell, pay) = (node.bake("sell", &SELL).await?, node.bake("pay", &PAY).await?);
    let reach = |macaroon: &Path| {
        let (cert, macaroon) = (node.tls_cert(), quoted(macaroon));
        format!("LND_SOCKET={} LND_CERT={} LND_MACAROON={macaroon}", node.rpc_address(), quoted(&cert))
    };
    let mut text = String::new();
    writeln!(text, "  sell:     {}", reach(&sell))?;
    writeln!(text, "  pay:      L402_WALLET=lnd L402_NETWORK=regtest {}", reach(&pay))?;
    for macaroon in [Macaroon::Admin, Macaroon::ReadOnly, Macaroon::Invoice] {
        writeln!(text, "  {:10}{}", format!("{macaroon}:"), quoted(&node.macaroon(macaroon)))?;
    }
    let lncli = node.lncli();
    let words = core::iter::once(lncli.get_program()).chain(lncli.get_args()).map(|word| quoted(word.as_ref()));
    writeln!(text, "  lncli:    {}", words.collect::<Vec<_>>().join(" "))?;
    Ok(text)
}

/// Returns a word of a shell's command line.
fn quoted(word: &Path) -> String {
    let word = word.to_string_lossy();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:".contains(&byte);
    if word.bytes().all(plain) { word.into_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
