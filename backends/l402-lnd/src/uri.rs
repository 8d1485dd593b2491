//! `lndconnect://host:port?cert=…&macaroon=…`: all that a client needs, in one secret text.

use super::certificate::Certificate;
use super::macaroon::LndMacaroon;
use super::material::{Setting, SettingError, SettingFault};
use super::socket::Socket;
use core::str::FromStr;

/// What an `lndconnect://` URI says. It may leave out the certificate or the macaroon, which then come from elsewhere.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LndUri {
    /// Where LND listens for gRPC.
    pub socket: Socket,
    /// What LND is recognised by.
    pub certificate: Option<Certificate>,
    /// What LND is shown.
    pub macaroon: Option<LndMacaroon>,
}

impl FromStr for LndUri {
    type Err = SettingError;

    /// Takes a URI apart. Both values are base64, of the URL-safe alphabet as a rule; a file is not looked for.
    fn from_str(uri: &str) -> Result<Self, SettingError> {
        let malformed = || SettingError::new(Setting::Uri, SettingFault::Malformed);
        let rest = uri.trim().strip_prefix("lndconnect://").ok_or_else(malformed)?;
        let (socket, query) = rest.split_once('?').ok_or_else(malformed)?;
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, value)| *key == name && !value.is_empty()).map(|(_, value)| value)
        };
        Ok(Self {
            socket: socket.parse()?,
            certificate: value("cert").map(|text| Certificate::of_text(text).ok_or_else(malformed)).transpose()?,
            macaroon: value("macaroon").map(|text| LndMacaroon::of_text(text).ok_or_else(malformed)).transpose()?,
        })
    }
}
