//! Where answers are kept.

use super::answer::Answer;
use super::claim::Claim;
use super::room::Room;
use super::seal::Lock;
use core::fmt;
use l402_core::UnixSeconds;
use l402_core::macaroon::hex;

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

/// Under which an answer is kept. It tells nothing of its request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerName([u8; 32]);

impl AnswerName {
    /// Wraps the bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AnswerName {
    /// Writes 64 hexadecimal digits, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex::encode_into(&self.0, &mut [0; 64]).unwrap_or_default())
    }
}

impl fmt::Debug for AnswerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerName({self})")
    }
}

/// An answer that only the credential opens to which it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// When it ends.
    pub until: UnixSeconds,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

/// A whole answer on its way to the store. When it is dropped, whoever waits for it looks whether it was kept.
#[derive(Debug)]
pub struct Parcel {
    pub(super) lock: Lock,
    pub(super) until: UnixSeconds,
    pub(super) answer: Answer,
    pub(super) _claim: Claim,
    /// What it takes of the memory that all of them may have.
    pub(super) _room: Room,
}

impl Parcel {
    /// Returns the name under which it is kept.
    pub const fn name(&self) -> &AnswerName {
        &self.lock.name
    }

    /// Returns about how many bytes it takes.
    pub fn size(&self) -> usize {
        let fields = self.answer.fields.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
        fields.sum::<usize>().saturating_add(self.answer.body.len()).saturating_add(HEAD)
    }

    /// Seals it, which takes as long as its bytes are many; [`None`] where that fails.
    pub fn seal(&self) -> Option<Sealed> {
        let bytes = self.lock.seal(&self.answer.encode()?, self.until)?;
        Some(Sealed { until: self.until, bytes })
    }
}

/// About what stands before fields and body, and around them.
const HEAD: usize = 256;
