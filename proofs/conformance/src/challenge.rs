//! `challenge`: reading and writing `WWW-Authenticate`.

use crate::check::{Checked, FaultName, displays, right, same, wrong};
use crate::data::{
    CHALLENGE_EMIT, CHALLENGE_PARSE, CHALLENGE_TOKEN, ChallengeEmit, ChallengeParse, ChallengeToken, Shown,
};
use crate::names;
use crate::room::Room;
use crate::{Report, run};
use l402_core::macaroon::MAX_LEN;
use l402_core::{Challenge, ChallengeLine, TokenFacts};

/// Runs `challenge`.
pub fn challenge(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(CHALLENGE_PARSE, parse, room, report);
    run(CHALLENGE_TOKEN, token, room, report);
    run(CHALLENGE_EMIT, emit, room, report);
}

/// The most lines of one response.
pub(crate) const MAX_LINES: usize = 16;

fn parse(case: &ChallengeParse, mut room: Room<'_>) -> Checked {
    let mut lines = [&[][..]; MAX_LINES];
    let lines = room.lines((case.lines, case.lines_hex), &mut lines)?;
    match Challenge::select(lines.iter().copied()) {
        Ok(challenge) => shows(right(case, "read")?, &challenge),
        Err(fault) => wrong(case, "refused", FaultName("", names::challenge(fault))),
    }
}

fn token(case: &ChallengeToken, mut room: Room<'_>) -> Checked {
    let text = room.text(&case.token)?;
    let found = TokenFacts::read(text.as_bytes(), room.take(text.len().min(MAX_LEN))?);
    let stated = right(case, "read")?;
    same("payment_hash", stated.payment_hash == found.payment_hash.map(|hash| *hash.as_bytes()))?;
    same("expires_at", stated.expires_at == found.expires_at.map(u64::from))
}

fn emit(case: &ChallengeEmit, mut room: Room<'_>) -> Checked {
    let (token, invoice) = (room.text(&case.token)?, room.text(&case.invoice)?);
    let stated = right(case, "emitted")?.lines;
    let found = ChallengeLine::both(token, invoice);
    same("lines", stated.len() == found.len())?;
    found.iter().zip(stated).try_for_each(|(found, stated)| displays("lines", found, stated))
}

pub(crate) fn shows(stated: &Shown, found: &Challenge<'_>) -> Checked {
    same("scheme", stated.scheme == found.scheme().as_str())?;
    same("token", stated.token.iter().eq(found.token().bytes()))?;
    same("invoice", stated.invoice.iter().eq(found.invoice().bytes()))
}
