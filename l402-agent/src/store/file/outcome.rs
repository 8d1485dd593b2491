//! Asks and tells the breakers.

use super::consent::refused;
use super::{FileStore, Inner, StoreError};
use http::Uri;
use l402_core::purchase::breaker::Event;
use l402_http::pay::Origin;

impl FileStore {
    /// Takes note of what came of a request. A success after a success is not written down.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn came(&self, uri: &Uri, event: Event) -> Result<(), StoreError> {
        let Ok(origin) = Origin::of(uri) else { return Ok(()) };
        if event == Event::Withheld || (event == Event::Served && self.0.state().failures == 0) {
            return Ok(());
        }
        if event == Event::Failed {
            self.0.state().failures += 1;
        }
        self.blocking(move |inner| inner.breakers().happened(&origin, event).map_err(StoreError::database)).await
    }
}

impl Inner {
    /// Says whether a request may be sent.
    pub(super) fn may_ask(&self, uri: &Uri) -> Result<(), StoreError> {
        let Ok(origin) = Origin::of(uri) else { return Ok(()) };
        let failures = self.breakers().may_ask(&origin).map_err(StoreError::database)?.map_err(refused)?;
        self.state().failures = failures;
        Ok(())
    }
}
