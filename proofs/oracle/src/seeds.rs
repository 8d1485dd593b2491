//! First cases for properties: whatever the files of `spec-vectors` hold, and a few made here.
//!
//! The files are walked without regard to their layout. A text is a seed as it stands and, where it can be decoded, as bytes; a list of texts is
//! one seed of lines; a pair of a field's name and value is one line. Each is a seed once more behind zeroes, which leave a
//! property's choices at their first values.

use crate::second::macaroon::Macaroon;
use crate::second::text::{base64, hex, sha256, to_base64, to_hex};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

/// The most bytes of a seed: more than the longest header field that is read.
pub const MAX_LEN: usize = 40960;

/// How many bytes at the front of a case a property may take for its choices.
pub const CHOICES: usize = 19;

/// Words that headers and caveats are made of.
pub const WORDS: &[&str] = &[
    "L402 ",
    "LSAT ",
    "l402\t",
    "Basic ",
    "Negotiate ab/+==",
    "token=",
    "macaroon=",
    "version=",
    "invoice=",
    "realm=",
    "\"lightning:",
    "LIGHTNING: ",
    "\" token=\"",
    "valid_until=",
    "\"0\"",
    "\"AgEE\"",
    "\"lnbc1\"",
    "=",
    ",",
    ", ",
    ":",
    "\"",
    "\\\"",
    "\\",
    " ",
    "\t",
    "\n",
    ": ",
    "authorization: ",
    "Macaroon: ",
    "Token: 0201",
    "grpc-metadata-macaroon: ",
    "grpc-metadata-token: ",
    "services=",
    "weather:0",
    "x:1",
    "x_y:2",
    "x_capabilities=",
    "x_y_capabilities=",
    "weather_capabilities=",
    "a",
    "b",
    "x_valid_until=",
    "weather_valid_until=",
    "weather_uses=",
    "x_uses=",
    "x_sale=",
    "weather_sale=21000,default",
    "weather_balance_msat=",
    "3:label",
    "1700000000",
    "1700000050",
    "99999999999999999999",
    "preimage=",
    "1111111111111111",
    "0201046c736174",
    "AgEEbHNhdAJC",
    "\u{b}",
    "\r",
    "\u{7f}",
    "\u{2}",
    "\u{0}",
    "\u{1}",
    "\u{4}",
    "\u{6} ",
    "\u{80}",
    "0012location ",
    "cid ",
    "vid ",
    "cl ",
    "signature ",
];

/// Seeds from all JSON files under a folder.
///
/// # Errors
/// A folder or file cannot be read, or is no JSON.
pub fn from_vectors(folder: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut seeds = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                collect(&serde_json::from_slice(&fs::read(&path)?)?, &mut seeds);
            }
        }
    }
    Ok(seeds)
}

/// A few seeds that need no file.
pub fn builtin() -> BTreeSet<Vec<u8>> {
    let preimage = [1; 32];
    let identifier = [&[0, 0][..], &sha256(&preimage), &[5; 32]].concat();
    let caveats = ["services=weather:0", "weather_capabilities="].map(|text| text.as_bytes().to_vec());
    let token = Macaroon::mint(&[0; 8], b"lsat", &identifier, &caveats).write_v2();
    let (text, preimage) = (to_base64(&token), to_hex(&preimage));
    let mut seeds = BTreeSet::new();
    for line in [
        format!("L402 {text}:{preimage}"),
        format!("LSAT {text},{text}:{preimage}"),
        format!("Macaroon: {}", to_hex(&token)),
        format!("L402 version=\"0\", token=\"{text}\", invoice=\"lnbc1\""),
        format!("LSAT macaroon={text}, invoice=lnbc1"),
        "services=weather:0\nweather_capabilities=\nweather_valid_until=1700000050".to_owned(),
        "services=weather:0\nweather_uses=3\nweather_sale=1,a\nweather_valid_until=1700000050\nweather_uses=2:b"
            .to_owned(),
        r#" {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}}"#.to_owned(),
        "\u{1}event: x\ndata: {\"response\": {\"usage\": {\"input_tokens\": 9, \"output_tokens\": 12}}}\n\ndata: [DONE]\n\n"
            .to_owned(),
        "0013identifier 12\n000bcid 34\n002fsignature 0123456789abcdef0123456789abcdef\n".to_owned(),
    ] {
        add(line.into_bytes(), &mut seeds);
    }
    add(token, &mut seeds);
    add(identifier, &mut seeds);
    seeds
}

/// Caveats for a service, and for others of which one begins like a condition of another.
pub fn caveats(service: &str) -> Vec<String> {
    let mut all: Vec<_> = [0, 0, 1, 1, 2, 2].map(|tier| format!("services={service}:{tier}")).into();
    all.extend(
        [
            "services=x:2,x_y:1,y:0,weather:1",
            "services=x:2,x_y:1\nx_y_capabilities=a",
            "services=weather:2,x:1",
            "x_y_capabilities=a",
            "preimage=",
        ]
        .map(str::to_owned),
    );
    all.extend(["", "a", "b", "a,b"].map(|names| format!("{service}_capabilities={names}")));
    all.extend([1_699_999_950_u64, 1_700_000_000, 1_700_000_100].map(|end| format!("{service}_valid_until={end}")));
    all.extend(["4", "3", "2", "2:a", "1:b", "1", "0", "1:"].map(|uses| format!("{service}_uses={uses}")));
    all.extend(
        ["sale=1,a", "sale=1", "balance_msat=1", "balance_msat=9007199254740991", "balance_msat=1:b"]
            .map(|rest| format!("{service}_{rest}")),
    );
    all.extend(["note=1", "capabilities", "valid_until"].map(|rest| format!("{service}_{rest}")));
    all
}

/// The services that properties ask for.
pub const SERVICES: [&str; 4] = ["weather", "x", "x_y", "y"];

fn collect(value: &Value, seeds: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::String(text) => add_text(text, seeds),
        Value::Array(items) => {
            if let Some(text) = pieces(items) {
                add_text(&text, seeds);
            }
            add_lines(items, seeds);
            for item in items {
                collect(item, seeds);
            }
        }
        Value::Object(members) => {
            if let (Some(Value::String(name)), Some(Value::String(value))) = (members.get("name"), members.get("value"))
            {
                add(format!("{name}: {value}").into_bytes(), seeds);
            }
            for member in members.values() {
                collect(member, seeds);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A long text, written as pieces of which some are repeated.
fn pieces(items: &[Value]) -> Option<String> {
    let piece = |item: &Value| match (item.as_str(), item.get("repeat"), item.get("times")) {
        (Some(text), _, _) => Some(text.to_owned()),
        (None, Some(text), Some(times)) => Some(text.as_str()?.repeat(times.as_u64()?.try_into().ok()?)),
        _ => None,
    };
    items.iter().any(Value::is_object).then(|| items.iter().map(piece).collect())?
}

fn add_text(text: &str, seeds: &mut BTreeSet<Vec<u8>>) {
    add(text.as_bytes().to_vec(), seeds);
    let decoded = hex(text.as_bytes()).or_else(|| base64(text.as_bytes()).filter(|_| text.len() >= 40));
    if let Some(bytes) = decoded {
        add(bytes, seeds);
    }
}

/// A list of texts as lines, of hexadecimal texts as decoded lines, and of pairs as fields.
fn add_lines(items: &[Value], seeds: &mut BTreeSet<Vec<u8>>) {
    let texts: Option<Vec<String>> = items.iter().map(line).collect();
    let Some(texts) = texts.filter(|texts| texts.len() > 1) else { return };
    let decoded: Option<Vec<_>> = texts.iter().map(|text| hex(text.as_bytes())).collect();
    if let Some(lines) = decoded {
        add(lines.join(&b'\n'), seeds);
    }
    add(texts.join("\n").into_bytes(), seeds);
}

fn line(item: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match item {
        Value::Array(pair) => Some(format!("{}: {}", text(pair.first()?)?, text(pair.get(1)?)?)),
        Value::Object(field) => Some(format!("{}: {}", text(field.get("name")?)?, text(field.get("value")?)?)),
        item => text(item),
    }
}

fn add(seed: Vec<u8>, seeds: &mut BTreeSet<Vec<u8>>) {
    let behind_zeroes = [&[0; CHOICES][..], &seed].concat();
    seeds.extend([seed, behind_zeroes].into_iter().filter(|seed| seed.len() <= MAX_LEN));
}
