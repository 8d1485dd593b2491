//! The largest inputs that are read, and larger ones that are not: what limits are tested with.

use core::time::Duration;
use l402_core::macaroon::{MAX_CAVEATS, MAX_LEN, MacaroonRef, attenuate, base64, hex};
use l402_core::{
    CREDENTIAL_HEADERS, Challenge, CredentialHeaders, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Msat, Name,
    Offer, Preimage, TokenFacts, TokenText, UnixSeconds,
};

pub(crate) const NOW: UnixSeconds = UnixSeconds::new(1_700_000_000);

/// The value of a credential-bearing field, and how the gate decides about it.
pub(crate) struct Credential {
    pub(crate) name: &'static str,
    field: &'static str,
    value: Vec<u8>,
    pub(crate) verdict: &'static str,
}

pub(crate) fn gate() -> Gate<DerivedKeys> {
    Gate::new(DerivedKeys::new(3, &MasterKey::from_bytes([9; 32])), GatePolicy::default())
}

pub(crate) fn offer() -> Offer {
    Offer::new(Name::new("x").unwrap(), Msat::new(1000)).valid_for(Duration::from_secs(100))
}

impl Credential {
    pub(crate) fn decide(&self, gate: &Gate<DerivedKeys>, offer: &Offer) -> Decision {
        let mut fields = CredentialHeaders::new();
        fields.add(self.field, &self.value);
        gate.decide(&fields, offer, NOW)
    }
}

/// A word for what was decided.
pub(crate) fn verdict(decision: &Decision) -> &'static str {
    match decision {
        Decision::Admit(_) => "admit",
        Decision::Charge(charge) => charge.reason.as_str(),
        Decision::Refuse(refusal) => refusal.reason(),
        Decision::Settle(_) => "settle",
        Decision::Reserve { .. } => "reserve",
    }
}

pub(crate) fn credentials() -> Vec<Credential> {
    let [authorization, macaroon, ..] = CREDENTIAL_HEADERS;
    let preimage = "01".repeat(32);
    let (many, largest) = (with_caveats(MAX_CAVEATS), largest());
    let larger = [&largest[..], &[0]].concat();
    let carrying = attenuated(&with_caveats(MAX_CAVEATS - 1), &format!("preimage={preimage}"));
    let mut hexadecimal = vec![0; 2 * carrying.len()];
    let hexadecimal = hex::encode_into(&carrying, &mut hexadecimal).unwrap();
    let v1 = if cfg!(feature = "v1") { "admit" } else { MALFORMED };
    let text = |bytes: &[u8]| format!("L402 {}:{preimage}", encoded(bytes));
    [
        ("one caveat too few to be too many", authorization, text(&many), "admit"),
        ("as many bytes as there may be", authorization, text(&largest), "unknown-caveat"),
        ("a byte more", authorization, text(&larger), MALFORMED),
        ("the preimage in the last caveat", macaroon, hexadecimal.to_owned(), "admit"),
        (
            "four tokens",
            authorization,
            text(&many).replacen(' ', &format!(" {},", [&*encoded(&with_caveats(4)); 3].join(",")), 1),
            "admit",
        ),
        ("the older format", authorization, text(&packets(&many)), v1),
        ("nothing but the older format's caveats", authorization, text(&b"0009cid \n".repeat(900)), MALFORMED),
        ("its smallest packets", authorization, text(&b"0006x\n".repeat(1300)), MALFORMED),
        ("nothing but caveats", authorization, text(&[&[2, 2, 0, 0][..], &[2, 0, 0].repeat(2700)].concat()), MALFORMED),
        ("nothing but commas", authorization, format!("L402 {}:{preimage}", ",".repeat(20_000)), MALFORMED),
        ("64 KiB", authorization, format!("L402 {}:{preimage}", "A".repeat(64 << 10)), MALFORMED),
    ]
    .map(|(name, field, value, verdict)| Credential { name, field, value: value.into_bytes(), verdict })
    .into()
}

/// `WWW-Authenticate` lines, and whether a challenge is found in them.
pub(crate) fn challenges() -> Vec<(Vec<u8>, bool)> {
    let token = encoded(&largest());
    let line = format!("L402 version=\"0\", token=\"{token}\", invoice=\"lnbc1\"");
    [
        (line.clone(), true),
        (format!("{line}{}", ", x=y".repeat(61)), true),
        (format!("{line}{}", ", x=y".repeat(4000)), false),
        (format!("{}{line}", "Basic realm=\"\\\"\", ".repeat(1000)), true),
        (",".repeat(32 << 10), false),
        (format!("L402 token=\"{}", "\\\"".repeat(10_000)), false),
        (format!("{line}{}", " ".repeat(64 << 10)), false),
    ]
    .map(|(line, found)| (line.into_bytes(), found))
    .into()
}

/// Whether a line holds a challenge whose token can be read, into buffers of the given lengths.
pub(crate) fn reads(line: &[u8], text: &mut [u8], bytes: &mut [u8]) -> bool {
    Challenge::select([line]).is_ok_and(|challenge| {
        let token = challenge.token().unescape(text);
        let facts = token.map(|token| TokenFacts::read(token, bytes));
        facts.is_some_and(|facts| facts.payment_hash.is_some()) && challenge.decode_token(text, bytes).is_ok()
    })
}

/// A token as it is sold: four caveats.
pub(crate) fn sold() -> Vec<u8> {
    let mut text = TokenText::new();
    let paid = Preimage::from_bytes([1; 32]).hash();
    let text = gate().keys().mint(&offer(), &paid, [5; 28], NOW, &mut text).unwrap();
    let mut bytes = vec![0; text.len()];
    base64::decode_into(text.as_bytes(), &mut bytes).unwrap().to_vec()
}

/// A token of [`MAX_LEN`] bytes.
pub(crate) fn largest() -> Vec<u8> {
    let used = sold().len() + "x_note=".len() + 5; // field type, a length of two bytes, end marker, and the length's growth
    let token = attenuated(&sold(), &format!("x_note={}", "n".repeat(MAX_LEN - used + 1)));
    assert_eq!(token.len(), MAX_LEN);
    token
}

fn with_caveats(count: usize) -> Vec<u8> {
    (4..count).fold(sold(), |token, _| attenuated(&token, "services=x:0"))
}

fn attenuated(token: &[u8], caveat: &str) -> Vec<u8> {
    let mut out = vec![0; MAX_LEN];
    attenuate(MacaroonRef::parse(token).unwrap(), caveat.as_bytes(), &mut out).unwrap().as_bytes().to_vec()
}

/// The same macaroon in the packets of the older format.
fn packets(token: &[u8]) -> Vec<u8> {
    let token = MacaroonRef::parse(token).unwrap();
    let packet = |key: &str, value: &[u8]| {
        [format!("{:04x}{key} ", key.len() + value.len() + 6).as_bytes(), value, b"\n"].concat()
    };
    let caveats = token.unverified_caveats().map(|caveat| packet("cid", caveat.id));
    let head = [packet("location", token.location()), packet("identifier", token.identifier())];
    head.into_iter().chain(caveats).chain([packet("signature", token.signature())]).flatten().collect()
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = vec![0; base64::encoded_len(bytes.len())];
    base64::encode_into(bytes, &mut text).unwrap().to_owned()
}

const MALFORMED: &str = "malformed-credential";
