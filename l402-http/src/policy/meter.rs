//! What a metered route charges for.

use core::num::NonZeroU64;
use l402_core::{Msat, Tariff};
use serde::Serialize;

/// What a route is metered by. A sale of such a route buys a balance, from which each request is paid.
///
/// ```
/// use l402_core::{Msat, Tariff};
/// use l402_http::policy::{Meter, Policy, Sale, TokenTariff};
///
/// // 500 sat to begin with; a megabyte costs 1 sat.
/// let megabyte = Tariff::new(Msat::from_sat(1), 1_000_000).ok_or("no price")?;
/// let files = Sale::new("files", "/files/*", Msat::from_sat(500)).meter(Meter::Bytes(megabyte));
///
/// // 2 sat for 1,000 tokens of a question, 6 sat for 1,000 of an answer; a request holds enough for 8,000.
/// let tokens = TokenTariff::new(Msat::from_sat(2), Msat::from_sat(6), 1_000, 8_000).ok_or("no price")?;
/// let model = Sale::new("model", "/v1/chat/completions", Msat::from_sat(500)).meter(Meter::Tokens(tokens));
/// let policy = Policy::builder().sell(files).sell(model).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meter {
    /// The bytes of a response's body.
    Bytes(Tariff),
    /// The seconds from the head of a response to its end, and those of a tunnel. They are counted by the millisecond.
    Seconds(Tariff),
    /// The tokens of a language model, as its response [says](crate::usage).
    Tokens(TokenTariff),
}

impl Meter {
    /// Returns the unit's name.
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "byte",
            Self::Seconds(_) => "second",
            Self::Tokens(_) => "token",
        }
    }

    /// What a balance must hold for a request to be let in: the least that is charged as it flows, or all that can be charged at the
    /// end.
    pub(crate) fn reservation(&self) -> Msat {
        match self {
            Self::Bytes(tariff) => tariff.cost(1),
            Self::Seconds(tariff) => by_millisecond(*tariff).cost(1),
            Self::Tokens(tariff) => tariff.most(),
        }
    }
}

/// Returns the tariff of milliseconds, by which seconds are counted.
pub(crate) fn by_millisecond(seconds: Tariff) -> Tariff {
    Tariff::new(seconds.price_msat(), seconds.per().saturating_mul(1_000)).unwrap_or(seconds)
}

/// Prices for the tokens of a question and of an answer, and for how many of them a request holds money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTariff {
    input: Tariff,
    output: Tariff,
    up_to: u64,
    bytes_per_token: Option<NonZeroU64>,
}

impl TokenTariff {
    /// Takes what `per` tokens of a question and of an answer cost, and the most tokens that a request is charged for; [`None`]
    /// where one of them is 0.
    pub fn new(input: Msat, output: Msat, per: u64, up_to: u64) -> Option<Self> {
        let (input, output) = Tariff::new(input, per).zip(Tariff::new(output, per))?;
        (up_to > 0).then_some(Self { input, output, up_to, bytes_per_token: None })
    }

    /// Estimates where a response does not say what was used, or its client breaks it off: so many bytes of its body that were delivered
    /// cost what one token of an answer does, and all of it never more than a request holds. Without it, all that is held is charged.
    ///
    /// ```
    /// use core::num::NonZeroU64;
    /// use l402_core::Msat;
    /// use l402_http::policy::TokenTariff;
    ///
    /// let four = NonZeroU64::new(4).ok_or("0")?;
    /// let tariff = TokenTariff::new(Msat::new(2), Msat::new(5), 1, 1_000).ok_or("no price")?.estimate(four);
    /// assert_eq!(tariff.estimated(100), Some(Msat::new(125))); // 25 tokens
    /// assert_eq!(tariff.estimated(1_000_000), Some(tariff.most()));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub const fn estimate(mut self, bytes_per_token: NonZeroU64) -> Self {
        self.bytes_per_token = Some(bytes_per_token);
        self
    }

    /// Returns what so many bytes of an answer are estimated to cost; [`None`] where nothing is estimated.
    pub fn estimated(&self, bytes: u64) -> Option<Msat> {
        let tokens = bytes.div_ceil(self.bytes_per_token?.get());
        Some(self.output.cost(tokens).min(self.most()))
    }

    /// Returns the price of the tokens of a question.
    pub const fn input(&self) -> Tariff {
        self.input
    }

    /// Returns the price of the tokens of an answer.
    pub const fn output(&self) -> Tariff {
        self.output
    }

    /// Returns for how many tokens a request holds money.
    pub const fn up_to(&self) -> u64 {
        self.up_to
    }

    /// Returns what so many tokens cost: rounded up once.
    pub fn cost(&self, input: u64, output: u64) -> Msat {
        self.input.cost_with(input, (self.output, output))
    }

    /// Returns what a request costs at most.
    pub fn most(&self) -> Msat {
        self.input.cost(self.up_to).max(self.output.cost(self.up_to))
    }
}

/// What a meter charges for, as challenges and descriptions say it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Metered {
    unit: &'static str,
    price_msat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_price_msat: Option<u64>,
    per: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_bytes_per_token: Option<NonZeroU64>,
}

impl Metered {
    /// Says it of a meter.
    pub const fn of(meter: &Meter) -> Self {
        let (unit, estimated_bytes_per_token) = (meter.unit(), None);
        match meter {
            Meter::Bytes(tariff) | Meter::Seconds(tariff) => {
                let (price_msat, per) = (tariff.price_msat().get(), tariff.per());
                Self { unit, price_msat, output_price_msat: None, per, up_to: None, estimated_bytes_per_token }
            }
            Meter::Tokens(TokenTariff { input, output, up_to, bytes_per_token }) => {
                let (price_msat, output_price_msat) = (input.price_msat().get(), Some(output.price_msat().get()));
                let (up_to, estimated_bytes_per_token) = (Some(*up_to), *bytes_per_token);
                Self { unit, price_msat, output_price_msat, per: input.per(), up_to, estimated_bytes_per_token }
            }
        }
    }
}
