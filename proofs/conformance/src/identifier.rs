//! `identifier`.

use crate::check::{Checked, FaultName, right, same, wrong};
use crate::data::{IDENTIFIER, IdentifierCase};
use crate::names;
use crate::room::Room;
use crate::{Report, run};
use l402_core::Identifier;

/// Runs `identifier`.
pub fn identifier(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(IDENTIFIER, read, room, report);
}

fn read(case: &IdentifierCase, mut room: Room<'_>) -> Checked {
    let bytes = room.join(&case.identifier)?;
    let found = match Identifier::parse(bytes) {
        Ok(found) => found,
        Err(fault) => return wrong(case, "malformed", FaultName("", names::identifier(fault))),
    };
    let stated = right(case, "read")?;
    same("payment_hash", stated.payment_hash == *found.payment_hash().as_bytes())?;
    same("token_id", stated.token_id == *found.token_id().as_bytes())?;
    same("epoch", stated.epoch == found.token_id().epoch())?;
    same("identifier", found.to_bytes()[..] == *bytes)
}
