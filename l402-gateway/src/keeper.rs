//! Looking after the ledger: whether it can be reached, and that it stays small.
//!
//! 1. The ledger is asked for its time every ten seconds. While it does not answer, `/ready` says so.
//! 2. Records of tokens that have ended are deleted once a minute.
//! 3. The gateway's list of revoked tokens is kept like the ledger's.
//! 4. A clock that is more than half the [`SKEW`] off is told: then the gateway and the ledger disagree about which tokens have ended.
//!    So is one that was ahead, and has made the ledger delete what would still be needed.
//! 5. All this happens on the runtime that the keeper was started on, not on one that serves.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use l402_core::UnixSeconds;
use l402_core::ledger::{Now, SKEW, StoreTime};
use l402_ledger::{DenyList, Ledger, LedgerStore as _};
use l402_lightning::unix_now;
use l402_program::Causes;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::deny;

/// A ledger, and what looks after it until the keeper is dropped.
///
/// ```
/// use l402_gateway::LedgerKeeper;
/// use l402_ledger::{Ledger, testing::FakeStore};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let ledger = Ledger::new(FakeStore::new()); // your program opens one that remembers
/// let keeper = LedgerKeeper::start(ledger); // and then: bound.ledger(&keeper).serve(&settings, &payee)
/// # drop(keeper);
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct LedgerKeeper {
    ledger: Ledger,
    standing: Standing,
    deny_list: DenyList,
    tasks: [JoinHandle<()>; 2],
}

impl LedgerKeeper {
    /// For how long the last list of revoked tokens holds while the ledger does not answer, unless set.
    pub const DENY_LIST_MAX_AGE: Duration = Duration::from_mins(1);

    /// Begins, on the caller's runtime.
    pub fn start(ledger: Ledger) -> Self {
        Self::start_with(ledger, Self::DENY_LIST_MAX_AGE)
    }

    /// Begins, and says for how long the last list of revoked tokens holds while the ledger does not answer. Then no token is served.
    pub fn start_with(ledger: Ledger, deny_list_max_age: Duration) -> Self {
        Self::with_clock(ledger, deny_list_max_age, unix_now)
    }

    fn with_clock(ledger: Ledger, deny_list_max_age: Duration, clock: Clock) -> Self {
        let standing = Standing(Arc::new(AtomicU8::new(WELL))); // it has just been opened
        let deny_list = DenyList::unknown();
        let tasks = [
            tokio::spawn(keep(ledger.clone(), standing.clone(), clock)),
            tokio::spawn(deny::keep(ledger.clone(), deny_list.clone(), deny_list_max_age)),
        ];
        Self { ledger, standing, deny_list, tasks }
    }

    /// Returns the ledger.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What each request looks at.
    pub(crate) const fn deny_list(&self) -> &DenyList {
        &self.deny_list
    }

    /// What `/ready` looks at.
    pub(crate) fn standing(&self) -> Standing {
        self.standing.clone()
    }
}

/// What the last look has found.
#[derive(Debug, Clone)]
pub(crate) struct Standing(Arc<AtomicU8>);

impl Standing {
    pub(crate) fn look(&self) -> Result<(), &'static str> {
        match self.0.load(Ordering::Relaxed) {
            WELL => Ok(()),
            CLOCK_OFF => Err("its clock and this one differ"),
            _ => Err("cannot be reached"),
        }
    }
}

impl Drop for LedgerKeeper {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl fmt::Debug for LedgerKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerKeeper").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// The clock of the gateway.
type Clock = fn() -> UnixSeconds;

async fn keep(ledger: Ledger, standing: Standing, clock: Clock) {
    let (mut swept, mut ahead) = (None, UnixSeconds::new(0));
    loop {
        let found = look(&ledger, clock, &mut ahead).await;
        let before = standing.0.swap(found, Ordering::Relaxed);
        if before != found {
            tell(found);
        }
        if found == WELL && swept.is_none_or(|at: Instant| at.elapsed() >= SWEEP) {
            sweep(&ledger).await;
            swept = Some(Instant::now());
        }
        sleep(LOOK).await;
    }
}

/// Asks for the time.
async fn look(ledger: &Ledger, clock: Clock, ahead: &mut UnixSeconds) -> u8 {
    match timeout(PATIENCE, ledger.now()).await {
        Ok(Ok(Now { time, .. })) if differs(time, StoreTime::from(clock())) => CLOCK_OFF,
        Ok(Ok(Now { horizon, .. })) => {
            if horizon > clock().max(*ahead) {
                *ahead = horizon;
                tell_ahead(horizon);
            }
            WELL
        }
        Ok(Err(fault)) => {
            tracing::debug!(cause = %Causes(&fault), "the ledger does not say its time");
            AWAY
        }
        Err(_) => AWAY,
    }
}

fn differs(one: StoreTime, other: StoreTime) -> bool {
    u128::from(one.millis().abs_diff(other.millis())) > SKEW.as_millis() / 2
}

fn tell(found: u8) {
    match found {
        WELL => tracing::info!("the ledger can be used again"),
        CLOCK_OFF => tracing::error!("the clocks of the ledger and of this machine differ by more than five minutes"),
        _ => tracing::error!("the ledger cannot be reached: requests with counted tokens get 503"),
    }
}

/// Tells, once for each horizon, that the clock of the ledger was ahead and was put back.
fn tell_ahead(horizon: UnixSeconds) {
    tracing::error!(
        horizon = horizon.get(),
        "the clock of the ledger was ahead: it has deleted the records of tokens that end up to the horizon (Unix time). Those tokens \
         are refused, and nothing is sold by number that would end so early; `l402-server uses clock` says more"
    );
}

/// Deletes what is over, some at a time, so that no request waits long.
async fn sweep(ledger: &Ledger) {
    loop {
        match ledger.sweep(AT_ONCE).await {
            Ok(deleted) if deleted == AT_ONCE => tokio::task::yield_now().await,
            Ok(_) => return,
            Err(fault) => {
                return tracing::warn!(cause = %Causes(&fault), "cannot delete records of tokens that have ended");
            }
        }
    }
}

const WELL: u8 = 0;
const AWAY: u8 = 1;
const CLOCK_OFF: u8 = 2;

const LOOK: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(5);
const SWEEP: Duration = Duration::from_mins(1);
const AT_ONCE: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::PaymentHash;
    use l402_core::ledger::{AttemptId, Event};
    use l402_ledger::testing::{FakeStore, reserve};

    /// The time at which a store in memory begins.
    fn clock() -> UnixSeconds {
        UnixSeconds::new(1_800_000_000)
    }

    /// Lets the keeper look so often.
    async fn looks(count: u32) {
        sleep(LOOK * count + LOOK / 2).await;
    }

    #[tokio::test(start_paused = true)]
    async fn s1_a_ledger_that_goes_away_and_comes_back_is_noticed() {
        let store = FakeStore::new();
        let keeper = LedgerKeeper::with_clock(Ledger::new(store.clone()), LedgerKeeper::DENY_LIST_MAX_AGE, clock);
        let check = || keeper.standing().look();
        assert_eq!(check(), Ok(()));
        store.set_away(true);
        looks(1).await;
        assert_eq!(check(), Err("cannot be reached"));
        store.set_away(false);
        looks(1).await;
        let well = check();
        store.pass(SKEW);
        looks(1).await;
        assert_eq!((well, check()), (Ok(()), Err("its clock and this one differ")));
    }

    #[tokio::test(start_paused = true)]
    async fn records_of_tokens_that_have_ended_are_deleted() {
        let store = FakeStore::new();
        let payment = PaymentHash::from_bytes([1; 32]);
        let mut asked = reserve(2);
        asked.ends_at = UnixSeconds::new(clock().get() - SKEW.as_secs() + 1);
        store.apply(&payment, AttemptId::from_bytes([1; 16]), Event::Reserve(asked)).await.expect("reserved");
        let keeper = LedgerKeeper::with_clock(Ledger::new(store.clone()), LedgerKeeper::DENY_LIST_MAX_AGE, clock);
        looks(1).await;
        assert!(store.uses(&payment).await.expect("an answer").is_some(), "its time is not over");
        store.pass(Duration::from_secs(2));
        looks(6).await;
        assert_eq!(store.uses(&payment).await.expect("an answer"), None);
        drop(keeper);
    }
}
