//! What is sold, to how many requests, and how much goes wrong.

use crate::guard::Guard;
use l402_core::ledger::{DoubtRule, Fingerprint, Idempotence, Reserve, Safety};
use l402_core::{Counter, CounterKey, Counters, UnixSeconds};

/// The counter that a holder added.
pub(crate) const BRANCH: CounterKey = CounterKey::from_bytes([1; 16]);

/// The time, which stands still.
pub(crate) const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

/// When the sale ends.
pub(crate) const ENDS_AT: UnixSeconds = UnixSeconds::new(1_800_003_600);

/// One sale, and who uses it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// How many uses were sold.
    pub uses: u64,
    /// How many of them the branch may take; [`None`] where there is no branch.
    pub branch: Option<u64>,
    /// How many requests present the sale's own token.
    pub requests: usize,
    /// How many present that of the branch.
    pub branch_requests: usize,
    /// Whether all requests are the same one, which the upstream takes once however often it comes.
    pub is_repeatable: bool,
    /// What goes wrong.
    pub faults: Faults,
    /// What is left undone.
    pub without: Option<Guard>,
    /// Whether calls arrive that can change nothing any more, and tries are counted of which there cannot be a third.
    pub is_complete: bool,
}

/// What goes wrong: as often as it can, but for sweeps.
#[expect(clippy::struct_excessive_bools, reason = "each of them may or may not go wrong")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults {
    /// Gateways crash.
    pub crashes: bool,
    /// Calls and replies are lost, late or doubled.
    pub losses: bool,
    /// Clients go away, and gateways believe that leases end.
    pub departures: bool,
    /// A person resolves doubts.
    pub resolutions: bool,
    /// Times that the record is deleted after its end, and the store's clock then stepped back.
    pub sweeps: u8,
}

impl Faults {
    /// All but sweeps.
    pub const ALL: Self = Self { crashes: true, losses: true, departures: true, resolutions: true, sweeps: 0 };
}

impl Scenario {
    /// One use.
    pub const fn single_use(faults: Faults, requests: usize) -> Self {
        Self {
            name: "one use",
            uses: 1,
            branch: None,
            requests,
            branch_requests: 0,
            is_repeatable: false,
            faults,
            without: None,
            is_complete: false,
        }
    }

    /// Two uses of which a holder passed one on.
    pub const fn bundle(faults: Faults, requests: usize, branch_requests: usize) -> Self {
        Self {
            name: "a bundle of 2 with a branch of 1",
            uses: 2,
            branch: Some(1),
            requests,
            branch_requests,
            is_repeatable: false,
            faults,
            without: None,
            is_complete: false,
        }
    }

    /// One use of a route whose requests can be repeated, always by the same request.
    pub const fn repeatable(faults: Faults, requests: usize) -> Self {
        let scenario = Self::single_use(faults, requests);
        Self { name: "one use of an idempotent route", is_repeatable: true, ..scenario }
    }

    /// The same under another name.
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// The same without a guard.
    #[must_use]
    pub const fn without(self, guard: Guard) -> Self {
        Self { without: Some(guard), is_complete: true, ..self }
    }

    /// The same with all that can make no difference as long as the guards are kept.
    #[must_use]
    pub const fn complete(self) -> Self {
        Self { is_complete: true, ..self }
    }

    /// Tells whether the ledger does this.
    pub fn keeps(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }

    /// What a request asks of the store.
    pub(crate) fn reserve(&self, of_branch: bool, safety: Safety) -> Reserve {
        let mut counters = Counters::default();
        let branch = self.branch.filter(|_| of_branch).map(|limit| Counter { key: BRANCH, limit });
        for counter in [Counter { key: CounterKey::SALE, limit: self.uses }].into_iter().chain(branch) {
            counters.add(counter).expect("there is room for two");
        }
        Reserve {
            counters,
            amount: 1,
            ends_at: ENDS_AT,
            safety,
            idempotence: if self.is_repeatable { Idempotence::Repeatable } else { Idempotence::Once },
            fingerprint: self.is_repeatable.then(|| Fingerprint::from_bytes([1; 32])),
            key: None,
            doubt: DoubtRule::Hold,
        }
    }
}
