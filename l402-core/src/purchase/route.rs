//! How much a payment may cost on its way, and how long it may lock money there.

use super::budget::Limits;
use super::reserve::Refusal;
use crate::msat::Msat;

/// What a wallet is asked for, besides the amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The most that routing may cost.
    pub max_fee_msat: Msat,
    /// For how many blocks the money may be locked on its way, in total.
    pub max_cltv_expiry_delta: u32,
}

impl Limits {
    /// Returns what may be asked for within the limits, for a payment of an amount: what was asked for, or less.
    ///
    /// ```
    /// use l402_core::Msat;
    /// use l402_core::purchase::{Limits, Route};
    ///
    /// let limits = Limits { fee_ppm: Some(10_000), cltv: Some(144), ..Limits::default() };
    /// let asked = Route { max_fee_msat: Msat::from_sat(10), max_cltv_expiry_delta: 1_008 };
    /// let narrowed = limits.narrow(Msat::from_sat(100), asked);
    /// assert_eq!(narrowed, Route { max_fee_msat: Msat::from_sat(1), max_cltv_expiry_delta: 144 });
    /// ```
    #[must_use]
    pub fn narrow(&self, amount_msat: Msat, route: Route) -> Route {
        let share = |ppm: u32| {
            let share = u128::from(amount_msat.get()) * u128::from(ppm) / 1_000_000;
            Msat::new(u64::try_from(share).unwrap_or(u64::MAX))
        };
        let caps = [self.fee_msat, self.fee_ppm.map(share)];
        let max_fee_msat = caps.into_iter().flatten().fold(route.max_fee_msat, Msat::min);
        let max_cltv_expiry_delta =
            self.cltv.map_or(route.max_cltv_expiry_delta, |cap| route.max_cltv_expiry_delta.min(cap));
        Route { max_fee_msat, max_cltv_expiry_delta }
    }

    /// Says why what a wallet is to be asked for is more than the limits allow.
    pub fn refuse(&self, amount_msat: Msat, route: Route) -> Option<Refusal> {
        let narrowed = self.narrow(amount_msat, route);
        if narrowed.max_fee_msat < route.max_fee_msat {
            return Some(Refusal::Fee { limit_msat: narrowed.max_fee_msat, asked_msat: route.max_fee_msat });
        }
        let (limit, asked) = (narrowed.max_cltv_expiry_delta, route.max_cltv_expiry_delta);
        (limit < asked).then_some(Refusal::Cltv { limit, asked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a8_fees_and_lock_times_are_capped() {
        let route = |fee, cltv| Route { max_fee_msat: Msat::new(fee), max_cltv_expiry_delta: cltv };
        let limits =
            Limits { fee_msat: Some(Msat::new(500)), fee_ppm: Some(10_000), cltv: Some(40), ..Limits::default() };
        for (amount, asked, narrowed) in [
            (100_000, route(1_000, 40), route(500, 40)),
            (10_000, route(1_000, 41), route(100, 40)),
            (99, route(1, 39), route(0, 39)),
            (u64::MAX, route(500, 1), route(500, 1)),
        ] {
            assert_eq!(limits.narrow(Msat::new(amount), asked), narrowed, "{amount} {asked:?}");
            assert_eq!(limits.refuse(Msat::new(amount), asked).is_some(), asked != narrowed, "{amount} {asked:?}");
        }
        assert_eq!(Limits::default().refuse(Msat::new(1), route(u64::MAX, u32::MAX)), None);
    }
}
