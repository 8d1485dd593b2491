//! The settings of a store, as they are written.

use l402_program::config::Text;
use std::path::PathBuf;
#[cfg(any(feature = "postgres", feature = "redis"))]
use {
    super::resolver::{Noted, Resolver},
    std::fs,
    zeroize::Zeroizing,
};

use super::at::At;
use super::words::DurabilityWord;

/// The table of a store. Its keys are those of the store.
#[cfg_attr(
    not(all(feature = "postgres", feature = "redis")),
    allow(dead_code, reason = "a build may leave out the stores that read these")
)]
pub(crate) struct LedgerTable {
    /// Where the program keeps its data, if that is known.
    pub(crate) data_dir: Option<PathBuf>,
    /// Where its key file is, if that is known.
    pub(crate) key_dir: Option<PathBuf>,
    pub(crate) path: Option<At<PathBuf>>,
    pub(crate) durability: Option<At<DurabilityWord>>,
    pub(crate) url: Option<At<Text>>,
    pub(crate) ca: Option<At<PathBuf>>,
    pub(crate) prefix: Option<At<String>>,
    pub(crate) may_lose_commits: Option<At<bool>>,
    pub(crate) schema: Option<At<String>>,
}

#[cfg(any(feature = "postgres", feature = "redis"))]
impl Resolver<'_> {
    /// Reads the address of a store, which may have a password in it.
    pub(crate) fn store_url(&mut self, table: &LedgerTable, example: &str) -> Option<Zeroizing<String>> {
        let Some(at) = &table.url else {
            self.problems.missing("ledger.url", format_args!("say where the ledger is, such as url = \"{example}\""));
            return None;
        };
        let url = at.value.resolve(self.environment);
        url.map_err(|fault| self.problems.wrong_at("ledger.url", &at.origin, fault)).ok()
    }

    /// Reads the file with certificate authorities, if one is named; [`Noted`] where it cannot be read.
    pub(crate) fn store_ca(&mut self, table: &LedgerTable) -> Result<Option<Vec<u8>>, Noted> {
        let Some(at) = &table.ca else { return Ok(None) };
        let pem = fs::read(self.base.join(&at.value));
        match pem {
            Ok(pem) => Ok(Some(pem)),
            Err(cause) => {
                self.problems.wrong_at("ledger.ca", &at.origin, format_args!("cannot read the file: {cause}"));
                Err(Noted)
            }
        }
    }
}
