//! The tokens of lnget: `<tokens>/<host[_port]>/l402.token`, each in a file of its own ([`l402_core::TokenFile`]).
//!
//! 1. A file says what was paid and when, but neither for which origin nor for which request. The name of its folder says the
//!    host and the port; that it was https is assumed unless the caller knows better.
//! 2. `l402.token.pending`, and a file without a proof, are payments whose outcome only lnget's wallet knows.
//! 3. Nothing of lnget's is changed: [`write`](write()) makes a file where there is none.

// Threats: A6.

mod write;

pub use write::{ExportError, write};

use super::record::KeptToken;
use core::fmt;
use http::Method;
use l402_core::macaroon::base64;
use l402_core::{Scheme, TokenFile, TokenFileError, UnixSeconds};
use l402_http::pay::{Origin, Standing};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// One file of lnget's.
#[derive(Debug)]
pub struct FoundToken {
    /// Where it is.
    pub path: PathBuf,
    /// The token; `None` where its payment has no proof.
    pub token: Result<Option<KeptToken>, LngetError>,
}

/// Reads a token file, the folder of a host, or the folder of all hosts. `origin` is that of all of them, where the caller knows it.
///
/// # Errors
/// [`LngetError::Read`] for a path that cannot be read, [`LngetError::NoTokens`] for a folder that has none.
pub fn find(path: &Path, origin: Option<&Origin>, is_http: bool) -> Result<Vec<FoundToken>, LngetError> {
    let path = fs::canonicalize(path).map_err(LngetError::Read)?;
    let files = if path.is_dir() { files_below(&path)? } else { vec![path] };
    if files.is_empty() {
        return Err(LngetError::NoTokens);
    }
    let found = |path: PathBuf| {
        let token = read(&path, origin, is_http);
        FoundToken { path, token }
    };
    Ok(files.into_iter().map(found).collect())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, LngetError> {
    let files_of =
        |folder: &Path| [TOKEN, PENDING].map(|name| folder.join(name)).into_iter().filter(|file| file.is_file());
    let mut files: Vec<_> = files_of(folder).collect();
    for entry in fs::read_dir(folder).map_err(LngetError::Read)? {
        let entry = entry.map_err(LngetError::Read)?;
        files.extend(files_of(&entry.path()));
    }
    files.sort_unstable();
    Ok(files)
}

fn read(path: &Path, origin: Option<&Origin>, is_http: bool) -> Result<Option<KeptToken>, LngetError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(LngetError::Read)?;
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(LngetError::Read)?;
    let file = TokenFile::parse(&bytes).map_err(LngetError::Token)?;
    let is_pending = path.file_name().is_some_and(|name| name == PENDING);
    let Some(preimage) = file.preimage().filter(|_| !is_pending).cloned() else { return Ok(None) };
    let origin = origin.cloned().map_or_else(|| origin_of(path, is_http).ok_or(LngetError::Origin), Ok)?;
    let macaroon = file.macaroon().as_bytes();
    let mut text = vec![0; base64::encoded_len(macaroon.len())];
    Ok(Some(KeptToken {
        origin,
        method: Method::GET,
        path: "/".to_owned(),
        scheme: Scheme::L402,
        token: base64::encode_into(macaroon, &mut text).unwrap_or_default().to_owned(),
        payment_hash: file.payment_hash(),
        preimage,
        amount_msat: file.paid_msat(),
        fee_msat: file.fee_msat(),
        bought_at: UnixSeconds::new(u64::try_from(file.time_ns()).unwrap_or_default() / NANOS),
        standing: Standing::Served, // lnget has used it, as far as is known
        uses_left: None,
    }))
}

/// Reads `<host[_port]>`. The colons of an IPv6 address became underscores too.
fn origin_of(path: &Path, is_http: bool) -> Option<Origin> {
    let name = path.parent()?.file_name()?.to_str()?;
    let scheme = if is_http { "http" } else { "https" };
    let (host, port) = match name.rsplit_once('_') {
        Some((host, port)) if port.parse::<u16>().is_ok() && !host.is_empty() => (host, Some(port)),
        _ => (name, None),
    };
    let host = if host.starts_with('[') { host.replace('_', ":") } else { host.to_owned() };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}").parse().ok()
}

/// Why a token of lnget's cannot be taken over.
#[derive(Debug)]
#[non_exhaustive]
pub enum LngetError {
    /// A file or folder cannot be read.
    Read(io::Error),
    /// There is no token file.
    NoTokens,
    /// The file is none of lnget's, or contradicts itself.
    Token(TokenFileError),
    /// The name of the folder is no host.
    Origin,
}

impl fmt::Display for LngetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read(_) => "cannot be read",
            Self::NoTokens => "no l402.token in this directory or its subdirectories",
            Self::Token(_) => "not a token file",
            Self::Origin => "the directory name is not a host; use --origin",
        })
    }
}

impl core::error::Error for LngetError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Read(cause) => Some(cause),
            Self::Token(cause) => Some(cause),
            Self::NoTokens | Self::Origin => None,
        }
    }
}

const TOKEN: &str = "l402.token";
const PENDING: &str = "l402.token.pending";

/// Far more than a macaroon and what stands beside it.
const MAX_FILE: u64 = 64 << 10;

const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::macaroon::{RootKey, mint};
    use l402_core::{Identifier, Preimage, TokenId};

    const HOSTS: [(&str, &str); 4] = [
        ("api.example", "https://api.example"),
        ("api.example_8443", "https://api.example:8443"),
        ("under_score.example", "https://under_score.example"),
        ("[__1]_8080", "https://[::1]:8080"),
    ];

    /// As lnget writes it.
    fn file(seed: u8, paid: bool) -> Vec<u8> {
        let preimage = Preimage::from_bytes([seed; 32]);
        let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32])).to_bytes();
        let (mut token, mut out) = ([0; 256], [0; 512]);
        let macaroon = mint(&RootKey::new(b"key"), b"lsat", &identifier, &[b"services=a:0"], &mut token).unwrap();
        let pending = TokenFile::pending(macaroon, 1_700_000_000_000_000_001).unwrap();
        let file = if paid { pending.paid(preimage, 21_000.into(), 12.into()).unwrap() } else { pending };
        file.write_into(&mut out).unwrap().to_vec()
    }

    fn put(folder: &Path, host: &str, name: &str, bytes: &[u8]) -> PathBuf {
        fs::create_dir_all(folder.join(host)).unwrap();
        let path = folder.join(host).join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn every_host_is_found_with_its_origin() {
        let folder = tempfile::tempdir().unwrap();
        for (seed, (host, _)) in (1..).zip(HOSTS) {
            put(folder.path(), host, TOKEN, &file(seed, true));
        }
        let found = find(folder.path(), None, false).unwrap();
        let mut origins: Vec<_> =
            found.iter().map(|found| found.token.as_ref().unwrap().as_ref().unwrap().origin.to_string()).collect();
        let mut expected = HOSTS.map(|(_, origin)| origin.to_owned());
        origins.sort_unstable();
        expected.sort_unstable();
        assert_eq!(origins, expected);
        let token = find(&folder.path().join("api.example"), None, true).unwrap().remove(0).token.unwrap().unwrap();
        assert_eq!((token.origin.to_string().as_str(), token.bought_at.get()), ("http://api.example", 1_700_000_000));
        assert_eq!(token.standing, Standing::Served, "another may be bought when it is refused");
        assert_eq!((token.amount_msat.get(), token.fee_msat.get(), token.preimage.expose()), (21_000, 12, &[1; 32]));
        assert_eq!(token.payment_hash, Preimage::from_bytes([1; 32]).hash());
    }

    #[test]
    fn what_has_no_proof_or_no_sense_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "a.example", PENDING, &file(1, false));
        put(folder.path(), "a.example_1", PENDING, &file(5, true));
        put(folder.path(), "b.example", TOKEN, &file(2, false));
        put(folder.path(), "c.example", TOKEN, b"nonsense");
        put(folder.path(), "not a host", TOKEN, &file(3, true));
        put(folder.path(), "d.example", "other", &file(4, true));
        let found = find(folder.path(), None, false).unwrap();
        let said: Vec<_> = found.iter().map(|found| &found.token).collect();
        assert!(
            matches!(said[..], [Ok(None), Ok(None), Ok(None), Err(LngetError::Token(_)), Err(LngetError::Origin)]),
            "{said:?}"
        );
        assert!(matches!(find(&folder.path().join("d.example"), None, false), Err(LngetError::NoTokens)));
        assert!(matches!(find(&folder.path().join("nowhere"), None, false), Err(LngetError::Read(_))));
    }

    #[test]
    fn a_file_that_was_moved_needs_its_origin() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), "moved", "copy", &file(1, true));
        let origin: Origin = "https://shop.example:1".parse().unwrap();
        let token = find(&path, Some(&origin), false).unwrap().remove(0).token.unwrap().unwrap();
        assert_eq!(token.origin, origin);
    }

    #[test]
    fn what_is_written_is_found_again() {
        use std::os::unix::fs::MetadataExt;
        for (host, origin) in HOSTS {
            let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let path = put(folder.path(), host, TOKEN, &file(1, true));
            let token = find(&path, None, false).unwrap().remove(0).token.unwrap().unwrap();
            let written = write(other.path(), &token).unwrap();
            assert_eq!(written, other.path().join(host).join(TOKEN), "{origin}");
            assert_eq!(fs::metadata(&written).unwrap().mode() & 0o777, 0o600);
            let again = find(&written, None, false).unwrap().remove(0).token.unwrap().unwrap();
            assert_eq!((&again.origin, &again.token, again.bought_at), (&token.origin, &token.token, token.bought_at));
            assert_eq!((again.preimage.expose(), again.amount_msat), (token.preimage.expose(), token.amount_msat));
            assert!(matches!(write(other.path(), &token), Err(ExportError::Taken(_))));
        }
    }

    #[test]
    fn what_lnget_cannot_hold_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = put(folder.path(), "a.example", TOKEN, &file(1, true));
        let token = find(&path, None, false).unwrap().remove(0).token.unwrap().unwrap();
        let other = folder.path().join("other");
        let opaque = KeptToken { token: "opaque".to_owned(), ..token.clone() };
        assert!(matches!(write(&other, &opaque), Err(ExportError::Opaque)));
        let wrong = KeptToken { preimage: Preimage::from_bytes([9; 32]), ..token };
        assert!(matches!(write(&other, &wrong), Err(ExportError::Token(TokenFileError::WrongPreimage))));
        assert!(!other.exists());
    }
}
