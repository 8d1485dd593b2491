//! A store in Redis, which several gateways share.
//!
//! ```no_run
//! use l402_ledger::redis::{RedisSettings, RedisStore};
//!
//! # async fn open() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = RedisSettings::new("rediss://ledger.example:6379")?.user("gateway", "the password");
//! let store = RedisStore::open(&settings).await?;
//! for warning in store.warnings() {
//!     eprintln!("warning: {warning}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! 1. One Lua script per transition, which does to a row what [`l402_core::ledger::step`] does to a record. Redis runs one
//!    script at a time, so that each is one atomic step; what it wrote reaches the append-only file as one transaction.
//! 2. Redis' clock decides, inside the script.
//! 3. The first byte of a payment's hash names its shard, `{l402:a7}`. All keys of a shard are in one slot of a cluster:
//!
//! | key | type | holds |
//! |---|---|---|
//! | `{l402:a7}:<hash>` | hash | the row of a payment: counters, spare numbers, attempts that are reserved or in doubt |
//! | `{l402:a7}:<hash>:<attempt>` | string | an attempt that was committed or cancelled; Redis deletes it after 10 minutes |
//! | `{l402:a7}:<hash>:settled` | string | a payment that arrived at the node of one gateway; Redis deletes it after its token's end |
//! | `{l402:a7}:<hash>:rate:<name>` | string | a bucket of the tokens of a payment; Redis deletes it once the bucket is full |
//! | `{l402:a7}:ends` | sorted set | the payments that have a row, by the end of their tokens |
//! | `{l402:a7}:open` | sorted set | unsafe attempts that are reserved, and all in doubt, by time |
//! | `{l402:a7}:horizon` | string | the latest end of a row that was deleted |
//! | `{l402}:horizon` | string | the latest of these horizons, or later |
//! | `{l402}:revoked` | hash | the deny-list: what is denied and until when, and its version |
//! | `{l402}:schema` | string | the version of all this, and when it was made |
//!
//! 4. Redis never deletes a row by itself. [`sweep`](LedgerStore::sweep) does, and moves the horizon in the same step: a clock
//!    that was ahead and is set back revives nothing. The horizon is one per shard, since a script reaches one slot; the end
//!    of a sweep raises all to the latest. That of the whole ledger is raised first, so that it is never behind one of them.
//! 5. A shard without a horizon has lost its data. That is [`StoreErrorKind::Damaged`], at the start and at each new row.
//!    To notice a Redis that lost everything before the start, keep [`RedisStore::created_at`] and compare.
//! 6. Numbers in Lua are exact up to 2⁵³ − 1. A higher limit counts as that.
//!
//! # What Redis can lose
//!
//! A use is never committed twice as long as Redis is one primary with `appendfsync always`: it answers after the write is on
//! the disk. [`RedisStore::open`] refuses a Redis without an append-only file, or one that deletes keys when memory runs out.
//! Anything else that can lose committed uses draws a [`RedisWarning`]:
//!
//! - `appendfsync everysec` (the default of Redis): a power loss takes the last second or two. A kill of the process takes
//!   nothing.
//! - Replicas with automatic fail-over (Sentinel, a cluster): they are written to after the reply. What the old primary had
//!   not passed on is gone, and the uses can be had again. `WAIT` and `min-replicas-to-write` make it rarer, no more.
//! - A backup that is restored: rotate the keys, and revoke the epoch before.
//!
//! # What the user needs
//!
//! An ACL user needs the keys `{l402*`, and: `eval evalsha time info get set pttl exists mget hget hmget hgetall hkeys hset hdel
//! unlink zadd zrem zrange zrangebyscore`, `cluster|slots` in a cluster, and `config|get` to see `appendfsync`.

mod check;
mod error;
mod keys;
mod link;
mod rates;
mod revoked;
mod schema;
mod scripts;
mod settings;
mod settlements;
mod wire;

pub use check::RedisWarning;
pub use settings::{RedisSettings, RedisSettingsError};

#[cfg(doc)]
use crate::StoreErrorKind;
use crate::error::StoreError;
use crate::rates::SharedRates;
use crate::revoke::{Revocation, Revocations};
use crate::settlements::SharedSettlements;
use crate::store::{DoubtfulUse, LedgerStore, PaymentUses};
use core::sync::atomic::{AtomicU8, Ordering};
use keys::{Keys, Shard};
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Now, Reply, StoreTime};
use link::Link;
use scripts::Scripts;
use std::sync::Arc;

/// A store in Redis. Clones share one connection.
#[derive(Clone)]
pub struct RedisStore {
    link: Link,
    keys: Arc<Keys>,
    scripts: Arc<Scripts>,
    warnings: Arc<[RedisWarning]>,
    created_at: StoreTime,
    /// The shard at which the next sweep begins.
    swept: Arc<AtomicU8>,
}

impl core::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RedisStore").field("keys", &self.keys).field("warnings", &self.warnings).finish_non_exhaustive()
    }
}

impl RedisStore {
    /// Connects, to a cluster too, and makes what is not there yet.
    ///
    /// # Errors
    /// [`StoreErrorKind::Unavailable`], [`Denied`](StoreErrorKind::Denied), [`ReadOnly`](StoreErrorKind::ReadOnly) for a
    /// replica, [`Unsafe`](StoreErrorKind::Unsafe) for a Redis that can lose commits, [`TooNew`](StoreErrorKind::TooNew),
    /// [`Damaged`](StoreErrorKind::Damaged) where a part of the ledger is missing.
    pub async fn open(settings: &RedisSettings) -> Result<Self, StoreError> {
        let link = Link::open(settings).await?;
        let warnings = check::check(&link, settings.may_lose_commits).await?.into();
        let keys = Keys::new(&settings.prefix);
        let scripts = Scripts::new();
        let created_at = schema::open(&link, &keys, &scripts).await?;
        let (keys, scripts, swept) = (Arc::new(keys), Arc::new(scripts), Arc::new(AtomicU8::new(0)));
        Ok(Self { link, keys, scripts, warnings, created_at, swept })
    }

    /// Returns what this Redis can lose, for people to read at each start.
    pub fn warnings(&self) -> &[RedisWarning] {
        &self.warnings
    }

    /// Returns when the ledger was made. It differs from what it was at an earlier start if all was lost in between.
    pub fn created_at(&self) -> StoreTime {
        self.created_at
    }
}

impl LedgerStore for RedisStore {
    async fn apply(&self, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Result<Reply, StoreError> {
        let (script, arguments) = (self.scripts.of(&event), wire::arguments(&event));
        let command = script.command(&self.keys.of_row(payment, &attempt), |command| {
            command.arg(payment.as_bytes()).arg(attempt.as_bytes()).arg(arguments);
        });
        wire::reply(self.link.run(script, &command).await?)
    }

    async fn now(&self) -> Result<Now, StoreError> {
        let script = &self.scripts.now;
        wire::now(self.link.run(script, &script.command(&[self.keys.latest_horizon()], |_| {})).await?)
    }

    async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        let (script, nobody) = (&self.scripts.uses, AttemptId::from_bytes([0; 16]));
        let command = script.command(&self.keys.of_row(payment, &nobody), |command| {
            command.arg(payment.as_bytes()).arg(nobody.as_bytes());
        });
        wire::uses(self.link.run(script, &command).await?)
    }

    async fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        let (now, mut found) = (self.now().await?.time, Vec::new());
        for shard in Shard::all() {
            let mut of_shard = 0;
            for page in 0.. {
                let (entries, uses) = self.open_uses(shard, page, now).await?;
                of_shard += uses.len();
                found.extend(uses);
                if entries < PAGE || of_shard >= most {
                    break;
                }
            }
        }
        found.sort_by_key(|(since, _)| *since);
        Ok(found.into_iter().map(|(_, found)| found).take(most).collect())
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        self.put_on_the_list(&revocation).await
    }

    async fn revocations(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        self.list(seen).await
    }

    async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        self.take_off_the_list().await?;
        let (mut deleted, mut told, mut horizon) = (0, vec![], self.now().await?.horizon.get());
        for _ in Shard::all() {
            let shard = Shard::new(self.swept.fetch_add(1, Ordering::Relaxed));
            deleted += self.sweep_shard(shard, (most - deleted).min(AT_ONCE), &mut horizon).await?;
            if deleted >= most {
                return Ok(deleted);
            }
            told.push((shard, horizon));
        }
        let latest = horizon;
        for (shard, _) in told.into_iter().filter(|(_, told)| *told < latest) {
            self.sweep_shard(shard, 0, &mut horizon).await?;
        }
        Ok(deleted)
    }

    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>> {
        Some(Arc::new(self.clone()))
    }

    fn rates(&self) -> Option<Arc<dyn SharedRates>> {
        Some(Arc::new(self.clone()))
    }
}

impl RedisStore {
    /// Deletes rows of one shard, and raises its horizon to that of the whole ledger, which goes up first. Returns how many.
    async fn sweep_shard(&self, shard: Shard, most: usize, horizon: &mut u64) -> Result<usize, StoreError> {
        let script = &self.scripts.sweep;
        loop {
            let command = script.command(&self.keys.of_sweep(shard), |command| {
                command.arg(self.keys.rows(shard)).arg(most).arg(*horizon);
            });
            let (count, waits_for) = wire::swept(self.link.run(script, &command).await?)?;
            if waits_for <= *horizon {
                return Ok(count);
            }
            schema::raise_horizon(&self.link, &self.keys, &self.scripts, waits_for).await?;
            *horizon = waits_for;
        }
    }

    /// Reads one page of a shard's open uses: how many it has, and those in doubt, with their times.
    async fn open_uses(
        &self,
        shard: Shard,
        page: usize,
        now: StoreTime,
    ) -> Result<(usize, Vec<(u64, DoubtfulUse)>), StoreError> {
        let script = &self.scripts.open;
        let command = script.command(&[self.keys.open(shard)], |command| {
            command.arg(self.keys.rows(shard)).arg(page * PAGE).arg((page + 1) * PAGE - 1);
        });
        wire::open_uses(self.link.run(script, &command).await?, now)
    }
}

/// How many open uses are read at once.
const PAGE: usize = 256;

/// How many rows are deleted at once: while a script runs, everybody waits.
const AT_ONCE: usize = 500;
