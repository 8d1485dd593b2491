//! The table `[lnd]` of a program that pays, and the environment variables that override it.

use crate::config::LndConfig;
use crate::material::Setting;
use core::error::Error as _;
use core::fmt;
use l402_lightning::{Cause, Network, backend};
use serde::Deserialize;

/// `[lnd]`: an LND that runs elsewhere. The variables `LND_SOCKET`, `LND_CERT` and `LND_MACAROON` go before it, and
/// `LND_CONNECT` in place of all three. `Debug` shows the address alone: the others may be values instead of paths.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LndPayerSettings {
    /// `bitcoin`, `testnet`, `signet` or `regtest`; `bitcoin` unless set.
    #[serde(default, deserialize_with = "backend::network")]
    pub(super) network: Option<Network>,
    /// Host and port of its gRPC interface.
    pub(super) socket: Option<String>,
    /// The path of its certificate, or the certificate itself.
    pub(super) cert: Option<String>,
    /// The path of a macaroon with `info:read offchain:read offchain:write`, or the macaroon itself.
    pub(super) macaroon: Option<String>,
}

impl fmt::Debug for LndPayerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LndPayerSettings")
            .field("network", &self.network)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

/// What the environment says goes before the file, each variable for itself; a URI there stands for the whole section.
pub(super) fn settings(
    section: &LndPayerSettings,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<LndConfig, Cause> {
    let all_here = Setting::Uri.look_up(environment).is_some();
    let written = |variable: &str| {
        let all = [
            (Setting::Socket, &section.socket),
            (Setting::Certificate, &section.cert),
            (Setting::Macaroon, &section.macaroon),
        ];
        let (_, value) = all.into_iter().find(|(setting, _)| !all_here && setting.variable() == variable)?;
        value.clone()
    };
    let set = |variable: &str| environment(variable).filter(|value| !value.trim().is_empty());
    LndConfig::from_environment(|variable| set(variable).or_else(|| written(variable))).map_err(|fault| {
        let (key, variable) = (key(fault.setting()), fault.setting().variable());
        let cause = fault.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        let place = match fault.setting() {
            Setting::Uri => String::new(),
            _ if all_here => format!(", or the URI in {}", Setting::Uri.variable()),
            _ => format!(", or `{key}` under `[lnd]` in the configuration"),
        };
        format!("{fault}{cause} ({variable}{place})").into()
    })
}

const fn key(setting: Setting) -> &'static str {
    match setting {
        Setting::Certificate => "cert",
        Setting::Macaroon => "macaroon",
        _ => "socket",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::macaroon::{RootKey, base64, hex, mint};
    use rcgen::{CertificateParams, KeyPair};

    /// A macaroon that allows to read something of this name.
    fn macaroon(entity: &[u8]) -> String {
        let field = |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
        let op = [field(0x0a, entity), field(0x12, b"read")].concat();
        let identifier = [vec![3], field(0x1a, &op)].concat();
        let (mut bytes, mut text) = ([0; 128], [0; 256]);
        let macaroon = mint(&RootKey::new(b"root"), b"lnd", &identifier, &[], &mut bytes).unwrap();
        hex::encode_into(macaroon.as_bytes(), &mut text).unwrap().to_owned()
    }

    fn certificate() -> String {
        let made = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let made = made.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let mut text = vec![0; base64::encoded_len(made.der().len())];
        base64::encode_into(made.der(), &mut text).unwrap().to_owned()
    }

    #[test]
    fn a_uri_of_the_environment_stands_for_the_whole_section() {
        let uri = format!("lndconnect://first:1?cert={}&macaroon={}", certificate(), macaroon(b"first"));
        let section = LndPayerSettings {
            network: None,
            socket: Some("file:3".to_owned()),
            cert: Some(certificate()),
            macaroon: Some(macaroon(b"file")),
        };
        let read = |variables: &[(&str, &str)]| {
            let found =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let config = settings(&section, &found).unwrap();
            let allows = config.macaroon.permissions().unwrap().iter().map(ToString::to_string).collect::<String>();
            (config.socket.to_string(), allows)
        };
        let expected = |socket: &str, allows: &str| (socket.to_owned(), allows.to_owned());
        assert_eq!(read(&[]), expected("file:3", "file:read"));
        assert_eq!(read(&[("LND_CONNECT", " "), ("LND_SOCKET", "second:2")]), expected("second:2", "file:read"));
        assert_eq!(read(&[("LND_CONNECT", &uri)]), expected("first:1", "first:read"));
        assert_eq!(read(&[("LND_CONNECT", &uri), ("LND_SOCKET", "second:2")]), expected("second:2", "first:read"));

        let cut = format!("lndconnect://first:1?cert={}", certificate());
        let cut = [("LND_CONNECT", &*cut)];
        let found = |name: &str| cut.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let told = settings(&section, &found).unwrap_err().to_string();
        assert_eq!(told, "LND's macaroon is not set (LND_MACAROON, or the URI in LND_CONNECT)");
    }
}
