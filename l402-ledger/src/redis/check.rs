//! Whether this Redis keeps what it is told.

use super::link::Link;
use crate::error::{StoreError, StoreErrorKind};
use core::error::Error;
use core::fmt;
use std::collections::HashMap;

/// What a Redis can lose, as far as it can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RedisWarning {
    /// There is no append-only file, and the settings allow that.
    NothingKept,
    /// `appendfsync` is not `always`.
    SyncedLater,
    /// The user may not see `appendfsync`.
    SyncUnknown,
    /// There are replicas, which may take over.
    Replicas,
    /// It is a cluster, where a replica takes over by itself.
    Cluster,
}

/// Looks at every primary.
pub(super) async fn check(link: &Link, may_lose_commits: bool) -> Result<Vec<RedisWarning>, StoreError> {
    let mut warnings = vec![];
    for info in link.ask_each::<String>(redis::cmd("INFO")).await? {
        warnings.extend(judge(&info, may_lose_commits)?);
    }
    let mut config = redis::cmd("CONFIG");
    config.arg("GET").arg("appendfsync");
    match link.ask_each::<HashMap<String, String>>(config).await {
        Ok(replies) => warnings.extend(replies.iter().filter_map(sync)),
        Err(error) if error.kind() == StoreErrorKind::Unavailable && !is_forbidden(&error) => return Err(error),
        Err(_) => warnings.push(RedisWarning::SyncUnknown),
    }
    if warnings.contains(&RedisWarning::NothingKept) {
        warnings.retain(|warning| !matches!(warning, RedisWarning::SyncedLater | RedisWarning::SyncUnknown));
    }
    warnings.sort();
    warnings.dedup();
    Ok(warnings)
}

/// Reads what `INFO` says of one node.
fn judge(info: &str, may_lose_commits: bool) -> Result<Vec<RedisWarning>, StoreError> {
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
    let refuse = |why| Err(StoreError::with_source(StoreErrorKind::Unsafe, why));
    if field("role") != Some("master") {
        return Err(StoreError::new(StoreErrorKind::ReadOnly));
    }
    if field("maxmemory_policy") != Some("noeviction") {
        return refuse(Why::Evicts);
    }
    let mut warnings = vec![];
    if field("aof_enabled") != Some("1") {
        if !may_lose_commits {
            return refuse(Why::KeepsNothing);
        }
        warnings.push(RedisWarning::NothingKept);
    }
    if field("connected_slaves").is_some_and(|count| count != "0") {
        warnings.push(RedisWarning::Replicas);
    }
    if field("cluster_enabled") == Some("1") {
        warnings.push(RedisWarning::Cluster);
    }
    Ok(warnings)
}

fn sync(config: &HashMap<String, String>) -> Option<RedisWarning> {
    match config.get("appendfsync").map(String::as_str) {
        Some("always") => None,
        Some(_) => Some(RedisWarning::SyncedLater),
        None => Some(RedisWarning::SyncUnknown),
    }
}

/// Services that are rented out have no `CONFIG` at all.
fn is_forbidden(error: &StoreError) -> bool {
    error.source().is_some_and(|source| source.to_string() == "redis says ERR")
}

impl fmt::Display for RedisWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingKept => "redis has no append-only file: a restart forgets which uses were committed",
            Self::SyncedLater => {
                "redis writes to the disk later than it answers: a power loss forgets the last uses; set appendfsync to always"
            }
            Self::SyncUnknown => "cannot see whether appendfsync is always: allow the user config|get, or look yourself",
            Self::Replicas => "redis has replicas: a fail-over forgets uses that were not copied yet",
            Self::Cluster => "redis is a cluster: where a replica takes over, uses that were not copied yet are forgotten",
        })
    }
}

/// Why a Redis is refused.
#[derive(Debug)]
enum Why {
    Evicts,
    KeepsNothing,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Evicts => "redis deletes keys when its memory is full; set maxmemory-policy to noeviction",
            Self::KeepsNothing => "redis has no append-only file; set appendonly to yes and appendfsync to always",
        })
    }
}

impl Error for Why {}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "# Memory\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:master\r\nconnected_slaves:0\r\n";

    #[test]
    fn what_can_lose_commits_is_refused_or_told() {
        assert_eq!(judge(GOOD, false).unwrap(), []);
        let kind = |info: &str| judge(info, false).unwrap_err().kind();
        assert_eq!(kind(&GOOD.replace("noeviction", "allkeys-lru")), StoreErrorKind::Unsafe);
        assert_eq!(kind(&GOOD.replace("aof_enabled:1", "aof_enabled:0")), StoreErrorKind::Unsafe);
        assert_eq!(kind(&GOOD.replace("role:master", "role:slave")), StoreErrorKind::ReadOnly);
        assert_eq!(kind(""), StoreErrorKind::ReadOnly);
        let told = |info: &str| judge(info, true).unwrap();
        assert_eq!(told(&GOOD.replace("aof_enabled:1", "aof_enabled:0")), [RedisWarning::NothingKept]);
        assert_eq!(told(&GOOD.replace("connected_slaves:0", "connected_slaves:2")), [RedisWarning::Replicas]);
        assert_eq!(told(&format!("{GOOD}cluster_enabled:1\r\n")), [RedisWarning::Cluster]);
        // What may be lost is never evicted.
        assert!(judge(&GOOD.replace("noeviction", "volatile-ttl"), true).is_err());
    }
}
