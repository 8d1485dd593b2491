//! The node's directory: its lock, its seed, its database, and what it must contain.

use super::error::NodeStartError;
use l402_lightning::folder::{self, Manifest};
use l402_lightning::secret_file::{self, SecretFileError};
use rusqlite::Connection;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What all keys of a node come from.
pub(super) type Seed = Zeroizing<[u8; 64]>;

/// A directory that this node has for itself: other nodes are kept away for as long as it lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    manifest: Manifest,
    _lock: File,
}

impl Folder {
    /// Makes the directory where it is missing, and takes it. What others can use, or of which a part is missing, is refused.
    pub(super) fn take(path: &Path) -> Result<Self, NodeStartError> {
        folder::make(path).map_err(NodeStartError::Storage)?;
        folder::guard(path)?;
        let lock = folder::open(&path.join("lock")).map_err(NodeStartError::Storage)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NodeStartError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => return Err(NodeStartError::Storage(cause)),
        }
        let mut manifest = Manifest::read(path)?;
        if !manifest.demands(DATABASE) && has_node(&database(path))? {
            manifest.add(&[DATABASE, SETTLED, SENT])?; // of a version that had no manifest: all of it was there
        }
        for (part, loss) in PARTS {
            manifest.demand(part, &path.join(part), loss)?;
        }
        Ok(Self { path: path.to_owned(), manifest, _lock: lock })
    }

    /// Reads the seed. Makes one only for a directory that has no node yet: with another seed its money would be out of reach.
    pub(super) fn seed(&self, own: Option<&Path>) -> Result<Seed, NodeStartError> {
        let path = own.map_or_else(|| self.path.join("seed"), Path::to_owned);
        match secret_file::read(&path) {
            Ok(bytes) => seed_of(&path, &bytes).map_err(NodeStartError::Seed),
            Err(fault) if !fault.is_missing() => Err(NodeStartError::Seed(fault)),
            Err(_) if self.manifest.demands(DATABASE) => Err(NodeStartError::SeedMissing(path)),
            Err(_) => new_seed(&path),
        }
    }

    /// Turns on write-ahead logging, which the node's own connection then inherits: it more than triples what the node settles.
    /// What an earlier process has left in the log of the database goes into the database.
    /// The fault of SQLite before 3.51.3 needs two connections that write; a node has one, and its lock keeps others away.
    pub(super) fn prepare_database(&mut self) -> Result<(), NodeStartError> {
        let path = database(&self.path);
        // SQLite's other files take the mode of this one. It holds preimages.
        folder::open(&path).map_err(NodeStartError::Storage)?;
        let connection = Connection::open(&path).map_err(NodeStartError::Database)?;
        let mode: Result<String, _> = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0));
        mode.map_err(NodeStartError::Database)?;
        if !has_tables(&connection).map_err(NodeStartError::Database)? {
            self.manifest.lost(DATABASE, &path, DATABASE_LOSS)?; // emptied, or another one
        }
        begin_wallet_anew(&connection).map_err(NodeStartError::Database)?;
        // Closing the connection merges the log and removes it. Until then it may still be there, which does no harm.
        self.manifest.release(LOG)?;
        Ok(())
    }

    /// Our own parts exist. The node has yet to make what belongs into the database.
    pub(super) fn made(&mut self) -> Result<(), NodeStartError> {
        Ok(self.manifest.add(&[SETTLED, SENT])?)
    }

    /// The node runs: its database is set up, and from now on the newest state may be in the log of it alone.
    pub(super) fn in_use(&mut self) {
        // A log without a byte is as good as none.
        let has_log = fs::metadata(self.path.join(LOG)).is_ok_and(|log| log.len() > 0);
        let parts: &[&str] = if has_log { &[DATABASE, LOG] } else { &[DATABASE] };
        let _ = self.manifest.add(parts); // a disk that cannot be written is noticed elsewhere
    }

    /// The node has stopped: everything goes into the database.
    pub(super) fn complete(mut self) {
        // First: a kill in the middle must not leave an empty log that is missed.
        if self.manifest.release(LOG).is_err() {
            return; // the log is still there
        }
        let merged = Connection::open(database(&self.path)).and_then(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        if !matches!(merged, Ok(0)) {
            self.in_use();
        }
    }
}

/// Where `ldk_node` keeps its state.
fn database(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// `ldk_node` writes a new on-chain wallet in several steps: its descriptors, its network, then its chain. A process that was
/// killed before the last step leaves a wallet that cannot be read, ever. Without its network `ldk_node` makes it anew, from the
/// same seed; no address of it has been shown yet.
fn begin_wallet_anew(database: &Connection) -> Result<(), rusqlite::Error> {
    if !has_tables(database)? {
        return Ok(());
    }
    let has_chain = "SELECT 1 FROM ldk_node_data WHERE primary_namespace = 'bdk_wallet' AND key = 'local_chain'";
    let network = "primary_namespace = 'bdk_wallet' AND key = 'network'";
    let half = format!("DELETE FROM ldk_node_data WHERE {network} AND NOT EXISTS ({has_chain})");
    database.execute(&half, []).map(|_| ())
}

/// Whether a node has ever been set up in a database.
fn has_node(path: &Path) -> Result<bool, NodeStartError> {
    if !path.exists() {
        return Ok(false);
    }
    has_tables(&Connection::open(path).map_err(NodeStartError::Database)?).map_err(NodeStartError::Database)
}

fn has_tables(database: &Connection) -> Result<bool, rusqlite::Error> {
    let named = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'ldk_node_data')";
    database.query_row(named, [], |row| row.get(0))
}

fn new_seed(path: &Path) -> Result<Seed, NodeStartError> {
    let mut seed = Seed::new([0; 64]);
    getrandom::fill(seed.as_mut()).map_err(|fault| NodeStartError::Storage(io::Error::other(fault)))?;
    secret_file::create(path, seed.as_ref()).map_err(NodeStartError::Seed)?;
    Ok(seed)
}

fn seed_of(path: &Path, bytes: &[u8]) -> Result<Seed, SecretFileError> {
    bytes.try_into().map(Seed::new).map_err(|_| SecretFileError::malformed(path))
}

const DATABASE: &str = "ldk_node_data.sqlite";
/// The database's write-ahead log.
const LOG: &str = "ldk_node_data.sqlite-wal";
const SETTLED: &str = "settled";
const SENT: &str = "sent";

const DATABASE_LOSS: &str = "the channels are lost, and the money in them with them unless their peers close them";

/// What must be there once it was, and what it means to go on without it. The seed may lie elsewhere: it is looked for by itself.
const PARTS: [(&str, &str); 4] = [
    (DATABASE, DATABASE_LOSS),
    (LOG, "the newest states of the channels are lost, and closing a channel with an old one forfeits its money"),
    (SETTLED, "tokens that were paid before get 503 until they expire"),
    (SENT, "a pending payment may be made twice"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use l402_lightning::folder::{FolderError, MANIFEST};
    use std::fs::Permissions;
    use std::io::Write as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    /// A directory as a node leaves it that was killed.
    fn used() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let mut folder = Folder::take(home.path()).unwrap();
        folder.seed(None).unwrap();
        folder.prepare_database().unwrap();
        let connection = Connection::open(database(home.path())).unwrap();
        connection.execute_batch("CREATE TABLE ldk_node_data (primary_namespace TEXT, key TEXT, value BLOB)").unwrap();
        drop(connection);
        for part in [SETTLED, SENT, LOG] {
            folder::open(&home.path().join(part)).unwrap().write_all(b"state").unwrap();
        }
        folder.made().unwrap();
        folder.in_use();
        home
    }

    fn start(home: &Path) -> Result<(), NodeStartError> {
        let mut folder = Folder::take(home)?;
        folder.seed(None)?;
        folder.prepare_database()
    }

    #[test]
    fn a_directory_has_one_node_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let first = Folder::take(home.path()).unwrap();
        assert!(matches!(Folder::take(home.path()), Err(NodeStartError::InUse(_))));
        drop(first);
        assert!(Folder::take(home.path()).is_ok());
    }

    #[test]
    fn a_seed_is_made_once_and_kept() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::take(home.path()).unwrap();
        let first = folder.seed(None).unwrap();
        assert_eq!(*folder.seed(None).unwrap(), *first);
    }

    #[test]
    fn s6_whatever_a_used_directory_misses_stops_the_start() {
        for part in ["seed", DATABASE, LOG, SETTLED, SENT] {
            let home = used();
            let path = home.path().join(part);
            fs::rename(&path, home.path().join("lost")).unwrap();
            let said = match start(home.path()).unwrap_err() {
                NodeStartError::Folder(fault) => fault.to_string(),
                fault => fault.to_string(),
            };
            assert!(
                said.contains(&format!("{} is missing", path.display()))
                    && ["Restore it", "put the seed back"].iter().any(|way| said.contains(way)),
                "{said}"
            );
            assert!(!path.exists(), "{part} is not replaced");
            fs::rename(home.path().join("lost"), &path).unwrap();
            start(home.path()).unwrap();
        }
    }

    #[test]
    fn s6_what_was_emptied_stops_the_start_as_well() {
        for part in [DATABASE, LOG, SETTLED, SENT] {
            let home = used();
            let path = home.path().join(part);
            File::options().write(true).truncate(true).open(&path).unwrap();
            let NodeStartError::Folder(fault) = start(home.path()).unwrap_err() else { panic!("{part}") };
            assert!(fault.to_string().contains(&format!("{} is missing its content", path.display())), "{fault}");
        }
        let home = used();
        fs::remove_file(database(home.path())).unwrap();
        Connection::open(database(home.path())).unwrap().execute("PRAGMA user_version = 1", []).unwrap();
        fs::set_permissions(database(home.path()), Permissions::from_mode(0o600)).unwrap();
        assert!(
            matches!(start(home.path()), Err(NodeStartError::Folder(FolderError::Missing { .. }))),
            "another database"
        );
    }

    #[test]
    fn s6_a_directory_of_before_the_manifest_is_complete_or_refused() {
        for lost in [None, Some(SETTLED), Some(SENT)] {
            let home = used();
            fs::remove_file(home.path().join(MANIFEST)).unwrap();
            if let Some(lost) = lost {
                fs::remove_file(home.path().join(lost)).unwrap();
            }
            let started = start(home.path());
            assert_eq!(matches!(started, Err(NodeStartError::Folder(FolderError::Missing { .. }))), lost.is_some());
        }
    }

    #[test]
    fn a_wallet_that_was_half_written_is_made_anew_and_a_whole_one_is_kept() {
        for (written, kept) in [
            (vec!["descriptor", "change_descriptor", "network"], vec!["change_descriptor", "descriptor"]),
            (vec!["descriptor", "local_chain", "network"], vec!["descriptor", "local_chain", "network"]),
        ] {
            let home = used();
            let connection = Connection::open(database(home.path())).unwrap();
            for key in written {
                connection.execute("INSERT INTO ldk_node_data VALUES ('bdk_wallet', ?1, x'01')", [key]).unwrap();
            }
            start(home.path()).unwrap();
            let mut rows = connection.prepare("SELECT key FROM ldk_node_data ORDER BY key").unwrap();
            let left: Result<Vec<String>, _> = rows.query_map([], |row| row.get(0)).unwrap().collect();
            assert_eq!(left.unwrap(), kept);
        }
    }

    #[test]
    fn s6_after_a_stop_the_log_of_the_database_is_not_missed() {
        let home = used();
        Folder::take(home.path()).unwrap().complete();
        fs::remove_file(home.path().join(LOG)).ok();
        start(home.path()).unwrap();
    }

    #[test]
    fn o2_other_users_cannot_access_the_directory() {
        let home = used();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&database(home.path())), mode(&home.path().join("seed"))), (0o600, 0o600));
        for (path, open, closed) in [(home.path().to_owned(), 0o750, 0o700), (database(home.path()), 0o640, 0o600)] {
            fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
            assert!(matches!(start(home.path()), Err(NodeStartError::Folder(FolderError::Exposed { .. }))));
            fs::set_permissions(&path, Permissions::from_mode(closed)).unwrap();
            start(home.path()).unwrap();
        }
    }

    #[test]
    fn a_seed_of_another_length_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("node");
        secret_file::create(&folder.join("seed"), &[1; 32]).unwrap();
        assert!(matches!(start(&folder), Err(NodeStartError::Seed(_))));
    }
}
