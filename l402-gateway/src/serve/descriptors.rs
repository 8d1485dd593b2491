//! How many descriptors the process may have, and who gets them (P6).
//!
//! 1. The system's limit is raised as far as it may be without privileges.
//! 2. Some are held in reserve for what must not fail for want of one: files, databases, the node's own connections.
//!    Those that are open before anybody is served, such as the node's, are not given out either.
//! 3. The rest is shared between connections of clients and connections to upstreams. One client has a part of either.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::settings::{Limits, Settings};

/// Raises the limit, and returns it; [`None`] where there is none.
pub(super) fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let is_lower = match (current, maximum) {
        (Some(current), Some(maximum)) => current < maximum,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if is_lower && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!(%error, limit = current, "cannot raise the limit of open files");
    }
    getrlimit(Resource::Nofile).current
}

/// Counts the descriptors that are open; none where the system does not say.
pub(super) fn open() -> usize {
    std::fs::read_dir("/dev/fd").map_or(0, |open| open.count().saturating_sub(1)) // one of them is that of the folder
}

/// The most of everything that costs a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) connections: usize,
    pub(super) connections_per_client: usize,
    pub(super) requests_per_client: usize,
    pub(super) upstream_connections: usize,
}

impl Shares {
    /// Shares out what the process may have, of which `open` are in use.
    pub(super) fn of(settings: &Settings, limit: Option<u64>, open: usize) -> Self {
        let threads = settings.threads.get();
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let reserve = (limit / 4).min(RESERVE).saturating_add(threads.saturating_mul(PER_THREAD)).saturating_add(open);
        let free = limit.saturating_sub(reserve).max(2);
        if free < FEW {
            tracing::warn!(
                limit,
                open,
                free,
                "the limit of open files (ulimit -n) is low: the gateway can serve few clients at once"
            );
        }
        let usual = USUAL.saturating_mul(threads).min(free / 2);
        let Limits { connections, upstream_connections, .. } = settings.limits;
        let mut wanted = [connections.unwrap_or(usual), upstream_connections.unwrap_or(usual)];
        let sum = wanted.iter().fold(0_usize, |sum, count| sum.saturating_add(*count));
        if sum > free {
            tracing::warn!(
                limit,
                wanted = sum,
                free,
                "the limit of open files (ulimit -n) is too low for `limits`; using lower limits"
            );
            wanted = wanted.map(|count| part(count, free, sum));
        }
        let [connections, upstream_connections] = wanted.map(|count| count.max(1));
        let quarter = |count: usize| (count / 4).max(1);
        Self {
            connections,
            connections_per_client: settings.limits.connections_per_client.unwrap_or(quarter(connections)),
            requests_per_client: settings.limits.requests_per_client.unwrap_or(quarter(upstream_connections)),
            upstream_connections,
        }
    }
}

/// `count` of `sum`, scaled down to `free`.
fn part(count: usize, free: usize, sum: usize) -> usize {
    let scaled = (count as u128).saturating_mul(free as u128).checked_div(sum as u128);
    scaled.and_then(|scaled| usize::try_from(scaled).ok()).unwrap_or(free)
}

/// Descriptors for everything else: files, databases, peers of the node.
const RESERVE: usize = 256;

/// Those of a runtime, its listening socket, and a connection for which there is no room yet.
const PER_THREAD: usize = 8;

/// So few are worth a word.
const FEW: usize = 256;

/// What there is for each thread, of either kind, where the system allows it.
const USUAL: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use core::num::NonZeroUsize;

    const OPEN: usize = 5;

    fn shares(limits: Limits, limit: Option<u64>, open: usize) -> Shares {
        let threads = NonZeroUsize::new(2).expect("not zero");
        Shares::of(&Settings { threads, limits, ..settings() }, limit, open)
    }

    #[test]
    fn p6_what_is_given_out_leaves_a_reserve() {
        for limit in [16, 64, 256, 1024, 4096, 65_536, 1 << 20] {
            let usual = Limits::default();
            let uneven = Limits { connections: Some(100_000), upstream_connections: Some(50), ..usual };
            for limits in [usual, uneven, Limits { connections: Some(1), ..usual }] {
                let shares = shares(limits, Some(limit), OPEN);
                let given = shares.connections + shares.upstream_connections;
                let kept = (limit / 8).min(256);
                assert!((given + OPEN) as u64 + kept <= limit || limit < 64, "{limits:?} of {limit}: {shares:?}");
                assert!(shares.connections_per_client >= 1 && shares.requests_per_client >= 1, "{shares:?}");
            }
        }
    }

    #[test]
    fn p6_what_is_open_before_anybody_is_served_is_not_given_out() {
        let shares = shares(Limits::default(), Some(128), 69);
        assert!(shares.connections + shares.upstream_connections + 69 + 32 <= 128, "{shares:?}");
        let before = open();
        let files: Vec<_> = (0..20).map(|_| std::fs::File::open("/dev/null").expect("opened")).collect();
        assert!(open() >= before.saturating_sub(10) + files.len() - 5, "other tests open and close some meanwhile");
    }

    #[test]
    fn p6_what_is_written_counts_where_there_is_room() {
        let usual = Limits::default();
        let written = Limits {
            connections: Some(300),
            connections_per_client: Some(7),
            requests_per_client: Some(9),
            upstream_connections: Some(40),
            ..usual
        };
        let expected =
            Shares { connections: 300, connections_per_client: 7, requests_per_client: 9, upstream_connections: 40 };
        assert_eq!(shares(written, Some(1024), OPEN), expected);
        assert_eq!(shares(usual, None, OPEN).connections, 2 * USUAL);
        let shares = shares(usual, Some(1024), OPEN);
        assert_eq!(shares.connections_per_client, shares.connections / 4);
    }

    #[test]
    fn the_limit_is_raised_to_what_is_allowed() {
        assert_eq!(raise(), getrlimit(Resource::Nofile).maximum.or(getrlimit(Resource::Nofile).current));
    }
}
