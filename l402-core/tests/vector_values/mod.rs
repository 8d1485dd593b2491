//! Values of the vector files, and the names that errors have there.

use base64ct::{Base64, Encoding};
use l402_core::macaroon::hex;
use l402_core::{
    CredentialError, DerivedKeys, EpochError, ForgedStatus, GatePolicy, InvoiceFacts, Limits, MalformedStatus,
    MasterKey, Name, NameError, Offer, PaymentHash, Preimage, SettlementRule, TokenError, TokenFileError,
    UnknownCaveats,
};
use serde_json::{Value, json};

pub(crate) fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    let Value::Array(cases) = file["cases"].take() else { panic!("no cases") };
    assert!(!cases.is_empty());
    cases
}

pub(crate) fn plain(verdict: &str) -> Value {
    json!({ "verdict": verdict })
}

pub(crate) fn right(verdict: &str, result: Value) -> Value {
    json!({ "verdict": verdict, "result": result })
}

pub(crate) fn wrong(verdict: &str, error: String) -> Value {
    json!({ "verdict": verdict, "error": error })
}

pub(crate) fn assert_found(case: &Value, found: &Value) {
    for name in ["verdict", "error", "result"] {
        assert_eq!(found[name], joined(&case[name]), "{}: {name}", case["id"]);
    }
}

/// Pieces joined, wherever they stand.
fn joined(value: &Value) -> Value {
    match value {
        Value::Array(list) if list.iter().any(|piece| piece.get("repeat").is_some()) => json!(text(value)),
        Value::Array(list) => list.iter().map(joined).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), joined(value))).collect(),
        other => other.clone(),
    }
}

/// A text, or pieces of one.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Array(pieces) => pieces.iter().map(piece).collect(),
        text => text.as_str().unwrap().to_owned(),
    }
}

fn piece(value: &Value) -> String {
    value.as_str().map_or_else(
        || value["repeat"].as_str().unwrap().repeat(value["times"].as_u64().unwrap().try_into().unwrap()),
        str::to_owned,
    )
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let text = text(value);
    let mut out = vec![0; text.len() / 2];
    hex::decode_into(text.as_bytes(), &mut out).unwrap().to_vec()
}

pub(crate) fn lines(case: &Value) -> Vec<Vec<u8>> {
    match (case["lines"].as_array(), case["lines_hex"].as_array()) {
        (Some(lines), None) => lines.iter().map(|line| text(line).into_bytes()).collect(),
        (None, Some(lines)) => lines.iter().map(bytes).collect(),
        _ => panic!("{}: lines", case["id"]),
    }
}

pub(crate) fn headers(fields: &Value) -> Vec<(String, Vec<u8>)> {
    let value = |field: &Value| match field.get("value_hex") {
        Some(value) => bytes(value),
        None => text(&field["value"]).into_bytes(),
    };
    fields.as_array().unwrap().iter().map(|field| (text(&field["name"]), value(field))).collect()
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

pub(crate) fn optional(value: &Value) -> Option<u64> {
    (!value.is_null()).then(|| number(value))
}

pub(crate) fn preimage(value: &Value) -> Preimage {
    Preimage::from_hex(text(value).as_bytes()).unwrap()
}

pub(crate) fn payment_hash(value: &Value) -> PaymentHash {
    text(value).parse().unwrap()
}

pub(crate) fn master(value: &Value) -> MasterKey {
    MasterKey::from_bytes(bytes(value).try_into().unwrap())
}

pub(crate) fn keys(value: &Value) -> Result<DerivedKeys, EpochError> {
    let of = |key: &Value| (u32::try_from(key["epoch"].as_u64().unwrap()).unwrap(), master(&key["master"]));
    let mut epochs = value.as_array().unwrap().iter().map(of);
    let (epoch, newest) = epochs.next().unwrap();
    epochs.try_fold(DerivedKeys::new(epoch, &newest), |keys, (epoch, master)| keys.with_retired(epoch, &master))
}

pub(crate) fn offer(value: &Value) -> Result<Offer, NameError> {
    let capability = value["capability"].as_str().map(Name::new).transpose()?;
    Ok(Offer {
        service: Name::new(value["service"].as_str().unwrap())?,
        tier: value["tier"].as_u64().unwrap().try_into().unwrap(),
        capability,
        price_msat: optional(&value["price_msat"]).unwrap_or(1000),
        valid_for: optional(&value["valid_for"]).unwrap_or(3600),
    })
}

pub(crate) fn unknown(value: &Value) -> UnknownCaveats {
    if value == "skip" { UnknownCaveats::Skip } else { UnknownCaveats::Refuse }
}

pub(crate) fn policy(value: &Value) -> GatePolicy {
    GatePolicy {
        malformed: if value["malformed"] == 401 { MalformedStatus::Unauthorized } else { MalformedStatus::BadRequest },
        forged: if value["forged"] == 402 { ForgedStatus::PaymentRequired } else { ForgedStatus::Unauthorized },
        unknown_caveats: unknown(&value["unknown"]),
        settlement: if value["settlement"] == "strict" { SettlementRule::Strict } else { SettlementRule::Trust },
    }
}

pub(crate) fn limits(value: &Value) -> Limits {
    Limits { max_price_msat: number(&value["max_price_msat"]), max_fee_msat: number(&value["max_fee_msat"]) }
}

pub(crate) fn facts(value: &Value) -> InvoiceFacts {
    InvoiceFacts {
        payment_hash: payment_hash(&value["payment_hash"]),
        amount_msat: optional(&value["amount_msat"]),
        expires_at: number(&value["expires_at"]),
    }
}

pub(crate) fn in_base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

pub(crate) fn in_hex(bytes: &[u8]) -> String {
    let mut text = vec![0; bytes.len() * 2];
    hex::encode_into(bytes, &mut text).unwrap().to_owned()
}

pub(crate) fn credential_fault(fault: &CredentialError) -> String {
    match fault {
        CredentialError::Token(fault) => token_fault(fault),
        CredentialError::Identifier(fault) => format!("identifier-{}", kebab(fault)),
        fault => kebab(fault),
    }
}

pub(crate) fn token_file_fault(fault: &TokenFileError) -> String {
    match fault {
        TokenFileError::Macaroon(fault) => format!("macaroon-{}", kebab(fault)),
        TokenFileError::Identifier(fault) => format!("identifier-{}", kebab(fault)),
        fault => kebab(fault),
    }
}

pub(crate) fn token_fault(fault: &TokenError) -> String {
    match fault {
        TokenError::Base64(fault) => format!("base64-{}", kebab(fault)),
        TokenError::Macaroon(fault) => format!("macaroon-{}", kebab(fault)),
        fault => format!("token-{}", kebab(fault)),
    }
}

/// `MissingToken` → `missing-token`, `Utf8` → `utf8`.
pub(crate) fn kebab<T: core::fmt::Debug>(fault: &T) -> String {
    let name = format!("{fault:?}");
    let name = name.split(['(', ' ']).next().unwrap_or_default();
    name.chars().fold(String::new(), |mut text, c| {
        if c.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
        text
    })
}
