//! From the file as written to a configuration that makes sense.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroUsize;
use core::time::Duration;
use l402_core::ledger::SKEW;
use l402_core::{ForgedStatus, GatePolicy, MalformedStatus, SettlementRule};
use l402_gateway::settings::{LsatLine, OwnPaths, Product, RequestLines};
use l402_gateway::{LedgerKeeper, keys};
use l402_http::proxy::IpRange;
use l402_http::response::Seconds;
use std::path::PathBuf;
use std::thread::available_parallelism;

use super::at::At;
use super::error::ConfigProblem;
use super::file::{self, File};
use super::kept::kept;
use super::limits::Most;
use super::resolver::{Noted, Resolver};
use super::service::Common;
use super::{Config, Log};

impl Resolver<'_> {
    /// Makes the configuration.
    pub(super) fn resolve(mut self, file: File) -> Result<Config, Vec<ConfigProblem>> {
        let config = self.config(file);
        self.problems.finish(config)
    }

    fn config(&mut self, mut file: File) -> Option<Config> {
        let data_dir = self.data_dir(file.data_dir.take());
        let listen = self.address("listen", file.listen.as_ref(), DEFAULT_LISTEN);
        let key_dir = self.folder(file.key_dir.take(), data_dir.as_deref(), "keys");
        let trusted = self.trusted_proxies(&file.trusted_proxies);
        let timeouts = self.upstream_timeouts(&file.timeouts);
        let head = ("timeouts.request_head", REQUEST_HEAD, Most::Hour);
        let request_head = self.deadline(file.timeouts.request_head.as_ref(), head);
        let shutdown = self.deadline(file.timeouts.shutdown.as_ref(), ("timeouts.shutdown", SHUTDOWN, Most::Hour));
        let limits = self.limits(&file.limits);
        let threads = self.threads(file.threads.as_ref());
        let gate = self.gate(&file.protocol);
        let log = self.log(&file.log);
        let lightning = self.lightning(&file.lightning, data_dir.as_deref());
        let max_age = ("ledger.deny_list_max_age", LedgerKeeper::DENY_LIST_MAX_AGE, Most::Day);
        let deny_list_max_age = self.deadline(file.ledger.deny_list_max_age.as_ref(), max_age);
        let ledger = self.ledger(core::mem::take(&mut file.ledger), data_dir.as_deref(), key_dir.as_deref());
        let rotate_every = file.rotate_every.take();
        let replicas = match (&lightning, &ledger) {
            (Some(lightning), Some(ledger)) => self.replicas(&file.replicas, &**lightning, &**ledger).ok(),
            _ => None,
        };
        let own_paths = if file.own_paths == Some(false) { OwnPaths::Forwarded } else { OwnPaths::Answered };
        let lsat_line = if file.protocol.lsat == Some(false) { LsatLine::LeftOut } else { LsatLine::Sent };
        let request_lines = if file.log.requests { RequestLines::On } else { RequestLines::Off };
        let sold = self.sold(file, data_dir.clone(), Common { listen, timeouts });
        let (mut settings, lightning, ledger, log, replicas) = (sold?, lightning?, ledger?, log?, replicas?);
        (settings.listen, settings.threads, settings.key_dir) = (listen?, threads?, key_dir?);
        (settings.own_paths, settings.lsat_line, settings.gate) = (own_paths, lsat_line, gate?);
        (settings.request_head, settings.idle, settings.shutdown) = (request_head?, timeouts.idle, shutdown?);
        (settings.limits, settings.trusted_proxies, settings.request_lines) = (limits?, trusted, request_lines);
        settings.product = PRODUCT;
        settings.rotate_every = self.rotate_every(rotate_every.as_ref(), settings.longest_sale()).ok()?;
        settings.kept = kept(&*lightning, &*ledger, &settings.data_dir);
        let notes = core::mem::take(&mut self.notes);
        let deny_list_max_age = deny_list_max_age?;
        Some(Config { settings, log, lightning, ledger, deny_list_max_age, replicas, notes })
    }

    fn data_dir(&mut self, own: Option<PathBuf>) -> Option<PathBuf> {
        let folder = own.map(|own| self.base.join(own)).or_else(|| Some(dirs::data_dir()?.join("l402-server")));
        if folder.is_none() {
            self.problems.missing("data_dir", "no home directory; set `data_dir`");
        }
        folder
    }

    /// There is room for so many retired keys, and each verifies until its last sale has ended.
    fn rotate_every(&mut self, at: Option<&At<String>>, longest_sale: Duration) -> Result<Option<Duration>, Noted> {
        let every = self.validity("rotate_every", at)?;
        let retired = longest_sale.saturating_add(keys::AHEAD).saturating_add(keys::PUBLISHED_FOR).saturating_add(SKEW);
        let (Some(every), Some(at)) = (every, at) else { return Ok(None) };
        if every.saturating_mul(MOST_RETIRED) >= retired {
            return Ok(Some(every));
        }
        let least = least_span(retired.as_secs().div_ceil(MOST_RETIRED.into()));
        let message = format_args!(
            "write at least \"{least}\": tokens last up to {}, and {MOST_RETIRED} old keys can verify them",
            Seconds(longest_sale.as_secs())
        );
        self.problems.wrong("rotate_every", at, message);
        Err(Noted)
    }

    fn trusted_proxies(&mut self, written: &[At<String>]) -> Vec<IpRange> {
        if !written.is_empty() {
            self.notes.push(PROXIES.to_owned());
        }
        written.iter().filter_map(|range| self.problems.parse("trusted_proxies", range)).collect()
    }

    fn threads(&mut self, written: Option<&At<u16>>) -> Option<NonZeroUsize> {
        let Some(at) = written else { return Some(available_parallelism().unwrap_or(NonZeroUsize::MIN)) };
        let threads = NonZeroUsize::new(at.value.into()).filter(|threads| threads.get() <= MOST_THREADS);
        if threads.is_none() {
            self.problems.wrong("threads", at, format_args!("write a number from 1 to {MOST_THREADS}"));
        }
        threads
    }

    fn gate(&mut self, written: &file::Protocol) -> Option<GatePolicy> {
        let malformed = match &written.malformed_status {
            None => MalformedStatus::default(),
            Some(at) if at.value == 400 => MalformedStatus::BadRequest,
            Some(at) if at.value == 401 => MalformedStatus::Unauthorized,
            Some(at) => {
                self.problems.wrong("protocol.malformed_status", at, "write 400 or 401");
                return None;
            }
        };
        let forged = match &written.forged_status {
            None => ForgedStatus::default(),
            Some(at) if at.value == 401 => ForgedStatus::Unauthorized,
            Some(at) if at.value == 402 => ForgedStatus::PaymentRequired,
            Some(at) => {
                self.problems.wrong("protocol.forged_status", at, "write 401 or 402");
                return None;
            }
        };
        let unknown_caveats = match written.unknown_caveats {
            file::UnknownCaveats::Refuse => l402_core::UnknownCaveats::Refuse,
            file::UnknownCaveats::Skip => l402_core::UnknownCaveats::Skip,
        };
        let strict = written.strict_settlement.unwrap_or(true);
        let settlement = if strict { SettlementRule::Strict } else { SettlementRule::Trust };
        Some(GatePolicy { malformed, forged, unknown_caveats, settlement })
    }

    fn log(&mut self, written: &file::Log) -> Option<Log> {
        let filter = match &written.level {
            None => Log::default().filter,
            Some(at) => self.problems.parse_with("log.level", at, |text| {
                let read = tracing_subscriber::EnvFilter::builder().parse(text).map(|_| text.to_owned());
                read.map_err(|_| "write error, warn, info, debug, trace, or a filter such as \"info,l402_http=debug\"")
            })?,
        };
        Some(Log { format: written.format, filter })
    }
}

/// The gateway does not end TLS, so that by default tokens stay on this machine.
/// Writes a time with one unit, as the file takes it, and rounds it up.
fn least_span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "s"));
    format!("{}{name}", seconds.div_ceil(unit))
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8402);
/// What `/info` tells: the program, not the library that answers.
const PRODUCT: Product = Product { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };
const REQUEST_HEAD: Duration = Duration::from_secs(30);
const SHUTDOWN: Duration = Duration::from_secs(20);
const MOST_THREADS: usize = 1024;
const PROXIES: &str = "trusted_proxies: each of these proxies must set `X-Forwarded-For` or `Forwarded` itself, and drop the other; a client \
     whose header it passes on can choose its address";
/// [`l402_core::DerivedKeys::MAX_RETIRED`].
const MOST_RETIRED: u32 = 7;
