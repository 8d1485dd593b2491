//! What the owner does with breakers and questions, and what tells it.

use super::admit;
use super::alert::{self, OpenAlert};
use super::confirmation::{self, Answer, Question, Stand};
use super::happen::Moment;
use super::row::{self, COMMON};
use crate::store::budget::PolicyRefusal;
use crate::store::database::Database;
use crate::store::error::DatabaseError;
use core::fmt;
use core::time::Duration;
use l402_core::purchase::breaker::{Cause, Event, Mode};
use l402_http::pay::Origin;

/// The breakers of a database, the questions that wait for an answer, and the alerts that have not arrived.
///
/// ```
/// use l402_agent::store::Database;
/// use l402_agent::store::breaker::Breakers;
/// use l402_agent::store::private::PrivateDir;
/// use l402_core::purchase::breaker::Mode;
///
/// # let folder = tempfile::tempdir()?;
/// let data = PrivateDir::open(folder.path().join("data"))?;
/// let breakers = Breakers::new(Database::open(&data)?);
/// breakers.set(None, Mode::Frozen)?;
/// assert_eq!(breakers.all()?[0].mode, Mode::Frozen);
/// assert!(breakers.may_ask(&"https://api.example".parse()?)?.is_err());
/// breakers.reset(None)?;
/// assert!(breakers.all()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Breakers {
    database: Database,
}

/// A breaker that something has happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownBreaker {
    /// The origin; [`None`] for the common one.
    pub origin: Option<String>,
    /// What it lets through.
    pub mode: Mode,
    /// What it was tripped by.
    pub cause: Option<Cause>,
    /// Failures since the last success.
    pub failures: u32,
    /// When it ends by itself, from now.
    pub ends_in: Option<Duration>,
}

impl Breakers {
    /// Takes the breakers of a database.
    pub const fn new(database: Database) -> Self {
        Self { database }
    }

    /// Returns the breakers that something has happened to, the common one first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn all(&self) -> Result<Vec<ShownBreaker>, DatabaseError> {
        self.at(|moment| {
            for (origin, _) in row::all(moment.tx)? {
                moment.happen(&origin, Event::Pass)?;
            }
            let shown = |(origin, circuit): (String, l402_core::purchase::breaker::Circuit)| ShownBreaker {
                origin: Some(origin).filter(|origin| origin != COMMON),
                mode: circuit.mode,
                cause: circuit.cause,
                failures: circuit.failures,
                ends_in: circuit.until.map(|until| until.since(moment.now)),
            };
            Ok(row::all(moment.tx)?.into_iter().map(shown).collect())
        })
    }

    /// Sets what is let through at an origin, or at all of them, until the owner says otherwise. [`Mode::Frozen`] stops everything: no
    /// request is sent.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn set(&self, origin: Option<&Origin>, mode: Mode) -> Result<(), DatabaseError> {
        self.at(|moment| moment.happen(&scope(origin), Event::Set(mode)).map(drop))
    }

    /// Lets an origin be paid again, or all of them. What was lost there counts no more.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn reset(&self, origin: Option<&Origin>) -> Result<(), DatabaseError> {
        self.at(|moment| {
            moment.forgive(&scope(origin))?;
            moment.happen(&scope(origin), Event::Reset).map(drop)
        })
    }

    /// Takes note of what came of a request.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn happened(&self, origin: &Origin, event: Event) -> Result<(), DatabaseError> {
        self.at(|moment| moment.happen(&origin.to_string(), event).map(drop))
    }

    /// Says whether a request may be sent to an origin, and how many failures that has had since its last success.
    ///
    /// # Errors
    /// [`DatabaseError`]; no request must be sent then.
    pub fn may_ask(&self, origin: &Origin) -> Result<Result<u32, Box<PolicyRefusal>>, DatabaseError> {
        self.database.read(|tx| admit::may_ask(tx, origin))
    }

    /// Returns the payments that wait for a confirmation, the first asked first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn questions(&self) -> Result<Vec<Question>, DatabaseError> {
        self.database.read(|tx| confirmation::open(tx, self.now()))
    }

    /// Answers for the owner; `by` is recorded.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn answer(&self, id: &str, answer: Answer, by: &str) -> Result<(), AnswerError> {
        let is_open = self.database.write(|tx| confirmation::answer(tx, self.now(), id, answer, by));
        if is_open.map_err(AnswerError::Database)? { Ok(()) } else { Err(AnswerError::NotOpen) }
    }

    /// Tells how a question stands.
    pub(in crate::store) fn stand(&self, id: &str) -> Result<Stand, DatabaseError> {
        self.database.read(|tx| confirmation::stand(tx, self.now(), id))
    }

    /// Takes the next alert that is due. It is due again after `lease`, unless it has [arrived](Self::arrived).
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn next_alert(&self, lease: Duration) -> Result<Option<OpenAlert>, DatabaseError> {
        if !self.database.read(|tx| alert::is_due(tx, self.now()))? {
            return Ok(None);
        }
        self.database.write(|tx| alert::take(tx, self.now(), lease.as_secs()))
    }

    /// Forgets an alert that has arrived.
    ///
    /// # Errors
    /// [`DatabaseError`]; it is sent again then.
    pub fn arrived(&self, id: &str) -> Result<(), DatabaseError> {
        self.database.write(|tx| tx.execute("DELETE FROM alerts WHERE id = ?1", [id]).map(drop))
    }

    /// Sends an alert again after a time.
    ///
    /// # Errors
    /// [`DatabaseError`]; it is sent again when its lease ends.
    pub fn delay(&self, id: &str, time: Duration) -> Result<(), DatabaseError> {
        self.database.write(|tx| alert::delay(tx, id, self.now().saturating_add(time.as_secs())))
    }

    fn now(&self) -> u64 {
        self.database.clocks().read().wall_ms / 1_000
    }

    fn at<T>(&self, work: impl FnOnce(&Moment<'_>) -> rusqlite::Result<T>) -> Result<T, DatabaseError> {
        let guards = self.database.guards();
        self.database.write(|tx| work(&Moment::new(tx, self.database.clocks(), &guards)?))
    }
}

fn scope(origin: Option<&Origin>) -> String {
    origin.map_or_else(|| COMMON.to_owned(), Origin::to_string)
}

/// Why a question is not answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnswerError {
    /// There is none, or it was answered, or it is too late.
    NotOpen,
    /// The database cannot be used.
    Database(DatabaseError),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => {
                f.write_str("no payment of this id waits for an answer now; `l402 policy pending` lists those that do")
            }
            Self::Database(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for AnswerError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NotOpen => None,
            Self::Database(cause) => cause.source(),
        }
    }
}
