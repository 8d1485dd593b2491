//! Properties that hold for every token and every header, not only for the vectors.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use l402_core::macaroon::{MAX_CAVEATS, MAX_LEN, MacaroonRef, attenuate, base64};
use l402_core::{
    Challenge, ChallengeLine, CredentialLine, Decision, DerivedKeys, Gate, GatePolicy, Identifier, MasterKey, Name,
    Offer, Preimage, Presentation, RootKeySource, Rules, Scheme, TokenText, UnknownCaveats, verify,
};
use proptest::prelude::*;

const NOW: u64 = 1_700_000_000;

/// Services of which one begins like a condition of another.
const SERVICE: &str = "x|y|x_y";

fn keys() -> DerivedKeys {
    DerivedKeys::new(3, &MasterKey::from_bytes([9; 32]))
}

fn offer(service: &str, tier: u32, capability: Option<&str>) -> Offer {
    let capability = capability.map(|name| Name::new(name).unwrap());
    Offer { service: Name::new(service).unwrap(), tier, capability, price_msat: 1000, valid_for: 100 }
}

fn offers() -> impl Strategy<Value = Offer> {
    let capability = prop_oneof![Just(None), "[abc]".prop_map(Some)];
    (SERVICE, 0..3_u32, capability).prop_map(|(service, tier, capability)| offer(&service, tier, capability.as_deref()))
}

/// Caveats that mean something, nearly mean something, or mean nothing.
fn caveats() -> impl Strategy<Value = String> {
    prop_oneof![
        "services=(x|y|x_y):[0-3](,(x|y|x_y):[0-3]){0,2}",
        "(x|y|x_y)_capabilities=([abc](,[abc]){0,2})?",
        (0_u64..200).prop_map(|end| format!("x_valid_until={}", NOW - 50 + end)),
        "(x|y|x_y)_[a-z_]{0,8}=[a-z0-9,:=]{0,8}",
        "[ -~]{0,24}",
    ]
}

/// Mints a token, appends caveats, and returns its bytes.
fn token(offer: &Offer, preimage: &Preimage, extra: &[String]) -> Vec<u8> {
    let mut text = TokenText::new();
    let text = keys().mint(offer, &preimage.hash(), [5; 28], NOW, &mut text).unwrap();
    let mut bytes = vec![0; text.len()];
    let mut bytes = base64::decode_into(text.as_bytes(), &mut bytes).unwrap().to_vec();
    for caveat in extra {
        let mut out = [0; MAX_LEN];
        bytes =
            attenuate(MacaroonRef::parse(&bytes).unwrap(), caveat.as_bytes(), &mut out).unwrap().as_bytes().to_vec();
    }
    bytes
}

fn permits(bytes: &[u8], preimage: &Preimage, offer: &Offer, now: u64, unknown: UnknownCaveats) -> bool {
    let token = MacaroonRef::parse(bytes).unwrap();
    let key = keys().root_key(&Identifier::parse(token.identifier()).unwrap()).unwrap();
    verify(token, preimage, &key).unwrap().grant(&Rules { offer, now, unknown }).is_ok()
}

proptest! {
    /// Whatever is appended, what the longer token permits the shorter one permits too.
    #[test]
    fn t2_adding_a_caveat_never_widens(
        sold in offers(),
        asked in offers(),
        extra in prop::collection::vec(caveats(), 1..6),
        later in 0_u64..200,
        skip: bool,
    ) {
        let preimage = Preimage::from_bytes([1; 32]);
        let unknown = if skip { UnknownCaveats::Skip } else { UnknownCaveats::Refuse };
        let (last, before) = extra.split_last().unwrap();
        let mut all = before.to_vec();
        let wide = token(&sold, &preimage, &all);
        all.push(last.clone());
        let narrow = token(&sold, &preimage, &all);
        let now = NOW + later;
        prop_assert!(!permits(&narrow, &preimage, &asked, now, unknown) || permits(&wide, &preimage, &asked, now, unknown));
    }

    /// A token opens the offer that it was sold for, and no other service, tier above, or capability.
    #[test]
    fn t3_a_token_opens_what_it_was_sold_for_and_nothing_else(sold in offers(), asked in offers()) {
        let preimage = Preimage::from_bytes([1; 32]);
        let bytes = token(&sold, &preimage, &[]);
        let same = sold.service == asked.service && sold.tier >= asked.tier && sold.capability == asked.capability;
        prop_assert_eq!(permits(&bytes, &preimage, &asked, NOW, UnknownCaveats::Refuse), same);
        prop_assert!(!permits(&bytes, &preimage, &sold, NOW + 100, UnknownCaveats::Refuse));
    }

    /// A holder who adds a capability to a token for the whole service gains nothing.
    #[test]
    fn t3_a_capability_cannot_be_added(service in SERVICE, capability in "[abc]") {
        let preimage = Preimage::from_bytes([1; 32]);
        let bytes = token(&offer(&service, 0, None), &preimage, &[format!("{service}_capabilities={capability}")]);
        prop_assert!(!permits(&bytes, &preimage, &offer(&service, 0, Some(&capability)), NOW, UnknownCaveats::Skip));
    }

    /// No field value aborts the gate, and none that it did not mint is admitted.
    #[test]
    fn t4_no_input_aborts_or_admits(name in 0..5_usize, value: Vec<u8>, prefix in "(L402 |LSAT )?") {
        let value = [prefix.as_bytes(), &value].concat();
        let mut fields = Presentation::new();
        fields.field(l402_core::CREDENTIAL_FIELDS[name], &value);
        let gate = Gate::new(keys(), GatePolicy::default());
        prop_assert!(!matches!(gate.decide(&fields, &offer("x", 0, None), NOW), Decision::Admit(_)));
    }

    /// No field value aborts the challenge parser, and it ends.
    #[test]
    fn t4_challenges_end(field in prop_oneof![any::<Vec<u8>>(), "[A-Za-z0-9 ,=\"\\\\/]{0,80}".prop_map(String::into_bytes)]) {
        prop_assert!(Challenge::parse_all(&field).count() <= field.len());
    }

    /// Emitted challenges read back as they were written, in either line and in both joined.
    #[test]
    fn emitting_then_parsing_a_challenge_is_the_identity(bytes: Vec<u8>, invoice in "lnbc[0-9a-z]{1,80}") {
        let mut token = vec![0; base64::encoded_len(bytes.len())];
        let token = base64::encode_into(&bytes, &mut token).unwrap();
        let lines = ChallengeLine::both(token, &invoice).map(|line| line.to_string());
        let joined = lines.join(", ");
        let read: Vec<_> = Challenge::parse_all(joined.as_bytes()).map(Result::unwrap).collect();
        prop_assert_eq!(read.iter().map(Challenge::scheme).collect::<Vec<_>>(), [Scheme::Lsat, Scheme::L402]);
        for challenge in read {
            prop_assert_eq!(challenge.token().as_str(), Some(token));
            prop_assert_eq!(challenge.invoice().as_str(), Some(&*invoice));
        }
    }

    /// A credential that the client writes is one that the gate admits, with the token and without it is charged.
    #[test]
    fn emitting_then_deciding_admits(preimage: [u8; 32], lsat: bool, sold in offers()) {
        let preimage = Preimage::from_bytes(preimage);
        let gate = Gate::new(keys(), GatePolicy::default());
        let mut text = TokenText::new();
        let token = gate.keys().mint(&sold, &preimage.hash(), [5; 28], NOW, &mut text).unwrap();
        let scheme = if lsat { Scheme::Lsat } else { Scheme::L402 };
        let credential = CredentialLine { scheme, token, preimage: &preimage }.to_string();
        let mut fields = Presentation::new();
        fields.field("authorization", credential.as_bytes());
        match gate.decide(&fields, &sold, NOW) {
            Decision::Admit(grant) => prop_assert_eq!(grant.payment_hash(), preimage.hash()),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

#[test]
fn t4_the_largest_token_is_decided_and_a_larger_one_refused() {
    let preimage = Preimage::from_bytes([1; 32]);
    let sold = offer("x", 0, None);
    let gate = Gate::new(keys(), GatePolicy::default());
    let decide = |bytes: &[u8]| {
        let mut text = vec![0; base64::encoded_len(bytes.len())];
        let token = base64::encode_into(bytes, &mut text).unwrap();
        let credential = CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string();
        let mut fields = Presentation::new();
        fields.field("authorization", credential.as_bytes());
        gate.decide(&fields, &sold, NOW)
    };
    let services = format!("services={}", ["x:0"; 1].join(","));
    let many = token(&sold, &preimage, &vec![services; MAX_CAVEATS - 3]);
    assert!(matches!(decide(&many), Decision::Admit(_)));

    let used = token(&sold, &preimage, &[]).len() + "x_note=".len() + 4;
    let largest = token(&sold, &preimage, &[format!("x_note={}", "n".repeat(MAX_LEN - used))]);
    assert_eq!(largest.len(), MAX_LEN);
    assert!(matches!(decide(&largest), Decision::Charge(charge) if charge.reason.as_str() == "unknown-caveat"));
    assert!(matches!(decide(&[&largest[..], &[0]].concat()), Decision::Refuse(refusal) if refusal.status == 400));
}
