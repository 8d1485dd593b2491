//! Subjects that hold a token against keys and a preimage, or make one.

use crate::case::Kind;
use crate::input::{Input, NOW};
use crate::subject::{Subject, Verdict};
use crate::watch::watch;
use l402_core::macaroon::base64::DecodeError;
use l402_core::macaroon::{MacaroonRef, attenuate};
use l402_core::{ChargeReason, CredentialError, CredentialHeaders, Decision, RootKeySource, TokenError, TokenText};
use std::hint::black_box;

/// From the text of a field to the verdict, and each step of it by itself.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "authorization field to verdict",
        caveats: 3,
        kinds: &[
            (Kind::Sound, "admitted"),
            (Kind::Key, "forged"),
            (Kind::SignatureCharacter, "forged"),
            (Kind::PreimageDigit, "forged"),
            (Kind::SignatureGarbage, "bad token text"),
            (Kind::PreimageGarbage, "bad preimage text"),
        ],
        run: authorization,
        control: None,
    },
    Subject {
        name: "metadata field to verdict",
        caveats: 3,
        kinds: &[
            (Kind::Sound, "admitted"),
            (Kind::Key, "forged"),
            (Kind::SignatureByte, "forged"),
            (Kind::HexGarbage, "bad token text"),
        ],
        run: metadata,
        control: None,
    },
    Subject {
        name: "verify a decoded token",
        caveats: 3,
        kinds: &[
            (Kind::Sound, "verified"),
            (Kind::Key, "forged"),
            (Kind::SignatureByte, "forged"),
            (Kind::PreimageByte, "forged"),
        ],
        run: verify,
        control: None,
    },
    Subject {
        name: "macaroon signature",
        caveats: 3,
        kinds: &[(Kind::Sound, "verified"), (Kind::Key, "forged"), (Kind::SignatureByte, "forged")],
        run: signature,
        control: None,
    },
    Subject {
        name: "preimage against hash",
        caveats: 0,
        kinds: &[(Kind::Sound, "paid"), (Kind::PreimageByte, "unpaid")],
        run: preimage,
        control: None,
    },
    Subject { name: "derive the root key", caveats: 0, kinds: &[(Kind::Sound, "done")], run: root_key, control: None },
    Subject { name: "mint", caveats: 0, kinds: &[(Kind::Sound, "done")], run: mint, control: None },
    Subject { name: "attenuate", caveats: 3, kinds: &[(Kind::Sound, "done")], run: narrow, control: None },
    Subject {
        name: "no caveat, field to verdict",
        caveats: 0,
        kinds: &[(Kind::Sound, "not permitted")],
        run: authorization,
        control: None,
    },
    Subject {
        name: "as sold, field to verdict",
        caveats: 4,
        kinds: &[(Kind::Sound, "admitted"), (Kind::Key, "forged")],
        run: authorization,
        control: None,
    },
    Subject {
        name: "sold by use, field to verdict",
        caveats: 5,
        kinds: &[(Kind::Sound, "counted"), (Kind::Key, "forged")],
        run: authorization,
        control: None,
    },
    Subject {
        name: "16 caveats, field to verdict",
        caveats: 16,
        kinds: &[(Kind::Sound, "admitted")],
        run: authorization,
        control: None,
    },
    Subject { name: "parse the field", caveats: 3, kinds: &[(Kind::Sound, "done")], run: parse, control: None },
];

/// What the marks themselves take.
pub const NOTHING: Subject =
    Subject { name: "nothing", caveats: 0, kinds: &[(Kind::Sound, "done")], run: nothing, control: None };

fn authorization(input: &Input) -> Verdict {
    decide(input, "authorization", input.field.bytes())
}

fn metadata(input: &Input) -> Verdict {
    decide(input, "macaroon", input.metadata.bytes())
}

fn decide(input: &Input, name: &str, value: &[u8]) -> Verdict {
    let decision = watch(|| {
        let input = black_box(input);
        let mut fields = CredentialHeaders::new();
        fields.add(black_box(name), black_box(value));
        input.gate.decide(&fields, &input.offer, black_box(NOW).into())
    });
    match decision {
        Decision::Admit(_) | Decision::Settle(_) => "admitted",
        Decision::Reserve { .. } => "counted",
        Decision::Charge(charge) if charge.reason == ChargeReason::Forged => "forged",
        Decision::Charge(_) => "not permitted",
        Decision::Refuse(refusal) => match refusal.fault {
            CredentialError::Preimage => "bad preimage text",
            CredentialError::Hex | CredentialError::Token(TokenError::Base64(DecodeError::InvalidCharacter)) => {
                "bad token text"
            }
            _ => "refused",
        },
    }
}

fn verify(input: &Input) -> Verdict {
    let verified = watch(|| {
        let input = black_box(input);
        let token = MacaroonRef::parse(input.token.bytes()).ok()?;
        let key = input.gate.keys().root_key(&input.identifier)?;
        Some(l402_core::verify(token, &input.preimage, &key).is_ok())
    });
    if verified == Some(true) { "verified" } else { "forged" }
}

fn signature(input: &Input) -> Verdict {
    let token = MacaroonRef::parse(input.token.bytes()).expect("minted here");
    let verified = watch(|| black_box(token).verify(black_box(&input.root)).is_ok());
    if verified { "verified" } else { "forged" }
}

fn preimage(input: &Input) -> Verdict {
    let hash = input.identifier.payment_hash();
    let paid = watch(|| black_box(&input.preimage).matches(black_box(&hash)));
    if paid { "paid" } else { "unpaid" }
}

fn root_key(input: &Input) -> Verdict {
    let key = watch(|| black_box(input.gate.keys()).root_key(black_box(&input.identifier)));
    if key.is_some() { "done" } else { "no key" }
}

fn mint(input: &Input) -> Verdict {
    let (hash, mut text) = (input.identifier.payment_hash(), TokenText::new());
    let made = watch(|| {
        let input = black_box(input);
        input
            .gate
            .keys()
            .mint(&input.offer, black_box(&hash), input.token_id, black_box(NOW).into(), black_box(&mut text))
            .is_ok()
    });
    if made { "done" } else { "too long" }
}

fn narrow(input: &Input) -> Verdict {
    let token = MacaroonRef::parse(input.token.bytes()).expect("minted here");
    let mut out = [0; 1024];
    let made =
        watch(|| attenuate(black_box(token), black_box(b"api_valid_until=1785000000"), black_box(&mut out)).is_ok());
    if made { "done" } else { "too long" }
}

fn parse(input: &Input) -> Verdict {
    let mut buffer = [0; 1024];
    let read = watch(|| {
        let mut fields = CredentialHeaders::new();
        fields.add(black_box("authorization"), black_box(input.field.bytes()));
        fields.decode(black_box(&mut buffer)).is_ok_and(|presented| black_box(presented).is_some())
    });
    if read { "done" } else { "refused" }
}

fn nothing(_: &Input) -> Verdict {
    watch(|| black_box(()));
    "done"
}
