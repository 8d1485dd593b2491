//! An LND in the configuration: from the file, from the environment, or from both.

use core::any::Any;
use l402_core::macaroon::{RootKey, hex, mint};
use l402_lightning::Network;
use l402_lightning::backend::PayeeSetup;
use l402_lnd::LndConfig;
use l402_server::config::Config;

fn environment(name: &str) -> Option<String> {
    (name == "L402_SERVER_DATA_DIR").then(|| "/data".to_owned())
}

fn fault(text: &str) -> String {
    Config::from_text(text, &environment).expect_err(text).to_string()
}

/// A macaroon that allows to read something of this name; the configuration has no opinion on it.
fn macaroon(entity: &[u8]) -> String {
    let field = |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).expect("short")], bytes].concat();
    let op = [field(0x0a, entity), field(0x12, b"read")].concat();
    let identifier = [vec![3], field(0x1a, &op)].concat();
    let (mut bytes, mut text) = ([0; 128], [0; 256]);
    let token = mint(&RootKey::new(b"root"), b"lnd", &identifier, &[], &mut bytes).expect("short");
    hex::encode_into(token.as_bytes(), &mut text).expect("long enough").to_owned()
}

/// A URI with such a macaroon.
fn uri(socket: &str, entity: &[u8]) -> String {
    let certificate: String = CERT.lines().filter(|line| !line.starts_with('-')).collect();
    let certificate = certificate.replace('+', "-").replace('/', "_").replace('=', "");
    format!("lndconnect://{socket}?cert={certificate}&macaroon={}", macaroon(entity))
}

/// What the macaroon allows.
fn names(settings: &LndConfig) -> Vec<String> {
    settings.macaroon.permissions().expect("LND's").iter().map(ToString::to_string).collect()
}

fn settings(config: &Config) -> &LndConfig {
    let settings: &dyn PayeeSetup = &*config.lightning;
    let settings: &dyn Any = settings;
    settings.downcast_ref().unwrap_or_else(|| panic!("an LND, not {:?}", config.lightning))
}

#[test]
fn a_file_names_values_or_files_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tls.cert"), CERT).expect("written");
    let path = folder.path().join("gateway.toml");
    let text = "upstream = \"http://a\"\n[lightning]\nbackend = \"lnd\"\nnetwork = \"regtest\"\nsocket = \"lnd:10\"\n\
         cert = \"tls.cert\"\nmacaroon = { env = \"MACAROON\" }\nprivate_hints = false";
    std::fs::write(&path, text).expect("written");
    let variables = |name: &str| if name == "MACAROON" { Some(macaroon(b"canary")) } else { environment(name) };
    let config = Config::from_file(&path, &variables).expect("a configuration");
    let settings = settings(&config);
    assert_eq!(settings.socket.to_string(), "lnd:10");
    assert_eq!((settings.network, settings.private_hints), (Some(Network::Regtest), false));
}

#[test]
fn the_environment_alone_is_enough() {
    let variables = |name: &str| match name {
        "UPSTREAM_URL" => Some("http://a".to_owned()),
        "LND_SOCKET" => Some("lnd".to_owned()),
        "LND_CERT" => Some(CERT.to_owned()),
        "LND_MACAROON" => Some(macaroon(b"canary")),
        other => environment(other),
    };
    let config = Config::from_environment(&variables).expect("a configuration");
    let settings = settings(&config);
    assert_eq!((settings.socket.to_string().as_str(), settings.network), ("lnd:10009", None));
}

#[test]
fn whoever_names_a_part_of_an_lnd_is_told_what_is_missing_instead_of_given_the_sandbox() {
    let text = "upstream = \"http://a\"";
    let (macaroon, uri) = (macaroon(b"info"), uri("lnd", b"info"));
    for (name, value, missing) in [
        ("LND_SOCKET", "lnd", Some("lightning.cert: missing certificate of LND")),
        ("LND_CERT", CERT, Some("lightning.socket: missing host and port of LND")),
        ("LND_MACAROON", &macaroon, Some("lightning.socket: missing host and port of LND")),
        ("LND_CONNECT", &uri, None),
    ] {
        let with = |value: &str| {
            let variables = |other: &str| if other == name { Some(value.to_owned()) } else { environment(other) };
            Config::from_text(text, &variables).map_err(|fault| fault.to_string())
        };
        match (with(value), missing) {
            (Err(told), Some(missing)) => assert!(told.starts_with(missing), "{name}: {told}"),
            (found, missing) => {
                assert!(missing.is_none(), "{name}: {found:?}");
                settings(&found.expect(name));
            }
        }
        match with(" \n") {
            Ok(config) => assert!(config.lightning.is_play_money(), "{name}: {config:?}"),
            Err(told) => assert!(told.contains("built without the feature `sandbox`"), "{name}: {told}"),
        }
    }
}

#[test]
fn a_uri_of_the_environment_stands_for_all_that_the_file_says() {
    let uri = uri("first:1", b"first");
    let of_file = format!("socket = \"file:3\"\ncert = \"nowhere\"\nmacaroon = \"{}\"\n", macaroon(b"file"));
    let connect = format!("connect = \"{}\"", self::uri("file:4", b"file"));
    for (written, socket) in [(&of_file, None), (&connect, None), (&of_file, Some("second:2"))] {
        let text = format!("upstream = \"http://a\"\n[lightning]\nbackend = \"lnd\"\nnetwork = \"regtest\"\n{written}");
        let variables = |name: &str| match name {
            "LND_CONNECT" => Some(uri.clone()),
            "LND_SOCKET" => socket.map(str::to_owned),
            other => environment(other),
        };
        let config = Config::from_text(&text, &variables).expect("a configuration");
        let settings = settings(&config);
        assert_eq!(settings.socket.to_string(), socket.unwrap_or("first:1"));
        assert_eq!(names(settings), ["first:read"], "{written}");
        assert_eq!(settings.network, Some(Network::Regtest), "a URI does not say it");
    }
}

#[test]
fn what_a_uri_leaves_out_comes_from_elsewhere() {
    let cut = uri("first:1", b"first").replace("cert=", "none=");
    let text = format!("upstream = \"http://a\"\n[lightning]\nbackend = \"lnd\"\nconnect = \"{cut}\"");
    let read = |text: &str, set: &[(&str, &str)]| {
        let set = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::from_text(text, &|name: &str| set(name).or_else(|| environment(name)))
            .map_err(|fault| fault.to_string())
    };
    for config in [read(&text, &[("LND_CERT", CERT)]), read(&format!("{text}\ncert = {CERT:?}"), &[])] {
        let config = config.expect("a configuration");
        let settings = settings(&config);
        assert_eq!((settings.socket.to_string().as_str(), names(settings)), ("first:1", vec!["first:read".to_owned()]));
    }
    let told = read(&text, &[]).unwrap_err();
    assert!(told.contains("missing certificate of LND") && told.contains("write it here, or set LND_CERT"), "{told}");
    let told = read("upstream = \"http://a\"", &[("LND_CONNECT", &cut)]).unwrap_err();
    assert!(told.contains("LND_CONNECT has none, or set LND_CERT"), "{told}");
}

#[test]
fn a_blank_uri_of_the_environment_is_none() {
    let text =
        format!("upstream = \"http://a\"\n[lightning]\nbackend = \"lnd\"\nconnect = \"{}\"", uri("file:4", b"file"));
    let variables = |name: &str| if name == "LND_CONNECT" { Some(" ".to_owned()) } else { environment(name) };
    let config = Config::from_text(&text, &variables).expect("a configuration");
    let settings = settings(&config);
    assert_eq!(settings.socket.to_string(), "file:4");
}

#[cfg(feature = "sandbox")]
#[test]
fn the_file_names_another_backend() {
    let variables = |name: &str| if name == "LND_SOCKET" { Some("lnd".to_owned()) } else { environment(name) };
    let sandbox = "upstream = \"http://a\"\nlightning = { backend = \"sandbox\" }";
    let config = Config::from_text(sandbox, &variables).expect("a configuration");
    assert!(config.lightning.is_play_money(), "the file has said otherwise");
}

#[test]
fn each_setting_that_is_wrong_or_missing_is_named() {
    let text = "upstream = \"http://a\"\n[lightning]\nbackend = \"lnd\"\n";
    assert_eq!(
        fault(text),
        "lightning.socket: missing host and port of LND, such as \"127.0.0.1:10009\"; write it here, or set LND_SOCKET\n\
         lightning.cert: missing certificate of LND, such as \"/home/lnd/.lnd/tls.cert\"; write it here, or set LND_CERT\n\
         lightning.macaroon: missing macaroon for LND, such as \"l402-payee.macaroon\"; write it here, or set LND_MACAROON"
    );
    let all =
        format!("{text}socket = \"http://lnd\"\ncert = \"nowhere\"\nmacaroon = \"{}\"", &macaroon(b"canary")[2..]);
    let told = fault(&all);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "line 4: lightning.socket: LND's address is not host:port");
    assert!(lines[1].starts_with("line 5: lightning.cert: LND's certificate is not PEM, base64"), "{told}");
    assert!(lines[1].ends_with("No such file or directory (os error 2)"), "{told}");
    assert!(lines[2].starts_with("line 6: lightning.macaroon: LND's macaroon is not hexadecimal"), "{told}");
    assert!(!told.contains(&macaroon(b"canary")[8..40]), "{told}");

    let wrong = |name: &str| if name == "LND_MACAROON" { Some("canary".to_owned()) } else { environment(name) };
    let told = Config::from_text(text, &wrong).expect_err(text).to_string();
    assert!(told.contains("LND_MACAROON: LND's macaroon is not"), "{told}");
    assert!(!told.contains("canary"), "{told}");
}

#[cfg(all(feature = "ldk", feature = "sandbox"))]
#[test]
fn settings_of_another_backend_are_told() {
    let told = fault("upstream = \"http://a\"\n[lightning]\nbackend = \"lnd\"\nalias = \"me\"\ntemporary = true");
    assert!(told.contains("line 4: lightning.alias: not a setting of LND; add backend = \"ldk\""), "{told}");
    assert!(told.contains("lightning.temporary = \"true\": not allowed with real money"), "{told}");
}

#[cfg(feature = "sandbox")]
#[test]
fn settings_of_lnd_are_told_of_another_backend() {
    let of_lnd = "upstream = \"http://a\"\n[lightning]\nsocket = \"lnd\"";
    let expected = "line 3: lightning.socket: not a setting of the sandbox; add backend = \"lnd\"";
    assert_eq!(fault(of_lnd), expected);
}

#[test]
fn o2_debug_shows_no_macaroon() {
    let text = format!(
        "upstream = \"http://a\"\n[lightning]\nbackend = \"lnd\"\nsocket = \"lnd\"\ncert = \"\"\"{CERT}\"\"\"\n\
         macaroon = \"{}\"",
        macaroon(b"canary")
    );
    assert!(
        !format!("{:?}", Config::from_text(&text, &environment).expect("a configuration"))
            .contains(&macaroon(b"canary")[8..40])
    );
}

const CERT: &str = include_str!("lnd.cert");
