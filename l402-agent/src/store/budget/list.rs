//! What the owner does with budgets.

use super::clock::{self, ClockState};
use super::entry;
use super::limits;
use super::line::{BudgetId, Stored, line, named, read};
use super::sharing;
use crate::policy::PolicyError;
use crate::store::breaker::Breakers;
use crate::store::clocks::Clocks;
use crate::store::database::Database;
use crate::store::error::DatabaseError;
use core::fmt;
use core::time::Duration;
use l402_core::purchase::{Account, BudgetStanding, Limits, MAX_DEPTH, Window, WindowTime};
use l402_core::{Msat, Name};
use rusqlite::{Transaction, params};

/// The budgets of a database.
///
/// ```
/// use l402_agent::store::Database;
/// use l402_agent::store::budget::{Budgets, MAIN, NewBudget};
/// use l402_agent::store::private::PrivateDir;
/// use l402_core::Msat;
/// use l402_core::purchase::Limits;
///
/// # let folder = tempfile::tempdir()?;
/// let data = PrivateDir::open(folder.path().join("data"))?;
/// let budgets = Budgets::new(Database::open(&data)?);
/// let limits = Limits { total_msat: Some(Msat::from_sat(5_000)), ..Limits::default() };
/// budgets.make(&NewBudget { name: "research".parse()?, parent: MAIN.to_owned(), limits, expires_in: None })?;
/// assert_eq!(budgets.show("research")?.left_msat(), Some(Msat::from_sat(5_000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Budgets {
    database: Database,
}

/// A budget that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBudget {
    /// Its name, which no other budget has now.
    pub name: Name,
    /// The name of the one above it.
    pub parent: String,
    /// The most that may be spent.
    pub limits: Limits,
    /// When it ends, from now.
    pub expires_in: Option<Duration>,
}

/// When a budget ends, where its limits are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewEnd {
    /// When it did before.
    AsBefore,
    /// Never.
    Never,
    /// After so much time, from now.
    In(Duration),
}

/// A budget, and what counts in it: that of the budgets below it included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownBudget {
    /// Its name.
    pub name: String,
    /// The name of the one above it.
    pub parent: Option<String>,
    /// The most that may be spent.
    pub limits: Limits,
    /// Whether it pays at all.
    pub standing: BudgetStanding,
    /// How long until it ends; nothing once it has.
    pub expires_in: Option<Duration>,
    /// Whether it and the budgets right below it use each other's tokens, if those are not counted.
    pub shares_tokens: bool,
    /// Spent and reserved in the hour.
    pub hour_msat: Msat,
    /// Spent and reserved in the day.
    pub day_msat: Msat,
    /// Spent and reserved in all.
    pub total: Account,
    /// Spent and reserved at all origins that were not listed.
    pub unlisted: Account,
}

impl ShownBudget {
    /// Returns what may still be spent in all; [`None`] where there is no limit.
    pub fn left_msat(&self) -> Option<Msat> {
        self.limits.total_msat.map(|limit| limit.saturating_sub(self.total.counted_msat()))
    }
}

impl Budgets {
    /// Takes the budgets of a database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Returns the breakers of the same database.
    pub fn breakers(&self) -> Breakers {
        Breakers::new(self.database.clone())
    }

    /// Makes a budget below another one.
    ///
    /// # Errors
    /// [`BudgetError`]; there is no such budget then.
    pub fn make(&self, new: &NewBudget) -> Result<BudgetId, BudgetError> {
        self.change(|tx, clocks| {
            if named(tx, new.name.as_str())?.is_some() {
                return Ok(Err(BudgetError::Exists));
            }
            let Some(parent) = named(tx, &new.parent)? else { return Ok(Err(BudgetError::NoParent)) };
            if line(tx, parent.id)?.len() >= MAX_DEPTH {
                return Ok(Err(BudgetError::TooDeep));
            }
            let now = clock::pass(tx, clocks)?.time;
            insert(tx, new, parent.id, now)?;
            let id = BudgetId(tx.last_insert_rowid());
            clock::note(tx, now, &clocks.read(), &format!("made budget {}", new.name))?;
            Ok(Ok(id))
        })
    }

    /// Returns the budget that has a name now.
    ///
    /// # Errors
    /// [`BudgetError::Unknown`], and where the database cannot be used.
    pub fn id(&self, name: &str) -> Result<BudgetId, BudgetError> {
        let found = self.database.read(|tx| named(tx, name)).map_err(BudgetError::Database)?;
        found.map(|stored| stored.id).ok_or(BudgetError::Unknown)
    }

    /// Returns a budget and what counts in it.
    ///
    /// # Errors
    /// As [`id`](Self::id).
    pub fn show(&self, name: &str) -> Result<ShownBudget, BudgetError> {
        self.change(|tx, clocks| {
            let Some(stored) = named(tx, name)? else { return Ok(Err(BudgetError::Unknown)) };
            let now = clock::pass(tx, clocks)?.time;
            shown(tx, &stored, now).map(Ok)
        })
    }

    /// Returns every budget that was not removed, in the order in which they were made.
    ///
    /// # Errors
    /// [`BudgetError::Database`].
    pub fn all(&self) -> Result<Vec<ShownBudget>, BudgetError> {
        self.change(|tx, clocks| {
            let now = clock::pass(tx, clocks)?.time;
            let mut all = tx.prepare("SELECT * FROM budgets WHERE standing <> 'removed' ORDER BY id")?;
            let all: Vec<Stored> = all.query_map([], read)?.collect::<rusqlite::Result<_>>()?;
            all.iter().map(|stored| shown(tx, stored, now)).collect::<rusqlite::Result<_>>().map(Ok)
        })
    }

    /// Changes the limits of a budget and its end. What was spent in it stays, so that a limit below that pays nothing more.
    ///
    /// # Errors
    /// As [`id`](Self::id).
    pub fn set_limits(&self, name: &str, set: impl FnOnce(Limits) -> Limits, end: NewEnd) -> Result<(), BudgetError> {
        self.change(|tx, clocks| {
            let Some(stored) = named(tx, name)? else { return Ok(Err(BudgetError::Unknown)) };
            let now = clock::pass(tx, clocks)?.time;
            let expires_at = match end {
                NewEnd::AsBefore => stored.budget.expires_at,
                NewEnd::Never => None,
                NewEnd::In(time) => Some(now.after(time)),
            };
            limits::write(tx, stored.id.0, &set(stored.budget.limits), expires_at)?;
            clock::note(tx, now, &clocks.read(), &format!("set the limits of budget {name}"))?;
            Ok(Ok(()))
        })
    }

    /// Stops a budget and those below it, or lets it pay again.
    ///
    /// # Errors
    /// As [`id`](Self::id).
    pub fn freeze(&self, name: &str, is_frozen: bool) -> Result<(), BudgetError> {
        self.set(name, if is_frozen { "frozen" } else { "active" })
    }

    /// Says whether the budgets right below one, and the budget itself, use each other's tokens, as far as those are not counted.
    ///
    /// # Errors
    /// As [`id`](Self::id).
    pub fn share_tokens(&self, name: &str, is_shared: bool) -> Result<(), BudgetError> {
        let id = self.id(name)?;
        self.change(|tx, _| sharing::share(tx, id, is_shared).map(Ok))
    }

    /// Removes a budget for good: it and those below it pay nothing more. What it spent still counts above it.
    ///
    /// # Errors
    /// As [`id`](Self::id), and [`BudgetError::Main`].
    pub fn remove(&self, name: &str) -> Result<(), BudgetError> {
        self.set(name, "removed")
    }

    /// Says how the clock of the store stands.
    ///
    /// # Errors
    /// [`BudgetError::Database`].
    pub fn clock(&self) -> Result<ClockState, BudgetError> {
        self.change(|tx, clocks| clock::pass(tx, clocks).map(Ok))
    }

    /// Goes on from the stored time where the wall clock is behind it, and returns how the clock stood.
    ///
    /// # Errors
    /// [`BudgetError::Database`].
    pub fn accept_clock(&self) -> Result<ClockState, BudgetError> {
        self.change(|tx, clocks| clock::accept(tx, clocks).map(Ok))
    }

    /// Returns the names of the wallets that are stopped, since they debited more than was reserved.
    ///
    /// # Errors
    /// [`BudgetError::Database`].
    pub fn stopped_wallets(&self) -> Result<Vec<String>, BudgetError> {
        let found = self.database.read(|tx| {
            let mut all = tx.prepare("SELECT wallet FROM stopped_wallets ORDER BY wallet")?;
            all.query_map([], |row| row.get(0))?.collect()
        });
        found.map_err(BudgetError::Database)
    }

    /// Lets a wallet that is stopped pay again.
    ///
    /// # Errors
    /// [`BudgetError::NotStopped`], and where the database cannot be used.
    pub fn thaw_wallet(&self, wallet: &str) -> Result<(), BudgetError> {
        self.change(|tx, clocks| {
            if tx.execute("DELETE FROM stopped_wallets WHERE wallet = ?1", [wallet])? == 0 {
                return Ok(Err(BudgetError::NotStopped));
            }
            let now = clock::pass(tx, clocks)?.time;
            clock::note(tx, now, &clocks.read(), &format!("wallet {wallet} pays again"))?;
            Ok(Ok(()))
        })
    }

    fn set(&self, name: &str, standing: &str) -> Result<(), BudgetError> {
        self.change(|tx, clocks| {
            let Some(stored) = named(tx, name)? else { return Ok(Err(BudgetError::Unknown)) };
            if stored.id == BudgetId::MAIN && standing == "removed" {
                return Ok(Err(BudgetError::Main));
            }
            tx.execute("UPDATE budgets SET standing = ?2 WHERE id = ?1", params![stored.id.0, standing])?;
            let now = clock::pass(tx, clocks)?.time;
            clock::note(tx, now, &clocks.read(), &format!("budget {name} is {standing}"))?;
            Ok(Ok(()))
        })
    }

    pub(super) const fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &dyn Clocks) -> rusqlite::Result<Result<T, BudgetError>>,
    ) -> Result<T, BudgetError> {
        self.database.write(|tx| work(tx, self.database.clocks())).map_err(BudgetError::Database)?
    }
}

fn insert(tx: &Transaction<'_>, new: &NewBudget, parent: BudgetId, now: WindowTime) -> rusqlite::Result<()> {
    let sql = "INSERT INTO budgets (name, parent, standing, made_at) VALUES (?1, ?2, 'active', ?3)";
    tx.execute(sql, params![new.name.as_str(), parent.0, clock::column(now.millis())])?;
    let expires_at = new.expires_in.map(|time| now.after(time));
    limits::write(tx, tx.last_insert_rowid(), &new.limits, expires_at)
}

pub(super) fn shown(tx: &Transaction<'_>, stored: &Stored, now: WindowTime) -> rusqlite::Result<ShownBudget> {
    let Stored { id, name, budget, .. } = stored;
    let parent = line(tx, *id)?.into_iter().nth(1).map(|parent| parent.name);
    let recent = entry::recent(tx, *id, now)?;
    Ok(ShownBudget {
        name: name.clone(),
        parent,
        limits: budget.limits,
        standing: budget.standing,
        expires_in: budget.expires_at.map(|end| end.since(now)),
        shares_tokens: sharing::is_shared(tx, *id)?,
        hour_msat: Window::Hour.sum(recent.iter().copied(), now),
        day_msat: Window::Day.sum(recent.iter().copied(), now),
        total: entry::account(tx, *id, "", "")?,
        unlisted: entry::account(tx, *id, entry::UNLISTED, "")?,
    })
}

/// Why a budget cannot be made, found or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum BudgetError {
    /// There is none of this name.
    Unknown,
    /// There is none of the name of the one above.
    NoParent,
    /// There is one of this name already.
    Exists,
    /// There are as many above it as there may be.
    TooDeep,
    /// The first one stays.
    Main,
    /// No wallet of this name is stopped.
    NotStopped,
    /// The owner's policy cannot be used.
    Policy(PolicyError),
    /// The database cannot be used.
    Database(DatabaseError),
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no budget has this name; `l402 budget list` shows them"),
            Self::NoParent => f.write_str("no budget has the name after --of; `l402 budget list` shows them"),
            Self::Exists => f.write_str("there is a budget of this name; `l402 budget set` changes it"),
            Self::TooDeep => write!(f, "budgets go {MAX_DEPTH} deep, with the first one"),
            Self::Main => f.write_str("the first budget cannot be removed; it can be frozen"),
            Self::NotStopped => f.write_str("no wallet of this name is stopped; `l402 policy wallet list` shows them"),
            Self::Policy(cause) => cause.fmt(f),
            Self::Database(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for BudgetError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Policy(cause) => cause.source(),
            Self::Database(cause) => cause.source(),
            _ => None,
        }
    }
}
