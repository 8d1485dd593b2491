//! The schema and the docs agree with the configuration that is read.

use crate::stand::read;
use l402_server::config::schema;
use std::collections::HashSet;

#[test]
fn the_schema_has_every_key() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).expect("JSON");
    for key in ["listen", "upstream", "service", "lightning", "protocol", "timeouts", "log"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert!(!schema.to_string().contains("null"), "TOML has none");
    assert_eq!(schema["$defs"]["Route"]["properties"]["price"]["type"], "string");
}

/// A setting that is left out has the default that the schema, `l402-server reference` and the docs say.
#[test]
fn a_default_that_is_written_out_changes_nothing() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).expect("JSON");
    let default = |table: &serde_json::Value, key: &str| match &table["properties"][key]["default"] {
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        default => Some(format!("{key} = {default}\n")),
    };
    let keys =
        |table: &serde_json::Value| table["properties"].as_object().expect("keys").keys().cloned().collect::<Vec<_>>();
    let upstream = "upstream = \"http://a\"\n";
    let service = format!("[[service]]\nname = \"a\"\n{upstream}price = \"1 sat\"\n");
    let mut tried = 0;
    let mut compare = |before: &str, text: &str| {
        let same = format!("{:?}", read(&format!("{before}{text}"))) == format!("{:?}", read(before));
        assert!(same, "{before}{text}");
        tried += 1;
    };
    for key in keys(&schema) {
        if let Some(text) = default(&schema, &key) {
            compare(upstream, &text);
        }
    }
    for (name, table) in [("log", "Log"), ("protocol", "Protocol"), ("timeouts", "Timeouts"), ("limits", "Limits")] {
        let table = &schema["$defs"][table];
        for text in keys(table).iter().filter_map(|key| default(table, key)) {
            compare(upstream, &format!("[{name}]\n{text}"));
        }
    }
    let table = &schema["$defs"]["Service"];
    for text in keys(table).iter().filter_map(|key| default(table, key)) {
        compare(&service, &text);
    }
    assert!(tried > 30, "{tried}");
}

/// A block without an upstream is completed with one.
#[test]
fn every_configuration_in_the_docs_is_valid() {
    let blocks =
        PAGES.iter().flat_map(|page| page.split("```toml\n").skip(1)).filter_map(|rest| rest.split("```").next());
    let reads_files = |text: &&str| text.contains("backend = \"lnd\"") || text.contains("backend = \"nwc\"");
    let blocks: Vec<_> = blocks.filter(|text| !reads_files(text)).collect();
    assert!(blocks.len() >= 18, "{blocks:?}");
    for text in blocks {
        let upstream = if text.contains("upstream = ") { "" } else { "upstream = \"http://a\"\n" };
        read(&format!("{upstream}{text}"));
    }
}

#[test]
fn the_docs_list_every_key() {
    let page = include_str!("../../../docs/gateway/configuration.md");
    let words: HashSet<_> = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let schema: serde_json::Value = serde_json::from_str(&schema()).expect("JSON");
    let tables = schema["$defs"].as_object().expect("tables").values().chain([&schema]);
    let keys: Vec<_> =
        tables.filter_map(|table| table["properties"].as_object()).flat_map(|keys| keys.keys()).collect();
    assert!(keys.len() > 60, "{keys:?}");
    for key in keys {
        assert!(words.contains(key.as_str()), "docs/gateway/configuration.md does not name {key}");
    }
}

/// What shows a configuration file, or a part of one.
const PAGES: [&str; 7] = [
    include_str!("../../../README.md"),
    include_str!("../../../docs/gateway.md"),
    include_str!("../../../docs/gateway/configuration.md"),
    include_str!("../../../docs/gateway/money.md"),
    include_str!("../../../docs/gateway/nginx.md"),
    include_str!("../../../docs/gateway/selling.md"),
    include_str!("../../../docs/operate.md"),
];
