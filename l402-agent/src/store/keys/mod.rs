//! The keys that agents use a budget by, through a broker.
//!
//! 1. A key is 32 random bytes. The database has its SHA-256 only: who reads the database cannot use a budget by it.
//! 2. A key belongs to a budget for good. Where another budget gets the name, the key is not one of it.
//! 3. A key that is bound to a user of the system is nobody else's, not even that of the superuser.
//! 4. A key that was revoked, or whose budget was removed, is none. Rows stay, so that it can be said who had one.

// Threats: A5.

mod tables;

pub(super) use tables::TABLES;

use super::budget::{BudgetError, BudgetId, Budgets};
use super::database::Database;
use super::error::DatabaseError;
use core::fmt;
use l402_core::UnixSeconds;
use l402_core::macaroon::hex;
use l402_lightning::unix_now;
use rusqlite::{OptionalExtension, Row, params};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A key, in the only moment in which it is known here.
pub struct AgentKey(Zeroizing<String>);

impl AgentKey {
    /// Returns what an agent sends.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn random() -> Result<Self, getrandom::Error> {
        let (mut bytes, mut digits) = (Zeroizing::new([0; LENGTH]), Zeroizing::new([0; 2 * LENGTH]));
        getrandom::fill(&mut *bytes)?;
        let digits = hex::encode_into(&*bytes, &mut *digits).unwrap_or_default(); // it has room
        Ok(Self(Zeroizing::new([PREFIX, digits].concat())))
    }
}

impl fmt::Debug for AgentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentKey")
    }
}

/// A key as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownKey {
    /// What the owner names it by.
    pub id: i64,
    /// The name of its budget.
    pub budget: String,
    /// The only user who may use it.
    pub uid: Option<u32>,
    /// When it was made.
    pub made_at: UnixSeconds,
    /// When it was revoked.
    pub revoked_at: Option<UnixSeconds>,
}

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Which key it is.
    pub key: i64,
    /// The budget that pays.
    pub budget: BudgetId,
}

/// The keys of a database.
///
/// ```
/// use l402_agent::store::Database;
/// use l402_agent::store::budget::MAIN;
/// use l402_agent::store::keys::AgentKeys;
/// use l402_agent::store::private::PrivateDir;
///
/// # let folder = tempfile::tempdir()?;
/// let data = PrivateDir::open(folder.path().join("data"))?;
/// let keys = AgentKeys::new(Database::open(&data)?);
/// let (id, key) = keys.make(MAIN, Some(1_000))?;
/// assert_eq!(keys.admit(key.expose(), 1_000)?.unwrap().key, id);
/// assert!(keys.admit(key.expose(), 1_001)?.is_none());
/// keys.revoke(id)?;
/// assert!(keys.admit(key.expose(), 1_000)?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AgentKeys {
    database: Database,
}

impl AgentKeys {
    /// Takes the keys of a database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Makes a key of a budget, for one user of the system or for whoever has it. It is shown this once.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn make(&self, budget: &str, uid: Option<u32>) -> Result<(i64, AgentKey), KeyError> {
        let budget = Budgets::new(self.database.clone()).id(budget).map_err(KeyError::Budget)?;
        let key = AgentKey::random().map_err(KeyError::Random)?;
        let insert = "INSERT INTO agent_keys (digest, budget, uid, made_at) VALUES (?1, ?2, ?3, ?4)";
        let row = params![digest(key.expose()), budget.number(), uid, unix_now().get()];
        let id = self.database.write(|tx| tx.execute(insert, row).map(|_| tx.last_insert_rowid()));
        Ok((id.map_err(KeyError::Database)?, key))
    }

    /// Returns all keys, in the order in which they were made.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn all(&self) -> Result<Vec<ShownKey>, DatabaseError> {
        let all = "SELECT agent_keys.*, budgets.name FROM agent_keys JOIN budgets ON budgets.id = agent_keys.budget \
                   ORDER BY agent_keys.id";
        self.database.read(|tx| tx.prepare(all)?.query_map([], shown)?.collect())
    }

    /// Revokes a key for good.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] where there is none that was not revoked, and where the database cannot be used.
    pub fn revoke(&self, id: i64) -> Result<(), KeyError> {
        let revoke = "UPDATE agent_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
        let row = params![id, unix_now().get()];
        let changed = self.database.write(|tx| tx.execute(revoke, row)).map_err(KeyError::Database)?;
        if changed == 0 { Err(KeyError::Unknown) } else { Ok(()) }
    }

    /// Says what a key allows a user of the system; [`None`] where it is no key, or not that user's.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn admit(&self, key: &str, uid: u32) -> Result<Option<Admission>, DatabaseError> {
        let find = "SELECT agent_keys.id, agent_keys.budget FROM agent_keys JOIN budgets ON budgets.id = agent_keys.budget \
                    WHERE digest = ?1 AND revoked_at IS NULL AND (uid IS NULL OR uid = ?2) AND standing <> 'removed'";
        let read = |row: &Row<'_>| Ok(Admission { key: row.get(0)?, budget: row.get(1).map(BudgetId::from_number)? });
        self.database.read(|tx| tx.query_row(find, params![digest(key), uid], read).optional())
    }
}

/// A key is as long as its digest and as random, so that nothing is gained by making this slow.
fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn shown(row: &Row<'_>) -> rusqlite::Result<ShownKey> {
    Ok(ShownKey {
        id: row.get("id")?,
        budget: row.get("name")?,
        uid: row.get("uid")?,
        made_at: row.get("made_at").map(UnixSeconds::new)?,
        revoked_at: row.get::<_, Option<u64>>("revoked_at")?.map(UnixSeconds::new),
    })
}

/// Why a key cannot be made or revoked.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no such budget.
    Budget(BudgetError),
    /// There is no such key, or it was revoked before.
    Unknown,
    /// The system gives no random bytes.
    Random(getrandom::Error),
    /// The database cannot be used.
    Database(DatabaseError),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget(cause) => cause.fmt(f),
            Self::Unknown => f.write_str("no key has this number; `l402 budget key list` shows them"),
            Self::Random(_) => f.write_str("no random bytes"),
            Self::Database(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Budget(cause) => cause.source(),
            Self::Random(cause) => Some(cause),
            Self::Database(cause) => cause.source(),
            Self::Unknown => None,
        }
    }
}

/// So that a key that was left somewhere can be recognised.
const PREFIX: &str = "l402_agent_";
const LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::budget::{MAIN, NewBudget};
    use crate::store::private::PrivateDir;
    use l402_core::purchase::Limits;

    fn keys() -> (tempfile::TempDir, AgentKeys, Budgets) {
        let home = tempfile::tempdir().unwrap();
        let database = Database::open(&PrivateDir::open(home.path().join("data")).unwrap()).unwrap();
        let budgets = Budgets::new(database.clone());
        for name in ["a", "b"] {
            let (name, parent) = (name.parse().unwrap(), MAIN.to_owned());
            budgets.make(&NewBudget { name, parent, limits: Limits::default(), expires_in: None }).unwrap();
        }
        (home, AgentKeys::new(database), budgets)
    }

    #[test]
    fn a5_a_key_is_one_of_its_budget_and_of_no_other() {
        let (_home, keys, budgets) = keys();
        let (id, key) = keys.make("a", None).unwrap();
        let other = keys.make("b", None).unwrap().1;
        let admitted = keys.admit(key.expose(), 7).unwrap().unwrap();
        assert_eq!(admitted, Admission { key: id, budget: budgets.id("a").unwrap() });
        assert_ne!(keys.admit(other.expose(), 7).unwrap().unwrap().budget, admitted.budget);
        for no_key in ["", "l402_agent_", &key.expose()[..74], &format!("{} ", key.expose())] {
            assert!(keys.admit(no_key, 7).unwrap().is_none(), "{no_key}");
        }
        budgets.remove("a").unwrap();
        let (name, parent) = ("a".parse().unwrap(), MAIN.to_owned());
        budgets.make(&NewBudget { name, parent, limits: Limits::default(), expires_in: None }).unwrap();
        assert!(keys.admit(key.expose(), 7).unwrap().is_none(), "another budget got the name");
    }

    #[test]
    fn a5_a_key_of_a_user_is_nobody_elses_and_can_be_revoked() {
        let (_home, keys, _) = keys();
        let (id, key) = keys.make("a", Some(1_000)).unwrap();
        assert!(keys.admit(key.expose(), 1_000).unwrap().is_some());
        for uid in [0, 999, u32::MAX] {
            assert!(keys.admit(key.expose(), uid).unwrap().is_none(), "{uid}");
        }
        keys.revoke(id).unwrap();
        assert!(keys.admit(key.expose(), 1_000).unwrap().is_none());
        assert!(matches!(keys.revoke(id), Err(KeyError::Unknown)));
        let shown = keys.all().unwrap();
        assert_eq!((shown[0].budget.as_str(), shown[0].uid), ("a", Some(1_000)));
        assert!(shown[0].revoked_at.is_some());
    }

    #[test]
    fn a_key_is_not_kept_and_not_written_down() {
        let (home, keys, _) = keys();
        let (_, key) = keys.make("a", None).unwrap();
        assert_eq!((key.expose().len(), format!("{key:?}").as_str()), (75, "AgentKey"));
        drop(keys);
        let digits = &key.expose()[PREFIX.len()..];
        for entry in std::fs::read_dir(home.path().join("data")).unwrap() {
            let path = entry.unwrap().path();
            let bytes = if path.is_file() { std::fs::read(path).unwrap() } else { Vec::new() };
            assert!(!bytes.windows(64).any(|window| window.eq_ignore_ascii_case(digits.as_bytes())));
        }
    }
}
