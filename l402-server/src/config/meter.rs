//! What a metered route charges for.

use core::fmt;
use core::num::NonZeroU64;
use core::str::FromStr;
use l402_core::{Tariff, Uses};
use l402_http::policy::{Meter, TokenTariff};

use super::at::At;
use super::file;
use super::price::RoutePrice;
use super::resolver::{Noted, Resolver};
use super::words::UnitWord;

impl Resolver<'_> {
    /// Reads the meter of a route, and says how often its tokens can be used then.
    pub(super) fn meter(&mut self, route: &file::Route) -> Result<Option<(Uses, Meter)>, Noted> {
        let Some(at) = &route.meter else { return Ok(None) };
        if let Some(uses) = &route.uses {
            self.problems.wrong("service.route.uses", uses, "a metered route has a balance; remove `uses` or `meter`");
            return Err(Noted);
        }
        let meter = self.meter_of(at)?;
        Ok(Some((Uses::Metered, meter)))
    }

    fn meter_of(&mut self, at: &At<file::Meter>) -> Result<Meter, Noted> {
        let written = &at.value;
        let price = self.problems.parse::<RoutePrice>("service.route.meter.price", &written.price);
        let output_price = written.output_price.as_ref();
        let output = output_price.map(|at| self.problems.parse::<RoutePrice>("service.route.meter.output_price", at));
        let (price, per) = (price.ok_or(Noted)?.msat(), written.per.map_or(1, u64::from));
        let estimate = written
            .estimate
            .as_ref()
            .map(|at| self.problems.parse::<BytesPerToken>("service.route.meter.estimate", at));
        let mut refuse = |key: &str, message: &str| {
            self.problems.wrong_at(&format!("service.route.meter.{key}"), &at.origin, message);
            Noted
        };
        let tariff = Tariff::new(price, per).ok_or(Noted)?;
        if estimate.is_some() && written.unit != UnitWord::Token {
            return Err(refuse("estimate", "only tokens have an `estimate`"));
        }
        match (written.unit, output, written.up_to) {
            (UnitWord::Token, output, Some(up_to)) => {
                let output = output.map_or(Ok(price), |output| output.map(RoutePrice::msat).ok_or(Noted))?;
                let tariff = TokenTariff::new(price, output, per, up_to.get()).ok_or(Noted)?;
                let estimate = estimate.map(|estimate| estimate.ok_or(Noted)).transpose()?;
                Ok(Meter::Tokens(estimate.map_or(tariff, |BytesPerToken(bytes)| tariff.estimate(bytes))))
            }
            (UnitWord::Token, _, None) => {
                Err(refuse("up_to", "tokens need `up_to`, the most that a request is charged for"))
            }
            (_, Some(_), _) => Err(refuse("output_price", "only tokens have an `output_price`")),
            (_, None, Some(_)) => {
                Err(refuse("up_to", "only tokens have `up_to`; bytes and seconds end with the balance"))
            }
            (UnitWord::Byte, None, None) => Ok(Meter::Bytes(tariff)),
            (UnitWord::Second, None, None) => Ok(Meter::Seconds(tariff)),
        }
    }
}

/// Of how many bytes one token is estimated to be: `4 bytes`.
struct BytesPerToken(NonZeroU64);

impl FromStr for BytesPerToken {
    type Err = BytesPerTokenError;

    fn from_str(text: &str) -> Result<Self, BytesPerTokenError> {
        let (number, unit) = text.trim().split_once(' ').ok_or(BytesPerTokenError)?;
        let is_right = number.bytes().all(|byte| byte.is_ascii_digit()) && matches!(unit.trim(), "byte" | "bytes");
        number.parse().ok().filter(|_| is_right).map(Self).ok_or(BytesPerTokenError)
    }
}

/// A text says no number of bytes.
struct BytesPerTokenError;

impl fmt::Display for BytesPerTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write the bytes of a response that make one token, such as \"4 bytes\"")
    }
}
