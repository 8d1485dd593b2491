//! What tokens say and permit: identifiers, caveats, offers.

use super::input::Input;
use crate::second;
use crate::second::credential::{payment_hash, split_caveat};
use crate::second::macaroon::{MAX_CAVEATS, Macaroon};
use crate::second::permit::{Counter, Request};
use crate::second::text;
use crate::seeds::SERVICES;
use core::slice;
use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, RootKey, attenuate};
use l402_core::{
    Admission, Caveat, DerivedKeys, Grant, Identifier, MasterKey, Name, Offer, PaymentHash, Preimage, RootKeySource,
    Rules, TokenText, Unit, UnknownCaveats, Unsatisfied, Uses, verify,
};

/// The master key of every property.
pub(super) const MASTER: [u8; 32] = [7; 32];
/// The epoch that mints.
pub(super) const EPOCH: u32 = 3;
/// The preimage that pays for what is not paid for otherwise.
pub(super) const PREIMAGE: [u8; 32] = [1; 32];
/// When tokens are minted.
pub(super) const NOW: u64 = 1_700_000_000;

const CAPABILITIES: [Option<&str>; 3] = [None, Some("a"), Some("b")];

/// Bytes are an identifier if and only if the plain reader takes a payment hash from them, and it is exactly its bytes.
pub fn identifier(data: &[u8]) {
    let ours = Identifier::parse(data).ok();
    assert_eq!(ours.map(|identifier| identifier.payment_hash().as_bytes().to_vec()), payment_hash(data));
    if let Some(identifier) = ours {
        assert_eq!(identifier.to_bytes(), data);
        assert_eq!(identifier.token_id().as_bytes(), &data[34..]);
        assert_eq!(identifier.token_id().epoch().to_be_bytes(), data[34..38]);
    }
}

/// A text is a caveat for both readers or for neither, with the same condition and value.
pub fn caveat(data: &[u8]) {
    assert_eq!(Caveat::parse(data).ok().map(|caveat| (caveat.condition, caveat.value)), split_caveat(data));
}

/// An authentic token permits a request if and only if the plain rules say so, with the same counters; it does so until the end that
/// its grant names.
pub fn permits(data: &[u8]) {
    let mut input = Input::new(data);
    let (offer, now) = (take_offer(&mut input), take_time(&mut input));
    let mut caveats = input.lines();
    caveats.truncate(MAX_CAVEATS);
    let paid = text::sha256(&PREIMAGE);
    let identifier = [&[0, 0][..], &paid, &[5; 32]].concat();
    let token = Macaroon::mint(b"root", b"", &identifier, &caveats);
    let bytes = token.write_v2();
    let Ok(view) = MacaroonRef::parse(&bytes) else { return };
    let verified =
        verify(view, &Preimage::from_bytes(PREIMAGE), &RootKey::new(b"root")).expect("signed by the plain writer");
    for unknown in [UnknownCaveats::Refuse, UnknownCaveats::Skip] {
        let rules = |now: u64| Rules { offer: &offer, now: now.into(), unknown };
        let ours = verified.admission(&rules(now));
        let second = second::permit::permits(slice::from_ref(&token), &paid, &request(&offer, now, unknown));
        assert_eq!(ours.as_ref().ok().map(counters), second, "{ours:?}");
        if let Some(end) = ours.as_ref().ok().and_then(|ours| granted(ours).expires_at()).map(u64::from) {
            assert!(verified.admission(&rules(end - 1)).is_ok());
            assert_eq!(verified.admission(&rules(end)), Err(Unsatisfied::Expired));
        }
        match (ours, verified.grant(&rules(now))) {
            (Ok(Admission::Unlimited(grant)), without_ledger) => assert_eq!(without_ledger, Ok(grant)),
            (Ok(Admission::Counted(_)), without_ledger) => assert_eq!(without_ledger, Err(Unsatisfied::Counted)),
            (Err(_), without_ledger) => assert!(without_ledger.is_err()),
        }
    }
}

/// Whatever is appended to a token that was sold, the longer token permits nothing that the shorter one does not, under either rule
/// for unknown conditions: it takes from every counter of the shorter one, and the ledger remembers them as long.
pub fn narrowing(data: &[u8]) {
    let mut input = Input::new(data);
    let sold = take_offer(&mut input);
    let (asked, now) = (take_asked(&mut input, &sold), take_time(&mut input));
    let key = second::gate::root_key(&[(EPOCH, MASTER)], &sold_plainly(&sold).identifier).expect("the epoch is known");
    let permitted = |token: MacaroonRef<'_>| {
        let verified =
            verify(token, &Preimage::from_bytes(PREIMAGE), &RootKey::new(&key)).expect("attenuated properly");
        [UnknownCaveats::Refuse, UnknownCaveats::Skip]
            .map(|unknown| verified.admission(&Rules { offer: &asked, now: now.into(), unknown }).ok())
    };
    let mut bytes = sell(&keys(), &sold);
    let mut before = permitted(MacaroonRef::parse(&bytes).expect("minted"));
    for caveat in input.lines() {
        let mut longer = vec![0; bytes.len() + caveat.len() + 8];
        let Ok(longer) = attenuate(MacaroonRef::parse(&bytes).expect("minted"), &caveat, &mut longer) else { return };
        let after = permitted(longer);
        assert!(after.iter().zip(&before).all(|pair| match pair {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(after), Some(before)) =>
                counters(after).starts_with(&counters(before))
                    && sale_ends_at(before).is_none_or(|end| sale_ends_at(after) == Some(end)),
        }));
        before = after;
        bytes = longer.as_bytes().to_vec();
    }
}

/// A token that is sold is the one that the plain writer writes, and opens what it was sold for, to its end, and nothing else.
pub fn offer(data: &[u8]) {
    let mut input = Input::new(data);
    let sold = take_offer(&mut input);
    let (asked, now) = (take_asked(&mut input, &sold), take_time(&mut input));
    let bytes = sell(&keys(), &sold);
    assert_eq!(bytes, sold_plainly(&sold).write_v2());

    let view = MacaroonRef::parse(&bytes).expect("minted");
    let rules = Rules { offer: &asked, now: now.into(), unknown: UnknownCaveats::Refuse };
    let same = sold.service == asked.service && sold.tier >= asked.tier && sold.capability == asked.capability;
    let same = same && (sold.uses != Uses::Metered || asked.uses == Uses::Metered); // else nothing says what a request costs
    let ends = NOW + sold.valid_for.as_secs();
    let expected = (same && now < ends).then_some(Some(ends));
    let admission = admission(view, &rules).ok();
    assert_eq!(admission.as_ref().map(|admission| granted(admission).expires_at().map(u64::from)), expected);
    if let Some(admission) = admission {
        let counter = match sold.uses {
            Uses::Unlimited => None,
            Uses::Times(uses) => Some((vec![0; 16], false, uses.get().into())),
            Uses::Metered => Some((vec![0; 16], true, sold.price_msat.get())),
        };
        assert_eq!(counters(&admission), Vec::from_iter(counter));
        assert_eq!(granted(&admission).sold_msat(), Some(sold.price_msat));
    }
}

/// An offer; the services and capabilities are few, so that two of them are often the same.
pub(super) fn take_offer(input: &mut Input<'_>) -> Offer {
    let service = name(input.pick(&SERVICES));
    let tier = u32::from(input.below(3));
    let capability = input.pick(&CAPABILITIES).map(name);
    Offer::new(service, 1000.into())
        .tier(tier)
        .capability(capability)
        .valid_for(Duration::from_secs(100 + u64::from(input.byte())))
        .uses(match input.below(5) {
            4 => Uses::Metered,
            uses => Uses::times(u32::from(uses)).unwrap_or_default(),
        })
}

/// An offer that is asked for, which in three cases of four is of the service that was sold.
pub(super) fn take_asked(input: &mut Input<'_>, sold: &Offer) -> Offer {
    let same = input.byte() % 4 != 3;
    let mut asked = take_offer(input);
    if same {
        asked.service = sold.service.clone();
    }
    asked
}

/// A time around which tokens end; the time of minting where nothing is chosen.
pub(super) fn take_time(input: &mut Input<'_>) -> u64 {
    NOW.wrapping_add_signed(i8::from_be_bytes(input.array()).into())
}

pub(super) fn keys() -> DerivedKeys {
    DerivedKeys::new(EPOCH, &MasterKey::from_bytes(MASTER))
}

pub(super) fn request(offer: &Offer, now: u64, unknown: UnknownCaveats) -> Request {
    Request {
        service: offer.service.to_string(),
        tier: offer.tier,
        capability: offer.capability.as_ref().map(Name::to_string),
        now,
        is_metered: offer.uses == Uses::Metered,
        skip_unknown: unknown == UnknownCaveats::Skip,
    }
}

/// The token of an offer, as its description says: location, identifier, and its caveats in their order.
pub(super) fn sold_plainly(offer: &Offer) -> Macaroon {
    let Offer { service, tier, capability, price_msat, valid_for, uses, plan, .. } = offer;
    let capability = capability.as_ref().map_or("", Name::as_str);
    let plan = plan.as_ref().map_or("default", Name::as_str);
    let mut caveats = vec![format!("services={service}:{tier}"), format!("{service}_capabilities={capability}")];
    caveats.extend(uses.limit().map(|uses| format!("{service}_uses={uses}")));
    caveats.extend((*uses == Uses::Metered).then(|| format!("{service}_balance_msat={}", price_msat.get())));
    caveats.push(format!("{service}_sale={},{plan}", price_msat.get()));
    caveats.push(format!("{service}_valid_until={}", NOW + valid_for.as_secs()));
    let caveats: Vec<_> = caveats.into_iter().map(String::into_bytes).collect();
    let identifier = [&[0, 0][..], &text::sha256(&PREIMAGE), &EPOCH.to_be_bytes(), &[5; 28]].concat();
    let root = second::gate::root_key(&[(EPOCH, MASTER)], &identifier).expect("the epoch is known");
    Macaroon::mint(&root, b"lsat", &identifier, &caveats)
}

fn sell(keys: &DerivedKeys, offer: &Offer) -> Vec<u8> {
    let paid = PaymentHash::from_bytes(text::sha256(&PREIMAGE));
    let mut out = TokenText::new();
    let token = keys.mint(offer, &paid, [5; 28], NOW.into(), &mut out).expect("names are short");
    text::base64(token.as_bytes()).expect("minted")
}

fn admission(token: MacaroonRef<'_>, rules: &Rules<'_>) -> Result<Admission, Unsatisfied> {
    let identifier = Identifier::parse(token.identifier()).expect("minted");
    let key = keys().root_key(&identifier).expect("the epoch that minted");
    verify(token, &Preimage::from_bytes(PREIMAGE), &key).expect("minted, and attenuated properly").admission(rules)
}

const fn granted(admission: &Admission) -> Grant {
    match admission {
        Admission::Unlimited(grant) => *grant,
        Admission::Counted(grant) => grant.reserved(),
    }
}

fn counters(admission: &Admission) -> Vec<Counter> {
    let Admission::Counted(grant) = admission else { return Vec::new() };
    let is_money = grant.unit() == Unit::Msat;
    grant.counters().iter().map(|counter| (counter.key.as_bytes().to_vec(), is_money, counter.limit)).collect()
}

fn sale_ends_at(admission: &Admission) -> Option<u64> {
    match admission {
        Admission::Unlimited(_) => None,
        Admission::Counted(grant) => Some(grant.sale_ends_at().get()),
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a legal name")
}
