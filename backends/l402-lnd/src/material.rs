//! Settings that may be given as a value or as the name of a file, and what is wrong with one.

use core::fmt;
use l402_core::macaroon::{base64, hex};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Reads a file; a relative name begins at `base`.
pub(super) fn read(base: &Path, name: &str) -> io::Result<(Zeroizing<Vec<u8>>, Option<ExposedFile>)> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN)); // never grows: no copy is left behind
    let path = base.join(name);
    let mut file = File::open(&path)?;
    let mode = file.metadata()?.mode() & 0o777; // of what was opened, wherever the name leads by now
    (&mut file).take(MAX_LEN as u64).read_to_end(&mut bytes)?;
    Ok((bytes, (mode & 0o007 != 0).then_some(ExposedFile { path, mode })))
}

/// Decodes base64 of either alphabet, with line breaks and with or without padding.
pub(super) fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).take(MAX_LEN + 1).collect());
    decode(&text, base64::decoded_len(text.len()), |text, out| Some(base64::decode_into(text, out).ok()?.len()))
}

/// Decodes hexadecimal digits of either case.
pub(super) fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim().as_bytes();
    decode(text, text.len() / 2, |text, out| Some(hex::decode_into(text, out).ok()?.len()))
}

fn decode(
    text: &[u8],
    at_most: usize,
    into: impl FnOnce(&[u8], &mut [u8]) -> Option<usize>,
) -> Option<Zeroizing<Vec<u8>>> {
    if text.is_empty() || text.len() > MAX_LEN {
        return None;
    }
    let mut out = Zeroizing::new(vec![0; at_most]);
    let len = into(text, &mut out)?;
    out.truncate(len);
    Some(out)
}

/// A file that every user of the machine may open. Its group may: LND itself writes `admin.macaroon` so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExposedFile {
    path: PathBuf,
    mode: u32,
}

impl ExposedFile {
    /// Returns its name.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ExposedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, mode) = (self.path.display(), self.mode);
        write!(f, "{path} is accessible to every user of this machine (mode {mode:o}); run `chmod 600 {path}`")
    }
}

/// Which setting of the connection to LND.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setting {
    /// Host and port.
    Socket,
    /// The certificate that LND shows.
    Certificate,
    /// The macaroon that LND is shown.
    Macaroon,
    /// All three in one, as an `lndconnect://` URI.
    Uri,
}

impl Setting {
    /// Returns the variable of the environment that holds it.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Socket => "LND_SOCKET",
            Self::Certificate => "LND_CERT",
            Self::Macaroon => "LND_MACAROON",
            Self::Uri => "LND_CONNECT",
        }
    }

    /// Returns what the environment holds; what is blank is not set.
    ///
    /// A caller that has a file beside the environment asks for [`Setting::Uri`] first: where it is set, it stands for all that a file
    /// says of LND's address, certificate and macaroon, so that no half of one node is joined to a half of another.
    pub fn look_up(self, environment: impl Fn(&str) -> Option<String>) -> Option<Zeroizing<String>> {
        environment(self.variable()).map(Zeroizing::new).filter(|value| !value.trim().is_empty())
    }
}

/// A setting of the connection to LND cannot be used. It never repeats the value, which may be a secret.
#[derive(Debug)]
pub struct SettingError {
    setting: Setting,
    fault: SettingFault,
}

impl SettingError {
    pub(super) const fn new(setting: Setting, fault: SettingFault) -> Self {
        Self { setting, fault }
    }

    /// Returns which one.
    pub const fn setting(&self) -> Setting {
        self.setting
    }

    /// Returns what is wrong with it.
    pub const fn fault(&self) -> &SettingFault {
        &self.fault
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.setting, &self.fault) {
            (Setting::Socket, SettingFault::Missing) => f.write_str("LND's address is not set"),
            (Setting::Certificate, SettingFault::Missing) => f.write_str("LND's certificate is not set"),
            (Setting::Macaroon, SettingFault::Missing) => f.write_str("LND's macaroon is not set"),
            (Setting::Uri, SettingFault::Missing) => f.write_str("the lndconnect URI is not set"),
            (Setting::Socket, _) => f.write_str("LND's address is not host:port"),
            (Setting::Certificate, SettingFault::Unreadable(_)) => {
                f.write_str("LND's certificate is not PEM, base64, or a readable file")
            }
            (Setting::Certificate, _) => f.write_str("the file holds no certificate in PEM or DER"),
            (Setting::Macaroon, SettingFault::Unreadable(_)) => {
                f.write_str("LND's macaroon is not hexadecimal, base64, or a readable file")
            }
            (Setting::Macaroon, _) => f.write_str("the file holds no macaroon"),
            (Setting::Uri, _) => f.write_str("not of the form lndconnect://host:port?cert=…&macaroon=…"),
        }
    }
}

impl core::error::Error for SettingError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            SettingFault::Unreadable(cause) => Some(cause),
            _ => None,
        }
    }
}

/// What is wrong with a setting.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettingFault {
    /// It is not there, or empty.
    Missing,
    /// It is no value, and as the name of a file it cannot be read.
    Unreadable(io::Error),
    /// It was read and means nothing.
    Malformed,
}

/// More than any certificate chain or macaroon takes.
const MAX_LEN: usize = 64 * 1024;
