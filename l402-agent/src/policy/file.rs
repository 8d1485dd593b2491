//! The text of a policy file. What is wrong with it names the line, the key and what to write instead.

use super::Unlisted;
use super::address::AddressRule;
use super::entry::Entry;
use super::guards::{AlertsTable, BreakerTable, ConfirmTable, Guarding, guarding};
use super::pattern::OriginPattern;
use super::payees::{Payees, Pin};
use crate::amount::Amount;
use core::fmt::Display;
use core::str::FromStr;
use http::Method;
use l402_core::Name;
use l402_lightning::NodeId;
use l402_program::config::{At, ConfigProblem, Problems};
use serde::{Deserialize, Serialize};

/// What a file says, once it is understood.
pub(super) struct Resolved {
    pub(super) unlisted: Option<Unlisted>,
    pub(super) denied: Vec<OriginPattern>,
    pub(super) entries: Vec<Entry>,
    pub(super) grants: Grants,
    pub(super) payees: Payees,
    pub(super) guarding: Guarding,
}

/// What a caller of a broker or of the MCP server may set by itself. Nothing unless the policy grants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is granted by itself, as the file has them")]
pub struct Grants {
    /// Not to check certificates (`-k`).
    pub insecure: bool,
    /// Addresses of hosts (`--resolve`).
    pub resolve: bool,
    /// A proxy (`-x`, and the caller's proxy variables).
    pub proxy: bool,
    /// The roots that are believed (`--cacert`).
    pub cacert: bool,
}

impl Grants {
    /// Nothing.
    pub(super) const NONE: Self = Self { insecure: false, resolve: false, proxy: false, cacert: false };
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    unlisted: Option<Unlisted>,
    #[serde(default)]
    deny: Vec<At<String>>,
    #[serde(default)]
    allow: Vec<AllowTable>,
    #[serde(default)]
    grants: Grants,
    #[serde(default)]
    payees: PayeesTable,
    #[serde(default)]
    breaker: BreakerTable,
    #[serde(default)]
    confirm: ConfirmTable,
    #[serde(default)]
    alerts: AlertsTable,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowTable {
    origins: At<Vec<At<String>>>,
    #[serde(default)]
    budgets: Vec<At<String>>,
    #[serde(default)]
    methods: Vec<At<String>>,
    #[serde(default)]
    services: Vec<String>,
    max_per_call: Option<Amount>,
    until: Option<At<String>>,
    #[serde(default)]
    payees: Vec<At<String>>,
    #[serde(default)]
    addresses: Vec<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PayeesTable {
    pin: Pin,
    confirm_above: Option<Amount>,
}

/// Reads the text of a file.
pub(super) fn read(text: &str) -> Result<Resolved, Vec<ConfigProblem>> {
    let file: File = l402_program::config::read(text).map_err(|problem| vec![problem])?;
    let File { unlisted, deny, allow, grants, payees, breaker, confirm, alerts } = file;
    let payees = Payees { pin: payees.pin, confirm_above_msat: payees.confirm_above.map(Amount::msat) };
    let mut problems = Problems::new(text);
    let guarding = guarding(&mut problems, &breaker, confirm, alerts);
    let mut written = Vec::new();
    let denied = patterns(&mut problems, "deny", deny, &mut written);
    let is_denied = written.len();
    let entries = allow.into_iter().map(|table| entry(&mut problems, table, &mut written)).collect();
    for (index, (pattern, at)) in written.iter().enumerate().skip(is_denied) {
        if let Some((other, _)) = written.iter().take(index).find(|(other, _)| other.overlaps(pattern)) {
            let message = format!("some origins match this and `{other}`, and an origin may match one entry only");
            problems.wrong("allow.origins", at, message);
        }
    }
    problems.finish(Some(Resolved { unlisted, denied, entries, grants, payees, guarding }))
}

fn entry(problems: &mut Problems<'_>, table: AllowTable, written: &mut Vec<(OriginPattern, At<String>)>) -> Entry {
    if table.origins.value.is_empty() {
        problems.wrong_at("allow.origins", &table.origins.origin, "name an origin, such as \"https://api.example\"");
    }
    let method = |text: &str| Method::from_bytes(text.as_bytes()).map_err(|_| "write a method, such as \"GET\"");
    Entry {
        origins: patterns(problems, "allow.origins", table.origins.value, written),
        budgets: table.budgets.iter().filter_map(|at| problems.parse::<Name>("allow.budgets", at)).collect(),
        methods: table.methods.iter().filter_map(|at| problems.parse_with("allow.methods", at, method)).collect(),
        services: table.services,
        max_per_call_msat: table.max_per_call.map(Amount::msat),
        until: table.until.and_then(|at| problems.parse("allow.until", &at)),
        payees: parsed::<NodeId>(problems, "allow.payees", &table.payees),
        addresses: parsed::<AddressRule>(problems, "allow.addresses", &table.addresses),
    }
}

fn patterns(
    problems: &mut Problems<'_>,
    key: &str,
    texts: Vec<At<String>>,
    written: &mut Vec<(OriginPattern, At<String>)>,
) -> Vec<OriginPattern> {
    let found: Vec<_> =
        texts.into_iter().filter_map(|at| Some((problems.parse::<OriginPattern>(key, &at)?, at))).collect();
    let patterns = found.iter().map(|(pattern, _)| pattern.clone()).collect();
    written.extend(found);
    patterns
}

fn parsed<T: FromStr<Err: Display>>(problems: &mut Problems<'_>, key: &str, texts: &[At<String>]) -> Vec<T> {
    texts.iter().filter_map(|at| problems.parse(key, at)).collect()
}
