//! The store.

use super::config::PostgresConfig;
use super::error::{is_passing, pool_error, store_error};
use super::reply::{Asked, read, settled, signed};
use super::warning::{PostgresWarning, warnings};
use super::{connect, migrate};
use crate::error::{StoreError, StoreErrorKind};
use crate::revoke::{Revocation, Revocations};
use crate::settlements::SharedSettlements;
use crate::store::{DoubtfulUse, LedgerStore, PaymentUses};
use core::fmt;
use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use deadpool_postgres::{Object, Pool, PoolError, TimeoutType};
use l402_core::ledger::{AttemptId, Event, Now, Reply, StoreTime, Tally};
use l402_core::{CounterKey, PaymentHash, UnixSeconds};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// A store in a PostgreSQL that the gateways share. Clones are the same store.
///
/// ```no_run
/// use l402_ledger::postgres::{PostgresConfig, PostgresStore};
///
/// # async fn doc() -> Result<(), Box<dyn std::error::Error>> {
/// let config = PostgresConfig::from_url("postgres://gateway@db.example.com/shop")?.with_password("correct horse");
/// let store = PostgresStore::open(&config).await?;
/// for warning in store.warnings().await? {
///     eprintln!("warning: {warning}");
/// }
/// let ledger = l402_ledger::Ledger::new(store);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresStore {
    pool: Pool,
    deadline: Duration,
    pub(super) statements: Arc<Statements>,
    /// Connections for all but commits and renewals. Those have the others, too: else a crowd that wants a use would keep the
    /// commit of its winner waiting.
    places: Arc<Semaphore>,
    /// Connections that may be in the making at once.
    making: Arc<Semaphore>,
    runtime: Handle,
    created_at: StoreTime,
    /// How far a test has moved the clock on, in milliseconds.
    ahead: Arc<AtomicI64>,
}

/// The calls, with the name of the schema.
pub(super) struct Statements {
    reserve: String,
    settle: String,
    now: String,
    uses: String,
    doubtful: String,
    sweep: String,
    forget: String,
    pub(super) revoke: String,
    pub(super) revocations: String,
    forget_revoked: String,
    pub(super) put_settlement: String,
    pub(super) settlement_of: String,
}

pub(super) type Parameter<'p> = (&'p (dyn ToSql + Sync), Type);

impl PostgresStore {
    /// Connects, and makes or changes the tables where that is needed.
    ///
    /// # Errors
    /// [`StoreError`]: the server cannot be reached, refuses the user, takes no writes, or has tables of a later version.
    ///
    /// # Panics
    /// Outside of a tokio runtime. Its connections live on the one that is running.
    pub async fn open(config: &PostgresConfig) -> Result<Self, StoreError> {
        let ahead = Arc::new(AtomicI64::new(0));
        let (pool, statements) = (connect::pool(config), Arc::new(Statements::of(&config.schema, config.deadline / 4)));
        let places = Arc::new(Semaphore::new((config.pool_size - config.pool_size / 4).max(1)));
        let making = Arc::new(Semaphore::new(config.pool_size));
        let (deadline, runtime, created_at) = (config.deadline, Handle::current(), StoreTime::default());
        let mut store = Self { pool, deadline, statements, places, making, runtime, created_at, ahead };
        let until = Instant::now() + OPENING;
        let read_only = store.call_until(until, "SELECT current_setting('transaction_read_only') = 'on'", &[]).await?;
        if first(&read_only)?.get(0) {
            return Err(StoreError::new(StoreErrorKind::ReadOnly));
        }
        let mut client = store.client(until).await?;
        let prepared = timeout_at(until, async {
            migrate::migrate(&mut client, &config.schema).await?;
            migrate::rights(&client, &config.schema).await?;
            migrate::created_at(&client, &config.schema).await
        });
        match prepared.await {
            Ok(prepared) => store.created_at = StoreTime::from_millis(prepared?),
            Err(_) => return Err(late(client)),
        }
        drop(client);
        Ok(store)
    }

    /// Looks for settings that make the server lose what was committed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn warnings(&self) -> Result<Vec<PostgresWarning>, StoreError> {
        let until = Instant::now() + self.deadline;
        let client = self.client(until).await?;
        match timeout_at(until, warnings(&client)).await {
            Ok(warnings) => warnings.map_err(store_error),
            Err(_) => Err(late(client)),
        }
    }

    /// Returns when the ledger was made. It differs from what it was at an earlier start if all was lost in between.
    pub const fn created_at(&self) -> StoreTime {
        self.created_at
    }

    /// Moves the clock that this store goes by on from the server's.
    #[cfg(feature = "testing")]
    pub fn set_ahead(&self, millis: i64) {
        self.ahead.store(millis, Ordering::Relaxed);
    }

    /// Asks the database.
    pub(super) async fn call(&self, statement: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, StoreError> {
        let begun = Instant::now();
        // Whoever waits longer than this for a place has asked nothing, and owes nothing.
        let place = timeout_at(begun + self.deadline / 2, self.places.acquire()).await;
        let _place = place.map_err(|elapsed| StoreError::with_source(StoreErrorKind::Busy, elapsed))?;
        self.call_until(begun + self.deadline, statement, parameters).await
    }

    /// The same at once, on another connection if the first one was closed: a step can be repeated.
    async fn call_until(
        &self,
        until: Instant,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let mut repetitions = 0;
        loop {
            let client = match self.client(until).await {
                Err(error) if repetitions > 0 => {
                    return Err(StoreError::with_source(StoreErrorKind::Unavailable, error)); // it was asked before
                }
                client => client?,
            };
            match timeout_at(until, client.query_typed(statement, parameters)).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) if repetitions < REPETITIONS && is_passing(&error) => repetitions += 1,
                Ok(Err(error)) => return Err(store_error(error)),
                Err(_) => return Err(late(client)),
            }
        }
    }

    async fn client(&self, until: Instant) -> Result<Object, StoreError> {
        match timeout_at(until, self.connected()).await {
            Ok(client) => client.map_err(pool_error),
            Err(elapsed) => Err(StoreError::with_source(StoreErrorKind::Busy, elapsed)),
        }
    }

    /// Takes a connection. One that has to be made is made to its end, for whoever comes next: where that takes longer than anybody
    /// waits, there would never be one.
    async fn connected(&self) -> Result<Object, PoolError> {
        if self.pool.status().available > 0 {
            return self.pool.get().await;
        }
        let Ok(place) = Arc::clone(&self.making).try_acquire_owned() else { return self.pool.get().await };
        let (pool, patience) = (self.pool.clone(), self.deadline.saturating_mul(MAKING));
        let made = self.runtime.spawn(async move {
            let _place = place;
            timeout(patience, pool.get()).await.unwrap_or(Err(PoolError::Timeout(TimeoutType::Create)))
        });
        made.await.unwrap_or(Err(PoolError::Closed)) // its runtime has ended
    }

    async fn step(&self, payment: &PaymentHash, attempt: AttemptId, event: &Event) -> Result<Vec<Row>, StoreError> {
        let (payment, attempt) = (&payment.as_bytes()[..], &attempt.as_bytes()[..]);
        let ahead = self.ahead();
        let Event::Reserve(reserve) = event else {
            let is_urgent = matches!(event, Event::Commit { .. } | Event::Renew | Event::Draw { .. });
            let (event, amount) = settled(event);
            let parameters: [Parameter<'_>; 5] = [
                (&payment, Type::BYTEA),
                (&attempt, Type::BYTEA),
                (&event, Type::INT2),
                (&signed(amount), Type::INT8),
                (&ahead, Type::INT8),
            ];
            let settle = &self.statements.settle;
            return if is_urgent {
                self.call_until(Instant::now() + self.deadline, settle, &parameters).await
            } else {
                self.call(settle, &parameters).await
            };
        };
        let asked = Asked::from(reserve);
        let parameters: [Parameter<'_>; 13] = [
            (&payment, Type::BYTEA),
            (&attempt, Type::BYTEA),
            (&asked.counters, Type::BYTEA),
            (&asked.limits, Type::INT8_ARRAY),
            (&asked.amount, Type::INT8),
            (&asked.ends_at, Type::INT8),
            (&asked.is_unsafe, Type::BOOL),
            (&asked.is_repeatable, Type::BOOL),
            (&asked.fingerprint, Type::BYTEA),
            (&asked.key, Type::BYTEA),
            (&asked.doubt_after, Type::INT8),
            (&asked.doubt_used, Type::BOOL),
            (&ahead, Type::INT8),
        ];
        self.call(&self.statements.reserve, &parameters).await
    }

    pub(super) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Calls a function that takes a number and the time, and returns a number.
    async fn count(&self, statement: &str, most: usize) -> Result<usize, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self.call(statement, &[(&most, Type::INT8), (&self.ahead(), Type::INT8)]).await?;
        let count: i64 = first(&rows)?.get(0);
        usize::try_from(count).map_err(|_| damaged())
    }
}

impl LedgerStore for PostgresStore {
    async fn apply(&self, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Result<Reply, StoreError> {
        let rows = self.step(payment, attempt, &event).await?;
        let reply: Vec<i64> = first(&rows)?.try_get(0).map_err(store_error)?;
        read(&reply).map(|(reply, _)| reply).ok_or_else(damaged)
    }

    async fn now(&self) -> Result<Now, StoreError> {
        let rows = self.call(&self.statements.now, &[]).await?;
        let (row, ahead) = (first(&rows)?, self.ahead());
        let time = StoreTime::from_millis(unsigned(row.get::<_, i64>(0).saturating_add(ahead)));
        Ok(Now { time, horizon: UnixSeconds::new(unsigned(row.get(1))) })
    }

    async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        let payment = &payment.as_bytes()[..];
        let parameters: [Parameter<'_>; 2] = [(&payment, Type::BYTEA), (&self.ahead(), Type::INT8)];
        let rows = self.call(&self.statements.uses, &parameters).await?;
        let Some(sale) = rows.first() else { return Ok(None) };
        let tallies = rows.iter().map(tally).filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Some(PaymentUses { ends_at: UnixSeconds::new(unsigned(sale.get(0))), tallies }))
    }

    async fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let parameters: [Parameter<'_>; 2] = [(&most, Type::INT8), (&self.ahead(), Type::INT8)];
        let rows = self.call(&self.statements.doubtful, &parameters).await?;
        rows.iter().map(doubtful_use).collect()
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        self.put_on_the_list(&revocation).await
    }

    async fn revocations(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        self.list(seen).await
    }

    async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        let deleted = self.count(&self.statements.sweep, most).await?;
        self.count(&self.statements.forget, most).await?;
        self.count(&self.statements.forget_revoked, most).await?;
        Ok(deleted)
    }

    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>> {
        Some(Arc::new(self.clone()))
    }
}

impl Statements {
    /// A reservation waits so long for a row, and then the database gives up. If the gateway did so first, the use would be taken
    /// later, for a request that has been answered.
    fn of(schema: &str, patience: Duration) -> Self {
        let call = |function: &str, count: usize| {
            let parameters: Vec<_> = (1..=count).map(|number| format!("${number}")).collect();
            format!("\"{schema}\".{function}({})", parameters.join(", "))
        };
        Self {
            reserve: format!(
                "SELECT CASE WHEN set_config('lock_timeout', '{}', true) <> '' THEN {} END",
                patience.as_millis().max(1),
                call("reserve", 13)
            ),
            settle: format!("SELECT {}", call("settle", 5)),
            now: format!(
                "SELECT floor(date_part('epoch', clock_timestamp()) * 1000)::bigint, horizon FROM \"{schema}\".state"
            ),
            uses: format!("SELECT * FROM {}", call("uses", 2)),
            doubtful: format!("SELECT * FROM {}", call("doubtful", 2)),
            sweep: format!("SELECT {}", call("sweep", 2)),
            forget: format!("SELECT {}", call("forget", 2)),
            revoke: format!("SELECT {}", call("revoke", 2)),
            revocations: format!(
                "SELECT v.version, r.what, r.ends_at FROM \"{schema}\".revocations AS v \
                 LEFT JOIN \"{schema}\".revoked AS r ON true WHERE v.version IS DISTINCT FROM $1"
            ),
            forget_revoked: format!("SELECT {}", call("forget_revoked", 2)),
            put_settlement: format!("SELECT FROM {}", call("put_settlement", 4)),
            settlement_of: format!("SELECT {}", call("settlement_of", 2)),
        }
    }
}

/// A call took too long. Its connection waits for a reply that nobody wants, so it is closed.
fn late(client: Object) -> StoreError {
    drop(Object::take(client));
    too_slow()
}

fn too_slow() -> StoreError {
    StoreError::with_source(StoreErrorKind::Unavailable, "PostgreSQL did not answer in time")
}

pub(super) fn first(rows: &[Row]) -> Result<&Row, StoreError> {
    rows.first().ok_or_else(damaged)
}

/// A counter; none where nothing of it is taken.
fn tally(row: &Row) -> Result<Option<(CounterKey, Tally)>, StoreError> {
    let Some(limit) = row.get::<_, Option<i64>>(2) else { return Ok(None) };
    let key = CounterKey::from_bytes(row.get::<_, &[u8]>(1).try_into().map_err(|_| damaged())?);
    let [committed, reserved, doubtful] = [3, 4, 5].map(|at| unsigned(row.get(at)));
    let tries = u8::try_from(row.get::<_, i16>(6)).map_err(|_| damaged())?;
    Ok(Some((key, Tally { limit: unsigned(limit), committed, reserved, doubtful, tries })))
}

fn doubtful_use(row: &Row) -> Result<DoubtfulUse, StoreError> {
    let payment = row.get::<_, &[u8]>(0).try_into().map_err(|_| damaged())?;
    let attempt = row.get::<_, &[u8]>(1).try_into().map_err(|_| damaged())?;
    Ok(DoubtfulUse {
        payment: PaymentHash::from_bytes(payment),
        attempt: AttemptId::from_bytes(attempt),
        number: u32::try_from(row.get::<_, i64>(2)).map_err(|_| damaged())?,
        ends_at: UnixSeconds::new(unsigned(row.get(3))),
    })
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The database says what its functions never say.
pub(super) const fn damaged() -> StoreError {
    StoreError::new(StoreErrorKind::Damaged)
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// How long opening may take: other gateways may be making the tables.
const OPENING: Duration = Duration::from_secs(30);

/// How many deadlines a connection may take to make.
const MAKING: u32 = 5;

/// How often a call is repeated on another connection, within its deadline.
const REPETITIONS: u32 = 3;
