//! Where answers are kept.

use super::name::AnswerName;
use super::parcel::{Parcel, Sealed};
use l402_core::UnixSeconds;

/// Keeps answers, sealed, under names.
///
/// A store is shared by all threads that serve. What it cannot keep it drops: nobody waits for it, and a request whose answer was not
/// kept is answered as if the route kept none.
///
/// ```
/// use l402_core::UnixSeconds;
/// use l402_http::service::kept::{AnswerName, AnswerStore, Parcel, Sealed};
/// use std::collections::HashMap;
/// use std::sync::{Mutex, PoisonError};
///
/// /// Keeps answers as long as the process lives.
/// #[derive(Default)]
/// struct InMemory(Mutex<HashMap<AnswerName, (Sealed, u32)>>);
///
/// impl AnswerStore for InMemory {
///     fn keep(&self, parcel: Parcel) {
///         // A real one does this on a thread of its own, behind a bounded queue.
///         if let Some(sealed) = parcel.seal() {
///             self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(*parcel.name(), (sealed, 0));
///         }
///     }
///
///     fn knows(&self, name: &AnswerName, now: UnixSeconds) -> bool {
///         let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         kept.get(name).is_some_and(|(sealed, _)| now < sealed.until)
///     }
///
///     fn read(&self, name: &AnswerName) -> Option<Sealed> {
///         self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(|(sealed, _)| sealed.clone())
///     }
///
///     fn give(&self, name: &AnswerName) -> bool {
///         let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         kept.get_mut(name).is_some_and(|(_, given)| {
///             *given += 1;
///             *given <= 3
///         })
///     }
/// }
/// ```
pub trait AnswerStore: Send + Sync + 'static {
    /// Takes an answer, in place of one of the same name. It must not wait: sealing and writing belong on another thread. Until the
    /// parcel is dropped, requests for its answer wait.
    fn keep(&self, parcel: Parcel);

    /// Tells from memory whether there is an answer under a name that has not ended.
    fn knows(&self, name: &AnswerName, now: UnixSeconds) -> bool;

    /// Reads an answer. It may block, and is called on a thread for that.
    fn read(&self, name: &AnswerName) -> Option<Sealed>;

    /// Counts that an answer is given again, durably, before it is; false where it was given [`GIVEN`] times, or cannot be counted. It
    /// may block, and is called on a thread for that.
    fn give(&self, name: &AnswerName) -> bool;
}

/// How often an answer is given again.
pub const GIVEN: u8 = 3;
