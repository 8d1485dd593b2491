//! What an agent takes over from its policy: when breakers trip, who is asked, who is told.

use super::Agent;
use crate::alerts::Courier;
use crate::confirm::Confirmer;
use crate::http::tls::TlsError;
use crate::policy::Guarding;
use crate::store::Database;
use crate::store::breaker::{Breakers, Guards};
use core::time::Duration;
use l402_lightning::PaymentSource;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::runtime::Handle;
use tokio::time::sleep;

/// What guards the payments of an agent. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Guarded(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    database: Database,
    /// Those who are asked whatever the policy says.
    own: Vec<Arc<dyn Confirmer>>,
    buys_again: bool,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    guarding: Option<Guarding>,
    confirmers: Arc<[Arc<dyn Confirmer>]>,
    courier: Option<Courier>,
    /// Whether somebody sends what is due.
    is_sending: bool,
}

impl Guarded {
    pub(super) fn new(database: Database, own: Vec<Arc<dyn Confirmer>>, buys_again: bool) -> Self {
        let now = Now { confirmers: own.iter().cloned().collect(), ..Now::default() };
        database.guard(Guards { buys_again, ..database.guards() });
        Self(Arc::new(Inner { database, own, buys_again, now: Mutex::new(now) }))
    }

    /// Returns who is asked now.
    pub(super) fn confirmers(&self) -> Arc<[Arc<dyn Confirmer>]> {
        Arc::clone(&self.now().confirmers)
    }

    fn set(&self, guarding: &Guarding) -> Result<(), TlsError> {
        let mut now = self.now();
        if now.guarding.as_ref() == Some(guarding) {
            return Ok(());
        }
        now.is_sending |= !guarding.channels().is_empty() && self.begin_sending(now.is_sending);
        let Inner { database, own, buys_again, .. } = &*self.0;
        let channels = guarding.channels().to_vec();
        let breakers = Breakers::new(database.clone());
        let courier = (!channels.is_empty()).then(|| Courier::new(breakers, channels)).transpose()?;
        let hook = guarding.hook().map(|hook| Arc::new(hook) as Arc<dyn Confirmer>);
        let teller = courier.clone().map(|courier| Arc::new(courier) as Arc<dyn Confirmer>);
        let buys_again = *buys_again && !guarding.is_written();
        database.guard(Guards { buys_again, ..guarding.guards() });
        now.confirmers = own.iter().cloned().chain(hook).chain(teller).collect();
        now.courier = courier;
        now.guarding = Some(guarding.clone());
        Ok(())
    }

    /// Sends alerts when they are due, until the last clone of the agent is gone; tells whether it does.
    fn begin_sending(&self, is_sending: bool) -> bool {
        let Ok(runtime) = Handle::try_current() else { return false };
        if !is_sending {
            runtime.spawn(keep_sending(Arc::downgrade(&self.0)));
        }
        true
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: PaymentSource + 'static> Agent<W> {
    /// Takes over what a policy says of breakers, confirmations and alerts. Payments that begin from now on follow it, those of all clones
    /// too. What holds already costs nothing to say again.
    ///
    /// # Errors
    /// [`TlsError`], where nothing can be sent; everything stays as it was then.
    pub fn guard(&self, guarding: &Guarding) -> Result<(), TlsError> {
        self.guarded.set(guarding)
    }

    /// Sends the alerts that are due now, for a program that is about to end. Others send them by themselves. Those that do not arrive are
    /// sent again later, by whatever process runs then.
    pub async fn send_alerts(&self) {
        let courier = self.guarded.now().courier.clone();
        if let Some(courier) = courier {
            let _ = courier.deliver().await; // they stay in the store
        }
    }
}

async fn keep_sending(guarded: Weak<Inner>) {
    while let Some(guarded) = guarded.upgrade().map(Guarded) {
        let courier = guarded.now().courier.clone();
        drop(guarded);
        if let Some(courier) = courier {
            let _ = courier.deliver().await; // they stay in the store
        }
        sleep(LOOK).await;
    }
}

/// How often to look for something to send.
const LOOK: Duration = Duration::from_secs(2);
