//! The tables of the file.
//!
//! | table | key | value |
//! |---|---|---|
//! | `payments` | payment hash | the [row](super::row) of its account |
//! | `ends` | end of its tokens, payment hash | |
//! | `newer`, `older` | number | rows that are [not in their places yet](super::recent) |
//! | `open` | payment hash of an account with attempts that a person may have to decide about | |
//! | `revoked` | [what](super::revoked) is denied | until when |
//! | `meta` | `version`, `horizon`, `revoked` (the version of the deny-list) | number |

use l402_core::{PaymentHash, UnixSeconds};
use redb::TableDefinition;

pub(super) const PAYMENTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("payments");
pub(super) const ENDS: TableDefinition<'_, &[u8; 40], ()> = TableDefinition::new("ends");
pub(super) const OPEN: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("open");
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

pub(super) fn by_end(ends_at: UnixSeconds, payment: &PaymentHash) -> [u8; 40] {
    let mut key = [0; 40];
    let (end, hash) = key.split_at_mut(8);
    end.copy_from_slice(&ends_at.get().to_be_bytes());
    hash.copy_from_slice(payment.as_bytes());
    key
}

pub(super) fn of_end(key: &[u8; 40]) -> (UnixSeconds, PaymentHash) {
    let (end, hash) = key.split_first_chunk::<8>().expect("a key has 40 bytes");
    let hash = hash.try_into().expect("32 of them are left");
    (UnixSeconds::new(u64::from_be_bytes(*end)), PaymentHash::from_bytes(hash))
}
