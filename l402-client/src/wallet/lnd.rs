//! An LND of the user's, which runs elsewhere. What it sends goes on, and is remembered, without this process.

use crate::home::Home;
use core::error::Error as _;
use l402_lightning::lnd::{LndConfig, LndError, LndPayer, Role, Setting};
use l402_lightning::{Cause, Network};
use std::env;

pub(super) use l402_lightning::lnd::LndPayer as Opened;

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

/// What the environment says goes before the file.
fn config(home: &Home) -> Result<LndConfig, Cause> {
    let section = &home.lnd;
    let written = |variable: &str| {
        let all = [
            (Setting::Socket, &section.socket),
            (Setting::Certificate, &section.cert),
            (Setting::Macaroon, &section.macaroon),
        ];
        all.into_iter().find(|(setting, _)| setting.variable() == variable).and_then(|(_, value)| value.clone())
    };
    let set = |variable: &str| env::var(variable).ok().filter(|value| !value.trim().is_empty());
    let read = LndConfig::from_environment(|variable| set(variable).or_else(|| written(variable)));
    let mut config = read.map_err(|fault| {
        let (key, variable) = (key(fault.setting()), fault.setting().variable());
        let cause = fault.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{fault}{cause} ({variable}, or `{key}` under `[lnd]` in the configuration)")
    })?;
    config.network = Some(network(home)?);
    Ok(config)
}

const fn key(setting: Setting) -> &'static str {
    match setting {
        Setting::Certificate => "cert",
        Setting::Macaroon => "macaroon",
        _ => "socket",
    }
}
