//! No error and no `Debug` shows what may be a secret.

use crate::stand::{environment, fault, read, with_service};
use l402_server::config::Config;

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    for (text, expected) in [
        (
            "lightning = { backend = \"lndconnect://a?macaroon=CANARY\" }",
            "line 1: lightning.backend: unknown value; did you mean `lnd`?",
        ),
        ("[log]\nformat = \"CANARYCANARYCANARYCANARYC\"", "line 2: log.format: unknown value; valid are human, json"),
        (
            "lightning = \"lndconnect://\\\"CANARY\\\"\"",
            "line 1: lightning: invalid type: string, expected struct Lightning",
        ),
    ] {
        let told = fault(text);
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn h2_no_value_of_a_header_or_password_is_ever_shown() {
    for (lines, expected) in [
        (
            "headers = { A = { env = \"NOT_SET\" } }",
            "line 4: service.headers.A: the environment variable NOT_SET is not set",
        ),
        (
            "headers = { A = { env = \"EMPTY\" } }",
            "line 4: service.headers.A: the environment variable EMPTY is not set",
        ),
        (
            "headers = { A = { env = \"BROKEN_KEY\" } }",
            "line 4: service.headers.A: the value contains characters that are not allowed in a header",
        ),
        ("headers = { \"a b\" = \"canary\" }", "line 4: service.headers.a b: not a valid header name"),
        ("headers = { Host = \"canary\" }", "line 4: service.headers.Host: the field host cannot be set"),
        ("paid_headers = { TE = \"canary\" }", "line 4: service.paid_headers.TE: the field te cannot be set"),
        (
            "headers = { A = 5 }",
            "line 4: service.headers.A: invalid type: integer `5`, expected a text or { env = \"NAME\" }",
        ),
    ] {
        assert_eq!(fault(&with_service(&format!("{lines}\nprice = \"1 sat\""))), expected, "{lines}");
    }
    let config = read(include_str!("../everything.toml"));
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
}

/// Long enough to be a key, and as a password within an address short enough to be none.
const KEY: &str = "canary7f3a9c41e2b85d06c4f1a09e7b6d5c38";

/// What somebody might write in place of a value: raw TOML.
fn mistakes() -> Vec<String> {
    let bare = ["canary-7", "me:canary-7@host:1", "user canary-7"];
    let mut texts: Vec<String> = [
        KEY.to_owned(),
        format!("Bearer {KEY}"),
        format!("/a/{KEY}"),
        format!("{KEY} sat"),
        format!("{KEY}\\n"),
        format!("\u{e9}{KEY}"),
        format!("${{{KEY}}}"),
        format!("${{NAME}}{KEY}"),
        format!("{KEY}${{NAME}}"),
    ]
    .into();
    for scheme in ["http", "https", "h2c", "ssl", "ftp", "lndconnect"] {
        texts.push(format!("{scheme}://me:canary-7@host:1"));
        texts.push(format!("{scheme}://me:can@ry/canary-7@host:1/path"));
        texts.push(format!("{scheme}://host:1/canary-7?key=canary-7#canary-7"));
        texts.push(format!("{scheme}://host:x?canary-7"));
    }
    let mut raw: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    raw.extend(texts.iter().map(|text| format!("[\"{text}\"]")));
    raw.extend(bare.iter().map(|text| format!("\"{}\"", text.replace("canary-7", KEY))));
    for text in [KEY.to_owned(), "https://me:canary-7@host:1".to_owned()] {
        raw.push(format!("{{ env = \"{text}\" }}"));
        raw.push(format!("{{ env = \"NOT_SET\", prefix = \"{text}\" }}"));
        raw.push(format!("{{ env = [\"{text}\"] }}"));
        raw.push(format!("{{ value = \"{text}\" }}"));
        raw.push(format!("\"{text}")); // not closed
        raw.push(format!("\"\\q{text}\""));
        raw.push(text.clone()); // not quoted
        raw.push(format!("12 {text}"));
        raw.push(format!("\"\"\"{text}\"\"\" {text}"));
    }
    raw
}

/// The values of a file, with the names of their keys and where they stand.
fn values(text: &str) -> Vec<(String, core::ops::Range<usize>)> {
    fn walk(
        key: &str,
        value: &toml::Spanned<toml::de::DeValue<'_>>,
        found: &mut Vec<(String, core::ops::Range<usize>)>,
    ) {
        match value.get_ref() {
            toml::de::DeValue::Table(table) => {
                table.iter().for_each(|(name, value)| walk(&format!("{key}.{}", name.get_ref()), value, found));
            }
            toml::de::DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                items.iter().for_each(|item| walk(key, item, found));
            }
            _ => found.push((key.to_owned(), value.span())),
        }
    }
    let mut found = Vec::new();
    for (name, value) in toml::de::DeTable::parse(text).expect("TOML").get_ref() {
        walk(name.get_ref(), value, &mut found);
    }
    found
}

/// Puts each mistake in the place of each value of the file that uses every key.
#[test]
fn o2_h2_no_error_and_no_debug_shows_what_may_be_a_secret() {
    let leaks = |shown: &str| shown.contains("canary-7") || shown.contains(&KEY[..30]) || shown.contains("ry/canary");
    // What these hold is public: it stands in tokens, in challenges, or in the log at every start.
    let public = |key: &str| {
        let names = [
            "name",
            "level",
            "path",
            "free",
            "capability",
            "description",
            "alias",
            "data_dir",
            "key_dir",
            "storage_dir",
            "bitcoind.user",
            "bitcoind.host",
        ];
        names.iter().any(|name| key.ends_with(name))
    };
    let text = include_str!("../everything.toml");
    let values = values(text);
    assert!(values.len() > 60, "{}", values.len());
    let (mut wrong, mut right) = (0, 0);
    for (key, place) in values {
        for mistake in mistakes() {
            let text = [&text[..place.start], &mistake, &text[place.end..]].concat();
            match Config::from_text(&text, &environment) {
                Err(error) => {
                    wrong += 1;
                    for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
                        assert!(!leaks(&shown), "{key} = {mistake}: {shown}");
                    }
                }
                Ok(config) => {
                    right += 1;
                    let shown = format!("{config:?}");
                    assert!(public(&key) || !leaks(&shown), "{key} = {mistake}: {shown}");
                }
            }
        }
    }
    assert!(wrong > 1_000 && right > 50, "{wrong} {right}");
    for variable in
        ["UPSTREAM_URL", "L402_PRICE", "L402_LISTEN", "LND_SOCKET", "LND_CERT", "LND_MACAROON", "LND_CONNECT"]
    {
        for mistake in mistakes() {
            let variables = |name: &str| match name {
                name if name == variable => Some(mistake.trim_matches('"').to_owned()),
                "UPSTREAM_URL" => Some("http://a".to_owned()),
                other => environment(other),
            };
            let shown = match Config::from_environment(&variables) {
                Err(error) => format!("{error}\n{error:?}"),
                Ok(config) => format!("{config:?}"),
            };
            assert!(!leaks(&shown), "{variable}={mistake}: {shown}");
        }
    }
}
