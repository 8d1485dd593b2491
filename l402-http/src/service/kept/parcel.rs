//! A whole answer on its way to the store, and sealed.

use super::answer::Answer;
use super::claim::Claim;
use super::name::AnswerName;
use super::room::Room;
use super::seal::Lock;
use l402_core::UnixSeconds;

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
