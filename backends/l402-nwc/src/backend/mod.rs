//! How a program opens a wallet over Nostr Wallet Connect. What it sends goes on, and is remembered, without this process.

#[cfg(feature = "payee")]
mod payee;
mod settings;
#[cfg(feature = "payee")]
mod table;

use crate::config::NwcConfig;
use crate::error::NwcError;
use crate::identity::{Identity, Inspection, inspect};
use crate::payer::NwcPayer;
use crate::relay::{RelayState, RelayUrl};
use crate::sent::Sent;
use crate::wire::{Call as _, LookupSent, PayInvoice};
use l402_lightning::backend::{OpenPayer, PayerBackend, PayerHome, PayerSetting, PayerSetup};
use l402_lightning::{BoxFuture, Cause, EnforcedLimits, Invoice, Network, Paid, PayError, PayLimit, PayerWallet};
use l402_program::Causes;
use l402_program::config::{ConfigProblem, Section, Variable};
use settings::NwcPayerSettings;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "payee")]
pub use payee::NwcNode;

/// A wallet of the user's, which runs elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct NwcWallet;

impl PayerBackend for NwcWallet {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Your wallet, over Nostr Wallet Connect: NWC_URI"
    }

    fn unusable(&self) -> &'static str {
        "cannot use the wallet over Nostr Wallet Connect"
    }

    fn settings(&self) -> &'static [PayerSetting] {
        &SETTINGS
    }

    fn variables(&self) -> &'static [Variable] {
        &VARIABLES
    }

    fn read(&self, section: Section<'_>) -> Result<Arc<dyn PayerSetup>, ConfigProblem> {
        Ok(Arc::new(section.read::<NwcPayerSettings>()?))
    }
}

impl PayerSetup for NwcPayerSettings {
    /// Real money unless the user says otherwise.
    fn network(&self, home: &PayerHome<'_>) -> Result<Network, Cause> {
        Ok(home.flags.network().or(self.network).unwrap_or(Network::Bitcoin))
    }

    fn enforces(&self) -> EnforcedLimits {
        EnforcedLimits::NONE
    }

    /// Tells one connection from another, to the same wallet too: each is shown only its own payments.
    fn record_name(&self, network: Network, home: &PayerHome<'_>) -> Result<String, Cause> {
        let uri = self.find(home.environment)?;
        Ok(format!("{NAME}/{network}/{}/{}", uri.wallet(), uri.client()))
    }

    fn open<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<OpenPayer, Cause>> {
        Box::pin(async {
            let wallet = self.connect(home).await?;
            Ok(OpenPayer { wallet: PayerWallet::new(wallet), node: None })
        })
    }

    fn prove<'a>(
        &'a self,
        home: &'a PayerHome<'a>,
        invoice: &'a Invoice,
        limit: PayLimit,
    ) -> BoxFuture<'a, Result<Paid, PayError>> {
        Box::pin(async move {
            let wallet = self.connect(home).await.map_err(PayError::Unavailable)?;
            wallet.prove(invoice, limit).await
        })
    }

    /// What can be seen without paying. Whether a preimage comes back cannot.
    fn check<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<Vec<String>, Cause>> {
        Box::pin(async {
            let (config, folder) = self.config(home)?;
            let found = inspect(&config).await;
            let mut lines = lines(&found);
            let wallet = found.wallet.and_then(|wallet| wallet.needs(PayInvoice::METHOD).map(|()| wallet));
            let wallet = wallet.map_err(|fault| [lines.join("\n"), fault.to_string()].join("\n"))?;
            if !wallet.allows(LookupSent::METHOD) {
                lines.push("warning: no `lookup_invoice`: a payment whose answer gets lost stays unknown".to_owned());
            }
            let more = excess(&wallet);
            if !more.is_empty() {
                lines.push(format!("warning: the connection allows more than paying invoices: {}", more.join(" ")));
            }
            lines.push("limits on fee and blocks: not enforced by the wallet; set a budget there as well".to_owned());
            let is_stopped = Sent::open(&folder)?.is_stopped();
            lines.push(if is_stopped { STOPPED } else { NOT_PROVEN }.to_owned());
            Ok(lines)
        })
    }
}

/// Says what was found: relays first, since without them nothing else can be asked.
fn lines(found: &Inspection) -> Vec<String> {
    let relay = |(url, state): &(RelayUrl, RelayState)| match state {
        RelayState::Ready if url.is_secure() => format!("relay {url}: connected"),
        RelayState::Ready => format!("relay {url}: connected, without TLS: others can see that a wallet is asked"),
        RelayState::Connecting => format!("warning: relay {url}: no sign yet"),
        RelayState::Away(cause) => format!("warning: relay {url}: {}", Causes(&**cause)),
    };
    let mut lines: Vec<String> = found.relays.iter().map(relay).collect();
    if let Ok(wallet) = &found.wallet {
        let name = wallet.alias.as_deref().filter(|alias| !alias.is_empty()).unwrap_or("no name");
        lines.push(format!(
            "wallet {name} on {}, {}, allows {}",
            wallet.network,
            wallet.encryption,
            wallet.methods.join(" ")
        ));
    }
    lines
}

/// Methods that move money, beyond paying an invoice.
fn excess(wallet: &Identity) -> Vec<&str> {
    let more = |method: &&str| SPENDS.contains(method);
    wallet.methods.iter().map(String::as_str).filter(more).collect()
}

impl NwcPayerSettings {
    async fn connect(&self, home: &PayerHome<'_>) -> Result<NwcPayer, Cause> {
        let (config, folder) = self.config(home)?;
        NwcPayer::connect(&config, &folder).await.map_err(|fault| match fault {
            NwcError::Lacks(_) => format!("{fault}; allow it in the wallet, or make a new connection there").into(),
            fault => fault.into(),
        })
    }

    /// The directory has what was asked for over this connection.
    fn config(&self, home: &PayerHome<'_>) -> Result<(NwcConfig, PathBuf), Cause> {
        let mut config = NwcConfig::new(self.find(home.environment)?);
        config.network = Some(self.network(home)?);
        let folder = (home.directory)(NAME)?.join(config.uri.client());
        Ok((config, folder))
    }
}

const NAME: &str = "nwc";
const STOPPED: &str = "stopped: it paid and returned no preimage; try it with `l402 wallet check --pay INVOICE`";
const NOT_PROVEN: &str = "preimages: not proven; try with `l402 wallet check --pay INVOICE`";
/// What moves money otherwise than by an invoice.
const SPENDS: [&str; 3] = ["multi_pay_invoice", "pay_keysend", "multi_pay_keysend"];
const SETTINGS: [PayerSetting; 2] = [
    PayerSetting::new("network", "bitcoin", "The network of the wallet."),
    PayerSetting::new(
        "uri",
        "",
        "The connection string of the wallet, `nostr+walletconnect://…`, or the path of a file (mode 600) that holds it.",
    ),
];
const VARIABLES: [Variable; 1] = [Variable::new(
    "NWC_URI",
    "nwc.uri",
    "connection string of a wallet: `nostr+walletconnect://…`, or the path of its file",
)];
