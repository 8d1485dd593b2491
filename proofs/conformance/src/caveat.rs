//! `caveat`: syntax, narrowing, and what a token permits at a time.

use crate::check::{Checked, FaultName, differs, right, same, wrong};
use crate::data::{
    Asked, CAVEAT_NARROWING, CAVEAT_SATISFACTION, CAVEAT_SYNTAX, Case, CaveatNarrowing, CaveatSatisfaction,
    CaveatSyntax, Granted, Hex, Hex32,
};
use crate::room::Room;
use crate::sold::{name, unknown, uses};
use crate::{Report, names, run};
use l402_core::macaroon::{MacaroonRef, RootKey};
use l402_core::{Admission, Caveat, CountedGrant, Grant, Msat, Offer, Preimage, Rules, Unit, Unsatisfied, verify};

/// Runs `caveat`.
pub fn caveat(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    run(CAVEAT_SYNTAX, syntax, room, report);
    run(CAVEAT_NARROWING, narrowing, room, report);
    run(CAVEAT_SATISFACTION, satisfaction, room, report);
}

fn syntax(case: &CaveatSyntax, mut room: Room<'_>) -> Checked {
    match Caveat::parse(room.join(&case.caveat)?) {
        Ok(found) => {
            let stated = right(case, "read")?;
            same("condition", stated.condition == found.condition)?;
            same("value", stated.value == found.value)
        }
        Err(fault) => wrong(case, "malformed", FaultName("", names::caveat(fault))),
    }
}

fn narrowing(case: &CaveatNarrowing, room: Room<'_>) -> Checked {
    let CaveatNarrowing { macaroon, root_key, preimage, caveats, offer, now, unknown, .. } = case;
    ask(case, &Token { macaroon, root_key, preimage, caveats }, (offer, *now, unknown), room)
}

fn satisfaction(case: &CaveatSatisfaction, room: Room<'_>) -> Checked {
    let CaveatSatisfaction { macaroon, root_key, preimage, caveats, offer, now, unknown, .. } = case;
    ask(case, &Token { macaroon, root_key, preimage, caveats }, (offer, *now, unknown), room)
}

struct Token<'c> {
    macaroon: &'c Hex,
    root_key: &'c Hex,
    preimage: &'c Hex32,
    caveats: &'c [Hex],
}

fn ask(
    case: &impl Case<Facts = Granted>,
    token: &Token<'_>,
    (asked, now, unknown_caveats): (&Asked, u64, &str),
    mut room: Room<'_>,
) -> Checked {
    let macaroon = MacaroonRef::parse(room.join(token.macaroon)?).map_err(|_| differs("macaroon"))?;
    let first_party = macaroon.unverified_caveats().filter(|caveat| caveat.verification_id.is_none());
    let mut found = first_party.map(|caveat| caveat.id);
    same("caveats", token.caveats.iter().all(|stated| found.next().is_some_and(|found| *stated == *found)))?;
    same("caveats", found.next().is_none())?;

    let key = RootKey::new(room.join(token.root_key)?);
    let preimage = Preimage::from_bytes(*token.preimage);
    let verified = verify(macaroon, &preimage, &key).map_err(|_| differs("macaroon"))?;
    let offer = Offer::new(name(asked.service)?, Msat::new(1000))
        .tier(asked.tier)
        .capability(asked.capability.map(name).transpose()?)
        .uses(uses(None, asked.metered));
    let rules = Rules { offer: &offer, now: now.into(), unknown: unknown(unknown_caveats)? };
    match verified.admission(&rules) {
        Ok(Admission::Unlimited(grant)) => {
            same("grant", verified.grant(&rules) == Ok(grant))?;
            permitted(right(case, "granted")?, &grant, None)
        }
        Ok(Admission::Counted(grant)) => {
            same("grant", verified.grant(&rules) == Err(Unsatisfied::Counted))?;
            permitted(right(case, "counted")?, &grant.reserved(), Some(&grant))
        }
        Err(reason) => wrong(case, "denied", FaultName("", reason.as_str())),
    }
}

fn permitted(stated: &Granted, grant: &Grant, counted: Option<&CountedGrant>) -> Checked {
    same("expires_at", stated.expires_at == grant.expires_at().map(u64::from))?;
    same("sold_msat", stated.sold_msat == grant.sold_msat().map(Msat::get))?;
    same("sale_ends_at", stated.sale_ends_at == counted.map(|counted| counted.sale_ends_at().get()))?;
    let stated = stated.counters.unwrap_or_default().iter().map(|counter| match counter.balance_msat {
        Some(balance) => (counter.key, Unit::Msat, balance),
        None => (counter.key, Unit::Uses, u64::from(counter.limit.unwrap_or_default())),
    });
    let found = counted.into_iter().flat_map(|counted| {
        counted.counters().iter().map(|counter| (*counter.key.as_bytes(), counted.unit(), counter.limit))
    });
    same("counters", stated.eq(found))
}
