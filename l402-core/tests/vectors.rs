//! Runs the files of `spec-vectors` that speak of L402.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod vector_values;

use l402_core::macaroon::{MAX_LEN, MacaroonRef, RootKey, base64};
use l402_core::{
    Answer, BufferTooSmall, Caveat, Challenge, ChallengeLine, CredentialLine, Decision, Denied, DerivedKeys, Exchange,
    Gate, Grant, Identifier, InvoiceFacts, Limits, NameError, Next, Presentation, Rules, Scheme, TokenFile, TokenText,
    verify,
};
use serde_json::{Value, json};
use vector_values::*;

#[test]
fn identifiers() {
    for case in cases(include_str!("../../spec-vectors/identifier/identifier.json")) {
        let bytes = bytes(&case["identifier"]);
        let found = match Identifier::parse(&bytes) {
            Err(fault) => wrong("malformed", kebab(&fault)),
            Ok(identifier) => {
                assert_eq!(identifier.to_bytes()[..], bytes, "{}", case["id"]);
                let token_id = identifier.token_id();
                right(
                    "read",
                    json!({ "payment_hash": identifier.payment_hash().to_string(), "token_id": token_id.to_string(),
                        "epoch": token_id.epoch() }),
                )
            }
        };
        assert_found(&case, &found);
    }
}

#[test]
fn challenges() {
    for case in cases(include_str!("../../spec-vectors/challenge/parse.json")) {
        let lines = lines(&case);
        let chosen = Challenge::select(lines.iter().map(Vec::as_slice));
        let (mut text, mut token) = (vec![0; base64::encoded_len(MAX_LEN)], vec![0; MAX_LEN]);
        let found = match chosen.map(|challenge| (challenge, challenge.decode_token(&mut text, &mut token).err())) {
            Err(fault) => wrong("refused", kebab(&fault)),
            Ok((_, Some(fault))) => wrong("refused", token_fault(&fault)),
            Ok((challenge, None)) => right("read", seen(&challenge)),
        };
        assert_found(&case, &found);
    }
    for case in cases(include_str!("../../spec-vectors/challenge/emit.json")) {
        let (token, invoice) = (text(&case["token"]), text(&case["invoice"]));
        let emitted = ChallengeLine::both(&token, &invoice).map(|line| line.to_string());
        assert_found(&case, &right("emitted", json!({ "lines": emitted })));
    }
}

#[test]
fn credentials() {
    let files = [
        include_str!("../../spec-vectors/credential/parse.json"),
        include_str!("../../spec-vectors/grpc/credential.json"),
    ];
    for case in files.into_iter().flat_map(cases) {
        let root = Some(&case["root_key"]).filter(|key| !key.is_null()).map(bytes);
        let keys = |_: &Identifier| root.as_deref().map(RootKey::new);
        let headers = headers(&case["fields"]);
        let mut fields = Presentation::new();
        headers.iter().for_each(|(name, value)| fields.field(name, value));
        let mut buffer = vec![0; MAX_LEN];
        let found = match fields.decode(&mut buffer) {
            Ok(None) => plain("none"),
            Err(fault) => wrong("malformed", credential_fault(&fault)),
            Ok(Some(presented)) => match presented.verify(&keys) {
                Ok(verified) => {
                    right("authentic", json!({ "payment_hash": verified.identifier().payment_hash().to_string() }))
                }
                Err(Denied) => plain("forged"),
            },
        };
        assert_found(&case, &found);
        let strip: Vec<_> = headers.iter().map(|(name, value)| Presentation::is_credential(name, value)).collect();
        assert_eq!(json!(strip), case["strip"], "{}", case["id"]);
    }
    for case in cases(include_str!("../../spec-vectors/credential/emit.json")) {
        let (token, preimage) = (text(&case["token"]), preimage(&case["preimage"]));
        let scheme = Scheme::parse(text(&case["scheme"]).as_bytes()).unwrap();
        let value = CredentialLine { scheme, token: &token, preimage: &preimage }.to_string();
        assert_found(&case, &right("emitted", json!({ "value": value })));
    }
}

#[test]
fn caveat_syntax() {
    for case in cases(include_str!("../../spec-vectors/caveat/syntax.json")) {
        let found = match Caveat::parse(&bytes(&case["caveat"])) {
            Ok(caveat) => right("read", json!({ "condition": caveat.condition, "value": caveat.value })),
            Err(fault) => wrong("malformed", kebab(&fault)),
        };
        assert_found(&case, &found);
    }
}

#[test]
fn caveats() {
    let files = [
        include_str!("../../spec-vectors/caveat/narrowing.json"),
        include_str!("../../spec-vectors/caveat/satisfaction.json"),
    ];
    for case in files.into_iter().flat_map(cases) {
        let (macaroon, key) = (bytes(&case["macaroon"]), RootKey::new(&bytes(&case["root_key"])));
        let verified = verify(MacaroonRef::parse(&macaroon).unwrap(), &preimage(&case["preimage"]), &key).unwrap();
        let offer = offer(&case["offer"]).unwrap();
        let rules = Rules { offer: &offer, now: number(&case["now"]), unknown: unknown(&case["unknown"]) };
        let found = match verified.grant(&rules) {
            Ok(grant) => right("granted", json!({ "expires_at": grant.expires_at().map(|end| end.to_string()) })),
            Err(reason) => wrong("denied", reason.as_str().to_owned()),
        };
        assert_found(&case, &found);
    }
}

#[test]
fn derived_keys() {
    for case in cases(include_str!("../../spec-vectors/keys/epochs.json")) {
        let found = match keys(&case["keys"]) {
            Err(fault) => wrong("refused", kebab(&fault)),
            Ok(keys) => {
                let credential = format!("L402 {}:{}", in_base64(&bytes(&case["macaroon"])), text(&case["preimage"]));
                let mut fields = Presentation::new();
                fields.field("authorization", credential.as_bytes());
                let verified = fields.decode(&mut [0; 512]).unwrap().unwrap().verify(&keys).is_ok();
                if verified { right("authentic", case["result"].clone()) } else { plain("forged") }
            }
        };
        assert_found(&case, &found);
    }
}

#[test]
fn minted_tokens() {
    for case in cases(include_str!("../../spec-vectors/keys/mint.json")) {
        let keys = DerivedKeys::new(u32::try_from(case["epoch"].as_u64().unwrap()).unwrap(), &master(&case["master"]));
        let (hash, random) = (payment_hash(&case["payment_hash"]), bytes(&case["random"]).try_into().unwrap());
        let mut room = TokenText::new();
        let found = match offer(&case["offer"]) {
            Ok(offer) => {
                let token = keys.mint(&offer, &hash, random, number(&case["now"]), &mut room).unwrap();
                right("minted", json!({ "token": token }))
            }
            Err(fault) => wrong("refused", format!("name-{}", kebab::<NameError>(&fault))),
        };
        assert_found(&case, &found);
    }
}

#[test]
fn invoices() {
    for case in cases(include_str!("../../spec-vectors/bolt11/binding.json")) {
        let macaroon = bytes(&case["macaroon"]);
        let token = Identifier::parse(MacaroonRef::parse(&macaroon).unwrap().identifier()).unwrap();
        let facts = facts(&case["facts"]);
        let exchange = Exchange::new(limits(&case["limits"]));
        let found = match exchange.authorize(&token, &facts, number(&case["now"])) {
            Err(fault) => wrong("declined", kebab(&fault)),
            Ok(order) => {
                let (amount, fee) = (order.amount_msat.to_string(), order.max_fee_msat.to_string());
                let hash = order.payment_hash.to_string();
                right("pay", json!({ "payment_hash": hash, "amount_msat": amount, "max_fee_msat": fee }))
            }
        };
        assert_found(&case, &found);
    }
}

#[test]
fn decisions() {
    for case in cases(include_str!("../../spec-vectors/exchange/gate.json")) {
        let gate = Gate::new(keys(&case["keys"]).unwrap(), policy(&case["policy"]));
        let found = decide(&gate, &case["fields"], &case["offer"], &case["now"]);
        assert_found(&case, &found);
    }
}

#[test]
fn answers() {
    for case in cases(include_str!("../../spec-vectors/exchange/client.json")) {
        let limits = Limits { max_price_msat: 1000, max_fee_msat: 10 };
        let stored = case["stored_token"].as_bool().unwrap();
        let mut exchange = if stored { Exchange::with_token(limits) } else { Exchange::new(limits) };
        for step in case["steps"].as_array().unwrap() {
            let grpc_status = step["grpc_status"].as_u64().map(|status| status.try_into().unwrap());
            let (next, fault, _) = follow(&mut exchange, &step["status"], grpc_status, &lines(step));
            assert_eq!((json!(next), json!(fault)), (step["next"].clone(), step["error"].clone()), "{}", case["id"]);
            if step["paid"] == true {
                pay(&mut exchange);
            }
        }
    }
    for case in cases(include_str!("../../spec-vectors/grpc/response.json")) {
        let headers = headers(&case["headers"]);
        let named = |wanted: &'static str| headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
        let status = named("grpc-status").next().map(|(_, value)| str::from_utf8(value).unwrap().parse().unwrap());
        let lines: Vec<_> = named("www-authenticate").map(|(_, value)| value.clone()).collect();
        let mut exchange = Exchange::new(Limits { max_price_msat: 1000, max_fee_msat: 10 });
        let (next, fault, challenge) = follow(&mut exchange, &case["status"], status, &lines);
        assert_found(&case, &json!({ "verdict": next, "error": fault, "result": challenge }));
    }
}

#[test]
fn sales() {
    for case in cases(include_str!("../../spec-vectors/exchange/whole.json")) {
        let gate = Gate::new(keys(&case["keys"]).unwrap(), policy(&case["policy"]));
        let found = sell(&gate, &case);
        assert_found(&case, &found);
    }
}

fn sell(gate: &Gate<DerivedKeys>, case: &Value) -> Value {
    let (id, now, hash) = (&case["id"], number(&case["now"]), payment_hash(&case["payment_hash"]));
    assert_eq!(decide(gate, &json!([]), &case["offer"], &case["now"])["result"]["status"], 402, "{id}");
    let mut room = TokenText::new();
    let random = bytes(&case["random"]).try_into().unwrap();
    let token = gate.keys().mint(&offer(&case["offer"]).unwrap(), &hash, random, now, &mut room).unwrap();
    let shown = ChallengeLine::both(token, &text(&case["invoice"])).map(|line| line.to_string());
    assert_eq!(shown.to_vec(), case["lines"].as_array().unwrap().iter().map(text).collect::<Vec<_>>(), "{id}");

    let mut exchange = Exchange::new(limits(&case["limits"]));
    let answer = Answer { status: 402, grpc_status: None };
    let Next::Pay(challenge) = exchange.on_response(answer, shown.iter().map(String::as_bytes)).unwrap() else {
        panic!("{id}: no demand for payment")
    };
    let (mut characters, mut decoded) = ([0; 1024], [0; 768]);
    let macaroon = challenge.decode_token(&mut characters, &mut decoded).unwrap();
    let order =
        match exchange.authorize(&Identifier::parse(macaroon.identifier()).unwrap(), &facts(&case["facts"]), now) {
            Ok(order) => order,
            Err(fault) => return wrong("declined", kebab(&fault)),
        };
    let preimage = preimage(&case["preimage"]);
    if exchange.paid(&order, &preimage).is_err() {
        return plain("wrong-preimage");
    }
    let credential = CredentialLine { scheme: challenge.scheme(), token, preimage: &preimage }.to_string();
    assert_eq!(credential, text(&case["credential"]), "{id}");
    let mut found = decide(gate, &case["fields"], &case["second_offer"], &case["later"]);
    if found["verdict"] == "admit" {
        found = right("admit", json!({ "status": 200, "reason": null }));
    }
    found
}

fn decide(gate: &Gate<DerivedKeys>, fields: &Value, sold: &Value, now: &Value) -> Value {
    let headers = headers(fields);
    let mut fields = Presentation::new();
    headers.iter().for_each(|(name, value)| fields.field(name, value));
    match gate.decide(&fields, &offer(sold).unwrap(), number(now)) {
        Decision::Admit(grant) => granted("admit", &grant),
        Decision::Settle(grant) => granted("settle", &grant),
        Decision::Charge(charge) => {
            right("charge", json!({ "status": charge.status, "reason": charge.reason.as_str() }))
        }
        Decision::Refuse(refusal) => json!({ "verdict": "refuse", "error": credential_fault(&refusal.fault),
            "result": { "status": refusal.status, "reason": refusal.reason() } }),
    }
}

fn granted(verdict: &str, grant: &Grant) -> Value {
    let end = grant.expires_at().map(|end| end.to_string());
    let (hash, id) = (grant.payment_hash().to_string(), grant.token_id().to_string());
    right(verdict, json!({ "payment_hash": hash, "token_id": id, "expires_at": end }))
}

fn follow(
    exchange: &mut Exchange,
    status: &Value,
    grpc_status: Option<u32>,
    lines: &[Vec<u8>],
) -> (&'static str, Option<String>, Option<Value>) {
    let answer = Answer { status: status.as_u64().unwrap().try_into().unwrap(), grpc_status };
    match exchange.on_response(answer, lines.iter().map(Vec::as_slice)) {
        Ok(Next::Deliver) => ("deliver", None, None),
        Ok(Next::Pay(challenge)) => ("pay", None, Some(seen(&challenge))),
        Ok(Next::Replace(_)) => ("replace", None, None),
        Ok(Next::Refused) => ("refused", None, None),
        Err(fault) => ("error", Some(kebab(&fault)), None),
    }
}

fn pay(exchange: &mut Exchange) {
    let preimage = l402_core::Preimage::from_bytes([0x11; 32]);
    let token = Identifier::new(preimage.hash(), l402_core::TokenId::from_bytes([0; 32]));
    let facts = InvoiceFacts { payment_hash: preimage.hash(), amount_msat: Some(1), expires_at: u64::MAX };
    let order = exchange.authorize(&token, &facts, 0).unwrap();
    exchange.paid(&order, &preimage).unwrap();
}

fn seen(challenge: &Challenge<'_>) -> Value {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    json!({ "scheme": challenge.scheme().to_string(), "token": text(challenge.token().bytes().collect()), "invoice": text(challenge.invoice().bytes().collect()) })
}

#[test]
fn token_files_are_read() {
    for case in cases(include_str!("../../spec-vectors/token-file/read.json")) {
        let file = bytes(&case["file"]);
        let found = match TokenFile::parse(&file) {
            Err(fault) => wrong("malformed", token_file_fault(&fault)),
            Ok(stored) => right(
                "read",
                json!({ "macaroon": in_hex(stored.macaroon().as_bytes()), "payment_hash": stored.payment_hash().to_string(),
                    "preimage": stored.preimage().map(|preimage| in_hex(preimage.expose())),
                    "paid_msat": stored.paid_msat().to_string(), "fee_msat": stored.fee_msat().to_string(),
                    "time_ns": stored.time_ns().to_string() }),
            ),
        };
        assert_found(&case, &found);
    }
}

#[test]
fn token_files_are_written() {
    for case in cases(include_str!("../../spec-vectors/token-file/write.json")) {
        let macaroon = bytes(&case["macaroon"]);
        let capacity = case["capacity"].as_u64().map_or(1 << 14, |capacity| usize::try_from(capacity).unwrap());
        let (macaroon, mut out) = (MacaroonRef::parse(&macaroon).unwrap(), vec![0; capacity]);
        let mut stored = TokenFile::pending(macaroon, text(&case["time_ns"]).parse().unwrap());
        if !case["preimage"].is_null() {
            let (paid, fee) = (number(&case["paid_msat"]), number(&case["fee_msat"]));
            stored = stored.and_then(|pending| pending.paid(preimage(&case["preimage"]), paid, fee));
        }
        let found = match stored.map(|stored| stored.write_into(&mut out).map(in_hex)) {
            Ok(Ok(file)) => right("written", json!({ "file": file })),
            Ok(Err(BufferTooSmall { .. })) => wrong("refused", "buffer-too-small".to_owned()),
            Err(fault) => wrong("refused", token_file_fault(&fault)),
        };
        assert_found(&case, &found);
    }
}

#[test]
#[cfg(feature = "v1")]
fn a_v1_token_is_read_where_the_feature_asks_for_it() {
    let case = &cases(include_str!("../../spec-vectors/macaroon/v1.json"))[0];
    let credential = format!("L402 {}:{}", in_base64(&bytes(&case["macaroon"])), "11".repeat(32));
    let mut fields = Presentation::new();
    fields.field("authorization", credential.as_bytes());
    let mut buffer = vec![0; fields.buffer_len()];
    let presented = fields.decode(&mut buffer).unwrap().unwrap();
    assert!(presented.verify(&|_: &Identifier| Some(RootKey::new(&bytes(&case["root_key"])))).is_ok());
}
