//! The secret that LND is shown.

use super::material::{self, ExposedFile, Setting, SettingError, SettingFault};
use super::permission::Permissions;
use bytes::Bytes;
use core::fmt;
use l402_core::macaroon::{MacaroonRef, hex};
use std::path::Path;
use tonic::metadata::{Ascii, MetadataValue};
use zeroize::Zeroizing;

/// A macaroon of LND's, as gRPC metadata. `Debug` shows what it allows and not what it is.
///
/// It is wiped from memory when the last clone and the last request are gone; the buffers of a connection are not.
#[derive(Clone)]
pub struct LndMacaroon {
    header: MetadataValue<Ascii>,
    permissions: Option<Permissions>,
    exposed: Option<ExposedFile>,
}

impl LndMacaroon {
    /// Takes a macaroon as hexadecimal digits, as base64, or as the name of a file with its bytes; a relative name begins at
    /// `base`.
    ///
    /// A file that is open to every user of the machine is taken all the same: who may use it is the role's to say
    /// ([`LndMacaroon::exposed`]).
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn find(text: &str, base: &Path) -> Result<Self, SettingError> {
        let fault = |fault| SettingError::new(Setting::Macaroon, fault);
        if text.trim().is_empty() {
            return Err(fault(SettingFault::Missing));
        }
        if let Some(macaroon) = Self::of_text(text) {
            return Ok(macaroon);
        }
        let read = material::read(base, text.trim());
        let (bytes, exposed) = read.map_err(|cause| fault(SettingFault::Unreadable(cause)))?;
        let of_text = || Self::of_text(core::str::from_utf8(&bytes).ok()?);
        let found = Self::of_bytes(&bytes).or_else(of_text).ok_or_else(|| fault(SettingFault::Malformed))?;
        Ok(Self { exposed, ..found })
    }

    /// Returns what it allows, as far as its identifier tells; `None` where LND did not write that.
    pub const fn permissions(&self) -> Option<&Permissions> {
        self.permissions.as_ref()
    }

    /// Returns the file that it came from where that is open to every user of the machine (threat O2). A text has no mode.
    ///
    /// [`LndPayer`](super::LndPayer) does not work with such a macaroon; [`LndPayee`](super::LndPayee) does, since `lncli` and
    /// LND write what only makes invoices so.
    pub const fn exposed(&self) -> Option<&ExposedFile> {
        self.exposed.as_ref()
    }

    /// Returns the value of the metadata field `macaroon`, marked as sensitive.
    pub(super) fn header(&self) -> MetadataValue<Ascii> {
        self.header.clone()
    }

    /// Takes the macaroon itself, as hexadecimal digits or as base64.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let of_hex = material::from_hex(text).and_then(|bytes| Self::of_bytes(&bytes));
        of_hex.or_else(|| material::from_base64(text).and_then(|bytes| Self::of_bytes(&bytes)))
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let permissions = Permissions::of(MacaroonRef::parse(bytes).ok()?.identifier());
        let mut text = Zeroizing::new(vec![0; bytes.len() * 2]);
        hex::encode_into(bytes, &mut text)?;
        let mut header = MetadataValue::try_from(Bytes::from_owner(text)).ok()?;
        header.set_sensitive(true);
        Some(Self { header, permissions, exposed: None })
    }
}

impl fmt::Debug for LndMacaroon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LndMacaroon").field("permissions", &self.permissions).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::macaroon::{RootKey, base64, mint};

    fn macaroon() -> Vec<u8> {
        let identifier = [&[3, 0x0a, 1, 9, 0x1a, 12, 0x0a, 4][..], b"info", &[0x12, 4], b"read"].concat();
        let mut out = [0; 512];
        mint(&RootKey::new(b"root"), b"lnd", &identifier, &[], &mut out).unwrap().as_bytes().to_vec()
    }

    #[test]
    fn every_form_is_the_same_macaroon() {
        let bytes = macaroon();
        let (mut digits, mut text) = (vec![0; bytes.len() * 2], vec![0; base64::encoded_len(bytes.len())]);
        let digits = hex::encode_into(&bytes, &mut digits).unwrap().to_owned();
        let text = base64::encode_into(&bytes, &mut text).unwrap().to_owned();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.macaroon"), &bytes).unwrap();
        std::fs::write(folder.path().join("a.hex"), format!("{digits}\n")).unwrap();
        let url_safe = text.replace('+', "-").replace('/', "_").replace('=', "");
        for form in [&*digits, &digits.to_uppercase(), &text, &url_safe, "a.macaroon", "a.hex"] {
            let read = LndMacaroon::find(form, folder.path()).unwrap();
            assert_eq!(read.header().as_bytes(), digits.as_bytes(), "{form}");
            assert_eq!(read.permissions().unwrap().iter().next().unwrap().to_string(), "info:read");
        }
    }

    #[test]
    fn o2_debug_and_errors_do_not_show_it() {
        let bytes = macaroon();
        let mut digits = vec![0; bytes.len() * 2];
        let digits = hex::encode_into(&bytes, &mut digits).unwrap();
        let read = LndMacaroon::find(digits, Path::new("")).unwrap();
        assert!(read.header().is_sensitive());
        let shown = format!("{read:?} {:?}", read.header());
        assert!(!shown.contains(&digits[20..60]), "{shown}");

        let cut = &digits[..digits.len() - 2];
        let fault = LndMacaroon::find(cut, Path::new("")).unwrap_err();
        assert!(!format!("{fault} {fault:?}").contains(&cut[..20]), "{fault:?}");
    }
}
