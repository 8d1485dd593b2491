//! Brings alerts to where they go.

use super::Channel;
use crate::confirm::{Asking, Confirmer};
use crate::http::client::HttpClient;
use crate::http::settings::HttpSettings;
use crate::http::tls::TlsError;
use crate::store::DatabaseError;
use crate::store::breaker::{Breakers, OpenAlert, Question};
use bytes::Bytes;
use core::time::Duration;
use http_body_util::Full;
use tokio::time::timeout;

/// Brings alerts to where they go. Several, also in different processes, share the work.
///
/// As a [`Confirmer`] it says nothing, and brings the question to the owner.
#[derive(Debug, Clone)]
pub struct Courier {
    breakers: Breakers,
    channels: Vec<Channel>,
    http: HttpClient<Full<Bytes>>,
}

impl Courier {
    /// Takes what is to be sent, and where.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(breakers: Breakers, channels: Vec<Channel>) -> Result<Self, TlsError> {
        let http = HttpClient::new(&HttpSettings { timeout: PATIENCE, ..HttpSettings::default() })?;
        Ok(Self { breakers, channels, http })
    }

    /// Sends what is due now, and returns how much of it has arrived. The rest is sent again later, after 15 seconds first and an hour at
    /// most.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn deliver(&self) -> Result<usize, DatabaseError> {
        let mut arrived = 0;
        while let Some(alert) = self.breakers.next_alert(LEASE)? {
            if self.send(&alert).await {
                self.breakers.arrived(&alert.id)?;
                arrived += 1;
            } else {
                self.breakers.delay(&alert.id, pause(alert.tries))?;
            }
        }
        Ok(arrived)
    }

    /// Tells whether every channel has taken it.
    async fn send(&self, alert: &OpenAlert) -> bool {
        let mut is_taken = true;
        for channel in &self.channels {
            is_taken &= match channel {
                Channel::Command(program) => {
                    let run = timeout(PATIENCE, program.run(alert.body.as_bytes())).await;
                    run.is_ok_and(|run| run.is_ok_and(|status| status.success()))
                }
                Channel::Webhook(webhook) => webhook.send(&mut self.http.clone(), alert).await.is_ok(),
            };
        }
        is_taken
    }
}

impl Confirmer for Courier {
    fn ask<'a>(&'a self, _: &'a Question) -> Asking<'a> {
        Box::pin(async {
            let _ = self.deliver().await; // it is sent again by whoever runs next
            None
        })
    }
}

fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(8)).min(LONGEST_PAUSE)
}

/// How long a channel may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer than all channels may take: nobody else sends the same meanwhile.
const LEASE: Duration = Duration::from_mins(1);

const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_to_an_hour() {
        let pauses = [1, 2, 3, 9, 10, 1_000].map(|tries| pause(tries).as_secs());
        assert_eq!(pauses, [15, 30, 60, 3_600, 3_600, 3_600]);
    }
}
