//! A credential that decodes is stripped before the upstream, needs no more room than it says, and never opens anything unminted.
#![no_main]

use l402_core::{CREDENTIAL_FIELDS, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Name, Offer, Presentation};

libfuzzer_sys::fuzz_target!(|fields: Vec<(u8, &[u8])>| {
    let fields: Vec<_> = fields.iter().map(|(n, value)| (CREDENTIAL_FIELDS[usize::from(*n) % 5], *value)).collect();
    let mut presentation = Presentation::new();
    fields.iter().for_each(|(name, value)| presentation.field(name, value));

    let (mut large, mut exact) = (vec![0; 1 << 20], vec![0; presentation.buffer_len()]);
    let decoded = presentation.decode(&mut large).map(|presented| presented.is_some());
    assert_eq!(decoded, presentation.decode(&mut exact).map(|presented| presented.is_some()));
    if decoded == Ok(true) {
        assert!(fields.iter().any(|(name, value)| Presentation::is_credential(name, value)));
    }
    let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
    let service = Name::new("weather").expect("a legal name");
    let offer = Offer { service, tier: 0, capability: None, price_msat: 1000, valid_for: 60 };
    assert!(!matches!(gate.decide(&presentation, &offer, 0), Decision::Admit(_) | Decision::Settle(_)));
});
