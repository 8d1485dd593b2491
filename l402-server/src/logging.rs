//! The log: lines for people or JSON for programs, on the standard error stream.

use std::io::{self, IsTerminal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

use crate::config::{Log, LogFormat};

/// Begins logging, once in a process.
///
/// # Errors
/// [`TryInitError`] when something else logs already.
pub fn start(log: &Log) -> Result<(), TryInitError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let builder = tracing_subscriber::fmt().with_env_filter(filter(log)).with_writer(io::stderr);
    match log.format {
        LogFormat::Human => builder.with_ansi(io::stderr().is_terminal()).finish().try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).finish().try_init(),
    }
}

/// Reads the filter. What it says of `l402_server` holds for `l402_gateway` too, unless it names that: the gateway's library was a part of
/// the program once, and filters written then go on showing the same lines.
fn filter(log: &Log) -> EnvFilter {
    let mut directives: Vec<_> = log.filter.split(',').map(str::to_owned).collect();
    if !log.filter.contains(LIBRARY) {
        let of_program = directives.iter().filter(|directive| directive.starts_with(PROGRAM));
        let of_library: Vec<_> = of_program.map(|directive| directive.replacen(PROGRAM, LIBRARY, 1)).collect();
        directives.extend(of_library);
    }
    EnvFilter::new(directives.join(","))
}

const PROGRAM: &str = "l402_server";
const LIBRARY: &str = "l402_gateway";

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    macro_rules! looks {
        ($level:expr) => {
            [
                tracing::enabled!(target: "l402_server::program", $level),
                tracing::enabled!(target: "l402_gateway::serve::worker", $level),
                tracing::enabled!(target: "l402_server::requests", $level),
                tracing::enabled!(target: "l402_server::audit", $level),
                tracing::enabled!(target: "l402_ldk", $level)
                    && tracing::enabled!(target: "l402_lnd", $level)
                    && tracing::enabled!(target: "l402_http::proxy", $level),
            ]
        };
    }

    /// Which of these lines a filter shows: what the program says, what its library does, a request, an audit entry, and a backend.
    fn shown(filter: &str, level: Level) -> [bool; 5] {
        let log = Log { format: LogFormat::Human, filter: filter.to_owned() };
        let lines = tracing_subscriber::fmt().with_env_filter(super::filter(&log)).with_writer(io::sink).finish();
        tracing::subscriber::with_default(lines, || match level {
            Level::DEBUG => looks!(Level::DEBUG),
            _ => looks!(Level::INFO),
        })
    }

    #[test]
    fn unless_set_every_crate_of_the_program_is_shown() {
        let filter = Log::default().filter;
        assert_eq!(shown(&filter, Level::INFO), [true; 5]);
        assert_eq!(shown(&filter, Level::DEBUG), [false; 5]);
    }

    #[test]
    fn a_filter_for_the_program_holds_for_its_library() {
        assert_eq!(shown("warn,l402_server=debug", Level::DEBUG), [true, true, true, true, false]);
        assert_eq!(shown("info,l402_server=off", Level::INFO), [false, false, false, false, true]);
        assert_eq!(shown("off,l402_server::serve=info", Level::INFO), [false, true, false, false, false]);
        assert_eq!(shown("info,l402_server::requests=off", Level::INFO), [true, true, false, true, true]);
        assert_eq!(shown("l402_server=info,l402_gateway=off", Level::INFO), [true, false, true, true, false]);
    }
}
