//! A caveat that is appended to a token as it was sold never widens what the token may do, under either rule for unknown conditions.
#![no_main]

use l402_core::macaroon::{MacaroonRef, attenuate, base64};
use l402_core::{
    DerivedKeys, Identifier, MasterKey, Name, Offer, Preimage, RootKeySource, Rules, TokenText, UnknownCaveats, verify,
};

libfuzzer_sys::fuzz_target!(|input: (Vec<&[u8]>, Option<bool>, Option<bool>, u32)| {
    let (caveats, sold, asked, now) = input;
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    let asked = offer(asked);
    let (mut token, mut longer) = ([0; 8192], [0; 8192]);
    let mut length = sell(&keys, &offer(sold), &mut token);
    for caveat in caveats {
        let before = MacaroonRef::parse(&token[..length]).expect("what was minted can be read");
        let Ok(after) = attenuate(before, caveat, &mut longer) else { return };
        for unknown in [UnknownCaveats::Refuse, UnknownCaveats::Skip] {
            let rules = Rules { offer: &asked, now: now.into(), unknown };
            assert!(permits(&keys, before, &rules) || !permits(&keys, after, &rules));
        }
        length = after.as_bytes().len();
        token = longer;
    }
});

fn sell(keys: &DerivedKeys, offer: &Offer, out: &mut [u8]) -> usize {
    let mut text = TokenText::new();
    let token = keys.mint(offer, &preimage().hash(), [2; 28], 1_000_000_000, &mut text).expect("short names");
    base64::decode_into(token.as_bytes(), out).expect("minted text can be read").len()
}

fn permits(keys: &DerivedKeys, token: MacaroonRef<'_>, rules: &Rules<'_>) -> bool {
    let identifier = Identifier::parse(token.identifier()).expect("minted");
    let key = keys.root_key(&identifier).expect("the epoch that minted");
    verify(token, &preimage(), &key).expect("minted, and attenuated properly").grant(rules).is_ok()
}

fn offer(capability: Option<bool>) -> Offer {
    let capability = capability.map(|other| name(if other { "b" } else { "a" }));
    Offer { service: name("s"), tier: 1, capability, price_msat: 1000, valid_for: 3_000_000_000 }
}

fn preimage() -> Preimage {
    Preimage::from_bytes([1; 32])
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a legal name")
}
