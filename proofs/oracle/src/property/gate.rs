//! Credentials and decisions about them, against the plain reader and the plain gate.

use super::caveat::{EPOCH, MASTER, PREIMAGE, keys, request, sold_plainly, take_asked, take_offer, take_time};
use super::input::{Input, lines};
use crate::second;
use crate::second::credential::{Credential, Presented};
use crate::second::gate::Verdict;
use crate::second::macaroon::{Caveat, Macaroon};
use crate::second::text::{hmac, sha256, to_base64, to_hex};
use l402_core::macaroon::RootKey;
use l402_core::{
    CREDENTIAL_HEADERS, ChargeReason, CredentialHeaders, CredentialLine, Decision, DerivedKeys, Gate, GatePolicy,
    Identifier, MasterKey, Offer, Preimage, Scheme, UnknownCaveats,
};

/// The root key of the tokens in `spec-vectors`.
const VECTORS_ROOT: [u8; 32] = {
    let mut key = [0; 32];
    let mut at = 0;
    while at < key.len() {
        key[at] = at.to_le_bytes()[0];
        at += 1;
    }
    key
};

/// Fields of a request, `name: value` in a line each (`authorization` where no name is given), present the same credential to both
/// readers: it would be stripped, needs no more room than it says, and is authentic for both or for neither.
pub fn credential(data: &[u8]) {
    let fields: Vec<_> = lines(data).iter().map(|line| named(line)).collect();
    let presentation = presented(&fields);
    let (mut large, mut exact) = (vec![0; data.len()], vec![0; presentation.buffer_len()]);
    let ours = presentation.decode(&mut large);
    assert_eq!(ours.as_ref().map(Option::is_some), presentation.decode(&mut exact).as_ref().map(Option::is_some));
    match (second::credential::read(&fields), ours) {
        (Presented::Nothing, Ok(None)) => assert!(presentation.is_empty()),
        (Presented::Refused, Err(_)) => {}
        (Presented::Credential(second), Ok(Some(ours))) => {
            assert_eq!(ours.unverified_payment_hash().as_bytes()[..], second.payment_hash);
            assert!(fields.iter().any(|(name, value)| CredentialHeaders::is_credential(name, value)));
            let verified = ours.verify(&|_: &Identifier| Some(RootKey::new(&VECTORS_ROOT)));
            assert_eq!(verified.is_ok(), authentic(&second));
        }
        (second, ours) => panic!("{second:?} differs from {ours:?}"),
    }
}

/// A credential that is written reads back for both readers, with its token and its preimage, and is authentic.
pub fn credential_line(data: &[u8]) {
    let mut input = Input::new(data);
    let scheme = if input.flag() { Scheme::Lsat } else { Scheme::L402 };
    let preimage = sha256(&input.array::<8>());
    let mut caveats = input.lines();
    caveats.retain(|caveat| !String::from_utf8_lossy(caveat).trim_start().starts_with("preimage"));
    caveats.truncate(8);
    let identifier = [&[0, 0][..], &sha256(&preimage), &[5; 32]].concat();
    let token = Macaroon::mint(&VECTORS_ROOT, b"", &identifier, &caveats);
    let length = token.write_v2().len();
    if length > second::macaroon::MAX_LEN {
        return;
    }
    let text = to_base64(&token.write_v2());
    let line = CredentialLine { scheme, token: &text, preimage: &Preimage::from_bytes(preimage) }.to_string();
    assert_eq!(line, format!("{scheme} {text}:{}", to_hex(&preimage)));

    let fields = [("authorization".to_owned(), line.clone().into_bytes())];
    let payment_hash = sha256(&preimage).to_vec();
    let expected = Credential { tokens: vec![token], payment_hash, preimage: preimage.to_vec(), length };
    assert_eq!(second::credential::read(&fields), Presented::Credential(expected));
    credential(line.as_bytes());
}

/// The gate decides as the plain one does about a credential in any of its forms, whole or with a byte changed, for a token that was sold
/// and had caveats added.
pub fn gate(data: &[u8]) {
    let mut input = Input::new(data);
    let sold = take_offer(&mut input);
    let (asked, now) = (take_asked(&mut input, &sold), take_time(&mut input));
    let unknown = if input.flag() { UnknownCaveats::Skip } else { UnknownCaveats::Refuse };
    let fields = take_fields(&mut input, &sold);
    let policy = GatePolicy { unknown_caveats: unknown, ..GatePolicy::default() };
    let retired = keys().with_retired(1, &MasterKey::from_bytes([8; 32])).expect("another epoch");
    let gate: Gate<DerivedKeys> = Gate::new(retired, policy);
    let ours = gate.decide(&presented(&fields), &asked, now.into());
    let second = second::gate::decide(&[(EPOCH, MASTER), (1, [8; 32])], &fields, &request(&asked, now, unknown));
    assert_eq!(verdict(&ours), second, "{ours:?}");
}

fn verdict(decision: &Decision) -> Verdict {
    match decision {
        Decision::Admit(_) | Decision::Settle(_) => Verdict::Admitted,
        Decision::Reserve { .. } => Verdict::Counted,
        Decision::Refuse(refusal) => {
            assert_eq!(refusal.status, 400);
            Verdict::Malformed
        }
        Decision::Charge(charge) => match (charge.status, charge.reason) {
            (402, ChargeReason::PaymentRequired) => Verdict::Unpaid,
            (401, ChargeReason::Forged) => Verdict::Forged,
            (402, ChargeReason::Unsatisfied(_)) => Verdict::Unsatisfied,
            other => panic!("no such answer: {other:?}"),
        },
    }
}

/// The fields of a request that presents one or two tokens of an offer, with what is left of the input as further caveats.
fn take_fields(input: &mut Input<'_>, sold: &Offer) -> Vec<(String, Vec<u8>)> {
    let (form, place, flip, mask) = (input.byte(), input.byte(), input.number(), input.byte());
    let mut token = sold_plainly(sold);
    if place & 0x80 != 0 {
        append(&mut token, format!("preimage={}", to_hex(&PREIMAGE)).into_bytes());
    }
    let first = token.clone();
    input.lines().into_iter().for_each(|caveat| append(&mut token, caveat));
    let preimage = if form & 0x40 == 0 || place & 0x40 == 0 { PREIMAGE } else { [9; 32] };
    let mut texts = vec![text(&token, form & 3)];
    if form & 4 != 0 {
        texts.insert(usize::from(form & 8 != 0), text(&first, form >> 4 & 3));
    }
    let scheme = if form & 0x80 == 0 { "L402" } else { "lsat" };
    let authorization = format!("{scheme} {}:{}", texts.join(","), to_hex(&preimage)).into_bytes();
    let metadata = to_hex(&token.write_v2()).into_bytes();
    let other = CREDENTIAL_HEADERS[1 + usize::from(place >> 2 & 3)].to_owned();
    let mut fields = match place & 3 {
        0 | 1 => vec![("Authorization".to_owned(), authorization)],
        2 => vec![(other, metadata)],
        _ => vec![(other, metadata), ("authorization".to_owned(), authorization)],
    };
    if place & 0x20 != 0 {
        repeat(&mut fields, flip);
    }
    let (_, value) = &mut fields[0];
    if mask.is_multiple_of(4) {
        let at = flip % value.len();
        value[at] ^= mask / 4;
    }
    fields
}

/// Says an `Authorization` line once more under the other scheme: in a line of its own, or joined.
fn repeat(fields: &mut Vec<(String, Vec<u8>)>, choice: usize) {
    let Some((name, value)) = fields.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("authorization")) else {
        return;
    };
    let other = if value.starts_with(b"L402") { "LSAT" } else { "L402" };
    let again = [other.as_bytes(), &value[4..]].concat();
    if choice.is_multiple_of(2) {
        *value = [&value[..], b", ", &again].concat();
    } else {
        let name = name.clone();
        fields.push((name, again));
    }
}

fn append(token: &mut Macaroon, id: Vec<u8>) {
    token.signature = hmac(&token.signature, &id).to_vec();
    token.caveats.push(Caveat { id, ..Caveat::default() });
}

/// The four forms of base64.
fn text(token: &Macaroon, form: u8) -> String {
    let mut text = to_base64(&token.write_v2());
    if form & 1 != 0 {
        text.truncate(text.trim_end_matches('=').len());
    }
    if form & 2 == 0 { text } else { text.replace('+', "-").replace('/', "_") }
}

fn authentic(credential: &Credential) -> bool {
    let signed = |token: &Macaroon| token.signature == token.signature_under(&VECTORS_ROOT);
    sha256(&credential.preimage)[..] == *credential.payment_hash && credential.tokens.iter().all(signed)
}

fn presented(fields: &[(String, Vec<u8>)]) -> CredentialHeaders<'_> {
    let mut presentation = CredentialHeaders::new();
    for (name, value) in fields {
        presentation.add(name, value);
    }
    presentation
}

/// Name and value of a field.
fn named(line: &[u8]) -> (String, Vec<u8>) {
    for field in CREDENTIAL_HEADERS {
        if let Some((name, [b':', b' ', value @ ..])) = line.split_at_checked(field.len())
            && name.eq_ignore_ascii_case(field.as_bytes())
        {
            return (String::from_utf8_lossy(name).into_owned(), value.to_vec());
        }
    }
    ("authorization".to_owned(), line.to_vec())
}
