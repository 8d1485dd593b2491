//! The tables `[breaker]`, `[confirm]` and `[alerts]` of a policy.

use crate::alerts::{Channel, SecretFile, Webhook};
use crate::amount::Amount;
use crate::command::Program;
use crate::confirm::Hook;
use crate::span::Span;
use crate::store::breaker::Guards;
use core::num::NonZeroU32;
use l402_core::purchase::breaker::{Mode, Rules};
use l402_program::config::{At, Problems};
use serde::{Deserialize, Deserializer, de};
use std::path::PathBuf;

/// When breakers trip.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BreakerTable {
    failures: Option<NonZeroU32>,
    price_factor: Option<NonZeroU32>,
    sales: Option<NonZeroU32>,
    spend_per_hour: Option<Amount>,
    losing_origins: Option<NonZeroU32>,
    loss_per_day: Option<Amount>,
    cool_down: Option<Span>,
    on_failures: Option<Trip>,
    on_refusal: Option<Trip>,
    on_price: Option<Trip>,
    on_spend: Option<Trip>,
    on_losses: Option<Trip>,
}

/// Which payments need a confirmation, and who gives it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConfirmTable {
    above: Option<Amount>,
    within: Option<Span>,
    hook: Option<Program>,
    agent_may_confirm: bool,
}

/// Who hears of what happens.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AlertsTable {
    command: Option<Program>,
    webhook: Option<At<String>>,
    secret: Option<PathBuf>,
}

/// A mode that something leads to.
#[derive(Debug, Clone, Copy)]
struct Trip(Mode);

impl<'de> Deserialize<'de> for Trip {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// What the tables `[breaker]`, `[confirm]` and `[alerts]` come to. The default is what holds without a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guarding {
    /// Whether a policy says so, which no flag can widen.
    is_written: bool,
    guards: Guards,
    hook: Option<Program>,
    channels: Vec<Channel>,
}

impl Guarding {
    /// Tells whether an owner has written it. Flags can only narrow it then.
    pub const fn is_written(&self) -> bool {
        self.is_written
    }

    /// Returns what the store has to know.
    pub const fn guards(&self) -> Guards {
        self.guards
    }

    /// Returns the command that confirms payments for the owner.
    pub fn hook(&self) -> Option<Hook> {
        self.hook.clone().map(Hook::new)
    }

    /// Returns where alerts go.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }
}

/// Joins the tables.
pub(super) fn guarding(
    problems: &mut Problems<'_>,
    breaker: &BreakerTable,
    confirm: ConfirmTable,
    alerts: AlertsTable,
) -> Guarding {
    let channels = channels(problems, alerts);
    let ConfirmTable { above, within, hook, agent_may_confirm } = confirm;
    let usual = Guards::default();
    let guards = Guards {
        rules: breaker.rules(),
        confirm_above_msat: above.map(Amount::msat),
        confirm_within: within.map_or(usual.confirm_within, Span::duration),
        agent_may_confirm,
        are_alerts_sent: !channels.is_empty(),
        ..usual
    };
    Guarding { is_written: true, guards, hook, channels }
}

impl BreakerTable {
    fn rules(&self) -> Rules {
        let usual = Rules::default();
        let count = |number: Option<NonZeroU32>, usual| number.map_or(usual, NonZeroU32::get);
        let mode = |trip: Option<Trip>, usual| trip.map_or(usual, |Trip(mode)| mode);
        Rules {
            failures: count(self.failures, usual.failures),
            price_factor: count(self.price_factor, usual.price_factor),
            sales: count(self.sales, usual.sales),
            spend_msat: self.spend_per_hour.map(Amount::msat).or(usual.spend_msat),
            losing_origins: count(self.losing_origins, usual.losing_origins),
            loss_msat: self.loss_per_day.map(Amount::msat).or(usual.loss_msat),
            cool_down: self.cool_down.map_or(usual.cool_down, Span::duration),
            on_failures: mode(self.on_failures, usual.on_failures),
            on_refusal: mode(self.on_refusal, usual.on_refusal),
            on_price: mode(self.on_price, usual.on_price),
            on_spend: mode(self.on_spend, usual.on_spend),
            on_losses: mode(self.on_losses, usual.on_losses),
        }
    }
}

fn channels(problems: &mut Problems<'_>, alerts: AlertsTable) -> Vec<Channel> {
    let AlertsTable { command, webhook, secret } = alerts;
    let webhook = webhook.and_then(|at| {
        let Some(secret) = &secret else {
            problems.wrong("alerts.webhook", &at, "set `secret` too, to a file with what alerts are signed with");
            return None;
        };
        let made = at.value.parse().ok().and_then(|url| Webhook::new(url, SecretFile::new(secret)));
        if made.is_none() {
            problems.wrong("alerts.webhook", &at, "write an https URL, or an http one of this machine");
        }
        made
    });
    command.map(Channel::Command).into_iter().chain(webhook.map(Channel::Webhook)).collect()
}

#[cfg(test)]
mod tests {
    use crate::alerts::Channel;
    use crate::policy::{Policy, Setting};
    use crate::store::breaker::Guards;
    use core::time::Duration;
    use l402_core::Msat;
    use l402_core::purchase::breaker::{Mode, Rules};

    #[test]
    fn the_tables_say_when_to_stop_whom_to_ask_and_whom_to_tell() {
        let text = "
            [breaker]
            failures = 3
            spend_per_hour = '500 sat'
            cool_down = '1h'
            on_refusal = 'frozen'
            [confirm]
            above = '100 sat'
            within = '90s'
            hook = ['/usr/local/bin/ask', '--quietly']
            [alerts]
            command = ['/usr/local/bin/tell']
            webhook = 'https://ops.example/l402'
            secret = '/etc/l402/alerts.secret'";
        let guarding = Policy::parse(text, Setting::Server).unwrap().guarding();
        let guards = guarding.guards();
        let rules = Rules {
            failures: 3,
            spend_msat: Some(Msat::from_sat(500)),
            cool_down: Duration::from_hours(1),
            on_refusal: Mode::Frozen,
            ..Rules::default()
        };
        assert_eq!((guards.rules, guards.confirm_above_msat), (rules, Some(Msat::from_sat(100))));
        assert_eq!((guards.confirm_within, guards.agent_may_confirm), (Duration::from_secs(90), false));
        assert!(guards.are_alerts_sent && guarding.hook().is_some());
        assert!(matches!(guarding.channels(), [Channel::Command(_), Channel::Webhook(_)]));
        let [absent, empty] = [Policy::absent(Setting::Command), Policy::parse("", Setting::Command).unwrap()];
        assert_eq!((absent.guarding().guards(), empty.guarding().guards()), (Guards::default(), Guards::default()));
        assert!(!absent.guarding().is_written() && empty.guarding().is_written());
    }

    #[test]
    fn what_is_wrong_in_them_is_refused() {
        for text in [
            "[breaker]\nfailures = 0",
            "[breaker]\nfailures = -1",
            "[breaker]\nspend_per_hour = 500",
            "[breaker]\ncool_down = '0s'",
            "[breaker]\non_price = 'ask'",
            "[breaker]\nfailure = 3",
            "[confirm]\nhook = ['ask']",
            "[confirm]\nhook = 'ask; me'",
            "[confirm]\nwithin = '5'",
            "[alerts]\nwebhook = 'https://ops.example/l402'",
            "[alerts]\nwebhook = 'http://ops.example/l402'\nsecret = '/s'",
        ] {
            assert!(Policy::parse(text, Setting::Command).is_err(), "{text}");
        }
    }
}
