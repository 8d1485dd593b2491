//! A service's own conditions: what a [`CaveatRule`] decides, and what it cannot.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, RootKey, attenuate, base64, mint};
use l402_core::{
    Caveat, CredentialHeaders, CredentialLine, Decision, DerivedKeys, Gate, GatePolicy, Identifier, MasterKey, Msat,
    Name, Offer, Preimage, Rules, Ruling, Scheme, TokenId, TokenText, UnixSeconds, UnknownCaveats, Unsatisfied, verify,
};

const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

fn offer() -> Offer {
    Offer::new(Name::new("s").unwrap(), Msat::new(1000)).valid_for(Duration::from_secs(60))
}

fn preimage() -> Preimage {
    Preimage::from_bytes([1; 32])
}

/// What `rule` makes of an authentic token with these caveats, and what it was asked about.
fn asked(
    unknown: UnknownCaveats,
    caveats: &[&str],
    rule: impl Fn(Caveat<'_>, Option<&str>) -> Ruling,
) -> (Result<(), Unsatisfied>, Vec<String>) {
    let key = RootKey::new(b"root");
    let identifier = Identifier::new(preimage().hash(), TokenId::from_bytes([2; 32])).to_bytes();
    let caveats: Vec<&[u8]> = caveats.iter().map(|caveat| caveat.as_bytes()).collect();
    let mut out = [0; 1024];
    let token = mint(&key, b"lsat", &identifier, &caveats, &mut out).unwrap();
    let mut seen = Vec::new();
    let mut noting = |caveat: Caveat<'_>, earlier: Option<&str>| {
        seen.push(format!("{}={} after {}", caveat.condition, caveat.value, earlier.unwrap_or("none")));
        rule(caveat, earlier)
    };
    let offer = offer();
    let rules = Rules { offer: &offer, now: NOW, unknown };
    let verdict = verify(token, &preimage(), &key).unwrap().grant_with(&rules, &mut noting).map(drop);
    (verdict, seen)
}

/// `region=north` holds; `limit=<number>` must be a number and narrow the earlier one; nothing else is known.
fn own(caveat: Caveat<'_>, earlier: Option<&str>) -> Ruling {
    let number = |text: &str| text.parse::<u64>().ok();
    let holds = match caveat.condition {
        "region" => caveat.value == "north",
        "limit" => {
            let most = earlier.map_or(Some(u64::MAX), number);
            number(caveat.value).zip(most).is_some_and(|(limit, most)| limit <= most)
        }
        _ => return Ruling::NotMine,
    };
    if holds { Ruling::Holds } else { Ruling::Fails }
}

#[test]
fn a_condition_holds_or_fails_as_its_rule_says() {
    for unknown in [UnknownCaveats::Refuse, UnknownCaveats::Skip] {
        let verdict = |caveat| asked(unknown, &["services=s:0", caveat], own).0;
        assert_eq!(verdict("region=north"), Ok(()));
        assert_eq!(verdict("region=south"), Err(Unsatisfied::Unmet));
        assert_eq!(verdict("region="), Err(Unsatisfied::Unmet));
    }
}

#[test]
fn what_the_rule_does_not_know_is_left_to_the_policy() {
    let caveats = ["services=s:0", "region=north", "colour=red"];
    assert_eq!(asked(UnknownCaveats::Refuse, &caveats, own).0, Err(Unsatisfied::Unknown));
    assert_eq!(asked(UnknownCaveats::Skip, &caveats, own).0, Ok(()));
}

#[test]
fn a_rule_that_holds_everything_shadows_no_condition_that_is_known() {
    let permissive = |_: Caveat<'_>, _: Option<&str>| Ruling::Holds;
    for (caveats, expected) in [
        (&["services=t:0"][..], Unsatisfied::Service),
        (&["region=north"], Unsatisfied::NoServices),
        (&["services=s:0", "services=s:1"], Unsatisfied::Widened),
        (&["services=s:0", "s_valid_until=1"], Unsatisfied::Expired),
        (&["services=s:0", "s_capabilities=a"], Unsatisfied::Capability),
        (&["services=s:0", "preimage=00"], Unsatisfied::Undecodable),
        (&["services=s:0", "no condition"], Unsatisfied::Undecodable),
    ] {
        for unknown in [UnknownCaveats::Refuse, UnknownCaveats::Skip] {
            let (verdict, seen) = asked(unknown, caveats, permissive);
            let skipped = unknown == UnknownCaveats::Skip && caveats.contains(&"no condition");
            assert_eq!(verdict, if skipped { Ok(()) } else { Err(expected) }, "{caveats:?}");
            assert!(seen.iter().all(|caveat| caveat.starts_with("region")), "{seen:?}");
        }
    }
}

#[test]
fn another_services_condition_is_not_the_rules() {
    let failing = |_: Caveat<'_>, _: Option<&str>| Ruling::Fails;
    let (verdict, seen) = asked(UnknownCaveats::Refuse, &["services=s:0,t:0", "t_region=south"], failing);
    assert_eq!((verdict, seen), (Ok(()), vec![]));
    let (verdict, seen) = asked(UnknownCaveats::Refuse, &["services=s:0,t:0", "s_region=south"], failing);
    assert_eq!((verdict, seen), (Err(Unsatisfied::Unmet), vec!["s_region=south after none".into()]));
}

#[test]
fn caveats_come_in_order_each_with_the_one_before_it() {
    let caveats = ["limit = 9", "region=north", "services=s:0", "limit=7", "limit=3"];
    let (verdict, seen) = asked(UnknownCaveats::Refuse, &caveats, own);
    assert_eq!(verdict, Ok(()));
    assert_eq!(
        seen,
        ["limit=9 after none", "region=north after none", "limit=7 after 9", "limit=3 after 7"].map(String::from)
    );
    let (verdict, seen) = asked(UnknownCaveats::Skip, &["services=s:0", "limit=3", "limit=4", "limit=1"], own);
    assert_eq!(verdict, Err(Unsatisfied::Unmet));
    assert_eq!(seen.len(), 2, "{seen:?}");
}

#[test]
fn the_gate_asks_too_and_never_about_a_forged_token() {
    let keys = |master| DerivedKeys::new(0, &MasterKey::from_bytes([master; 32]));
    let (mut text, mut bytes, mut longer, mut narrowed) = (TokenText::new(), [0; 512], [0; 512], [0; 512]);
    let text = keys(7).mint(&offer(), &preimage().hash(), [2; 28], NOW, &mut text).unwrap();
    let token = MacaroonRef::parse(base64::decode_into(text.as_bytes(), &mut bytes).unwrap()).unwrap();
    let token = attenuate(token, b"region=north", &mut longer).unwrap();
    let token = base64::encode_into(token.as_bytes(), &mut narrowed).unwrap();
    let credential = CredentialLine { scheme: Scheme::L402, token, preimage: &preimage() }.to_string();
    let mut headers = CredentialHeaders::new();
    headers.add("authorization", credential.as_bytes());

    let decide = |master, ruling| {
        let (mut buffer, mut calls) = ([0; 512], 0);
        let mut rule = |_: Caveat<'_>, _: Option<&str>| {
            calls += 1;
            ruling
        };
        let gate = Gate::new(keys(master), GatePolicy::default());
        let decision = match gate.decide_with(&mut buffer, &headers, &offer(), NOW, &mut rule) {
            Decision::Admit(_) => (200, "admitted"),
            Decision::Charge(charge) => (charge.status, charge.reason.as_str()),
            other => panic!("{other:?}"),
        };
        (decision, calls)
    };
    assert_eq!(decide(7, Ruling::Holds), ((200, "admitted"), 1));
    assert_eq!(decide(7, Ruling::Fails), ((402, "condition-not-met"), 1));
    assert_eq!(decide(7, Ruling::NotMine), ((402, "unknown-caveat"), 1));
    assert_eq!(decide(8, Ruling::Holds), ((401, "forged"), 0));
}
