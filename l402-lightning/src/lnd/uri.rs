//! `lndconnect://host:port?cert=…&macaroon=…`: all that a client needs, in one secret text.

use super::certificate::Certificate;
use super::macaroon::LndMacaroon;
use super::material::{Setting, SettingError, SettingFault};
use super::socket::Socket;

/// Takes a URI apart. Both values are base64, of the URL-safe alphabet as a rule; a file is not looked for.
pub(super) fn parse(uri: &str) -> Result<(Socket, Certificate, LndMacaroon), SettingError> {
    let malformed = || SettingError::new(Setting::Uri, SettingFault::Malformed);
    let rest = uri.trim().strip_prefix("lndconnect://").ok_or_else(malformed)?;
    let (socket, query) = rest.split_once('?').ok_or_else(malformed)?;
    let value = |name: &str, setting| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.find(|(key, value)| *key == name && !value.is_empty());
        found.map(|(_, value)| value).ok_or(SettingError::new(setting, SettingFault::Missing))
    };
    let (certificate, macaroon) = (value("cert", Setting::Certificate)?, value("macaroon", Setting::Macaroon)?);
    Ok((
        socket.parse()?,
        Certificate::of_text(certificate).ok_or_else(malformed)?,
        LndMacaroon::of_text(macaroon).ok_or_else(malformed)?,
    ))
}
