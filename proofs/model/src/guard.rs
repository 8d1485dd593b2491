//! What the ledger does for safety, each of which the model can leave undone.

/// One thing that the ledger, or a gateway, does for safety.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Guard {
    /// The upstream is called only after the store has named the winner.
    ReserveFirst,
    /// What others hold is not free.
    ReservedIsTaken,
    /// A request takes from each of its counters, or from none.
    AllOrNone,
    /// A commit is by the attempt that holds the use, and by no other.
    CompareAndSet,
    /// The commit comes before the head of the response.
    CommitFirst,
    /// A lost commit is taken back.
    TakeBack,
    /// What was taken back, or given up as doubtful, cannot be committed by an older call.
    DoubtBarsCommit,
    /// A release that overtakes its reservation cancels it, and what was cancelled is remembered.
    Tombstones,
    /// What was committed is remembered.
    CommitsRemembered,
    /// A reservation ends with its lease.
    LeasesEnd,
    /// A lease that ends leaves a request in doubt that may have had an effect.
    LapseDoubts,
    /// An outcome that is not known leaves such a request in doubt.
    UnknownDoubts,
    /// Each third try costs a use.
    TriesCost,
    /// A release that arrives twice is one try.
    ReleaseOnce,
    /// A record that was deleted is not begun again.
    Horizon,
    /// What a person has decided stays so, whatever call arrives later.
    ResolutionStays,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::ReserveFirst,
        Self::ReservedIsTaken,
        Self::AllOrNone,
        Self::CompareAndSet,
        Self::CommitFirst,
        Self::TakeBack,
        Self::DoubtBarsCommit,
        Self::Tombstones,
        Self::CommitsRemembered,
        Self::LeasesEnd,
        Self::LapseDoubts,
        Self::UnknownDoubts,
        Self::TriesCost,
        Self::ReleaseOnce,
        Self::Horizon,
        Self::ResolutionStays,
    ];
}
