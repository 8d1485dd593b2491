//! The connection: one that is shared and comes back by itself, to a single Redis or to a cluster.

use super::error::{TooSlow, of_redis};
use super::scripts::Script;
use super::settings::RedisSettings;
use crate::error::{StoreError, StoreErrorKind};
use core::time::Duration;
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisResult, ServerErrorKind, Value};
use std::collections::BTreeMap;

/// A connection that clones share.
#[derive(Clone)]
pub(super) struct Link {
    to: To,
    deadline: Duration,
}

#[derive(Clone)]
enum To {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Link {
    /// Connects to the first node that answers, and to its whole cluster if it belongs to one.
    pub(super) async fn open(settings: &RedisSettings) -> Result<Self, StoreError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread may have been faster: then there is one.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let deadline = settings.deadline;
        let mut last = StoreError::new(StoreErrorKind::Unavailable);
        for client in settings.clients().map_err(|error| of_redis(&error))? {
            let (asked, client) = (is_cluster(&client, deadline), client.clone());
            let opened = match within(deadline, asked).await {
                Ok(true) => within(2 * deadline, cluster(settings)).await.map(To::Cluster),
                Ok(false) => within(2 * deadline, single(client, deadline)).await.map(To::One),
                Err(error) => Err(error),
            };
            match opened {
                Ok(to) => return Ok(Self { to, deadline }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Sends a command.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        within(self.deadline, self.send(command)).await
    }

    /// Calls a script by its hash, and by its text where Redis does not know it (any more).
    pub(super) async fn run(&self, script: &Script, by_hash: &Cmd) -> Result<Value, StoreError> {
        let call = async {
            match self.send(by_hash).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    self.send(&script.with_text(by_hash)).await
                }
                other => other,
            }
        };
        within(self.deadline, call).await
    }

    /// Sends a command to every primary.
    pub(super) async fn ask_each<T: FromRedisValue>(&self, command: Cmd) -> Result<Vec<T>, StoreError> {
        match &self.to {
            To::One(_) => Ok(vec![self.ask(&command).await?]),
            To::Cluster(cluster) => {
                let to_all = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                let mut cluster = cluster.clone();
                let call = async {
                    redis::from_redis_value(cluster.route_command(command, to_all).await?).map_err(Into::into)
                };
                let replies: BTreeMap<String, T> = within(self.deadline, call).await?;
                Ok(replies.into_values().collect())
            }
        }
    }

    async fn send<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match &self.to {
            To::One(one) => one_value(&mut one.clone(), command).await,
            To::Cluster(cluster) => one_value(&mut cluster.clone(), command).await,
        }
    }
}

async fn one_value<T: FromRedisValue>(connection: &mut impl ConnectionLike, command: &Cmd) -> RedisResult<T> {
    let value = connection.req_packed_command(command).await?.extract_error()?;
    Ok(redis::from_redis_value(value)?)
}

async fn within<T>(deadline: Duration, call: impl Future<Output = RedisResult<T>>) -> Result<T, StoreError> {
    match tokio::time::timeout(deadline, call).await {
        Ok(result) => result.map_err(|error| of_redis(&error)),
        Err(_) => Err(StoreError::with_source(StoreErrorKind::Unavailable, TooSlow)),
    }
}

async fn is_cluster(client: &Client, deadline: Duration) -> RedisResult<bool> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(deadline)).set_response_timeout(Some(deadline));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let info: String = one_value(&mut connection, redis::cmd("INFO").arg("cluster")).await?;
    Ok(info.contains("cluster_enabled:1"))
}

async fn single(client: Client, deadline: Duration) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_min_delay(FIRST_DELAY)
        .set_max_delay(LONGEST_DELAY)
        .set_connection_timeout(Some(deadline))
        .set_response_timeout(Some(deadline));
    ConnectionManager::new_with_config(client, config).await
}

async fn cluster(settings: &RedisSettings) -> RedisResult<ClusterConnection> {
    let (first, longest) = (FIRST_DELAY.as_millis(), LONGEST_DELAY.as_millis());
    let mut builder = ClusterClient::builder(settings.seeds().to_vec())
        .connection_timeout(settings.deadline)
        .response_timeout(settings.deadline)
        .min_retry_wait(u64::try_from(first).unwrap_or(u64::MAX))
        .max_retry_wait(u64::try_from(longest).unwrap_or(u64::MAX));
    if let Some(tls) = settings.tls() {
        builder = builder.certs(tls);
    }
    builder.build()?.get_async_connection().await
}

/// Back-off between attempts to connect again.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(1);
