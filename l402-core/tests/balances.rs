//! Tokens of metered routes: a balance in place of a number of uses.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::{
    Admission, CounterKey, DerivedKeys, Gate, GatePolicy, Identifier, MasterKey, Msat, Name, Offer, Preimage, Rules,
    TokenId, TokenText, Unit, UnixSeconds, UnknownCaveats, Unsatisfied, Uses, verify,
};

const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);
const END: &str = "s_valid_until=1700000060";

fn offer(uses: Uses) -> Offer {
    Offer::new(Name::new("s").unwrap(), Msat::new(1000)).valid_for(Duration::from_secs(60)).uses(uses)
}

/// What a ledger is told of an authentic token: what is counted, and the limits.
fn counted(uses: Uses, unknown: UnknownCaveats, caveats: &[&str]) -> Result<(Unit, Vec<u64>, bool), Unsatisfied> {
    let (key, preimage) = (RootKey::new(b"root"), Preimage::from_bytes([1; 32]));
    let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32])).to_bytes();
    let caveats: Vec<&[u8]> = ["services=s:0,t:0"].iter().chain(caveats).map(|caveat| caveat.as_bytes()).collect();
    let mut out = [0; 2048];
    let verified = verify(mint(&key, b"", &identifier, &caveats, &mut out).unwrap(), &preimage, &key).unwrap();
    let offer = offer(uses);
    let rules = Rules { offer: &offer, now: NOW, unknown };
    match verified.admission(&rules)? {
        Admission::Unlimited(_) => panic!("the token has a counter"),
        Admission::Counted(grant) => {
            assert_eq!(verified.grant(&rules), Err(Unsatisfied::Counted), "not without a ledger");
            let is_sale = grant.counters().iter().next().unwrap().key == CounterKey::SALE;
            Ok((grant.unit(), grant.counters().iter().map(|counter| counter.limit).collect(), is_sale))
        }
    }
}

/// The same under either rule for unknown conditions.
fn metered(caveats: &[&str]) -> Result<(Unit, Vec<u64>, bool), Unsatisfied> {
    let [refuse, skip] =
        [UnknownCaveats::Refuse, UnknownCaveats::Skip].map(|unknown| counted(Uses::Metered, unknown, caveats));
    assert_eq!(refuse, skip, "{caveats:?}");
    refuse
}

#[test]
fn a_balance_is_a_counter_of_money() {
    assert_eq!(metered(&["s_balance_msat=1", END]), Ok((Unit::Msat, vec![1], true)));
    let largest = format!("s_balance_msat={}", Unit::Msat.most());
    assert_eq!(metered(&[&largest, END]), Ok((Unit::Msat, vec![9_007_199_254_740_991], true)));
    assert_eq!(metered(&["s_balance_msat=007", END]), Ok((Unit::Msat, vec![7], true)));
    assert_eq!(metered(&["s_balance_msat=1"]), Err(Unsatisfied::Endless));
    for value in ["", "0", "+1", "-1", "1.5", "1 0", "9007199254740992", "18446744073709551616", "1:", "1:a,b"] {
        let caveat = format!("s_balance_msat={value}");
        assert_eq!(metered(&[&caveat, END]), Err(Unsatisfied::Undecodable), "{value:?}");
    }
}

#[test]
fn t2_a_holder_passes_on_part_of_a_balance() {
    let sold = ["s_balance_msat=5000000000", END];
    let with = |more: &[&str]| metered(&[&sold[..], more].concat());
    assert_eq!(with(&["s_balance_msat=100:a"]), Ok((Unit::Msat, vec![5_000_000_000, 100], true)));
    assert_eq!(with(&["s_balance_msat=5000000001:a"]), Err(Unsatisfied::Widened));
    assert_eq!(metered(&["s_balance_msat=9", "s_balance_msat=5", END]), Err(Unsatisfied::Endless));
}

/// What was bought stays bought; but nothing says what a request costs where there is no meter.
#[test]
fn t5_a_mode_that_changed_under_live_tokens() {
    assert_eq!(metered(&["s_uses=3", END]), Ok((Unit::Uses, vec![3], true)));
    for uses in [Uses::Unlimited, Uses::ONCE] {
        for unknown in [UnknownCaveats::Refuse, UnknownCaveats::Skip] {
            assert_eq!(counted(uses, unknown, &["s_balance_msat=9", END]), Err(Unsatisfied::Counted));
        }
    }
    for mixed in [["s_uses=3", END, "s_balance_msat=3:a"], ["s_balance_msat=3", END, "s_uses=3:a"]] {
        assert_eq!(metered(&mixed), Err(Unsatisfied::Widened), "{mixed:?}");
    }
    assert_eq!(metered(&["t_balance_msat=0", "s_balance_msat=9", END]), Ok((Unit::Msat, vec![9], true)));
}

#[test]
fn a_sale_of_a_balance_says_so_where_uses_would_stand() {
    let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
    let (mut text, mut bytes) = (TokenText::new(), [0; 1024]);
    let paid = Preimage::from_bytes([1; 32]).hash();
    let token = gate.keys().mint(&offer(Uses::Metered), &paid, [2; 28], NOW, &mut text).unwrap();
    let token = String::from_utf8_lossy(base64::decode_into(token.as_bytes(), &mut bytes).unwrap()).into_owned();
    let at = ["s_capabilities=", "s_balance_msat=1000", "s_sale=1000,default", END].map(|caveat| token.find(caveat));
    assert!(at.is_sorted() && at.iter().all(Option::is_some), "{token:?}");
    let longest = Name::new(&"n".repeat(64)).unwrap();
    let largest = Offer::new(longest.clone(), Msat::new(u64::MAX))
        .tier(u32::MAX)
        .capability(longest.clone())
        .plan(longest)
        .uses(Uses::Metered)
        .valid_for(Duration::MAX);
    assert!(gate.keys().mint(&largest, &paid, [2; 28], NOW, &mut TokenText::new()).is_ok(), "it fits");
}
