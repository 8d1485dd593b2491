//! What something usually costs.

use crate::msat::Msat;

/// How many prices are looked at, the latest ones.
pub const MAX_PRICES: usize = 21;

/// Returns the median of what the same thing was sold for: the same route, method, plan and uses. [`None`] with fewer than `sales`
/// prices. Of an even number it is the lower one of the two in the middle. The order of the prices does not matter.
///
/// ```
/// use l402_core::Msat;
/// use l402_core::purchase::breaker::usual_msat;
///
/// let prices = [9, 1, 2, 100, 3].map(Msat::from_sat);
/// assert_eq!(usual_msat(&prices, 5), Some(Msat::from_sat(3)));
/// assert_eq!(usual_msat(&prices[1..], 4), Some(Msat::from_sat(2)));
/// assert_eq!(usual_msat(&prices, 6), None);
/// ```
pub fn usual_msat(prices: &[Msat], sales: u32) -> Option<Msat> {
    if prices.len() < usize::try_from(sales).unwrap_or(usize::MAX) {
        return None;
    }
    let middle = prices.len().checked_sub(1)? / 2;
    // Quadratic, and without memory of its own; there are few.
    prices.iter().copied().find(|price| {
        let below = prices.iter().filter(|other| *other < price).count();
        let same = prices.iter().filter(|other| *other == price).count();
        below <= middle && middle < below.saturating_add(same)
    })
}
