//! `challenge`: reading and writing `WWW-Authenticate`.

use crate::check::{Checked, FaultName, displays, right, same, wrong};
use crate::data::{CHALLENGE_EMIT, CHALLENGE_PARSE, ChallengeEmit, ChallengeParse, Shown};
use crate::names;
use crate::room::Room;
use crate::{Report, run};
use l402_core::macaroon::MAX_LEN;
use l402_core::{Challenge, ChallengeLine};

/// Runs `challenge`.
pub fn challenge(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(CHALLENGE_PARSE, parse, room, report);
    run(CHALLENGE_EMIT, emit, room, report);
}

/// The most lines of one response.
pub(crate) const MAX_LINES: usize = 16;

fn parse(case: &ChallengeParse, mut room: Room<'_>) -> Checked {
    let mut lines = [&[][..]; MAX_LINES];
    let lines = room.lines((case.lines, case.lines_hex), &mut lines)?;
    let challenge = match Challenge::select(lines.iter().copied()) {
        Ok(challenge) => challenge,
        Err(fault) => return wrong(case, "refused", FaultName("", names::challenge(fault))),
    };
    let length = challenge.token().bytes().count();
    let (text, token) = (room.take(length)?, room.take(length.min(MAX_LEN))?);
    match challenge.decode_token(text, token) {
        Ok(_) => shows(right(case, "read")?, &challenge),
        Err(fault) => wrong(case, "refused", names::token(fault)),
    }
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
