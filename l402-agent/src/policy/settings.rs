//! The keys of a policy file, for the reference.

/// A key of a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicySetting {
    /// The table that it stands in, as a file writes its name; empty for the top of the file.
    pub table: &'static str,
    /// The key.
    pub key: &'static str,
    /// What it is unless it is set; empty where there is nothing then.
    pub default: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
}

/// Every key, in the order of the reference.
pub const SETTINGS: &[PolicySetting] = &[
    top(
        "unlisted",
        "`ask`; for agents `deny`",
        "What happens to an origin that no entry allows: `allow`, `ask` or `deny`.",
    ),
    top("deny", "", "Patterns of origins that are not requested."),
    allow("origins", "Patterns of origins that may be requested and paid. Needed."),
    allow("budgets", "The budgets that may pay, with those below them."),
    allow("methods", "The methods that may be requested."),
    allow("services", "The services that may be bought, as tokens name them."),
    allow("max_per_call", "The most that a call may cost, fees not counted."),
    allow("until", "Until when the entry holds, in UTC: `2027-01-31` or `2027-01-31T12:30:00Z`."),
    allow("payees", "The public keys of the nodes that may be paid there."),
    allow(
        "addresses",
        "Addresses that are not public and may be reached, with the port: `127.0.0.1:8402`, `10.0.0.0/8:443`.",
    ),
    of(
        "[payees]",
        "pin",
        "`notice`",
        "What happens where an origin has another node paid: `notice`, or `first-use`, which does not pay it.",
    ),
    of("[payees]", "confirm_above", "", "Another node needs a confirmation where the payment is more than this."),
    of("[grants]", "insecure", "`false`", "Whether an agent may leave certificates unchecked."),
    of("[grants]", "resolve", "`false`", "Whether an agent may set addresses of hosts."),
    of("[grants]", "proxy", "`false`", "Whether an agent may set a proxy."),
    of("[grants]", "cacert", "`false`", "Whether an agent may set the roots that are believed."),
    of("[breaker]", "failures", "5", "After so many failures one after another, an origin's breaker trips."),
    of("[breaker]", "price_factor", "10", "At so many times the median price, an origin's breaker trips."),
    of("[breaker]", "sales", "5", "A median needs so many sales."),
    of("[breaker]", "spend_per_hour", "`100000 sat`", "If more is spent within an hour, the common breaker trips."),
    of(
        "[breaker]",
        "losing_origins",
        "3",
        "If so many origins refuse what they sold within a day, the common breaker trips.",
    ),
    of("[breaker]", "loss_per_day", "", "If more is lost within a day, the common breaker trips."),
    of("[breaker]", "cool_down", "`10m`", "After so long, a breaker is normal again, unless it is `frozen`."),
    of("[breaker]", "on_failures", "`read-only`", "What failures lead to."),
    of("[breaker]", "on_refusal", "`read-only`", "What a refused purchase leads to."),
    of("[breaker]", "on_price", "`require-confirmation`", "What a price out of proportion leads to."),
    of("[breaker]", "on_spend", "`require-confirmation`", "What spending leads to."),
    of("[breaker]", "on_losses", "`read-only`", "What losses lead to."),
    of("[confirm]", "above", "", "A payment of more needs a confirmation."),
    of("[confirm]", "within", "`5m`", "For how long an answer is waited for."),
    of("[confirm]", "hook", "", "A command that answers, with its arguments; it reads JSON."),
    of("[confirm]", "agent_may_confirm", "`false`", "Whether somebody besides the owner may confirm."),
    of("[alerts]", "command", "", "A command that hears of alerts, with its arguments; it reads JSON."),
    of("[alerts]", "webhook", "", "A URL that alerts are sent to."),
    of("[alerts]", "secret", "", "A file with what they are signed with."),
];

const fn of(table: &'static str, key: &'static str, default: &'static str, about: &'static str) -> PolicySetting {
    PolicySetting { table, key, default, about }
}

const fn top(key: &'static str, default: &'static str, about: &'static str) -> PolicySetting {
    of("", key, default, about)
}

const fn allow(key: &'static str, about: &'static str) -> PolicySetting {
    of("[[allow]]", key, "", about)
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Setting};
    use super::*;

    fn told(text: &str) -> String {
        Policy::parse(text, Setting::Command).unwrap_err().to_string()
    }

    #[test]
    fn a_policy_has_every_key_of_the_table() {
        for PolicySetting { table, key, .. } in SETTINGS {
            // A value of no key's type: one that is unknown is told otherwise.
            let fault = told(&format!("{table}\n{key} = 2024-01-01"));
            assert!(!fault.contains("unknown key"), "{fault}");
        }
    }

    #[test]
    fn the_table_has_every_key_of_a_policy() {
        for table in ["", "[[allow]]", "[payees]", "[grants]", "[breaker]", "[confirm]", "[alerts]"] {
            let fault = told(&format!("{table}\nzzzzzzzzzzzzzzzzzzzzzzzz = 1"));
            let (_, keys) = fault.split_once("valid are ").unwrap_or_else(|| panic!("{fault}"));
            for key in keys.split(", ") {
                let is_key = |row: &PolicySetting| row.table == table && row.key == key;
                let is_table = |row: &PolicySetting| table.is_empty() && row.table.trim_matches(['[', ']']) == key;
                assert!(SETTINGS.iter().any(|row| is_key(row) || is_table(row)), "{table} {key}");
            }
        }
    }
}
