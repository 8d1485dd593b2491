//! Each situation of a credential has its status, a reason for programs, and a challenge where there is something to buy.

use crate::stand::{Answer, Crafted, Purchase, Stand, keys};
use l402_core::{DerivedKeys, MasterKey};

const GOOD: [u8; 32] = [1; 32];

/// What a client presents, and what it is told.
struct Row {
    what: &'static str,
    fields: Vec<(&'static str, String)>,
    /// For programs.
    reason: &'static str,
    /// A part of the message for people, where there is one.
    part: &'static str,
}

impl Row {
    fn new(what: &'static str, reason: &'static str, fields: Vec<(&'static str, String)>) -> Self {
        Self { what, fields, reason, part: "" }
    }

    fn credential(what: &'static str, reason: &'static str, credential: String) -> Self {
        Self::new(what, reason, vec![("Authorization", credential)])
    }

    fn malformed(what: &'static str, part: &'static str, credential: String) -> Self {
        Self { part, ..Self::credential(what, "malformed-credential", credential) }
    }

    fn metadata(what: &'static str, part: &'static str, name: &'static str, value: &str) -> Self {
        Self { part, ..Self::new(what, "malformed-credential", vec![(name, value.to_owned())]) }
    }
}

/// Presents each row, and demands this status, its reason, and what goes for every answer.
async fn all_are(stand: &Stand, rows: &[Row], status: u16, sells: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    for row in rows {
        let fields: Vec<(&str, &str)> = row.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let asked_before = stand.payee.invoices_asked();
        let answer = stand.ask("GET", "/v1/now", &fields).await;
        let told = answer.text();
        assert_eq!((answer.status, answer.reason().as_str()), (status, row.reason), "{}: {told}", row.what);
        assert_eq!(answer.fields("cache-control"), ["no-store"], "{}", row.what);
        assert_eq!(answer.fields("content-type"), ["application/json"], "{}", row.what);
        assert!(answer.fields("retry-after").is_empty(), "{}", row.what);
        if sells {
            let (token, invoice) = answer.challenge();
            let body = answer.json();
            assert_eq!((body["token"].as_str(), body["invoice"].as_str()), (Some(&*token), Some(invoice.bolt11())));
            assert_eq!(body["price_msat"], 1_000, "{}", row.what);
        } else {
            assert!(answer.fields("www-authenticate").is_empty() && !told.contains("lnbc"), "{}: {told}", row.what);
            assert!(answer.json()["message"].as_str().unwrap().contains(row.part), "{}: {told}", row.what);
            assert_eq!(stand.payee.invoices_asked(), asked_before, "{}: the node was asked", row.what);
        }
        for (_, value) in fields.iter().filter(|(_, value)| value.len() > 20) {
            let secret = value.split_once(' ').map_or(*value, |(_, rest)| rest);
            assert!(!told.contains(secret), "{}: the value is repeated", row.what);
        }
        answers.push(answer);
    }
    assert_eq!(stand.upstream.take(), [""; 0], "nothing was forwarded");
    answers
}

fn good(stand: &Stand) -> Purchase {
    Purchase::mint(&keys(), &stand.offer("GET", "/v1/now"), GOOD, 0)
}

#[tokio::test]
async fn no_credential_is_402_with_a_fresh_challenge() {
    let stand = Stand::open().await;
    let row = |what, fields| Row::new(what, "payment-required", fields);
    let rows = [
        row("nothing", vec![]),
        row("another scheme", vec![("Authorization", "Bearer abc".to_owned())]),
        row("an empty field", vec![("Authorization", String::new())]),
        row("a scheme that begins like ours", vec![("Authorization", "L4022 AgEE:00".to_owned())]),
        row("two credentials of others", vec![("Authorization", "Bearer a".to_owned()), ("Token", "b".to_owned())]),
    ];
    let answers = all_are(&stand, &rows, 402, true).await;
    assert_eq!(answers[0].json()["error"], "Payment Required");
    let format = answers[0].json()["authorization_format"].to_string();
    assert!(format.starts_with("\"L402 AgEE") && format.ends_with(":<preimage>\""), "{format}");
}

/// Credentials that cannot be read, and the part that is named.
fn malformed(stand: &Stand) -> Vec<Row> {
    let good = good(stand);
    let (token, preimage) = (&good.token, good.preimage());
    let other = Purchase::mint(&keys(), &stand.offer("GET", "/v1/now"), [2; 32], 0);
    let version = good.changed(|bytes| bytes[9] = 7); // behind `02 01 04 lsat 02 42`
    let longer = good.changed(|bytes| bytes.push(0));
    let twice = good.with(format!("preimage={preimage}"));
    vec![
        Row::malformed("only the scheme", "preimage", "L402".to_owned()),
        Row::malformed("no preimage", "preimage", format!("L402 {token}")),
        Row::malformed("an empty preimage", "preimage", format!("L402 {token}:")),
        Row::malformed("a short preimage", "preimage", format!("L402 {token}:{}", &preimage[1..])),
        Row::malformed("a long preimage", "preimage", format!("L402 {token}:{preimage}00")),
        Row::malformed("other digits", "preimage", format!("L402 {token}:{}zz", &preimage[2..])),
        Row {
            part: "more than one credential",
            ..Row::credential(
                "two credentials in a line",
                "ambiguous-credential",
                format!("L402 {token}:{preimage}, L402 {token}:{preimage}"),
            )
        },
        Row::malformed("no token", "token", format!("L402 :{preimage}")),
        Row::malformed("no second token", "token", format!("L402 {token},:{preimage}")),
        Row::malformed("no base64", "base64", format!("L402 ????:{preimage}")),
        Row::malformed("a space in the token", "base64", format!("L402 {} {}:{preimage}", &token[..40], &token[40..])),
        Row::malformed("no macaroon", "macaroon", format!("L402 AAAA:{preimage}")),
        Row::malformed("half a macaroon", "macaroon", format!("L402 {}:{preimage}", &token[..80])),
        Row::malformed("bytes behind the macaroon", "macaroon", longer.credential()),
        Row::malformed("another identifier", "version 1792", version.credential()),
        Row::malformed("five tokens", "more than 4", format!("L402 {}:{preimage}", [token.as_str(); 5].join(","))),
        Row::malformed("two payments", "different payments", format!("L402 {token},{}:{preimage}", other.token)),
        Row::malformed(
            "two preimages",
            "two different preimages",
            format!("L402 {}:{}", twice.token, other.preimage()),
        ),
        Row::metadata("metadata in base64", "hexadecimal", "Macaroon", token),
        Row::metadata("metadata without a preimage", "preimage", "Grpc-Metadata-Macaroon", &good.hex()),
        Row::metadata("metadata with half a token", "macaroon", "Token", &good.metadata()[..80]),
        Row::metadata("metadata of an odd length", "hexadecimal", "Grpc-Metadata-Token", &good.metadata()[1..]),
    ]
}

#[tokio::test]
async fn a_malformed_credential_is_400_and_names_the_part() {
    let stand = Stand::open().await;
    all_are(&stand, &malformed(&stand), 400, false).await;
}

#[tokio::test]
async fn a_malformed_credential_is_401_where_the_operator_wants_the_literal_rule() {
    let stand = Stand::with("protocol = { malformed_status = 401 }").await;
    all_are(&stand, &malformed(&stand), 401, false).await;
}

/// Credentials that are well-formed and prove nothing.
fn forged(stand: &Stand) -> Vec<Row> {
    let (good, offer) = (good(stand), stand.offer("GET", "/v1/now"));
    let stranger = DerivedKeys::new(0, &MasterKey::from_bytes([8; 32]));
    let gone = DerivedKeys::new(1, &MasterKey::from_bytes(crate::stand::MASTER));
    let wrong_preimage = format!("L402 {}:{}", good.token, "ee".repeat(32));
    let flipped = good.changed(|bytes| *bytes.last_mut().unwrap() ^= 1);
    let cut = good.with("maps_valid_until=1").changed(|bytes| {
        let caveat = b"\x02\x12maps_valid_until=1\x00";
        let at = bytes.windows(caveat.len()).position(|window| window == caveat).unwrap();
        bytes.drain(at..at + caveat.len());
    });
    let dearer = good.changed(|bytes| {
        let at = bytes.windows(6).position(|window| window == b"maps:0").unwrap();
        bytes[at + 5] = b'9';
    });
    [
        ("another preimage", wrong_preimage),
        ("a bit of the signature", flipped.credential()),
        ("a caveat that was cut out", cut.credential()),
        ("a caveat that was changed", dearer.credential()),
        ("another key", Purchase::mint(&stranger, &offer, GOOD, 0).credential()),
        ("a key that is not there", Purchase::mint(&gone, &offer, GOOD, 0).credential()),
        ("one of two tokens", format!("L402 {},{}:{}", good.token, flipped.token, good.preimage())),
    ]
    .map(|(what, credential)| Row::credential(what, "forged", credential))
    .into_iter()
    .chain([Row::new("metadata", "forged", vec![("Macaroon", flipped.metadata())])])
    .collect()
}

#[tokio::test]
async fn a_forged_credential_is_401_with_a_challenge_that_can_be_paid() {
    let stand = Stand::open().await;
    let answers = all_are(&stand, &forged(&stand), 401, true).await;
    assert_eq!(answers[0].json()["error"], "Invalid token");
    let fresh = stand.pay(&answers[0]).await;
    assert_eq!(stand.present("GET", "/v1/now", &fresh.credential()).await.body, "served");
}

#[tokio::test]
async fn a_forged_credential_is_402_where_clients_do_not_recover_from_401() {
    let stand = Stand::with("protocol = { forged_status = 402 }").await;
    all_are(&stand, &forged(&stand), 402, true).await;
}

/// Authentic tokens that do not permit `GET /v1/now`, with the reason.
fn elsewhere(stand: &Stand) -> Vec<Row> {
    let good = good(stand);
    let mint = |method, path, later| Purchase::mint(&keys(), &stand.offer(method, path), GOOD, later);
    let crafted = || Crafted::new(GOOD);
    let whole = || crafted().caveat(b"services=maps:0").caveat(b"maps_capabilities=get-v1-now");
    [
        ("sold two hours ago", "expired", mint("GET", "/v1/now", -7200)),
        ("brought to an end", "expired", good.with("maps_valid_until=1000")),
        ("for another service", "other-service", mint("GET", "/gold/tile", 0)),
        ("for another path", "other-capability", mint("GET", "/v1/past/2024", 0)),
        ("for another method", "other-capability", mint("POST", "/v1/now", 0)),
        ("given to another path", "other-capability", good.with("maps_capabilities=tile")),
        ("a later end than before", "widened", good.with("maps_valid_until=99999999999")),
        ("an end in words", "undecodable-caveat", good.with("maps_valid_until=never")),
        ("no condition at all", "undecodable-caveat", good.with("maps")),
        ("no text", "undecodable-caveat", good.with(b"maps_capabilities=\xff\xfe")),
        ("an unknown condition", "unknown-caveat", good.with("maps_color=red")),
        ("a condition of no service", "unknown-caveat", good.with("ip=127.0.0.1")),
        ("a party to be asked", "third-party-caveat", whole().third_party(b"elsewhere", b"id").sign()),
        ("no services", "no-services", crafted().caveat(b"maps_capabilities=get-v1-now").sign()),
        ("no capabilities", "no-capabilities", crafted().caveat(b"services=maps:0").sign()),
    ]
    .map(|(what, reason, token)| Row::credential(what, reason, token.credential()))
    .into()
}

#[tokio::test]
async fn an_authentic_token_for_something_else_is_402_with_the_reason() {
    let stand = Stand::open().await;
    all_are(&stand, &elsewhere(&stand), 402, true).await;
    let lower = stand.offer("GET", "/v1/gold").tier(0);
    let of_lower_tier = Purchase::mint(&keys(), &lower, GOOD, 0);
    let answer = stand.present("GET", "/v1/gold", &of_lower_tier.credential()).await;
    assert_eq!((answer.status, answer.reason().as_str()), (402, "tier-too-low"));
}
