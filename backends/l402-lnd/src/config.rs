//! What an operator decides about the connection to LND.

use super::certificate::Certificate;
use super::macaroon::LndMacaroon;
use super::material::{Setting, SettingError, SettingFault};
use super::socket::Socket;
use super::uri::LndUri;
use core::time::Duration;
use l402_lightning::Network;
use std::path::Path;

/// The settings of an [`LndPayee`](super::LndPayee) or an [`LndPayer`](super::LndPayer).
///
/// ```no_run
/// use l402_lnd::{Certificate, LndConfig, LndMacaroon};
/// use std::path::Path;
///
/// let lnd = Path::new("/home/lnd/.lnd");
/// let config = LndConfig::new(
///     "127.0.0.1:10009".parse()?,
///     Certificate::find("tls.cert", lnd)?,
///     LndMacaroon::find("l402-payee.macaroon", lnd)?,
/// );
/// # Ok::<(), l402_lnd::SettingError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LndConfig {
    /// Where LND listens for gRPC.
    pub socket: Socket,
    /// What LND is recognised by.
    pub certificate: Certificate,
    /// What LND is shown.
    pub macaroon: LndMacaroon,
    /// The chain that LND must be on; any where it is `None`.
    pub network: Option<Network>,
    /// Payee: whether invoices hint at channels that are not announced. On by default: without hints, no payer finds the way
    /// through such a channel. An invoice of a node without such channels has no hints either way.
    pub private_hints: bool,
    /// Payer: into how many parts a payment may be split. 16 by default.
    pub max_parts: u32,
    /// How long LND may take for one answer; four seconds by default, which leaves a gateway time to say so. What a payment takes
    /// is not meant.
    pub deadline: Duration,
}

impl LndConfig {
    /// Returns the defaults.
    pub const fn new(socket: Socket, certificate: Certificate, macaroon: LndMacaroon) -> Self {
        Self {
            socket,
            certificate,
            macaroon,
            network: None,
            private_hints: true,
            max_parts: 16,
            deadline: Duration::from_secs(4),
        }
    }

    /// Reads `lndconnect://host:port?cert=…&macaroon=…`.
    ///
    /// # Errors
    /// [`SettingError`], also where the URI leaves something out.
    pub fn from_uri(uri: &str) -> Result<Self, SettingError> {
        let LndUri { socket, certificate, macaroon } = uri.parse()?;
        Self::of(Some(socket), certificate, macaroon)
    }

    /// Reads `LND_SOCKET`, `LND_CERT` and `LND_MACAROON`; whichever is not set comes from the URI in `LND_CONNECT`.
    ///
    /// Certificate and macaroon are values or names of files; see [`Certificate::find`] and [`LndMacaroon::find`].
    ///
    /// # Errors
    /// [`SettingError`], whose [`Setting::variable`] is the one to look at.
    pub fn from_environment(environment: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let value = |setting: Setting| setting.look_up(&environment);
        let uri = value(Setting::Uri).map(|uri| uri.parse::<LndUri>()).transpose()?;
        let here = Path::new("");
        let socket = value(Setting::Socket).map(|text| text.parse()).transpose()?;
        let certificate = value(Setting::Certificate).map(|text| Certificate::find(&text, here)).transpose()?;
        let macaroon = value(Setting::Macaroon).map(|text| LndMacaroon::find(&text, here)).transpose()?;
        match uri {
            Some(uri) => {
                Self::of(socket.or(Some(uri.socket)), certificate.or(uri.certificate), macaroon.or(uri.macaroon))
            }
            None => Self::of(socket, certificate, macaroon),
        }
    }

    fn of(
        socket: Option<Socket>,
        certificate: Option<Certificate>,
        macaroon: Option<LndMacaroon>,
    ) -> Result<Self, SettingError> {
        let missing = |setting| move || SettingError::new(setting, SettingFault::Missing);
        Ok(Self::new(
            socket.ok_or_else(missing(Setting::Socket))?,
            certificate.ok_or_else(missing(Setting::Certificate))?,
            macaroon.ok_or_else(missing(Setting::Macaroon))?,
        ))
    }
}
