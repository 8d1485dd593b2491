//! The Lua scripts, put together from their parts and from the constants of the ledger.

use super::wire::{self, code};
use l402_core::ledger::{Event, LEASE, MAX_BRANCHES, Refused, SKEW, TRIES};
use redis::Cmd;

/// All scripts.
pub(super) struct Scripts {
    reserve: Script,
    renew: Script,
    commit: Script,
    release: Script,
    doubt: Script,
    take_back: Script,
    resolve: Script,
    draw: Script,
    pub(super) now: Script,
    pub(super) horizon: Script,
    pub(super) uses: Script,
    pub(super) open: Script,
    pub(super) sweep: Script,
    pub(super) revoke: Script,
    pub(super) revocations: Script,
    pub(super) forget_revoked: Script,
    pub(super) settlement: Script,
    pub(super) rate: Script,
}

/// One script, which Redis knows by its hash once it has run it.
pub(super) struct Script {
    text: String,
    hash: String,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let of_row = |parts: &[&str]| Script::new(&[&[RECORD], parts].concat());
        Self {
            reserve: of_row(&[include_str!("lua/reserve.lua")]),
            renew: of_row(&[include_str!("lua/renew.lua")]),
            commit: of_row(&[include_str!("lua/commit.lua")]),
            release: of_row(&[CANCEL, include_str!("lua/release.lua")]),
            doubt: of_row(&[include_str!("lua/doubt.lua")]),
            take_back: of_row(&[CANCEL, include_str!("lua/take_back.lua")]),
            resolve: of_row(&[include_str!("lua/resolve.lua")]),
            draw: of_row(&[include_str!("lua/draw.lua")]),
            now: Script::new(&[include_str!("lua/now.lua")]),
            horizon: Script::new(&[include_str!("lua/horizon.lua")]),
            uses: of_row(&[include_str!("lua/uses.lua")]),
            open: Script::new(&[include_str!("lua/open.lua")]),
            sweep: Script::new(&[include_str!("lua/sweep.lua")]),
            revoke: Script::new(&[include_str!("lua/revoke.lua")]),
            revocations: Script::new(&[include_str!("lua/revocations.lua")]),
            forget_revoked: Script::new(&[include_str!("lua/forget_revoked.lua")]),
            settlement: Script::new(&[include_str!("lua/settlement.lua")]),
            rate: Script::new(&[include_str!("lua/rate.lua")]),
        }
    }

    pub(super) const fn of(&self, event: &Event) -> &Script {
        match event {
            Event::Reserve(_) => &self.reserve,
            Event::Renew => &self.renew,
            Event::Commit { .. } => &self.commit,
            Event::Release(_) => &self.release,
            Event::Doubt => &self.doubt,
            Event::TakeBack => &self.take_back,
            Event::Resolve(_) => &self.resolve,
            Event::Draw { .. } => &self.draw,
        }
    }
}

impl Script {
    fn new(parts: &[&str]) -> Self {
        let text = [&constants()[..], &parts.join("\n")].concat();
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }

    /// Calls the script by its hash.
    pub(super) fn command(&self, keys: &[Vec<u8>], arguments: impl FnOnce(&mut Cmd)) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(keys.len()).arg(keys);
        arguments(&mut command);
        command
    }

    /// The same call with the text, after which Redis knows the hash.
    pub(super) fn with_text(&self, by_hash: &Cmd) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(&self.text);
        for argument in by_hash.args_iter().skip(2) {
            if let redis::Arg::Simple(bytes) = argument {
                command.arg(bytes);
            }
        }
        command
    }
}

/// The numbers that Rust and Lua agree on.
fn constants() -> String {
    let refused = |refused| wire::code_of_refusal(refused);
    let numbers = [
        ("SKEW", SKEW.as_millis()),
        ("LEASE", LEASE.as_millis()),
        ("TRIES", TRIES.into()),
        ("MAX_BRANCHES", MAX_BRANCHES as u128),
        ("USED", code::USED.into()),
        ("RESERVED_REPLY", code::RESERVED.into()),
        ("REFUSED_REPLY", code::REFUSED.into()),
        ("RENEWED_REPLY", code::RENEWED.into()),
        ("COMMITTED_REPLY", code::COMMITTED.into()),
        ("RELEASED_REPLY", code::RELEASED.into()),
        ("IN_DOUBT_REPLY", code::IN_DOUBT.into()),
        ("RESOLVED_REPLY", code::RESOLVED.into()),
        ("LOST_REPLY", code::LOST.into()),
        ("DRAWN_REPLY", code::DRAWN.into()),
        ("DAMAGED_REPLY", code::DAMAGED.into()),
        ("SPENT", refused(Refused::Spent)),
        ("BUSY", refused(Refused::Busy)),
        ("IN_DOUBT", refused(Refused::InDoubt)),
        ("KEY_HELD", refused(Refused::KeyHeld)),
        ("ENDED", refused(Refused::Ended)),
        ("TOO_MANY_BRANCHES", refused(Refused::TooManyBranches)),
        ("CANCELLED_REFUSAL", refused(Refused::Cancelled)),
    ];
    let (names, values): (Vec<_>, Vec<_>) = numbers.map(|(name, value)| (name, value.to_string())).into_iter().unzip();
    format!("local SALE = string.rep('\\0', 16)\nlocal {} = {}\n", names.join(", "), values.join(", "))
}

const RECORD: &str = include_str!("lua/record.lua");
const CANCEL: &str = include_str!("lua/cancel.lua");
