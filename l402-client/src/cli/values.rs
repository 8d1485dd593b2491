//! Values of options.

use core::num::NonZeroU32;
use core::time::Duration;
use l402_http::pay::Origin;

/// Reads a whole number and its unit.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("it must be a number and its unit: s, m, h or d".to_owned()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("it must be more than 0, and no more than a number can hold".to_owned()),
    }
}

/// Reads an origin. A path would be passed by in silence, and what is meant for one path would happen to all.
pub(super) fn origin(text: &str) -> Result<Origin, String> {
    let uri: http::Uri = text.parse().map_err(|_| "it must be like `https://api.example:8443`".to_owned())?;
    let origin = Origin::of(&uri).map_err(|cause| cause.to_string())?;
    if uri.query().is_none() && matches!(uri.path(), "" | "/") {
        return Ok(origin);
    }
    Err(format!("it must be an origin, without a path: `{origin}` stands for all paths there"))
}

pub(super) fn uses(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "write a number from 1 to 4294967295")
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("it must be more than 0 seconds".to_owned()),
    }
}
