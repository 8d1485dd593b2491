//! `--wallet auto`: the wallet that the configuration file speaks of.
//!
//! 1. The file decides: its `wallet`, or else the one wallet that it has a table for. Without either it is play money.
//! 2. Environment variables decide nothing: a `NWC_URI` that some other program needs never becomes what pays.
//! 3. The choice is told.

// Threats: A5.

use super::kind::WalletKind;
use crate::config::Config;
use crate::exit::{Exit, Failure};

/// A wallet that was chosen for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The wallet.
    pub kind: WalletKind,
    /// Why, in a sentence.
    pub why: &'static str,
}

/// Chooses a wallet.
///
/// # Errors
/// [`Failure`] where the file speaks of several wallets, or this build has none.
pub(crate) fn choose(config: &Config) -> Result<Choice, Failure> {
    if let Some(kind) = config.wallet {
        return Ok(Choice { kind, why: "the configuration file names it" });
    }
    match config.tables.as_slice() {
        [kind] => Ok(Choice { kind: *kind, why: "the configuration file has a table for it, and for no other wallet" }),
        [] => {
            let play = WalletKind::named("sandbox").map(|kind| Choice {
                kind,
                why: "the configuration file names no wallet, so this is play money; environment variables decide nothing",
            });
            play.ok_or_else(|| Failure::say(Exit::Usage, "the configuration file names no wallet; use --wallet"))
        }
        several => {
            let names: Vec<_> = several.iter().map(|kind| kind.name()).collect();
            let say = format!(
                "the configuration file has tables for {}; name one with `wallet =` or --wallet",
                names.join(", ")
            );
            Err(Failure::say(Exit::Usage, say))
        }
    }
}

#[cfg(all(test, feature = "ldk", feature = "lnd", feature = "nwc", feature = "sandbox"))]
mod tests {
    use super::*;

    #[test]
    fn a5_only_the_file_decides() {
        for (text, chosen) in [
            ("", Some("sandbox")),
            ("max_price = '5 sat'", Some("sandbox")),
            ("wallet = 'ldk'\n[nwc]\nnetwork = 'signet'", Some("ldk")),
            ("[nwc]\nnetwork = 'signet'", Some("nwc")),
            ("[nwc]\nnetwork = 'signet'\n[ldk]\nnetwork = 'signet'", None),
        ] {
            let found = choose(&Config::parse(text).unwrap()).ok();
            assert_eq!(found.map(|choice| choice.kind.name()), chosen, "{text}");
        }
    }
}
