//! A token on its way to lnget.

use crate::store::record::KeptToken;
use core::fmt;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};
use l402_core::{TokenFile, TokenFileError};
use l402_http::pay::Origin;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Writes a token into lnget's directory, as [`find`](super::find) reads it, and returns where. The file has mode 0600. One that is there stays.
///
/// # Errors
/// [`ExportError`]; no file was written then.
pub fn write(directory: &Path, token: &KeptToken) -> Result<PathBuf, ExportError> {
    let mut bytes = Zeroizing::new(vec![0; MAX_LEN]);
    let macaroon = base64::decode_into(token.token.as_bytes(), &mut bytes).map_err(|_| ExportError::Opaque)?;
    let macaroon = MacaroonRef::parse(macaroon).map_err(|_| ExportError::Opaque)?;
    let time_ns = i64::try_from(token.bought_at.get().saturating_mul(super::NANOS)).unwrap_or(i64::MAX);
    let file = TokenFile::pending(macaroon, time_ns).map_err(ExportError::Token)?;
    let file = file.paid(token.preimage.clone(), token.amount_msat, token.fee_msat).map_err(ExportError::Token)?;
    let mut out = Zeroizing::new(vec![0; file.len()]);
    file.write_into(&mut out).map_err(|_| ExportError::Opaque)?;
    let folder = directory.join(folder_of(&token.origin));
    let path = folder.join(super::TOKEN);
    put(&folder, &path, &out).map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => ExportError::Taken(path.clone()),
        _ => ExportError::Write(path.clone(), cause),
    })?;
    Ok(path)
}

/// `<host[_port]>`, with underscores for colons, as lnget has it.
fn folder_of(origin: &Origin) -> String {
    let usual = if origin.is_secure() { 443 } else { 80 };
    let host = origin.host().replace(':', "_");
    if origin.port() == usual { host } else { format!("{host}_{}", origin.port()) }
}

fn put(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path); // a part of a token is none
    }
    written.and_then(|()| File::open(folder)?.sync_all())
}

/// Why a token is not written.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExportError {
    /// It is no macaroon of format V2, and lnget keeps no other.
    Opaque,
    /// lnget's format cannot hold it.
    Token(TokenFileError),
    /// lnget has a token of this host already, and has room for one.
    Taken(PathBuf),
    /// The file cannot be written.
    Write(PathBuf, io::Error),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opaque => f.write_str("lnget keeps only macaroons of format V2, and this token is none"),
            Self::Token(_) => f.write_str("lnget's format cannot hold this token"),
            Self::Taken(path) => {
                write!(f, "{} is there already: lnget keeps one token of a host; move it away first", path.display())
            }
            Self::Write(path, _) => write!(f, "cannot write {}", path.display()),
        }
    }
}

impl core::error::Error for ExportError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Token(cause) => Some(cause),
            Self::Write(_, cause) => Some(cause),
            Self::Opaque | Self::Taken(_) => None,
        }
    }
}
