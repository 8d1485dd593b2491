//! An LND of the user's, which runs elsewhere. What it sends goes on, and is remembered, without this process.

use crate::config::LndSection;
use crate::home::Home;
use core::error::Error as _;
use l402_lightning::{Cause, Network};
use l402_lnd::{LndConfig, LndError, LndPayer, Role, Setting};
use std::env;

pub(super) use l402_lnd::LndPayer as Opened;

/// Real money unless the user says otherwise.
#[expect(clippy::unnecessary_wraps, reason = "another kind of wallet may not know it")]
pub(super) fn network(home: &Home) -> Result<Network, Cause> {
    Ok(home.lnd.network.unwrap_or(Network::Bitcoin))
}

/// Tells one LND from another, also where both are reached at the same address at different times: only the one that was asked to
/// pay knows what became of it.
pub(super) fn place(home: &Home) -> Result<String, Cause> {
    let config = config(home)?;
    Ok(format!("{}/{}", config.socket, config.certificate.fingerprint()))
}

pub(super) async fn open(home: &Home) -> Result<LndPayer, Cause> {
    let config = config(home)?;
    match LndPayer::connect(&config).await {
        Err(fault @ LndError::Denied(_)) => {
            Err(format!("{fault}; make one that is enough with `{}`", Role::Payer.bake(config.network)).into())
        }
        opened => Ok(opened?),
    }
}

fn config(home: &Home) -> Result<LndConfig, Cause> {
    let mut config = settings(&home.lnd, |variable| env::var(variable).ok())?;
    config.network = Some(network(home)?);
    Ok(config)
}

/// What the environment says goes before the file, each variable for itself; a URI there stands for the whole section.
fn settings(section: &LndSection, environment: impl Fn(&str) -> Option<String>) -> Result<LndConfig, Cause> {
    let all_here = Setting::Uri.look_up(&environment).is_some();
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
        let section = LndSection {
            network: None,
            socket: Some("file:3".to_owned()),
            cert: Some(certificate()),
            macaroon: Some(macaroon(b"file")),
        };
        let read = |variables: &[(&str, &str)]| {
            let found =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let config = settings(&section, found).unwrap();
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
        let told = settings(&section, found).unwrap_err().to_string();
        assert_eq!(told, "LND's macaroon is not set (LND_MACAROON, or the URI in LND_CONNECT)");
    }
}
