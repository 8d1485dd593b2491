//! `macaroon`: reading, verifying, minting and attenuating.

use crate::check::{Checked, FaultName, differs, plain, right, same, wrong};
use crate::data::{
    Case, MACAROON_ATTENUATE, MACAROON_DECODE, MACAROON_MINT, MACAROON_V1, MACAROON_VERIFY, MacaroonAttenuate,
    MacaroonDecode, MacaroonFacts, MacaroonMade, MacaroonMint, MacaroonV1, MacaroonVerify,
};
use crate::names;
use crate::room::Room;
use crate::{Report, run};
use l402_core::macaroon::{MAX_CAVEATS, MacaroonRef, MintError, ParseError, RootKey};

/// Runs `macaroon`.
pub fn macaroon(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(MACAROON_DECODE, decode, room, report);
    run(MACAROON_VERIFY, verify, room, report);
    run(MACAROON_MINT, mint, room, report);
    run(MACAROON_ATTENUATE, attenuate, room, report);
    run(MACAROON_V1, v1, room, report);
}

fn decode(case: &MacaroonDecode, mut room: Room<'_>) -> Checked {
    match MacaroonRef::parse(room.join(&case.macaroon)?) {
        Ok(token) => reads(right(case, "read")?, &token),
        Err(fault) => malformed(case, fault),
    }
}

fn verify(case: &MacaroonVerify, mut room: Room<'_>) -> Checked {
    let token = MacaroonRef::parse(room.join(&case.macaroon)?).map_err(|_| differs("macaroon"))?;
    let key = RootKey::new(room.join(&case.root_key)?);
    plain(case, if token.verify(&key).is_ok() { "authentic" } else { "forged" })
}

fn v1(case: &MacaroonV1, mut room: Room<'_>) -> Checked {
    let key = RootKey::new(room.join(&case.root_key)?);
    match MacaroonRef::parse_v1(room.join(&case.macaroon)?) {
        Err(fault) => malformed(case, fault),
        Ok(token) if token.verify(&key).is_ok() => reads(right(case, "authentic")?, &token),
        Ok(_) => plain(case, "forged"),
    }
}

fn mint(case: &MacaroonMint, mut room: Room<'_>) -> Checked {
    let key = RootKey::new(room.join(&case.root_key)?);
    let (location, identifier) = (room.join(&case.location)?, room.join(&case.identifier)?);
    let mut caveats = [&[][..]; MAX_CAVEATS + 8];
    let caveats = room.join_all(case.caveats, &mut caveats)?;
    let out = room.output(case.capacity, case.result().map(|stated| &stated.macaroon))?;
    made(case, "minted", l402_core::macaroon::mint(&key, location, identifier, caveats, out))
}

fn attenuate(case: &MacaroonAttenuate, mut room: Room<'_>) -> Checked {
    let token = MacaroonRef::parse(room.join(&case.macaroon)?).map_err(|_| differs("macaroon"))?;
    let caveat = room.join(&case.caveat)?;
    let out = room.output(case.capacity, case.result().map(|stated| &stated.macaroon))?;
    made(case, "attenuated", l402_core::macaroon::attenuate(token, caveat, out))
}

fn reads(stated: &MacaroonFacts, token: &MacaroonRef<'_>) -> Checked {
    same("location", stated.location == *token.location())?;
    same("identifier", stated.identifier == *token.identifier())?;
    same("signature", stated.signature == *token.signature())?;
    same("caveats", stated.caveats.len() == token.unverified_caveats().count())?;
    for (stated, found) in stated.caveats.iter().zip(token.unverified_caveats()) {
        same("caveats.id", stated.id == *found.id)?;
        same("caveats.location", stated.location == *found.location)?;
        let verification_id = match (&stated.verification_id, found.verification_id) {
            (Some(stated), Some(found)) => *stated == *found,
            (None, None) => true,
            _ => false,
        };
        same("caveats.verification_id", verification_id)?;
    }
    Ok(())
}

fn malformed(case: &impl Case, fault: ParseError) -> Checked {
    wrong(case, "malformed", FaultName("", names::parse(fault)))
}

fn made(
    case: &impl Case<Facts = MacaroonMade>,
    verdict: &'static str,
    made: Result<MacaroonRef<'_>, MintError>,
) -> Checked {
    match made {
        Ok(token) => same("macaroon", right(case, verdict)?.macaroon == *token.as_bytes()),
        Err(fault) => wrong(case, "refused", names::mint(fault)),
    }
}
