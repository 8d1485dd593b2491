//! How often a token can be used, and what becomes of a use whose outcome is not known.
//!
//! 1. A route that says neither how often nor how long sells one use. One that only says how long sells any number of uses, and
//!    `check` says so.
//! 2. What a service says holds for its routes that do not say it.

use core::time::Duration;
use l402_core::Uses;
use l402_core::ledger::{DoubtRule, Idempotence, Resolution};

use super::at::At;
use super::limits::Most;
use super::resolver::{Noted, Resolver};
use super::words::{Count, DoubtWord};
use l402_gateway::settings::PricedRoute;

/// What is written about the uses of a token, of a service or of a route.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) uses: Option<&'a At<Count>>,
    pub(super) idempotent: Option<bool>,
    pub(super) side_effects: Option<bool>,
    pub(super) doubt: Option<&'a At<DoubtWord>>,
    pub(super) doubt_after: Option<&'a At<String>>,
    pub(super) keep_answer: Option<&'a At<String>>,
}

/// What a service or a route says about them.
#[derive(Clone, Copy)]
pub(super) struct UseTerms {
    /// How often, where that is said.
    pub(super) uses: Option<Uses>,
    idempotent: bool,
    side_effects: bool,
    doubt: DoubtWord,
    doubt_after: Duration,
    keep_answer: Option<Duration>,
}

impl UseTerms {
    /// What holds unless something is said.
    pub(super) const DEFAULT: Self = Self {
        uses: None,
        idempotent: false,
        side_effects: false,
        doubt: DoubtWord::Hold,
        doubt_after: Duration::from_hours(1),
        keep_answer: None,
    };

    /// States the terms of the uses to a route.
    pub(super) fn state(&self, route: &mut PricedRoute) {
        route.idempotence = if self.idempotent { Idempotence::Repeatable } else { Idempotence::Once };
        route.has_side_effects = self.side_effects;
        route.keep_answer = self.keep_answer;
        route.doubt = match self.doubt {
            DoubtWord::Hold => DoubtRule::Hold,
            DoubtWord::Refund => DoubtRule::After(self.doubt_after, Resolution::Unused),
            DoubtWord::Charge => DoubtRule::After(self.doubt_after, Resolution::Used),
        };
    }
}

impl Resolver<'_> {
    /// Reads what the table of a service or a route says; what it does not say is the default.
    pub(super) fn use_terms(
        &mut self,
        table: &str,
        written: Written<'_>,
        default: &UseTerms,
    ) -> Result<UseTerms, Noted> {
        let uses = self.uses(&format!("{table}.uses"), written.uses);
        let doubt = written.doubt.map_or(default.doubt, |at| at.value);
        let key = format!("{table}.doubt_after");
        let doubt_after = self.deadline(written.doubt_after, (&key, default.doubt_after, Most::Month));
        if let (DoubtWord::Hold, Some(at)) = (doubt, written.doubt_after) {
            self.problems.wrong(&key, at, HELD);
            return Err(Noted);
        }
        let keep_answer = match written.keep_answer {
            None => default.keep_answer,
            at => Some(self.deadline(at, (&format!("{table}.keep_answer"), Duration::ZERO, Most::Day)).ok_or(Noted)?),
        };
        Ok(UseTerms {
            uses: uses?.or(default.uses),
            idempotent: written.idempotent.unwrap_or(default.idempotent),
            side_effects: written.side_effects.unwrap_or(default.side_effects),
            doubt,
            doubt_after: doubt_after.ok_or(Noted)?,
            keep_answer,
        })
    }

    fn uses(&mut self, key: &str, at: Option<&At<Count>>) -> Result<Option<Uses>, Noted> {
        let Some(at) = at else { return Ok(None) };
        let uses = at.value.0.parse().ok();
        if uses.is_none() {
            self.problems.wrong(key, at, EXPECTED);
        }
        uses.map(Some).ok_or(Noted)
    }

    /// Notes settings of uses where a token can be used without limit.
    pub(super) fn note_unlimited(&mut self, path: &str, uses: Uses, terms: &UseTerms) {
        let set = [
            ("idempotent", terms.idempotent),
            ("doubt", !matches!(terms.doubt, DoubtWord::Hold)),
            ("keep_answer", terms.keep_answer.is_some()),
        ];
        let names: Vec<_> = set.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| format!("`{name}`")).collect();
        if uses == Uses::Unlimited && !names.is_empty() {
            let change = if names.len() == 1 { "changes" } else { "change" };
            let names = names.join(" and ");
            self.notes.push(format!("{path} is sold without a number of `uses`: {names} {change} nothing there"));
        }
    }

    /// Says how often a token can be used where it may not be said, given what is said of its time.
    pub(super) fn uses_or_default(&mut self, path: &str, uses: Option<Uses>, valid_for: Option<Duration>) -> Uses {
        match (uses, valid_for) {
            (Some(uses), _) => uses,
            (None, None) => Uses::ONCE,
            (None, Some(_)) => {
                self.notes.push(format!(
                    "{path} has `valid_for` and no `uses`: a token can be used without limit; write uses = \"unlimited\" \
                     to confirm this, or uses = 1"
                ));
                Uses::Unlimited
            }
        }
    }
}

const EXPECTED: &str = "write a number from 1 to 4294967295, or \"unlimited\"";
const HELD: &str =
    "add doubt = \"refund\" or \"charge\"; without it, a use in doubt waits for `l402-server uses resolve`";
