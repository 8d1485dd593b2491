//! `l402 policy show`, `check` and `path`.

use super::json_line;
use crate::exit::{Exit, Failure, OrExit};
use crate::home::Home;
use l402_agent::amount::Amount;
use l402_agent::policy::{Entry, Grants, Policy, PolicySource, Setting, Unlisted};
use l402_agent::text::lines;
use l402_core::Msat;
use serde::Serialize;
use std::path::Path;

/// Prints the policy.
pub(super) fn show(home: &Home, json: bool) -> Result<String, Failure> {
    let source = home.policy(Setting::Command);
    let policy = source.current().or_exit(Exit::Policy)?;
    if json {
        return json_line(&Shown::of(&policy, source.path()));
    }
    if policy.is_absent() {
        let line = format!("no policy: {} does not exist; every origin is allowed", source.path().display());
        return Ok(lines([line]));
    }
    let denied = policy.denied().iter().map(|pattern| format!("deny\t{pattern}"));
    let entries = policy.entries().iter().map(line);
    let unlisted = format!("other origins\t{}", word(policy.unlisted()));
    Ok(lines(denied.chain(entries).chain([unlisted])))
}

/// Says whether a policy can be used: that of the command, or another file.
pub(super) fn check(home: &Home, file: Option<&Path>) -> Result<String, Failure> {
    let source = match file {
        Some(file) => PolicySource::of(file, Setting::Command),
        None => home.policy(Setting::Command),
    };
    let policy = source.current().or_exit(Exit::Policy)?;
    let path = source.path().display();
    if policy.is_absent() {
        return Ok(lines([format!("no policy: {path} does not exist")]));
    }
    let (allowed, denied) = (policy.entries().len(), policy.denied().len());
    let other = word(policy.unlisted());
    Ok(lines([format!(
        "{path} can be used: {allowed} entries that allow, {denied} patterns that deny, other origins: {other}"
    )]))
}

/// Prints where the policy is.
pub(super) fn path(home: &Home) -> String {
    lines([home.policy(Setting::Command).path().display().to_string()])
}

const fn word(unlisted: Unlisted) -> &'static str {
    match unlisted {
        Unlisted::Allow => "allow",
        Unlisted::Ask => "ask",
        Unlisted::Deny => "deny",
    }
}

fn line(entry: &Entry) -> String {
    let Listed { origins, budgets, methods, services, max_per_call_msat, until, payees, addresses } = Listed::of(entry);
    let named = |what: &str, values: Vec<String>| (!values.is_empty()).then(|| format!("{what} {}", values.join(", ")));
    let price = max_per_call_msat.map(|most| format!("{} a call", Amount::new(Msat::new(most))));
    let until = until.map(|until| format!("until {until}"));
    let terms = [
        named("budgets", budgets),
        named("methods", methods),
        named("services", services),
        price,
        until,
        named("payees", payees),
        named("addresses", addresses),
    ];
    let terms: Vec<String> = terms.into_iter().flatten().collect();
    format!("allow\t{}\t{}", origins.join(", "), terms.join("; ")).trim_end().to_owned()
}

#[derive(Serialize)]
struct Shown<'a> {
    path: &'a Path,
    exists: bool,
    unlisted: Unlisted,
    deny: Vec<String>,
    allow: Vec<Listed>,
    grants: Grants,
}

impl<'a> Shown<'a> {
    fn of(policy: &Policy, path: &'a Path) -> Self {
        Self {
            path,
            exists: !policy.is_absent(),
            unlisted: policy.unlisted(),
            deny: policy.denied().iter().map(ToString::to_string).collect(),
            allow: policy.entries().iter().map(Listed::of).collect(),
            grants: policy.grants(),
        }
    }
}

#[derive(Serialize)]
struct Listed {
    origins: Vec<String>,
    budgets: Vec<String>,
    methods: Vec<String>,
    services: Vec<String>,
    max_per_call_msat: Option<u64>,
    until: Option<String>,
    payees: Vec<String>,
    addresses: Vec<String>,
}

impl Listed {
    fn of(entry: &Entry) -> Self {
        fn texts<T: ToString>(values: &[T]) -> Vec<String> {
            values.iter().map(ToString::to_string).collect()
        }
        Self {
            origins: texts(entry.origins()),
            budgets: entry.budgets().iter().map(|name| name.as_str().to_owned()).collect(),
            methods: texts(entry.methods()),
            services: entry.services().to_vec(),
            max_per_call_msat: entry.max_per_call_msat().map(Msat::get),
            until: entry.until().map(|until| until.to_string()),
            payees: texts(entry.payees()),
            addresses: texts(entry.addresses()),
        }
    }
}
