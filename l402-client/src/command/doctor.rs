//! `l402 doctor`: what keeps this machine from paying, and what to do about it. It pays nothing.

use crate::cli::{BrokerArgs, HomeArgs};
use crate::exit::{Exit, Failure};
use crate::get::brokered;
use crate::home::Home;
use crate::json::{self, Diagnosis, Found, Level};
use crate::wallet;
use core::time::Duration;
use l402_agent::policy::Setting;
use l402_agent::store::Database;
use l402_agent::store::breaker::Breakers;
use l402_agent::store::budget::Budgets;
use l402_agent::store::payments::Payments;
use l402_agent::store::private::PrivateDir;
use l402_agent::text::{lines, printable};
use l402_core::purchase::breaker::Mode;
use l402_core::purchase::{BudgetStanding, Passage};
use l402_program::Causes;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;

/// Looks at everything, and returns what it prints and how it ends.
pub(super) async fn run(args: &HomeArgs, agent: &BrokerArgs, json: bool) -> Result<(String, Exit), Failure> {
    let findings = match Home::open(args) {
        Err(failure) => vec![fail("home", failure.to_string(), "mend what the message names")],
        Ok(home) => all(&home, agent).await,
    };
    let is_well = !findings.iter().any(|found| found.level == Level::Fail);
    let exit = if is_well { Exit::Served } else { Exit::Local };
    let diagnosis = Diagnosis { ok: is_well, findings };
    let text = if json { json::line(&diagnosis)? } else { lines(diagnosis.findings.iter().map(line)) };
    Ok((text, exit))
}

async fn all(home: &Home, agent: &BrokerArgs) -> Vec<Found> {
    let mut findings = vec![data(&home.data)];
    match Database::open(&home.data) {
        Err(fault) => findings.push(fail("store", text(&fault), "see the message; nothing is paid until then")),
        Ok(database) => {
            findings.push(ok("store", "the record of tokens and payments opens"));
            let budgets = Budgets::new(database.clone());
            findings.push(clock(&budgets));
            findings.extend(stopped(&budgets));
            findings.extend(breakers(&budgets.breakers()));
            findings.push(open_payments(database));
        }
    }
    findings.push(policy(home));
    findings.push(payer(home).await);
    findings.extend(broker(agent));
    findings
}

fn data(data: &PrivateDir) -> Found {
    let path = data.path("");
    let shown = printable(&path.display().to_string());
    let mode = std::fs::metadata(&path).map(|found| found.mode() & 0o777);
    let exposed = data.names().unwrap_or_default().into_iter().find(|name| {
        std::fs::symlink_metadata(data.path(name)).is_ok_and(|found| found.is_file() && found.mode() & 0o077 != 0)
    });
    match (mode, exposed) {
        (Err(cause), _) => fail("data", text(&cause), "make the data directory readable for you"),
        (_, Some(name)) => {
            let file = printable(&data.path(&name).display().to_string());
            fail("data", format!("other users can read {file}"), &format!("run `chmod 600 {file}`"))
        }
        (Ok(mode), None) if mode & 0o077 != 0 => {
            warn("data", format!("other users can look into {shown}"), &format!("run `chmod 700 {shown}`"))
        }
        (Ok(_), None) => ok("data", &format!("{shown} is yours alone")),
    }
}

fn clock(budgets: &Budgets) -> Found {
    match budgets.clock() {
        Err(fault) => fail("clock", text(&fault), "see the message"),
        Ok(state) => match state.passage {
            Passage::Behind(by) => fail(
                "clock",
                format!("the system clock is {by:?} behind the record; budgets with hours, days or an end pay nothing"),
                "set the clock, or run `l402 policy clock accept`",
            ),
            Passage::On | Passage::Jumped(_) => ok("clock", "the system clock agrees with the record"),
        },
    }
}

/// Budgets and wallets that pay nothing.
fn stopped(budgets: &Budgets) -> Vec<Found> {
    let mut findings = Vec::new();
    match budgets.all() {
        Err(fault) => findings.push(fail("budgets", text(&fault), "see the message")),
        Ok(all) => {
            for budget in &all {
                let name = printable(&budget.name);
                if budget.standing == BudgetStanding::Frozen {
                    let advice = format!("run `l402 budget thaw {name}`");
                    findings.push(warn("budgets", format!("{name} is frozen, and pays nothing"), &advice));
                } else if budget.expires_in.is_some_and(|time| time.is_zero()) {
                    let advice = format!("run `l402 budget remove {name}`, and make another");
                    findings.push(warn("budgets", format!("{name} has ended, and pays nothing"), &advice));
                }
            }
            if findings.is_empty() {
                findings.push(ok("budgets", "none is stopped"));
            }
        }
    }
    match budgets.stopped_wallets() {
        Err(fault) => findings.push(fail("wallets", text(&fault), "see the message")),
        Ok(stopped) => findings.extend(stopped.iter().map(|name| {
            let name = printable(name);
            let advice = format!("look why, and run `l402 policy wallet thaw {name}`");
            fail("wallets", format!("{name} took more than was reserved, and pays nothing"), &advice)
        })),
    }
    findings
}

fn breakers(breakers: &Breakers) -> Vec<Found> {
    let all = match breakers.all() {
        Err(fault) => return vec![fail("breakers", text(&fault), "see the message")],
        Ok(all) => all,
    };
    let tripped = all.into_iter().filter(|breaker| breaker.mode != Mode::Normal);
    let told = tripped.map(|breaker| {
        let origin = printable(breaker.origin.as_deref().unwrap_or("all origins"));
        warn("breakers", format!("{origin}: {}", breaker.mode), "see `l402 policy breaker show`")
    });
    told.collect()
}

fn open_payments(database: Database) -> Found {
    let intents = Payments::new(database)
        .map_err(|fault| text(&fault))
        .and_then(|payments| payments.intents().map_err(|fault| text(&fault)));
    match intents {
        Err(why) => fail("payments", why, "see the message"),
        Ok(open) if open.is_empty() => ok("payments", "every outcome is known"),
        Ok(open) => {
            let count = open.len();
            warn(
                "payments",
                format!("{count} without a known outcome; they stay reserved"),
                "run `l402 payments resolve`",
            )
        }
    }
}

fn policy(home: &Home) -> Found {
    let source = home.policy(Setting::Command);
    let path = printable(&source.path().display().to_string());
    match source.current() {
        Err(fault) => fail("policy", text(&fault), "mend the file; nothing is requested or paid until then"),
        Ok(policy) if policy.is_absent() => ok("policy", &format!("there is none at {path}")),
        Ok(_) => ok("policy", &format!("{path} can be used")),
    }
}

async fn payer(home: &Home) -> Found {
    let name = home.wallet.map_or("none", wallet::WalletKind::name);
    match tokio::time::timeout(PATIENCE, wallet::looks(home)).await {
        Err(_) => fail("wallet", format!("{name} does not answer within {PATIENCE:?}"), "look whether it runs"),
        Ok(Err(failure)) => fail("wallet", format!("{name}: {failure}"), "see the message; kept tokens still work"),
        Ok(Ok(told)) => {
            ok("wallet", &format!("{name}: {}", printable(told.trim_end()).replace(char::REPLACEMENT_CHARACTER, "; ")))
        }
    }
}

/// The broker that pays in place of this command.
fn broker(agent: &BrokerArgs) -> Option<Found> {
    let address = agent.agent.as_ref()?;
    let shown = printable(address);
    if let Err(failure) = brokered::open(agent, address) {
        return Some(fail("broker", format!("{shown}: {failure}"), "see the message"));
    }
    Some(match UnixStream::connect(address.trim_start_matches("unix:")) {
        Ok(_) => ok("broker", &format!("{shown} answers")),
        Err(cause) => fail("broker", format!("{shown}: {cause}"), "start `l402 serve`, or unset L402_AGENT"),
    })
}

fn line(found: &Found) -> String {
    let level = match found.level {
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Fail => "fail",
    };
    let advice = found.advice.as_deref().map_or_else(String::new, |advice| format!("; {advice}"));
    format!("{level}\t{}\t{}{advice}", found.check, printable(&found.message))
}

fn text(fault: &(dyn core::error::Error + 'static)) -> String {
    Causes(fault).to_string()
}

fn ok(check: &'static str, message: &str) -> Found {
    Found { check, level: Level::Ok, message: message.to_owned(), advice: None }
}

fn warn(check: &'static str, message: String, advice: &str) -> Found {
    Found { check, level: Level::Warn, message, advice: Some(advice.to_owned()) }
}

fn fail(check: &'static str, message: String, advice: &str) -> Found {
    Found { check, level: Level::Fail, message, advice: Some(advice.to_owned()) }
}

const PATIENCE: Duration = Duration::from_secs(15);
