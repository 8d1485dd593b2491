//! The table `[nwc]` of a program that pays, and the environment variable that overrides it.

use crate::find::FindError;
use crate::uri::NwcUri;
use core::error::Error as _;
use core::fmt;
use l402_lightning::{Cause, Network, backend};
use serde::Deserialize;
use std::path::Path;
use zeroize::Zeroizing;

/// `[nwc]`: a wallet that runs elsewhere. The variable `NWC_URI` goes before it. `Debug` shows the network alone: the rest may be a secret.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NwcPayerSettings {
    /// `bitcoin`, `testnet`, `signet` or `regtest`; `bitcoin` unless set.
    #[serde(default, deserialize_with = "backend::network")]
    pub(super) network: Option<Network>,
    /// The connection string, or the path of its file.
    #[serde(default)]
    uri: Option<Zeroizing<String>>,
}

impl fmt::Debug for NwcPayerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NwcPayerSettings").field("network", &self.network).finish_non_exhaustive()
    }
}

impl NwcPayerSettings {
    /// Returns the connection: that of the environment, else that of the file.
    pub(super) fn find(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<NwcUri, Cause> {
        let set = environment(VARIABLE).map(Zeroizing::new).filter(|value| !value.trim().is_empty());
        let (text, place) = match (&set, &self.uri) {
            (Some(text), _) => (text.as_str(), VARIABLE),
            (None, Some(text)) => (text.as_str(), "`uri` under `[nwc]` in the configuration"),
            (None, None) => ("", "NWC_URI, or `uri` under `[nwc]` in the configuration"),
        };
        NwcUri::find(text, Path::new("")).map_err(|fault: FindError| {
            let cause = fault.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{fault}{cause} ({place})").into()
        })
    }
}

const VARIABLE: &str = "NWC_URI";

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(client: &str) -> String {
        let wallet = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4";
        format!("nostr+walletconnect://{wallet}?relay=ws://a&secret={}", client.repeat(32))
    }

    fn settings(text: Option<&str>) -> NwcPayerSettings {
        NwcPayerSettings { network: None, uri: text.map(|text| Zeroizing::new(text.to_owned())) }
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let written = settings(Some(&uri("01")));
        let first = written.find(&|_| None).unwrap();
        let second = written.find(&|name| (name == "NWC_URI").then(|| uri("02"))).unwrap();
        assert_eq!(first.client(), uri("01").parse::<NwcUri>().unwrap().client());
        assert_eq!(second.client(), uri("02").parse::<NwcUri>().unwrap().client());
        assert_eq!(written.find(&|_| Some(" ".to_owned())).unwrap().client(), first.client());
    }

    #[test]
    fn o2_what_is_wrong_names_its_place_and_no_secret() {
        let cut = &uri("71")[..150];
        for (settings, set, place) in [
            (settings(None), None, "(NWC_URI, or `uri` under `[nwc]` in the configuration)"),
            (settings(Some(cut)), None, "(`uri` under `[nwc]` in the configuration)"),
            (settings(None), Some(cut), "(NWC_URI)"),
        ] {
            let told = settings.find(&|_| set.map(str::to_owned)).unwrap_err().to_string();
            assert!(
                told.ends_with(place) && !told.contains("7171") && !format!("{settings:?}").contains("7171"),
                "{told}"
            );
        }
    }
}
