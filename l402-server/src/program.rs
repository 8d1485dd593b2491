//! The program `l402-server`: its command line and its life. [`Exit`] has its exit codes.

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use core::pin::pin;
use core::time::Duration;
use l402_gateway::control::{Books, Control, ControlError};
use l402_gateway::inventory::Inventory;
use l402_gateway::{Bound, LedgerKeeper, Server, StartError, keys, settings};
use l402_lightning::Cause;
use l402_lightning::backend::Found;
use l402_program::{Causes, core_dump};
use l402_replica::Desk;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::banner::{Banner, PriceLine};
use crate::config::{self, Config, LogFormat};
use crate::exit::Exit;
use crate::failure::ProgramError;
use crate::lightning::Lightning;
use crate::node;
use crate::reference::reference;
use crate::replicas;
use crate::signals::{Stop, ignore_hangups};
use crate::stores::{self, OpenStore};
use crate::{keys as key_file, logging, revoke, uses, variables};

/// Sell HTTP calls for Lightning payments
#[derive(Debug, Parser)]
#[command(name = "l402-server", version, after_help = after_help())]
pub struct Cli {
    /// Read the configuration from this TOML file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The command [default: serve]
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What `--help` says at its end.
fn after_help() -> String {
    let (about, until) = (USE_WITHOUT_A_FILE, SIGNALS);
    let variables = l402_program::config::help(&variables::all());
    let exits: Vec<String> = Exit::ALL.iter().map(|exit| format!("  {}  {}", exit.code(), exit.about())).collect();
    let exits = exits.join("\n");
    format!("{about}\n\nEnvironment variables (override the file):\n{variables}\n{until}\n\nExit codes:\n{exits}")
}

const USE_WITHOUT_A_FILE: &str = "\
Example:
  UPSTREAM_URL=http://127.0.0.1:3000 l402-server

This sells every path of that server on 127.0.0.1:8402, with play money. A token costs 1 sat and serves one request.";

const SIGNALS: &str = "\
SIGINT and SIGTERM stop the gateway after the running requests; a second signal stops it at once. SIGHUP is ignored.";

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Check the configuration, and start nothing
    ///
    /// Prints what is sold and which version of HTTP each upstream speaks. Also checks the data directory, the key file, the ledger and LND.
    Check,
    /// Print the JSON schema of the configuration file
    Schema,
    /// Print settings, variables and exit codes as Markdown
    #[command(hide = true)]
    Reference,
    /// Show and manage the node of the running gateway
    Node(node::NodeOptions),
    /// Show and resolve uses of tokens
    ///
    /// Asks the running gateway. If none runs, opens the ledger itself.
    Uses(uses::UsesOptions),
    /// Deny tokens before they end
    ///
    /// They get 402 with the reason `revoked`, half a second later at every gateway of the ledger. Asks the running gateway. If none
    /// runs, opens the ledger itself.
    Revoke(revoke::RevokeOptions),
    /// Show and rotate the keys that sign tokens
    ///
    /// Asks the running gateway. If none runs, reads and writes the key file itself.
    Keys(key_file::KeysOptions),
    /// Delete the sandbox; the next start creates a new one
    ResetSandbox,
}

impl Cli {
    /// Reads the command line. Where a file stands in place of a command, the error says how to name it.
    ///
    /// # Errors
    /// What is wrong with the arguments, or a text that was asked for, such as the help.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(args).map_err(|mut error| {
            if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand)
                && (Path::new(word).extension().is_some_and(|end| end == "toml") || Path::new(word).is_file())
            {
                let tip = format!("to read the configuration from this file, use --config {word}");
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            }
            error
        })
    }

    /// What is missing on the command line, where a command does not sell and yet asks what is sold.
    fn hint(&self, error: &ProgramError) -> Option<String> {
        let needs_gateway = !matches!(self.command, None | Some(Command::Check | Command::Schema | Command::Reference));
        let unnamed = self.config.is_none() && matches!(error, ProgramError::Config(_));
        (needs_gateway && unnamed).then(|| {
            "this command needs the configuration of the gateway: pass --config, or set the variables that the gateway has"
                .to_owned()
        })
    }
}

/// Runs the program to its end.
pub fn run(cli: &Cli) -> ExitCode {
    if let Err(cause) = core_dump::forbid() {
        let _ = writeln!(io::stderr(), "l402-server: a crash may write secrets to a file: {cause}");
    }
    let done = match &cli.command {
        Some(Command::Schema) => print(&config::schema()),
        Some(Command::Reference) => print(reference().trim_end()),
        Some(Command::Check) => check(cli),
        Some(Command::Node(options)) => command(cli, options),
        Some(Command::Uses(options)) => uses(cli, options),
        Some(Command::Revoke(options)) => revoke(cli, options),
        Some(Command::Keys(options)) => keys(cli, options),
        Some(Command::ResetSandbox) => reset_sandbox(cli),
        None => serve(cli),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let hint = error.hint().or_else(|| cli.hint(&error)).map(|hint| format!("; {hint}")).unwrap_or_default();
            let _ = writeln!(io::stderr(), "l402-server: {}{hint}", Causes(error.inner())); // where else to complain?
            error.exit().into()
        }
    }
}

fn check(cli: &Cli) -> Result<(), ProgramError> {
    let config = load(cli)?;
    let mut lines = vec![format!("valid; listens on {}", config.settings.listen)];
    let spoken = runtime()?.block_on(spoken(&config));
    for (service, spoken) in config.settings.services().iter().zip(spoken) {
        lines.push(format!("{} ({}): {spoken}", service.name, service.upstream.authority()));
        lines.extend(service.routes.iter().map(|route| format!("  {}", PriceLine(route))));
        lines.extend(service.free.iter().map(|path| format!("  {path}  free")));
    }
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    lines.extend(
        variables::unknown(set).iter().map(|name| format!("note: {name} is no variable of l402-server: see --help")),
    );
    lines.extend(config.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(config.warnings().into_iter().map(|warning| format!("warning: {warning}")));
    print(&lines.join("\n"))?;
    Inventory::look(&config.settings).map_err(|fault| ProgramError::Start(StartError::State(fault)))?;
    keys::look(&config.settings.key_dir).map_err(|fault| ProgramError::Start(StartError::Keys(fault)))?;
    let (lines, usable) = runtime()?.block_on(stores::look(&*config.ledger));
    print(&lines.join("\n"))?;
    usable.map_err(ProgramError::Ledger)?;
    if let Some(address) = &config.replicas {
        print(&replicas::look(address)?)?;
    }
    let node = replicas::sealed(&config).unwrap_or_else(|_| Arc::clone(&config.lightning)); // without keys before the first start
    let Found { lines, usable } = runtime()?.block_on(node.check());
    if !lines.is_empty() {
        print(&lines.join("\n"))?;
    }
    usable.map_err(ProgramError::Lightning)
}

/// Connects to each upstream, all at once, and says what it speaks. One that is down makes no configuration wrong.
async fn spoken(config: &Config) -> Vec<String> {
    let probe = |service: &settings::Service| {
        let upstream = service.upstream.clone();
        tokio::spawn(async move {
            match upstream.probe().await {
                Ok(version) => format!("the upstream speaks {version}"),
                Err(error) => format!("the upstream {}", Causes(&error)),
            }
        })
    };
    let probes: Vec<_> = config.settings.services().iter().map(probe).collect();
    let mut spoken = Vec::with_capacity(probes.len());
    for probe in probes {
        spoken.push(probe.await.unwrap_or_default()); // it does not panic
    }
    spoken
}

fn command(cli: &Cli, options: &node::NodeOptions) -> Result<(), ProgramError> {
    let data_dir = if options.socket.is_some() {
        None
    } else {
        let config = load(cli)?;
        config.lightning.operates().map_err(|instead| ProgramError::Other(instead.into()))?;
        Some(config.settings.data_dir)
    };
    node::run(options, data_dir.as_deref()).map_err(ProgramError::Command)
}

fn uses(cli: &Cli, options: &uses::UsesOptions) -> Result<(), ProgramError> {
    let config = if options.socket.is_some() { None } else { Some(load(cli)?) };
    runtime()?.block_on(uses::run(options, config.as_ref())).map_err(ProgramError::of_command)
}

fn revoke(cli: &Cli, options: &revoke::RevokeOptions) -> Result<(), ProgramError> {
    let config = if options.socket.is_some() { None } else { Some(load(cli)?) };
    runtime()?.block_on(revoke::run(options, config.as_ref())).map_err(ProgramError::of_command)
}

fn keys(cli: &Cli, options: &key_file::KeysOptions) -> Result<(), ProgramError> {
    let config = if options.socket.is_some() { None } else { Some(load(cli)?) };
    runtime()?.block_on(key_file::run(options, config.as_ref())).map_err(ProgramError::Other)
}

fn reset_sandbox(cli: &Cli) -> Result<(), ProgramError> {
    let config = load(cli)?;
    let (Some(kept), Some(reset)) = (config.lightning.kept(), config.lightning.reset()) else {
        return Err(ProgramError::Other("the configuration has no permanent sandbox".into()));
    };
    let dir = reset.map_err(|cause| ProgramError::Other(cause))?;
    Inventory::forget(&config.settings.data_dir, kept.name)
        .map_err(|fault| ProgramError::Start(StartError::State(fault)))?;
    print(&format!(
        "deleted {}; the next start creates a new sandbox\n\
         tokens from the old sandbox now get 503; delete them with `l402 tokens forget URL`",
        dir.display()
    ))
}

fn serve(cli: &Cli) -> Result<(), ProgramError> {
    let config = load(cli)?;
    logging::start(&config.log).map_err(|cause| ProgramError::Other(cause.into()))?;
    runtime()?.block_on(life(&config))
}

fn runtime() -> Result<Runtime, ProgramError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause| ProgramError::Other(cause.into()))
}

/// From the first socket to the last: starts, serves until a signal comes, and stops.
async fn life(config: &Config) -> Result<(), ProgramError> {
    let mut stop = Stop::new().map_err(|cause| ProgramError::Other(cause.into()))?;
    ignore_hangups().map_err(|cause| ProgramError::Other(cause.into()))?;
    let bound = Server::bind(&config.settings).map_err(ProgramError::Start)?;
    let keeper = count(config).await?;
    tracing::info!("starting the Lightning node");
    let node = replicas::sealed(config).map_err(ProgramError::Start)?;
    let mut starting = pin!(Lightning::start(&*node));
    let lightning = tokio::select! {
        started = &mut starting => started.map_err(ProgramError::Lightning)?,
        () = stop.requested() => return give_up(starting, &mut stop).await,
    };
    // Before anything is sold: what is wrong with a folder ends the start.
    let doors = match doors(config, &lightning, &keeper).await {
        Ok(doors) => doors,
        Err(error) => return given_up(lightning, error).await,
    };
    let server = match sell(config, bound.ledger(&keeper), &keeper, &lightning) {
        Ok(server) => server,
        Err(error) => return given_up(lightning, ProgramError::Start(error)).await,
    };
    greet(config, &server);
    let failed = tokio::select! {
        () = stop.requested() => None,
        failed = lightning.failed() => Some(failed),
    };
    if let Some(failed) = &failed {
        tracing::error!(cause = %Causes(failed), "the Lightning node has failed; stopping the gateway");
    }
    tracing::info!("stopping");
    tokio::select! {
        () = server.shutdown() => {}
        () = stop.requested() => tracing::warn!("second signal: cutting off running requests"),
    }
    drop((doors, keeper));
    let stopped = lightning.stop().await;
    failed.map_or_else(
        || stopped.map_err(|cause| ProgramError::Other(cause.into())),
        |failed| Err(ProgramError::Failed(failed)),
    )
}

/// Opens the ledger. A gateway that cannot count sells nothing.
async fn count(config: &Config) -> Result<LedgerKeeper, ProgramError> {
    let OpenStore { ledger, warnings } = config.ledger.open().await.map_err(ProgramError::Ledger)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok(LedgerKeeper::start_with(ledger, config.deny_list_max_age))
}

/// Opens what is there beside the address for clients: the socket for commands, and the one for replicas.
async fn doors(
    config: &Config,
    lightning: &Lightning,
    keeper: &LedgerKeeper,
) -> Result<(Option<Control>, Option<Desk>), ProgramError> {
    Ok((commands(config, lightning, keeper)?, replicas::serve(config, lightning).await?))
}

/// Takes commands. Where there can be no socket, such as at too long a path, the gateway sells all the same.
fn commands(config: &Config, lightning: &Lightning, keeper: &LedgerKeeper) -> Result<Option<Control>, ProgramError> {
    let (node, books) = (lightning.operator().map(Arc::clone), Books::new(keeper.ledger().clone(), &config.settings));
    match Control::open(&config.settings.data_dir, node, Some(books)) {
        Ok(control) => Ok(Some(control)),
        Err(fault @ ControlError::Bind { .. }) => {
            tracing::error!(cause = %Causes(&fault), "cannot accept commands; the path of the socket may be too long (about 100 bytes)");
            Ok(None)
        }
        Err(fault) => Err(ProgramError::Other(fault.into())),
    }
}

fn sell(config: &Config, bound: Bound, keeper: &LedgerKeeper, lightning: &Lightning) -> Result<Server, StartError> {
    // The folders of the node and of its records exist by now, and must from now on.
    Inventory::open(&config.settings).and_then(|mut inventory| inventory.note()).map_err(StartError::State)?;
    bound.serve(&config.settings, &lightning.payee().shared(keeper, &config.settings)?)
}

/// Stops what has started. The first error is the one to tell.
async fn given_up(lightning: Lightning, error: ProgramError) -> Result<(), ProgramError> {
    let _ = lightning.stop().await;
    Err(error)
}

/// Told to stop while the node starts: waits for that, for it goes on without us, and stops what has started.
async fn give_up(
    starting: impl Future<Output = Result<Lightning, Cause>>,
    stop: &mut Stop,
) -> Result<(), ProgramError> {
    tracing::info!("stopping as soon as the Lightning node has started");
    let started = tokio::select! {
        started = timeout(START_GRACE, starting) => started,
        () = stop.requested() => return Ok(()), // the impatient may: what is on the disk is whole at any time
    };
    match started {
        Ok(Ok(lightning)) => lightning.stop().await.map_err(|cause| ProgramError::Other(cause.into())),
        Ok(Err(_)) => Ok(()), // nothing runs, as was asked for
        Err(_) => {
            tracing::warn!("the Lightning node is still starting; stopping anyway");
            Ok(())
        }
    }
}

fn greet(config: &Config, server: &Server) {
    tracing::info!(address = %server.address(), "serving");
    if config.log.format == LogFormat::Human {
        let _ = write!(io::stderr(), "\n{}", Banner::new(config, server.address())); // a courtesy
    }
}

fn load(cli: &Cli) -> Result<Config, ProgramError> {
    let environment = |name: &str| std::env::var(name).ok();
    match &cli.config {
        Some(path) => Config::from_file(path, &environment),
        None => Config::from_environment(&environment),
    }
    .map_err(ProgramError::Config)
}

fn print(text: &str) -> Result<(), ProgramError> {
    match writeln!(io::stdout(), "{text}") {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(ProgramError::Other(cause.into())),
        _ => Ok(()),
    }
}

/// How long a start that is not wanted any more is waited for.
const START_GRACE: Duration = Duration::from_secs(10);
