//! How many callers may use a token at once, and how many uses are left: one count, without I/O.
//!
//! 1. A token is sold with so many uses: its caveats say so, or else what the server said when it sold it.
//! 2. At most as many callers hold a token as uses are left. Who holds one has a use of it for itself.
//! 3. What servers say later lowers what is left, and never raises it. A use that a server does not mention counts all the same.
//! 4. A token that does not say how many uses it has is used by one caller first. What is left of it is what the server says then.

use crate::narrow::uses_of_token;
use crate::token_facts::services;
use l402_macaroon::MacaroonRef;

/// With how many uses a token was sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sold {
    /// As many as one likes, until it ends.
    Unlimited,
    /// So many.
    Counted(u64),
    /// It does not say.
    Unknown,
}

impl Sold {
    /// Reads the caveats of a token. One that names its services and no number is unlimited.
    ///
    /// ```
    /// use l402_core::macaroon::{RootKey, mint};
    /// use l402_core::purchase::Sold;
    ///
    /// let (key, mut out) = (RootKey::new(b"k"), [0; 256]);
    /// assert_eq!(Sold::of_token(mint(&key, b"", b"id", &[b"services=a:0", b"a_uses=10"], &mut out)?), Sold::Counted(10));
    /// assert_eq!(Sold::of_token(mint(&key, b"", b"id", &[b"services=a:0"], &mut out)?), Sold::Unlimited);
    /// assert_eq!(Sold::of_token(mint(&key, b"", b"id", &[], &mut out)?), Sold::Unknown);
    /// # Ok::<(), l402_core::macaroon::MintError>(())
    /// ```
    pub fn of_token(token: MacaroonRef<'_>) -> Self {
        match (uses_of_token(token), services(token)) {
            (Some(uses), _) => Self::Counted(uses.into()),
            (None, Some(_)) => Self::Unlimited,
            (None, None) => Self::Unknown,
        }
    }
}

/// What is known of the uses of a token.
///
/// ```
/// use l402_core::purchase::{Sold, Tally};
///
/// let tally = Tally::new(Sold::Counted(10));
/// assert!(tally.has_room(9) && !tally.has_room(10));
/// let tally = tally.used(Some(12));
/// assert_eq!(tally.left(), Some(9), "a server raises nothing");
/// assert_eq!(tally.used(Some(3)).left(), Some(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tally {
    /// With how many it was sold.
    pub sold: Sold,
    /// The least that the server has said is left.
    pub told: Option<u64>,
    /// How many went here.
    pub used: u64,
}

impl Tally {
    /// Takes a token that was not used yet.
    pub const fn new(sold: Sold) -> Self {
        Self { sold, told: None, used: 0 }
    }

    /// Returns how many uses are left; [`None`] where nothing limits them, as far as is known.
    pub const fn left(&self) -> Option<u64> {
        let own = match self.sold {
            Sold::Counted(sold) => Some(sold.saturating_sub(self.used)),
            Sold::Unlimited | Sold::Unknown => None,
        };
        match (own, self.told) {
            (Some(own), Some(told)) => Some(if own < told { own } else { told }),
            (Some(own), None) => Some(own),
            (None, told) => told,
        }
    }

    /// Tells whether one more caller may hold the token, besides those that do.
    pub const fn has_room(&self, holders: u64) -> bool {
        match self.left() {
            Some(left) => holders < left,
            None => true,
        }
    }

    /// Takes note that a use went, and of what the server says is left.
    #[must_use]
    pub const fn used(self, told: Option<u64>) -> Self {
        let used = self.used.saturating_add(1);
        match (self.sold, self.told, told) {
            // What was said is all that there is to count from.
            (Sold::Unknown, Some(left), None) => Self { used, told: Some(left.saturating_sub(1)), ..self },
            _ => Self { used, ..self.told(told) },
        }
    }

    /// Takes note of what the server says is left.
    #[must_use]
    pub const fn told(self, told: Option<u64>) -> Self {
        match (self.told, told) {
            (_, None) => self,
            (Some(before), Some(told)) if before <= told => self,
            _ => Self { told, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_answers_that_come_in_any_order_count_each_use_once() {
        // Five callers at once; the server counts down, and the last answer comes first.
        let orders: [[u64; 5]; 3] = [[5, 6, 7, 8, 9], [9, 8, 7, 6, 5], [7, 5, 9, 6, 8]];
        for order in orders {
            let tally = order.into_iter().fold(Tally::new(Sold::Counted(10)), |tally, told| tally.used(Some(told)));
            assert_eq!(tally.left(), Some(5), "{order:?}");
        }
    }

    #[test]
    fn a9_no_header_raises_what_is_left() {
        let mut tally = Tally::new(Sold::Counted(3));
        for (told, left) in [(Some(99), 2), (None, 1), (Some(50), 0), (Some(u64::MAX), 0)] {
            tally = tally.used(told);
            assert_eq!(tally.left(), Some(left), "{told:?}");
        }
        assert!(!tally.has_room(0));
        let said = Tally::new(Sold::Unknown).told(Some(2));
        assert_eq!((said.used(None).left(), said.used(None).used(None).left()), (Some(1), Some(0)));
        let told = Tally::new(Sold::Unlimited).told(Some(4));
        assert_eq!((told.left(), told.told(Some(9)).left(), told.told(Some(2)).left()), (Some(4), Some(4), Some(2)));
    }

    #[test]
    fn a9_no_more_callers_hold_a_token_than_it_has_uses() {
        for (sold, used, holders, has_room) in [
            (Sold::Counted(1), 0, 0, true),
            (Sold::Counted(1), 0, 1, false),
            (Sold::Counted(10), 4, 5, true),
            (Sold::Counted(10), 4, 6, false),
            (Sold::Counted(2), 9, 0, false),
            (Sold::Unlimited, 9, u64::MAX, true),
            (Sold::Unknown, 0, 3, true),
        ] {
            assert_eq!(Tally { sold, told: None, used }.has_room(holders), has_room, "{sold:?} {used} {holders}");
        }
    }
}
