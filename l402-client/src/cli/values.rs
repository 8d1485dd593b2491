//! Values of options.

use core::num::NonZeroU32;
use core::time::Duration;
use l402_agent::span::{Span, SpanError};
use l402_http::pay::Origin;

/// Reads a whole number and its unit.
pub(super) fn span(text: &str) -> Result<Duration, SpanError> {
    text.parse().map(Span::duration)
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
