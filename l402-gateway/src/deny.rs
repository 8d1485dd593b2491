//! Keeping up with the deny-list of the ledger.
//!
//! 1. The store is asked every half second, and sends the list only if it has changed.
//! 2. While the store does not answer, the last list holds for some time. Then no token is served, counted or not (S1).

use core::time::Duration;
use l402_ledger::{DenyList, Ledger, LedgerStore as _, Revocations, StoreError};
use l402_program::Causes;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Asks for the list for as long as it is polled.
pub(crate) async fn keep(ledger: Ledger, list: DenyList, max_age: Duration) {
    let mut known: Option<Known> = None;
    loop {
        let asked_at = Instant::now();
        let ends_at = known.as_ref().map(|known| known.read_at + max_age);
        let until = |time: Instant| ends_at.map_or(time, |ends_at| time.min(ends_at));
        match timeout_at(until(asked_at + PATIENCE), ledger.revocations(known.as_ref().map(|known| known.version)))
            .await
        {
            Ok(Ok(news)) => {
                let version = news.map(|news| learn(&list, &news)).or_else(|| Some(known.as_ref()?.version));
                known = version.map(|version| Known { version, read_at: asked_at });
            }
            Ok(Err(fault)) => tell(&fault),
            Err(_) => tracing::debug!("no answer in time about revoked tokens"),
        }
        if known.as_ref().is_some_and(|known| known.read_at.elapsed() >= max_age) {
            list.forget();
            known = None;
            tracing::error!("the ledger does not say which tokens are revoked: every paid request gets 503");
        }
        let ends_at = known.as_ref().map(|known| known.read_at + max_age);
        sleep_until(ends_at.map_or(asked_at + POLL, |ends_at| ends_at.min(asked_at + POLL))).await;
    }
}

/// The list that is held.
struct Known {
    version: u64,
    read_at: Instant,
}

fn learn(list: &DenyList, news: &Revocations) -> u64 {
    list.learn(&news.entries);
    tracing::debug!(entries = news.entries.len(), version = news.version, "read the list of revoked tokens");
    news.version
}

fn tell(fault: &StoreError) {
    tracing::debug!(cause = %Causes(fault), "the ledger does not say which tokens are revoked");
}

/// How often the store is asked.
const POLL: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::{PaymentHash, TokenId, UnixSeconds};
    use l402_ledger::testing::FakeStore;
    use l402_ledger::{Denied, Revocation};
    use tokio::time::sleep;

    const PAYMENT: PaymentHash = PaymentHash::from_bytes([1; 32]);

    fn look(list: &DenyList) -> Result<(), Denied> {
        list.look(&PAYMENT, TokenId::new(3, [0; 28]))
    }

    #[tokio::test(start_paused = true)]
    async fn s1_the_last_list_holds_for_its_time_and_not_longer() {
        let (store, list) = (FakeStore::new(), DenyList::unknown());
        tokio::spawn(keep(Ledger::new(store.clone()), list.clone(), Duration::from_mins(1)));
        assert_eq!(look(&list), Err(Denied::Unknown), "nothing is served by a list that nobody has read");
        sleep(POLL / 2).await;
        assert_eq!(look(&list), Ok(()));
        store.set_away(true);
        sleep(Duration::from_secs(59)).await;
        assert_eq!(look(&list), Ok(()));
        sleep(Duration::from_secs(1)).await;
        assert_eq!(look(&list), Err(Denied::Unknown));
        store.set_away(false);
        sleep(POLL * 2).await;
        assert_eq!(look(&list), Ok(()));
    }

    /// A store that has nothing new to say has been asked all the same.
    #[tokio::test(start_paused = true)]
    async fn s1_a_list_that_does_not_change_holds_for_as_long_as_the_store_answers() {
        let (store, list) = (FakeStore::new(), DenyList::unknown());
        tokio::spawn(keep(Ledger::new(store), list.clone(), Duration::from_mins(1)));
        sleep(POLL / 2).await;
        for _ in 0..300 {
            assert_eq!(look(&list), Ok(()));
            sleep(POLL).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn s1_a_revocation_is_known_half_a_second_later() {
        let (store, list) = (FakeStore::new(), DenyList::unknown());
        tokio::spawn(keep(Ledger::new(store.clone()), list.clone(), Duration::from_mins(1)));
        sleep(POLL / 2).await;
        for revocation in [Revocation::of_payment(PAYMENT, UnixSeconds::new(1_900_000_000)), Revocation::of_epoch(3)] {
            store.revoke(revocation).await.expect("revoked");
            sleep(POLL).await;
            assert_eq!(look(&list), Err(Denied::Revoked), "{revocation:?}");
        }
        store.pass(Duration::from_secs(200_000_000));
        store.sweep(1).await.expect("swept");
        store.revoke(Revocation::of_epoch(4)).await.expect("revoked");
        sleep(POLL).await;
        assert_eq!(list.look(&PAYMENT, TokenId::new(5, [0; 28])), Ok(()), "its time is over");
    }
}
