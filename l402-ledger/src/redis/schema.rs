//! The version of what is kept, and whether all of it is there.
//!
//! The key is made first, then the horizon of each shard, and only then the key says that all are there. So a shard without
//! a horizon is one that was lost, unless the making was interrupted.

use super::keys::{Keys, Shard};
use super::link::Link;
use crate::error::{StoreError, StoreErrorKind};
use l402_core::ledger::StoreTime;

/// The version that this program writes.
const VERSION: u64 = 1;

/// Makes what is not there, and returns when it was made.
pub(super) async fn open(link: &Link, keys: &Keys) -> Result<StoreTime, StoreError> {
    let schema = match read(link, keys).await? {
        Some(schema) => schema,
        None => begin(link, keys).await?,
    };
    if schema.is_whole {
        return if count_shards(link, keys).await? == Shard::all().count() { Ok(schema.made_at) } else { damaged() };
    }
    for shard in Shard::all() {
        let mut command = redis::cmd("SET");
        command.arg(keys.horizon(shard)).arg(0).arg("NX");
        link.ask::<Option<String>>(&command).await?;
    }
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
    let is_new = count_shards(link, keys).await? == 0;
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

async fn count_shards(link: &Link, keys: &Keys) -> Result<usize, StoreError> {
    let mut count = 0;
    for shard in Shard::all() {
        count += link.ask::<usize>(redis::cmd("EXISTS").arg(keys.horizon(shard))).await?;
    }
    Ok(count)
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
