//! The node's directory: its lock, its seed, its database.

use super::config::LdkConfig;
use super::error::StartError;
use crate::secret_file::{self, SecretFileError};
use rusqlite::Connection;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What all keys of a node come from.
pub(super) type Seed = Zeroizing<[u8; 64]>;

/// Keeps other nodes away from a directory for as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Makes the directory where it is missing, and takes it.
pub(super) fn take(folder: &Path) -> Result<Lock, StartError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(StartError::Storage)?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join("lock"));
    let file = file.map_err(StartError::Storage)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(StartError::Storage(cause)),
    }
}

/// Reads the seed. Makes one only for a directory that has no node yet: with another seed its money would be out of reach.
pub(super) fn seed(config: &LdkConfig) -> Result<Seed, StartError> {
    let path = config.seed_file.clone().unwrap_or_else(|| config.storage.join("seed"));
    match secret_file::read(&path) {
        Ok(bytes) => seed_of(&path, &bytes).map_err(StartError::Seed),
        Err(fault) if !fault.is_missing() => Err(StartError::Seed(fault)),
        Err(_) if database(&config.storage).exists() => Err(StartError::SeedMissing(path)),
        Err(_) => new_seed(&path),
    }
}

/// Turns on write-ahead logging, which the node's own connection then inherits: it more than triples what the node settles.
pub(super) fn prepare_database(folder: &Path) -> Result<(), StartError> {
    let path = database(folder);
    // SQLite's other files take the mode of this one. It holds preimages.
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
    file.map_err(StartError::Storage)?;
    let connection = Connection::open(path).map_err(StartError::Database)?;
    let mode: Result<String, _> = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0));
    mode.map(drop).map_err(StartError::Database)
}

/// Where `ldk_node` keeps its state.
fn database(folder: &Path) -> PathBuf {
    folder.join("ldk_node_data.sqlite")
}

fn new_seed(path: &Path) -> Result<Seed, StartError> {
    let mut seed = Seed::new([0; 64]);
    getrandom::fill(seed.as_mut()).map_err(|fault| StartError::Storage(io::Error::other(fault)))?;
    secret_file::create(path, seed.as_ref()).map_err(StartError::Seed)?;
    Ok(seed)
}

fn seed_of(path: &Path, bytes: &[u8]) -> Result<Seed, SecretFileError> {
    bytes.try_into().map(Seed::new).map_err(|_| SecretFileError::malformed(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Network;
    use crate::ldk::ChainSource;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    fn config(folder: &Path) -> LdkConfig {
        LdkConfig::new(Network::Regtest, ChainSource::Esplora { url: String::new() }, folder)
    }

    #[test]
    fn a_directory_has_one_node_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = take(folder.path()).unwrap();
        assert!(matches!(take(folder.path()), Err(StartError::InUse(_))));
        drop(first);
        assert!(take(folder.path()).is_ok());
    }

    #[test]
    fn a_seed_is_made_once_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let first = seed(&config).unwrap();
        assert_eq!(*seed(&config).unwrap(), *first);

        prepare_database(folder.path()).unwrap();
        fs::remove_file(folder.path().join("seed")).unwrap();
        assert!(matches!(seed(&config), Err(StartError::SeedMissing(_))));
        assert!(!folder.path().join("seed").exists());
    }

    #[test]
    fn o2_nobody_else_can_read_the_database() {
        let folder = tempfile::tempdir().unwrap();
        prepare_database(folder.path()).unwrap();
        let mode = fs::metadata(database(folder.path())).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_seed_of_another_length_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        secret_file::create(&folder.path().join("seed"), &[1; 32]).unwrap();
        assert!(matches!(seed(&config(folder.path())), Err(StartError::Seed(_))));
    }
}
