//! When a breaker trips, and what it lets through then.

use super::mode::Mode;
use crate::msat::Msat;
use core::time::Duration;

/// When a breaker trips, and what it lets through then.
///
/// ```
/// use l402_core::purchase::breaker::{Mode, Rules};
///
/// let rules = Rules { failures: 3, on_refusal: Mode::Frozen, ..Rules::default() };
/// assert_eq!((rules.price_factor, rules.sales), (10, 5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// So many failures one after another trip the breaker of an origin; 0 counts as 1.
    pub failures: u32,
    /// So many times the usual price trips it; 0 counts as 1.
    pub price_factor: u32,
    /// After so many sales a price is usual; 0 counts as 1.
    pub sales: u32,
    /// More than this within an hour trips the common breaker.
    pub spend_msat: Option<Msat>,
    /// Losses at so many origins within a day trip it; 0 counts as 1.
    pub losing_origins: u32,
    /// Losses of more than this within a day do, too.
    pub loss_msat: Option<Msat>,
    /// For how long a breaker stays tripped, unless it is frozen.
    pub cool_down: Duration,
    /// What failures lead to.
    pub on_failures: Mode,
    /// What a refused purchase leads to.
    pub on_refusal: Mode,
    /// What a price leads to.
    pub on_price: Mode,
    /// What spending leads to.
    pub on_spend: Mode,
    /// What losses at several origins lead to.
    pub on_losses: Mode,
}

impl Default for Rules {
    /// Five failures, ten times the median of at least five sales, 100 000 sat an hour, losses at three origins; ten minutes.
    fn default() -> Self {
        Self {
            failures: 5,
            price_factor: 10,
            sales: 5,
            spend_msat: Some(Msat::from_sat(100_000)),
            losing_origins: 3,
            loss_msat: None,
            cool_down: Duration::from_secs(600),
            on_failures: Mode::ReadOnly,
            on_refusal: Mode::ReadOnly,
            on_price: Mode::RequireConfirmation,
            on_spend: Mode::RequireConfirmation,
            on_losses: Mode::ReadOnly,
        }
    }
}
