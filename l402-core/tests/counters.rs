//! Tokens that were sold by use: what they say, what denies them, and what a ledger is to count.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, RootKey, attenuate, base64, mint};
use l402_core::{
    Admission, Caveat, CounterKey, CredentialHeaders, Decision, DerivedKeys, Gate, GatePolicy, Identifier, MasterKey,
    Msat, Name, Offer, Preimage, Rules, Ruling, SettlementRule, TokenId, TokenText, UnixSeconds, UnknownCaveats,
    Unsatisfied, Uses, verify,
};

const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);
const END: &str = "s_valid_until=1700000060";

fn offer() -> Offer {
    Offer::new(Name::new("s").unwrap(), Msat::new(1000)).valid_for(Duration::from_secs(60))
}

fn preimage() -> Preimage {
    Preimage::from_bytes([1; 32])
}

/// What a ledger is told of an authentic token with these caveats behind `services`: the limits of its counters, and whether the first is
/// that of the sale.
fn counted(unknown: UnknownCaveats, caveats: &[&str]) -> Result<(Vec<u64>, bool), Unsatisfied> {
    let key = RootKey::new(b"root");
    let identifier = Identifier::new(preimage().hash(), TokenId::from_bytes([2; 32])).to_bytes();
    let caveats: Vec<&[u8]> = ["services=s:0,t:0"].iter().chain(caveats).map(|caveat| caveat.as_bytes()).collect();
    let mut out = [0; 2048];
    let token = mint(&key, b"", &identifier, &caveats, &mut out).unwrap();
    let verified = verify(token, &preimage(), &key).unwrap();
    let (offer, mut asked) = (offer(), 0);
    let rules = Rules { offer: &offer, now: NOW, unknown };
    let mut rule = |_: Caveat<'_>, _: Option<&str>| {
        asked += 1;
        Ruling::Holds
    };
    let admission = verified.admission_with(&rules, &mut rule);
    assert_eq!(verified.admission(&rules), admission, "a rule has no say");
    let without_ledger = verified.grant_with(&rules, &mut rule);
    assert_eq!(asked, 0, "no rule is asked about the terms of a sale");
    match admission? {
        Admission::Unlimited(grant) => {
            assert_eq!(without_ledger, Ok(grant));
            Ok((vec![], false))
        }
        Admission::Counted(grant) => {
            assert_eq!(without_ledger, Err(Unsatisfied::Counted));
            assert_eq!(verified.grant(&rules), Err(Unsatisfied::Counted));
            let is_sale = grant.counters().iter().next().unwrap().key == CounterKey::SALE;
            Ok((grant.counters().iter().map(|counter| counter.limit).collect(), is_sale))
        }
    }
}

/// The same under either rule for unknown conditions: what was sold is never unknown.
fn either(caveats: &[&str]) -> Result<(Vec<u64>, bool), Unsatisfied> {
    let [refuse, skip] = [UnknownCaveats::Refuse, UnknownCaveats::Skip].map(|unknown| counted(unknown, caveats));
    assert_eq!(refuse, skip, "{caveats:?}");
    refuse
}

#[test]
fn a_counter_is_read_with_its_end() {
    assert_eq!(either(&["s_uses=1", END]), Ok((vec![1], true)));
    assert_eq!(either(&[" s_uses = 4294967295 ", END]), Ok((vec![u32::MAX.into()], true)));
    assert_eq!(either(&["s_sale=1000,default", END]), Ok((vec![], false)));
    assert_eq!(either(&["s_uses=1"]), Err(Unsatisfied::Endless));
    assert_eq!(either(&["t_valid_until=1700000060", "s_uses=1"]), Err(Unsatisfied::Endless));
    assert_eq!(either(&["s_uses=1", "s_valid_until=1700000000"]), Err(Unsatisfied::Expired));
}

#[test]
fn t5_what_cannot_be_read_as_a_number_of_uses_denies() {
    let long = format!("1:{}", "a".repeat(65));
    for uses in [
        "",
        "0",
        "00",
        "+1",
        "-1",
        " ",
        "1 0",
        "1.0",
        "1e3",
        "0x1",
        "4294967296",
        "18446744073709551616",
        "unlimited",
        "1:",
        ":a",
        "1:a,b",
        "1: a",
        "1:a:b",
        "1:a=b",
        "1:\u{e9}",
        &long,
    ] {
        assert_eq!(either(&[&format!("s_uses={uses}"), END]), Err(Unsatisfied::Undecodable), "{uses:?}");
        assert_eq!(either(&[END, &format!("s_uses={uses}")]), Err(Unsatisfied::Undecodable), "{uses:?}");
    }
}

#[test]
fn t5_what_cannot_be_read_as_a_sale_denies() {
    for sale in ["", "1000", "1000,", ",a", "+1,a", "1 ,a", "1,a,b", "1, a", "18446744073709551616,a"] {
        assert_eq!(either(&[&format!("s_sale={sale}")]), Err(Unsatisfied::Undecodable), "{sale:?}");
    }
    assert_eq!(either(&["s_sale=1,a", "s_sale=1,a"]), Err(Unsatisfied::Widened));
    assert_eq!(either(&["s_balance_msat=1", END]), Err(Unsatisfied::Counted));
}

#[test]
fn t2_a_holder_passes_on_less_than_there_is() {
    let sold = ["s_uses=100", END];
    let with = |more: &[&str]| either(&[&sold[..], more].concat());
    assert_eq!(with(&["s_uses=5"]), Ok((vec![100, 5], true)));
    assert_eq!(with(&["s_uses=100:a", "s_uses=5:b", "s_uses=5:c"]), Ok((vec![100, 100, 5, 5], true)));
    assert_eq!(with(&["s_uses=101"]), Err(Unsatisfied::Widened));
    assert_eq!(with(&["s_uses=5:a", "s_uses=6:b"]), Err(Unsatisfied::Widened));
    assert_eq!(with(&["s_uses=5", "s_uses=4", "s_uses=3", "s_uses=2"]), Err(Unsatisfied::TooManyCounters));
}

/// Two copies with different ends would be two records, of which one is deleted before the other's counter is forgotten.
#[test]
fn s2_a_holders_counter_stands_behind_an_end() {
    assert_eq!(either(&["s_uses=9:a", END]), Err(Unsatisfied::Endless));
    assert_eq!(either(&["s_uses=9", "s_uses=5", END]), Err(Unsatisfied::Endless));
    assert_eq!(either(&[END, "s_uses=9"]), Ok((vec![9], false)));
    assert_eq!(either(&["t_valid_until=1", "s_uses=9", END]), Ok((vec![9], true)), "the end is the service's own");
}

#[test]
fn counters_of_another_service_are_its_own() {
    assert_eq!(either(&["t_uses=0", "t_sale=", "t_balance_msat=x", "t_uses=9"]), Ok((vec![], false)));
    assert_eq!(either(&["t_uses=1", "s_uses=9", END]), Ok((vec![9], true)));
}

/// What was bought stays bought, whatever the route asks for now.
#[test]
fn t5_todays_offer_changes_nothing_of_what_was_sold() {
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    let gate = Gate::new(keys, GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() });
    let by_use = offer().uses(Uses::times(3).unwrap());
    let today = [
        offer().uses(Uses::ONCE),
        offer().uses(Uses::times(100).unwrap()),
        Offer::new(Name::new("s").unwrap(), Msat::new(99_000)),
        offer().plan(Name::new("dear").unwrap()).valid_for(Duration::from_secs(1)),
    ];
    for asked in today {
        let Decision::Reserve { grant, settlement } = decide(&gate, &by_use, &asked, &[]) else { panic!("{asked:?}") };
        let counters: Vec<_> = grant.counters().iter().map(|counter| (counter.key, counter.limit)).collect();
        assert_eq!((counters, settlement), (vec![(CounterKey::SALE, 3)], SettlementRule::Strict));
        assert_eq!((grant.sale_ends_at(), grant.payment_hash()), (NOW.saturating_add(60), preimage().hash()));
        assert_eq!(grant.reserved().sold_msat(), Some(Msat::new(1000)));
        let Decision::Settle(grant) = decide(&gate, &offer(), &asked, &[]) else { panic!("{asked:?}") };
        assert_eq!((grant.sold_msat(), grant.expires_at()), (Some(Msat::new(1000)), Some(NOW.saturating_add(60))));
    }
}

/// The ledger remembers the sale to its own end, however early a copy of the token ends.
#[test]
fn s2_the_record_lasts_as_long_as_the_sale() {
    let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
    let by_use = offer().uses(Uses::times(3).unwrap());
    let added = ["s_uses=2:a", "s_valid_until=1700000009"];
    let Decision::Reserve { grant, .. } = decide(&gate, &by_use, &by_use, &added) else { panic!("a counted token") };
    assert_eq!(grant.sale_ends_at(), NOW.saturating_add(60));
    assert_eq!(grant.reserved().expires_at(), Some(NOW.saturating_add(9)));
    assert_eq!(grant.counters().iter().map(|counter| counter.limit).collect::<Vec<_>>(), [3, 2]);
}

/// Decides about a token that was sold by one offer and is asked for by another, with more caveats than it was sold with.
fn decide(gate: &Gate<DerivedKeys>, sold: &Offer, asked: &Offer, added: &[&str]) -> Decision {
    let (mut text, mut bytes) = (TokenText::new(), [0; 1024]);
    let text = gate.keys().mint(sold, &preimage().hash(), [2; 28], NOW, &mut text).unwrap();
    let mut token = base64::decode_into(text.as_bytes(), &mut bytes).unwrap().to_vec();
    for caveat in added {
        let mut longer = [0; 1024];
        token =
            attenuate(MacaroonRef::parse(&token).unwrap(), caveat.as_bytes(), &mut longer).unwrap().as_bytes().to_vec();
    }
    let mut text = [0; 2048];
    let credential = format!("L402 {}:{}", base64::encode_into(&token, &mut text).unwrap(), "01".repeat(32));
    let mut headers = CredentialHeaders::new();
    headers.add("authorization", credential.as_bytes());
    gate.decide(&headers, asked, NOW)
}
