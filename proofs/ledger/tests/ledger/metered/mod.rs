//! Routes that are metered among the traffic of the kills: bytes are drawn for slice by slice as they pass, tokens are settled at
//! the end by what the response says.

mod audit;
mod book;
mod buyer;
mod upstream;

pub(crate) use audit::audit;
pub(crate) use book::Book;
pub(crate) use buyer::{free, shop, use_up};
pub(crate) use upstream::{answer, is_metered};

use crate::PRICE;
use l402_core::{Msat, Offer, Tariff, Uses};
use l402_gateway::settings::PricedRoute;
use l402_http::policy::{Meter, TokenTariff};

/// What is sold. The price buys a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ware {
    Bytes,
    Tokens,
}

impl Ware {
    pub(crate) const ALL: [Self; 2] = [Self::Bytes, Self::Tokens];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Bytes => "/bytes",
            Self::Tokens => "/tokens",
        }
    }

    pub(crate) fn route(self) -> PricedRoute {
        let capability = self.path().trim_start_matches('/').parse().expect("a name");
        let offer = Offer::new("shop".parse().expect("a name"), PRICE).uses(Uses::Metered);
        let mut route = PricedRoute::new(self.path(), offer.capability(Some(capability)));
        route.meter = Some(match self {
            Self::Bytes => Meter::Bytes(tariff()),
            Self::Tokens => Meter::Tokens(tokens()),
        });
        route
    }

    /// What a response of so many units costs.
    pub(crate) fn cost(self, units: u64) -> u64 {
        match self {
            Self::Bytes => tariff().cost(units).get(),
            Self::Tokens => tokens().cost(0, units).get(),
        }
    }

    /// What a request holds until it is answered.
    pub(crate) fn holds(self) -> u64 {
        match self {
            Self::Bytes => self.cost(1),
            Self::Tokens => tokens().most().get(),
        }
    }
}

/// A balance is ten slices.
fn tariff() -> Tariff {
    Tariff::new(Msat::new(1), 512).expect("a price")
}

/// A balance is what four requests hold.
fn tokens() -> TokenTariff {
    TokenTariff::new(Msat::new(2), Msat::new(5), 1, MOST_TOKENS).expect("a price")
}

/// The most tokens that a request is charged for.
const MOST_TOKENS: u64 = 1_000;
