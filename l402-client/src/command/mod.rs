//! From the command line to the command, and from its failure to the exit code.

mod attenuate;
mod breaker;
mod budget;
mod doctor;
mod export;
mod inspect;
mod kept;
mod keys;
mod payments;
mod policy;
mod printed;
mod report;
mod serve;
mod tokens;
mod which;

use crate::cli::{Cli, Command, GetArgs, OutputArgs, PolicyCommand};
use crate::exit::{Exit, Failure, OrExit};
use crate::get;
use crate::get::brokered;
use crate::get::report::{ReportEvent, Reporter};
use crate::home::Home;
use crate::json;
use crate::mcp;
use crate::wallet::{self, Choice};
use l402_agent::broker::BrokerClient;
use l402_agent::http::proxy::Proxies;
use l402_agent::store::Database;
use l402_agent::store::budget::Budgets;
use l402_agent::store::tokens::Tokens;
use serde::Serialize;
use std::io::{self, Write};
use std::sync::Arc;

/// Runs a command on the standard streams.
pub async fn run(cli: &Cli) -> Exit {
    let mut reporter = match &cli.command {
        Command::Get(args) => reporter(&args.output),
        _ => Reporter::new(io::stderr(), false, false),
    };
    match dispatch(cli, &mut reporter).await {
        Ok(exit) => exit,
        Err(failure) => {
            reporter.tell(&ReportEvent::from(&failure));
            failure.exit()
        }
    }
}

fn reporter(args: &OutputArgs) -> Reporter<io::Stderr> {
    Reporter::new(io::stderr(), args.json, args.quiet).hushed(args.silent, args.silent && !args.show_error)
}

async fn dispatch(cli: &Cli, reporter: &mut Reporter<io::Stderr>) -> Result<Exit, Failure> {
    let broker = || cli.broker.agent.as_ref().map(|address| brokered::open(&cli.broker, address)).transpose();
    let home = || Home::open(&cli.home);
    let done = |text: String| (text, Exit::Served);
    let text = match &cli.command {
        Command::Get(args) => match &broker()? {
            // Who has a broker needs no folder.
            Some(broker) => return brokered_get(args, broker, reporter).await,
            None => return get(args, &home()?, reporter).await,
        },
        Command::Mcp(args) => {
            let home = home()?;
            tell_choice(&home, reporter);
            return mcp::run(args, &home, broker()?).await;
        }
        Command::Tokens(command) => {
            tokens::run(command, &Tokens::new(Database::open(&home()?.data).or_exit(Exit::Local)?))
        }
        Command::Payments(command) => {
            let home = home()?;
            tell_choice(&home, reporter);
            payments::run(command, &home).await
        }
        Command::Serve(args) => {
            let home = home()?;
            tell_choice(&home, reporter);
            return serve::run(args, &home).await;
        }
        Command::Budget(command) => budget::run(command, Database::open(&home()?.data).or_exit(Exit::Local)?),
        Command::Policy(command) => policy_command(command, &home()?),
        Command::Wallet(command) => {
            let home = home()?;
            tell_choice(&home, reporter);
            wallet::run(command, &home).await.map(done)
        }
        Command::Doctor { json } => doctor::run(&cli.home, &cli.broker, *json).await,
        Command::AgentPage => Ok(done(printed::AGENT_PAGE.to_owned())),
        Command::Completion(args) => printed::completion(*args).map(done),
        Command::Schema => Ok(done(json::schema())),
        Command::Man(args) => printed::man(args).map(done),
    };
    let (text, exit) = text?;
    print(&text).or_exit(Exit::Local)?;
    Ok(exit)
}

fn tell_choice(home: &Home, reporter: &mut Reporter<io::Stderr>) {
    if let Some(Choice { kind, why }) = home.choice {
        reporter.tell(&ReportEvent::Wallet { wallet: kind.name().to_owned(), why: why.to_owned() });
    }
}

fn budgets(home: &Home) -> Result<Budgets, Failure> {
    Ok(Budgets::new(Database::open(&home.data).or_exit(Exit::Local)?))
}

fn policy_command(command: &PolicyCommand, home: &Home) -> Result<(String, Exit), Failure> {
    let text = match command {
        PolicyCommand::Show { json } => policy::show(home, *json)?,
        PolicyCommand::Check { file } => policy::check(home, file.as_deref())?,
        PolicyCommand::Path => policy::path(home),
        command => return budget::policy(command, &budgets(home)?),
    };
    Ok((text, Exit::Served))
}

/// Writes a value as one line of JSON.
fn json_line(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string(value).or_exit(Exit::Local)? + "\n")
}

/// A reader that goes away early, as `head` does, is no failure.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Reads a variable of the environment. What is not UTF-8 in it is no character of a proxy's, and is not passed by in silence.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

async fn brokered_get(
    args: &GetArgs,
    broker: &BrokerClient,
    reporter: &mut Reporter<io::Stderr>,
) -> Result<Exit, Failure> {
    let proxies = Proxies::from_environment(&variable).or_exit(Exit::Usage)?;
    brokered::run(args, broker, &proxies, &mut tokio::io::stdout(), reporter).await
}

async fn get(args: &GetArgs, home: &Home, reporter: &mut Reporter<io::Stderr>) -> Result<Exit, Failure> {
    tell_choice(home, reporter);
    let from_environment = || Proxies::from_environment(&variable).or_exit(Exit::Usage);
    let proxies = if args.connection.proxy.is_some() { Proxies::default() } else { from_environment()? };
    let home = Home { proxies, ..home.clone() };
    let wallet = Arc::new(wallet::chosen_wallet(&home).or_exit(Exit::Usage)?);
    let result = get::run(args, &home, Arc::clone(&wallet), &mut tokio::io::stdout(), reporter).await;
    if let Some(wallet) = Arc::into_inner(wallet) {
        wallet::close(wallet).await;
    }
    result
}
