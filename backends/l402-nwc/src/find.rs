//! A connection string that is given as such, or as the name of a file that holds it.

use crate::uri::{NwcUri, UriError};
use core::fmt;
use l402_lightning::secret_file::{self, SecretFileError};
use std::path::Path;
use std::str;

impl NwcUri {
    /// Reads a connection string, or the file of this name that holds one; a relative name begins at `base`. Nobody but its owner may read
    /// the file (threat O2).
    ///
    /// # Errors
    /// [`FindError`].
    pub fn find(text: &str, base: &Path) -> Result<Self, FindError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FindError::Missing);
        }
        if looks_like_uri(text) {
            return text.parse().map_err(FindError::Uri);
        }
        match secret_file::read(&base.join(text)) {
            Ok(bytes) => {
                let text = str::from_utf8(&bytes).map_err(|_| FindError::Uri(UriError::Scheme))?;
                text.parse().map_err(FindError::Uri)
            }
            Err(fault) if fault.is_missing() => Err(FindError::NoFile), // the name may be a secret
            Err(fault) => Err(FindError::File(fault)),
        }
    }
}

fn looks_like_uri(text: &str) -> bool {
    text.contains("://") || text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("nostr"))
}

/// There is no connection string. It repeats none.
#[derive(Debug)]
#[non_exhaustive]
pub enum FindError {
    /// Nothing is set.
    Missing,
    /// The text, or the file, is not a connection string.
    Uri(UriError),
    /// It is no connection string, and no file has that name.
    NoFile,
    /// The file cannot be read, or others can read it too.
    File(SecretFileError),
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the connection string of the wallet is not set"),
            Self::Uri(fault) => fault.fmt(f),
            Self::NoFile => {
                f.write_str("this is no connection string (nostr+walletconnect://…), and no file has that name")
            }
            Self::File(fault) => fault.fmt(f),
        }
    }
}

impl core::error::Error for FindError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(fault) => fault.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    const URI: &str = "nostr+walletconnect://b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4?relay=ws://a\
                       &secret=71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c";

    #[test]
    fn o2_a_file_is_read_if_nobody_else_can() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wallet.nwc");
        fs::write(&path, format!("{URI}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let fault = NwcUri::find("wallet.nwc", folder.path()).unwrap_err();
        assert!(fault.to_string().contains("mode 640 instead of 600"), "{fault}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            NwcUri::find("wallet.nwc", folder.path()).unwrap().client(),
            URI.parse::<NwcUri>().unwrap().client()
        );
        assert!(NwcUri::find(URI, folder.path()).is_ok());
    }

    #[test]
    fn o2_what_is_wrong_is_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["71a8c14c1407c113601079c4302dab36", "nostr+walletconnect:71a8c14c1407", "https://71a8c14c1407"] {
            let fault = NwcUri::find(text, folder.path()).unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains("71a8"), "{fault:?}");
        }
        assert!(matches!(NwcUri::find(" ", folder.path()), Err(FindError::Missing)));
    }
}
