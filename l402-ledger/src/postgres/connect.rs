//! Connections: TLS, and the runtime that they live on.

use super::config::PostgresConfig;
use core::pin::Pin;
use deadpool_postgres::{Connect, Manager, ManagerConfig, Pool, RecyclingMethod};
use rustls::{ClientConfig, crypto};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Makes a pool, whose connections are made when they are needed.
///
/// # Panics
/// Outside of a tokio runtime.
pub(super) fn pool(config: &PostgresConfig) -> Pool {
    let mut server = config.server.clone();
    if server.get_connect_timeout().is_none() {
        server.connect_timeout(config.deadline);
    }
    let connector = Connector { tls: MakeRustlsConnect::new(tls(config)), runtime: Handle::current() };
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_connect(server, connector, recycling);
    Pool::builder(manager).max_size(config.pool_size).build().expect("a pool without time-outs needs no runtime")
}

fn tls(config: &PostgresConfig) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has ciphers for TLS 1.2 and 1.3")
        .with_root_certificates(Arc::clone(&config.roots))
        .with_no_client_auth()
}

/// Connections live on the runtime that opened the store: whoever asks may be on one that ends sooner.
struct Connector {
    tls: MakeRustlsConnect,
    runtime: Handle,
}

type Connected = Result<(Client, JoinHandle<()>), Error>;

impl Connect for Connector {
    fn connect(&self, server: &Config) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        let (server, tls, runtime) = (server.clone(), self.tls.clone(), self.runtime.clone());
        let connecting = self.runtime.spawn(async move {
            let (client, connection) = server.connect(tls).await?;
            let work = runtime.spawn(async move {
                // Whoever waits for a reply is told the error.
                drop(connection.await);
            });
            Ok((client, work))
        });
        Box::pin(async move {
            match connecting.await {
                Ok(connected) => connected,
                Err(_) => core::future::pending().await, // the runtime ends, and all that waits with it
            }
        })
    }
}
