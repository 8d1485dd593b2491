//! An LND that runs elsewhere: from the file, from the environment, or from both.

use l402_lnd::{Certificate, LndConfig, LndMacaroon, LndUri, Setting, SettingError, Socket};
use l402_program::Causes;
use std::path::Path;

use super::at::{At, ValueOrigin};
use super::file;
use super::lightning::network;
use super::resolve::Resolver;
use l402_program::config::Text;

impl Resolver<'_> {
    pub(super) fn lnd(&mut self, written: file::Lightning) -> Option<LndConfig> {
        if written.storage_dir.is_some() {
            self.problems.missing("lightning.storage_dir", "not used with LND, which stores its own state");
        }
        // A URI of the environment stands for the whole way to LND: no part of the file's is joined to it.
        let all_here = Setting::Uri.look_up(self.environment).is_some();
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
        config.network = written.network.map(|at| network(at.value));
        config.private_hints = written.private_hints.is_none_or(|at| at.value);
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
        let (text, origin, base) = match (setting.look_up(self.environment), written) {
            (Some(value), _) => (value, ValueOrigin::Variable(setting.variable()), Path::new("")),
            (None, None) => return Some(None),
            (None, Some(at)) => match at.value.resolve(self.environment) {
                Ok(text) => (text, at.origin, self.base),
                Err(fault) => {
                    self.problems.wrong_at(key(setting), &at.origin, fault);
                    return None;
                }
            },
        };
        match parse(&text, base) {
            Ok(value) => Some(Some(value)),
            Err(fault) => {
                self.problems.wrong_at(key(setting), &origin, Causes(&fault));
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
            self.problems.missing(key(setting), format_args!("{what}{instead}, or set {variable}"));
        }
        found
    }
}

const fn key(setting: Setting) -> &'static str {
    match setting {
        Setting::Socket => "lightning.socket",
        Setting::Certificate => "lightning.cert",
        Setting::Macaroon => "lightning.macaroon",
        _ => "lightning.connect",
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
