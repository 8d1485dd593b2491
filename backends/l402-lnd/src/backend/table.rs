//! The settings of an LND that a gateway is paid by: from the file, from the environment, or from both.

use crate::certificate::Certificate;
use crate::config::LndConfig;
use crate::macaroon::LndMacaroon;
use crate::material::{Setting, SettingError};
use crate::socket::Socket;
use crate::uri::LndUri;
use l402_lightning::Network;
use l402_lightning::backend::{PayeeTable, network};
use l402_program::Causes;
use l402_program::config::{At, Problems, Text, ValueOrigin};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The settings as they are written. The doc comments are the descriptions in the printed schema.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct LndTable {
    /// not used: LND stores its own state.
    storage_dir: Option<PathBuf>,
    /// the Bitcoin network.
    #[serde(deserialize_with = "network")]
    #[schemars(with = "Option<String>")]
    network: Option<Network>,
    /// host and port of its gRPC interface.
    #[schemars(extend("examples" = ["127.0.0.1:10009"]))]
    socket: Option<At<String>>,
    /// its certificate: a path such as `tls.cert`, PEM, or base64.
    cert: Option<At<Text>>,
    /// a macaroon with `info:read invoices:read invoices:write`: a path, hexadecimal, or base64.
    macaroon: Option<At<Text>>,
    /// an `lndconnect://` URI, replaces `socket`, `cert` and `macaroon`.
    connect: Option<At<Text>>,
    /// puts channels that are not announced into invoices. Default: true.
    private_hints: Option<bool>,
}

/// Turns what is written into settings that make sense.
pub(super) struct Reader<'a, 't> {
    pub(super) table: &'a PayeeTable<'a>,
    pub(super) problems: &'a mut Problems<'t>,
}

impl Reader<'_, '_> {
    pub(super) fn config(&mut self, written: LndTable) -> Option<LndConfig> {
        if written.storage_dir.is_some() {
            self.problems.missing(&self.table.key("storage_dir"), "not used with LND, which stores its own state");
        }
        // A URI of the environment stands for the whole way to LND: no part of the file's is joined to it.
        let all_here = Setting::Uri.look_up(self.table.environment).is_some();
        let file = |text: Option<At<Text>>| text.filter(|_| !all_here);
        let socket = written.socket.map(|at| At { value: Text::literal(&at.value), origin: at.origin });
        let uri = self.setting(Setting::Uri, file(written.connect), |text, _| text.parse::<LndUri>());
        let socket = self.setting(Setting::Socket, file(socket), |text, _| text.parse::<Socket>());
        let certificate = self.setting(Setting::Certificate, file(written.cert), Certificate::find);
        let macaroon = self.setting(Setting::Macaroon, file(written.macaroon), LndMacaroon::find);
        let (all, uri) = match uri? {
            Some(uri) => (Some(uri.socket), (uri.certificate, uri.macaroon)),
            None => (None, (None, None)),
        };
        let socket = self.required(Setting::Socket, socket.map(|own| own.or(all)), all_here);
        let certificate = self.required(Setting::Certificate, certificate.map(|own| own.or(uri.0)), all_here);
        let macaroon = self.required(Setting::Macaroon, macaroon.map(|own| own.or(uri.1)), all_here);
        let mut config = LndConfig::new(socket?, certificate?, macaroon?);
        config.network = written.network;
        config.private_hints = written.private_hints.unwrap_or(true);
        Some(config)
    }

    /// Reads a setting; the environment goes before the file. `None` where it is wrong, `Some(None)` where it is not there.
    #[expect(clippy::option_option, reason = "what is wrong has been told, what is missing has not")]
    fn setting<T>(
        &mut self,
        setting: Setting,
        written: Option<At<Text>>,
        parse: impl FnOnce(&str, &Path) -> Result<T, SettingError>,
    ) -> Option<Option<T>> {
        let (text, origin, base) = match (setting.look_up(self.table.environment), written) {
            (Some(value), _) => (value, ValueOrigin::Variable(setting.variable()), Path::new("")),
            (None, None) => return Some(None),
            (None, Some(at)) => match at.value.resolve(self.table.environment) {
                Ok(text) => (text, at.origin, self.table.base),
                Err(fault) => {
                    self.problems.wrong_at(&self.table.key(key(setting)), &at.origin, fault);
                    return None;
                }
            },
        };
        match parse(&text, base) {
            Ok(value) => Some(Some(value)),
            Err(fault) => {
                self.problems.wrong_at(&self.table.key(key(setting)), &origin, Causes(&fault));
                None
            }
        }
    }

    /// Tells of a setting that is nowhere: not in the environment, and, unless that says all, not in the file.
    #[expect(clippy::option_option, reason = "what is wrong has been told, what is missing has not")]
    fn required<T>(&mut self, setting: Setting, found: Option<Option<T>>, all_here: bool) -> Option<T> {
        let found = found?;
        if found.is_none() {
            let (what, variable, uri) = (description(setting), setting.variable(), Setting::Uri.variable());
            let instead = if all_here { format!("; {uri} has none") } else { "; write it here".to_owned() };
            self.problems.missing(&self.table.key(key(setting)), format_args!("{what}{instead}, or set {variable}"));
        }
        found
    }
}

const fn key(setting: Setting) -> &'static str {
    match setting {
        Setting::Socket => "socket",
        Setting::Certificate => "cert",
        Setting::Macaroon => "macaroon",
        _ => "connect",
    }
}

const fn description(setting: Setting) -> &'static str {
    match setting {
        Setting::Socket => "missing host and port of LND, such as \"127.0.0.1:10009\"",
        Setting::Certificate => "missing certificate of LND, such as \"/home/lnd/.lnd/tls.cert\"",
        Setting::Macaroon => "missing macaroon for LND, such as \"l402-payee.macaroon\"",
        _ => "missing lndconnect URI",
    }
}
