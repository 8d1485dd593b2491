//! What is denied before its time: the tokens of a payment, or all of an epoch.
//!
//! 1. A revocation ends with what it denies. One of a payment may go [`SKEW`](l402_core::ledger::SKEW) after `until`, which is no
//!    earlier than the end of the payment's tokens.
//! 2. One of an epoch stays: there are as many as rotations, and the key may be kept for longer than anybody knows.
//! 3. A gateway asks its store every half second, and looks into its own memory for each request ([`DenyList`]).

use arc_swap::ArcSwap;
use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};
use l402_core::{PaymentHash, TokenId, UnixSeconds};
use std::collections::HashSet;
use std::sync::Arc;

/// What is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// The tokens of a payment.
    Payment(PaymentHash),
    /// The tokens that were minted with the key of an epoch.
    Epoch(u32),
}

#[cfg_attr(
    not(any(feature = "embedded", feature = "postgres", feature = "redis")),
    allow(dead_code, reason = "the stores that keep something use these")
)]
impl Revoked {
    /// Returns the key of an entry: `p` and a payment hash, or `e` and an epoch in four bytes, big-endian.
    pub(crate) fn key(self) -> Vec<u8> {
        match self {
            Self::Payment(payment) => [b"p", &payment.as_bytes()[..]].concat(),
            Self::Epoch(epoch) => [b"e", &epoch.to_be_bytes()[..]].concat(),
        }
    }

    /// Reads a key.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        match key.split_first()? {
            (b'p', hash) => Some(Self::Payment(PaymentHash::from_bytes(hash.try_into().ok()?))),
            (b'e', epoch) => Some(Self::Epoch(u32::from_be_bytes(epoch.try_into().ok()?))),
            _ => None,
        }
    }
}

/// An entry of the deny-list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// What is denied.
    pub what: Revoked,
    /// When nothing that it denies is valid any more.
    pub until: UnixSeconds,
}

impl Revocation {
    /// Denies the tokens of a payment, all of which end by that time.
    pub const fn of_payment(payment: PaymentHash, until: UnixSeconds) -> Self {
        Self { what: Revoked::Payment(payment), until }
    }

    /// Denies the tokens of an epoch, for good.
    pub const fn of_epoch(epoch: u32) -> Self {
        Self { what: Revoked::Epoch(epoch), until: FOR_GOOD }
    }
}

/// The latest time that every store can hold.
const FOR_GOOD: UnixSeconds = UnixSeconds::new(1 << 40);

/// All entries, and a number that changes with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocations {
    /// Goes up with each new entry; 0 where there never was one.
    pub version: u64,
    /// The entries, in no order.
    pub entries: Vec<Revocation>,
}

/// What a gateway knows of the deny-list, to be asked about each request. Clones are the same list.
///
/// ```
/// use l402_core::{PaymentHash, TokenId, UnixSeconds};
/// use l402_ledger::{DenyList, Denied, Revocation};
///
/// let (list, payment) = (DenyList::unknown(), PaymentHash::from_bytes([1; 32]));
/// let look = |epoch| list.look(&payment, TokenId::new(epoch, [2; 28]));
/// assert_eq!(look(0), Err(Denied::Unknown));
///
/// list.learn(&[Revocation::of_epoch(0)]);
/// assert_eq!((look(0), look(1)), (Err(Denied::Revoked), Ok(())));
/// assert!(list.denies_epoch(0));
/// list.learn(&[Revocation::of_payment(payment, UnixSeconds::new(1_900_000_000))]);
/// assert_eq!(look(1), Err(Denied::Revoked));
/// list.learn(&[]);
/// assert_eq!(look(1), Ok(()));
/// ```
#[derive(Clone, Default)]
pub struct DenyList(Arc<Shared>);

#[derive(Default)]
struct Shared {
    standing: AtomicU8,
    listed: ArcSwap<Listed>,
}

#[derive(Default)]
struct Listed {
    payments: HashSet<PaymentHash>,
    epochs: Vec<u32>,
}

/// Why a token is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It is on the list.
    Revoked,
    /// The list is not known, or was not renewed for too long.
    Unknown,
}

impl DenyList {
    /// A list that nobody has read yet: nothing is served by it. The default denies nothing.
    pub fn unknown() -> Self {
        let list = Self::default();
        list.forget();
        list
    }

    /// Takes the entries in place of those before.
    pub fn learn(&self, entries: &[Revocation]) {
        let mut listed = Listed::default();
        for entry in entries {
            match entry.what {
                Revoked::Payment(payment) => drop(listed.payments.insert(payment)),
                Revoked::Epoch(epoch) => listed.epochs.push(epoch),
            }
        }
        self.0.listed.store(Arc::new(listed));
        self.0.standing.store(if entries.is_empty() { EMPTY } else { LISTED }, Ordering::Release);
    }

    /// Serves nothing until entries are [learned](Self::learn) again.
    pub fn forget(&self) {
        self.0.standing.store(UNKNOWN, Ordering::Release);
    }

    /// Tells whether the list is known, and denies nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.standing.load(Ordering::Acquire) == EMPTY
    }

    /// Tells whether all tokens of an epoch are denied: to sell another one would be to sell nothing.
    pub fn denies_epoch(&self, epoch: u32) -> bool {
        self.0.standing.load(Ordering::Acquire) == LISTED && self.0.listed.load().epochs.contains(&epoch)
    }

    /// Looks for a token. An empty list costs one load.
    ///
    /// # Errors
    /// [`Denied`].
    #[inline]
    pub fn look(&self, payment: &PaymentHash, token: TokenId) -> Result<(), Denied> {
        match self.0.standing.load(Ordering::Acquire) {
            EMPTY => Ok(()),
            LISTED => self.find(payment, token),
            _ => Err(Denied::Unknown),
        }
    }

    #[inline(never)]
    fn find(&self, payment: &PaymentHash, token: TokenId) -> Result<(), Denied> {
        let listed = self.0.listed.load();
        let is_listed = listed.epochs.contains(&token.epoch()) || listed.payments.contains(payment);
        if is_listed { Err(Denied::Revoked) } else { Ok(()) }
    }
}

impl fmt::Debug for DenyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DenyList")
    }
}

const EMPTY: u8 = 0;
const LISTED: u8 = 1;
const UNKNOWN: u8 = 2;
