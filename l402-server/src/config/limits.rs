//! Deadlines and bounds: whether they are in the range that makes sense.

use core::num::NonZeroUsize;
use core::time::Duration;
use l402_http::proxy::Timeouts;
use l402_http::service::Rate;

use super::at::At;
use super::file;
use super::resolver::Resolver;
use super::span::Span;
use l402_gateway::settings::Limits;

/// A deadline's name, default and greatest value.
type Deadline<'a> = (&'a str, Duration, Most);

/// The greatest value of a deadline, as it is written: greater ones are slips, and some that the system does not take.
#[derive(Clone, Copy)]
pub(super) enum Most {
    TenMinutes,
    Hour,
    Day,
    Month,
}

impl Most {
    const fn written(self) -> (&'static str, Duration) {
        match self {
            Self::TenMinutes => ("10m", Duration::from_mins(10)),
            Self::Hour => ("1h", Duration::from_hours(1)),
            Self::Day => ("1d", Duration::from_hours(24)),
            Self::Month => ("30d", Duration::from_hours(30 * 24)),
        }
    }
}

impl Resolver<'_> {
    /// A deadline that may be left out.
    pub(super) fn deadline(&mut self, at: Option<&At<String>>, (key, default, most): Deadline<'_>) -> Option<Duration> {
        let Some(at) = at else { return Some(default) };
        let span = self.problems.parse::<Span>(key, at).map(Span::duration)?;
        let (written, most) = most.written();
        if span > most {
            self.problems.wrong(key, at, format_args!("write a time of at most {written}"));
            return None;
        }
        Some(span)
    }

    /// The deadlines of upstreams.
    pub(super) fn upstream_timeouts(&mut self, written: &file::Timeouts) -> Timeouts {
        let mut timeouts = Timeouts::default();
        let mut set = |key, at: &Option<At<String>>, most, place: &mut Duration| {
            *place = self.deadline(at.as_ref(), (key, *place, most)).unwrap_or(*place);
        };
        set("timeouts.connect", &written.connect, Most::TenMinutes, &mut timeouts.connect);
        set("timeouts.response", &written.response, Most::Day, &mut timeouts.response);
        set("timeouts.idle", &written.idle, Most::Day, &mut timeouts.idle);
        set("timeouts.tunnel", &written.tunnel, Most::Month, &mut timeouts.tunnel);
        set("timeouts.after_grant", &written.after_grant, Most::Month, &mut timeouts.after_grant);
        set("timeouts.keep_alive", &written.keep_alive, Most::Hour, &mut timeouts.keep_alive);
        set("timeouts.probe", &written.probe, Most::Hour, &mut timeouts.probe);
        timeouts
    }

    /// What there may be at once.
    pub(super) fn limits(&mut self, written: &file::Limits) -> Option<Limits> {
        let mut count = |key, at: &Option<At<u32>>| match at {
            Some(at) => Some(Some(self.number(key, at, 1, MOST_CONNECTIONS)?)),
            None => Some(None),
        };
        let connections = count("limits.connections", &written.connections);
        let connections_per_client = count("limits.connections_per_client", &written.connections_per_client);
        let requests_per_client = count("limits.requests_per_client", &written.requests_per_client);
        let upstream_connections = count("limits.upstream_connections", &written.upstream_connections);
        let mut prefix = |key, at: &Option<At<u32>>, most: u8, default: u8| match at {
            Some(at) => self.number(key, at, 1, most.into()).and_then(|bits| u8::try_from(bits).ok()),
            None => Some(default),
        };
        let ipv4_prefix = prefix("limits.ipv4_prefix", &written.ipv4_prefix, 32, 32);
        let ipv6_prefix = prefix("limits.ipv6_prefix", &written.ipv6_prefix, 128, 64);
        let header_fields = match &written.header_fields {
            Some(at) => self.number("limits.header_fields", at, LEAST_FIELDS, MOST_FIELDS),
            None => Some(HEADER_FIELDS),
        };
        let slowest_upload = match &written.slowest_upload {
            Some(at) => self.number("limits.slowest_upload", at, 0, MOST_BYTES).map(|bytes| bytes as u64),
            None => Some(SLOWEST_UPLOAD),
        };
        let mut limits = Limits::default();
        if let Some(at) = &written.keep_size {
            limits.keep_size = self.number("limits.keep_size", at, 1, MOST_KEPT)?;
        }
        limits.keep_total = written.keep_total.as_ref().map_or(limits.keep_total, |at| at.value);
        limits.challenges = self.rate("limits.challenges", written.challenges.as_ref(), limits.challenges)?;
        let (key, at) = ("limits.challenges_per_client", written.challenges_per_client.as_ref());
        limits.challenges_per_client = self.rate(key, at, limits.challenges_per_client)?;
        if let Some(at) = &written.unpaid_invoices {
            limits.unpaid_invoices = NonZeroUsize::new(self.number("limits.unpaid_invoices", at, 0, MOST_UNPAID)?);
        }
        (limits.connections, limits.upstream_connections) = (connections?, upstream_connections?);
        (limits.connections_per_client, limits.requests_per_client) = (connections_per_client?, requests_per_client?);
        (limits.ipv4_prefix, limits.ipv6_prefix) = (ipv4_prefix?, ipv6_prefix?);
        (limits.header_fields, limits.slowest_upload) = (header_fields?, slowest_upload?);
        Some(limits)
    }

    /// A rate, or `off`.
    #[expect(clippy::option_option, reason = "the outer one says whether a problem was noted")]
    fn rate(&mut self, key: &str, at: Option<&At<String>>, default: Option<Rate>) -> Option<Option<Rate>> {
        match at {
            None => Some(default),
            Some(at) if at.value == "off" => Some(None),
            Some(at) => self.problems.parse(key, at).map(Some),
        }
    }

    fn number(&mut self, key: &str, at: &At<u32>, least: u32, most: u32) -> Option<usize> {
        let is_allowed = (least..=most).contains(&at.value);
        if !is_allowed {
            self.problems.wrong(key, at, format_args!("write a number from {least} to {most}"));
        }
        usize::try_from(at.value).ok().filter(|_| is_allowed)
    }
}

/// More connections than any system has descriptors for.
const MOST_CONNECTIONS: u32 = 10_000_000;

/// Some 150 MB of memory.
const MOST_UNPAID: u32 = 1_000_000;

/// Of one answer: all that are about to be written may take as much.
const MOST_KEPT: u32 = 64 * 1024 * 1024;

/// More bytes a second would refuse ordinary clients.
const MOST_BYTES: u32 = 1_000_000;

/// Fields in a header, unless set.
const HEADER_FIELDS: usize = l402_http::proxy::HEADER_FIELDS;
const LEAST_FIELDS: u32 = 16;
const MOST_FIELDS: u32 = 4096;

const SLOWEST_UPLOAD: u64 = 16;
