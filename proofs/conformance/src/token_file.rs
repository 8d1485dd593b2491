//! `token-file`: the stored token of lnget.

use crate::check::{Checked, FaultName, differs, right, same, wrong};
use crate::data::{TOKEN_FILE_READ, TOKEN_FILE_WRITE, TokenFileRead, TokenFileWrite};
use crate::room::Room;
use crate::{Report, names, run};
use l402_core::macaroon::MacaroonRef;
use l402_core::{Preimage, TokenFile};

/// Runs `token-file`.
pub fn token_file(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(TOKEN_FILE_READ, read, room, report);
    run(TOKEN_FILE_WRITE, write, room, report);
}

fn read(case: &TokenFileRead, mut room: Room<'_>) -> Checked {
    let found = match TokenFile::parse(room.join(&case.file)?) {
        Ok(found) => found,
        Err(fault) => return wrong(case, "malformed", names::token_file(fault)),
    };
    let stated = right(case, "read")?;
    same("macaroon", stated.macaroon == *found.macaroon().as_bytes())?;
    same("payment_hash", stated.payment_hash == *found.payment_hash().as_bytes())?;
    same("preimage", stated.preimage.as_ref() == found.preimage().map(Preimage::expose))?;
    same("paid_msat", stated.paid_msat == found.paid_msat().get())?;
    same("fee_msat", stated.fee_msat == found.fee_msat().get())?;
    same("time_ns", stated.time_ns == found.time_ns())
}

fn write(case: &TokenFileWrite, mut room: Room<'_>) -> Checked {
    let macaroon = MacaroonRef::parse(room.join(&case.macaroon)?).map_err(|_| differs("macaroon"))?;
    let stored = TokenFile::pending(macaroon, case.time_ns).and_then(|pending| match case.preimage {
        Some(preimage) => pending.paid(Preimage::from_bytes(preimage), case.paid_msat.into(), case.fee_msat.into()),
        None => Ok(pending),
    });
    let file = match stored {
        Ok(file) => file,
        Err(fault) => return wrong(case, "refused", names::token_file(fault)),
    };
    same("payment_hash", case.payment_hash == *file.payment_hash().as_bytes())?;
    let out = room.take(case.capacity.unwrap_or(file.len()))?;
    match file.write_into(out) {
        Ok(found) => same("file", right(case, "written")?.file == *found),
        Err(_) => wrong(case, "refused", FaultName("", "buffer-too-small")),
    }
}
