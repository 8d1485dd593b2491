//! The version of what is kept, and whether all of it is there.
//!
//! The key is made first, then the horizon of each shard, and only then the key says that all are there. So a shard without
//! a horizon is one that was lost, unless the making was interrupted. The horizon of the whole ledger is no lower than any of them; each
//! start sees to that.

use super::keys::{Keys, Shard};
use super::link::Link;
use super::scripts::Scripts;
use crate::error::{StoreError, StoreErrorKind};
use l402_core::ledger::StoreTime;

/// The version that this program writes.
const VERSION: u64 = 1;

/// Makes what is not there, and returns when it was made.
pub(super) async fn open(link: &Link, keys: &Keys, scripts: &Scripts) -> Result<StoreTime, StoreError> {
    let schema = match read(link, keys).await? {
        Some(schema) => schema,
        None => begin(link, keys).await?,
    };
    if schema.is_whole {
        let horizons = horizons(link, keys).await?;
        if horizons.len() != Shard::all().count() {
            return damaged();
        }
        raise_horizon(link, keys, scripts, horizons.into_iter().max().unwrap_or_default()).await?;
        return Ok(schema.made_at);
    }
    for shard in Shard::all() {
        let mut command = redis::cmd("SET");
        command.arg(keys.horizon(shard)).arg(0).arg("NX");
        link.ask::<Option<String>>(&command).await?;
    }
    let latest = horizons(link, keys).await?.into_iter().max().unwrap_or_default();
    raise_horizon(link, keys, scripts, latest).await?;
    let whole = format!("{VERSION} {}", schema.made_at.millis());
    link.ask::<()>(redis::cmd("SET").arg(keys.schema()).arg(whole)).await?;
    Ok(schema.made_at)
}

struct Schema {
    made_at: StoreTime,
    is_whole: bool,
}

/// Begins to make it, where nothing is left of an earlier one.
async fn begin(link: &Link, keys: &Keys) -> Result<Schema, StoreError> {
    let (seconds, micros): (u64, u64) = link.ask(&redis::cmd("TIME")).await?;
    let is_new = horizons(link, keys).await?.is_empty();
    if is_new {
        let text = format!("{VERSION} {} opening", seconds * 1_000 + micros / 1_000);
        link.ask::<Option<String>>(redis::cmd("SET").arg(keys.schema()).arg(text).arg("NX")).await?;
    }
    // Another gateway may make it at the same time.
    match read(link, keys).await? {
        Some(schema) => Ok(schema),
        None => damaged(),
    }
}

/// Raises the horizon of the whole ledger.
pub(super) async fn raise_horizon(link: &Link, keys: &Keys, scripts: &Scripts, horizon: u64) -> Result<(), StoreError> {
    let script = &scripts.horizon;
    let command = script.command(&[keys.latest_horizon()], |command| {
        command.arg(horizon);
    });
    link.run(script, &command).await.map(drop)
}

/// Returns the horizons of the shards that have one.
async fn horizons(link: &Link, keys: &Keys) -> Result<Vec<u64>, StoreError> {
    let mut found = Vec::new();
    for shard in Shard::all() {
        found.extend(link.ask::<Option<u64>>(redis::cmd("GET").arg(keys.horizon(shard))).await?);
    }
    Ok(found)
}

async fn read(link: &Link, keys: &Keys) -> Result<Option<Schema>, StoreError> {
    match link.ask::<Option<String>>(redis::cmd("GET").arg(keys.schema())).await? {
        Some(text) => parse(&text).map(Some),
        None => Ok(None),
    }
}

fn parse(text: &str) -> Result<Schema, StoreError> {
    let mut words = text.split(' ');
    let version: Option<u64> = words.next().and_then(|word| word.parse().ok());
    match (version, words.next().and_then(|word| word.parse().ok()), words.next()) {
        (Some(VERSION), Some(made_at), rest @ (None | Some("opening"))) => {
            Ok(Schema { made_at: StoreTime::from_millis(made_at), is_whole: rest.is_none() })
        }
        (Some(version), ..) if version > VERSION => Err(StoreError::new(StoreErrorKind::TooNew)),
        _ => damaged(),
    }
}

fn damaged<T>() -> Result<T, StoreError> {
    Err(StoreError::new(StoreErrorKind::Damaged))
}
