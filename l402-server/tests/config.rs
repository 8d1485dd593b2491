//! The configuration as an operator meets it: what is read, and what each mistake is answered with.

use core::time::Duration;
use l402_core::{ForgedStatus, MalformedStatus, Name, SettlementRule, UnknownCaveats};
use l402_gateway::settings::{LsatLine, OwnPaths, RequestLines};
use l402_http::cors::Cors;
use l402_server::config::{Chain, Config, ConfigError, Lightning, LogFormat, schema};
use std::collections::HashSet;

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "MODEL_KEY" => "sk-canary",
        "BITCOIND_PASSWORD" => "rpc-canary",
        "BROKEN_KEY" => "sk-\ncanary",
        "EMPTY" => "",
        "L402_SERVER_DATA_DIR" => "/data",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Config {
    Config::from_text(text, &environment).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

fn fault(text: &str) -> String {
    Config::from_text(text, &environment).expect_err(text).to_string()
}

/// A file with one service, into which a line of it, or a whole table, is put.
fn with_service(lines: &str) -> String {
    format!("[[service]]\nname = \"weather\"\nupstream = \"http://127.0.0.1:3000\"\n{lines}")
}

#[test]
fn an_upstream_alone_is_sold_whole_for_one_sat_on_loopback() {
    let only_upstream = |name: &str| match name {
        "UPSTREAM_URL" => Some("http://localhost:3000".to_owned()),
        other => environment(other),
    };
    let config = Config::from_environment(&only_upstream).expect("a configuration");
    assert_eq!(config.settings.listen.to_string(), "127.0.0.1:8402");
    let told = (config.settings.own_paths, config.settings.lsat_line, config.settings.request_lines);
    assert_eq!(told, (OwnPaths::Answered, LsatLine::Sent, RequestLines::Off));
    assert_eq!((config.log.format, config.log.filter.as_str()), (LogFormat::Human, "info"));
    assert_eq!(config.settings.key_dir.to_str(), Some("/data/keys"));
    assert!(
        matches!(&config.lightning, Lightning::Sandbox { dir: Some(dir) } if dir.to_str() == Some("/data/sandbox"))
    );
    assert_eq!(config.settings.gate.settlement, SettlementRule::Strict);
    let [service] = config.settings.services() else { panic!("one service") };
    assert_eq!(service.upstream.authority(), "localhost:3000");
    let [route] = service.routes.as_slice() else { panic!("one route") };
    assert_eq!((route.path.as_str(), route.offer.price_msat.get(), route.offer.valid_for), ("/*", 1_000, 3_600));
    assert_eq!(route.offer.capability.as_ref().map(Name::as_str), Some("all"));
}

#[test]
fn environment_variables_override_the_file() {
    let variables = |name: &str| match name {
        "UPSTREAM_URL" => Some("http://b:2".to_owned()),
        "L402_PRICE" => Some("5 sat".to_owned()),
        "L402_LISTEN" => Some("[::]:80".to_owned()),
        other => environment(other),
    };
    let text = "upstream = \"http://a:1\"\nprice = \"1 sat\"\nlisten = \"127.0.0.1:1\"\ndata_dir = \"/other\"";
    let config = Config::from_text(text, &variables).expect("a configuration");
    assert_eq!(config.settings.services()[0].upstream.authority(), "b:2");
    assert_eq!(config.settings.services()[0].routes[0].offer.price_msat.get(), 5_000);
    assert_eq!(config.settings.listen.to_string(), "[::]:80");
    assert_eq!(config.settings.key_dir.to_str(), Some("/data/keys"));
}

#[test]
fn every_key_can_be_set() {
    let config = read(include_str!("everything.toml"));
    assert_eq!(config.settings.threads.get(), 3);
    let told = (config.settings.own_paths, config.settings.lsat_line, config.settings.request_lines);
    assert_eq!(told, (OwnPaths::Forwarded, LsatLine::LeftOut, RequestLines::On));
    assert_eq!((config.log.format, config.log.filter.as_str()), (LogFormat::Json, "warn,l402_http=debug"));
    assert_eq!(config.settings.gate.malformed, MalformedStatus::Unauthorized);
    assert_eq!(config.settings.gate.forged, ForgedStatus::PaymentRequired);
    assert_eq!(config.settings.gate.unknown_caveats, UnknownCaveats::Skip);
    assert_eq!(config.settings.gate.settlement, SettlementRule::Trust);
    assert_eq!(
        (config.settings.request_head, config.settings.shutdown),
        (Duration::from_secs(10), Duration::from_secs(5))
    );
    assert_eq!(
        (config.settings.limits.connections, config.settings.limits.connections_per_client),
        (Some(2000), Some(100))
    );
    assert_eq!(
        (config.settings.limits.upstream_connections, config.settings.limits.requests_per_client),
        (Some(1000), Some(200))
    );
    assert_eq!((config.settings.limits.ipv4_prefix, config.settings.limits.ipv6_prefix), (24, 56));
    assert_eq!((config.settings.limits.slowest_upload, config.settings.trusted_proxies.len()), (64, 2));
    let Lightning::Ldk(node) = &config.lightning else { panic!("a node") };
    assert_eq!((node.network.as_str(), node.alias.as_deref()), ("signet", Some("the weather")));
    assert_eq!(node.storage_dir.to_str(), Some("/var/lib/l402/node"));
    assert_eq!(node.listen.len(), 2);
    let Chain::Bitcoind(bitcoind) = &node.chain else { panic!("a bitcoind") };
    assert_eq!((bitcoind.port, bitcoind.password.as_str()), (38332, "sk-canary"));
    let offers: Vec<_> =
        config.settings.services().iter().flat_map(|service| &service.routes).map(|route| &route.offer).collect();
    let capabilities: Vec<_> = offers.iter().filter_map(|offer| offer.capability.as_ref()).map(Name::as_str).collect();
    assert_eq!(capabilities, ["get-v1-now", "past", "past", "v1-station-id", "all"]);
    let terms: Vec<_> = offers.iter().map(|offer| (offer.price_msat.get(), offer.valid_for, offer.tier)).collect();
    assert_eq!(terms, [(21_000, 3_600, 1), (500, 604_800, 0), (900, 604_800, 2), (7_000, 60, 1), (2_000, 3_600, 0)]);
    assert_eq!(config.settings.policy().routes().len(), 7);
    let expiry = config
        .settings
        .services()
        .iter()
        .flat_map(|service| &service.routes)
        .map(|route| route.invoice_expiry.as_secs());
    assert_eq!(expiry.collect::<Vec<_>>(), [300, 300, 300, 30, 600]);
    let listed = Cors::origins(["https://shop.example", "http://localhost:5173"]).expect("origins");
    let cors: Vec<_> = config.settings.services().iter().map(|service| service.cors.clone()).collect();
    assert_eq!(cors, [listed, Cors::upstream()]);
    assert!(
        config
            .settings
            .policy()
            .routes()
            .iter()
            .all(|route| cors.contains(route.cors()) && *route.cors() != Cors::off())
    );
}

#[test]
fn p9_pages_may_call_the_quick_start_and_no_other_service_unless_it_says_so() {
    let of = |text: &str| read(text).settings.services()[0].cors.clone();
    assert_eq!(of("upstream = \"http://a\""), Cors::any());
    assert_eq!(of("upstream = \"http://a\"\ncors = false"), Cors::off());
    assert_eq!(
        of("upstream = \"http://a\"\ncors = [\"HTTPS://A.example:443\"]"),
        Cors::origins(["https://a.example"]).expect("one")
    );
    assert_eq!(of(&with_service("price = \"1 sat\"")), Cors::off());
    assert_eq!(of(&with_service("price = \"1 sat\"\ncors = true")), Cors::any());
}

#[test]
fn t3_each_route_has_a_capability_of_its_own() {
    let config = read(&with_service(
        "price = \"1 sat\"\n[[service.route]]\npath = \"/\"\n[[service.route]]\npath = \"/a\"\n[[service.route]]\npath = \"/a/*\"\n\
         [[service.route]]\npath = \"/a/{b}\"\n[[service.route]]\nmethods = [\"GET\", \"PUT\"]\npath = \"/a\"",
    ));
    let names: Vec<_> =
        config.settings.services()[0].routes.iter().map(|route| route.offer.capability.clone()).collect();
    let names: Vec<_> = names.iter().flatten().map(Name::as_str).collect();
    assert_eq!(names, ["root", "a", "a-all", "a-b", "get-put-a"]);
}

#[test]
fn deadlines_and_bounds_have_a_range() {
    let keys =
        ["request_head", "connect", "response", "idle", "tunnel", "after_grant", "keep_alive", "probe", "shutdown"];
    for (key, most) in keys.into_iter().zip(["1h", "10m", "1d", "1d", "30d", "30d", "1h", "1h", "1h"]) {
        for wrong in ["31d", "3650d"] {
            let text = format!("upstream = \"http://a\"\ntimeouts = {{ {key} = \"{wrong}\" }}");
            let expected = format!("line 2: timeouts.{key} = \"{wrong}\": write a time of at most {most}");
            assert_eq!(fault(&text), expected);
        }
        read(&format!("upstream = \"http://a\"\ntimeouts = {{ {key} = \"{most}\" }}"));
        read(&format!("upstream = \"http://a\"\ntimeouts = {{ {key} = \"1ms\" }}"));
    }
    assert!(fault("upstream = \"http://a\"\ntimeouts.idle = \"25d\"").contains("at most 1d"));
    for (key, least, most) in [
        ("connections", 1, 10_000_000),
        ("connections_per_client", 1, 10_000_000),
        ("requests_per_client", 1, 10_000_000),
        ("upstream_connections", 1, 10_000_000),
        ("ipv4_prefix", 1, 32),
        ("ipv6_prefix", 1, 128),
        ("slowest_upload", 0, 1_000_000),
        ("header_fields", 16, 4096),
    ] {
        let with = |value: u32| format!("upstream = \"http://a\"\nlimits.{key} = {value}");
        let expected = format!("line 2: limits.{key} = \"{}\": write a number from {least} to {most}", most + 1);
        assert_eq!(fault(&with(most + 1)), expected);
        assert!(least == 0 || fault(&with(0)).contains(&format!("from {least} to {most}")));
        read(&with(least));
        read(&with(most));
    }
}

#[test]
fn unknown_keys_name_the_nearest_valid_one() {
    for (text, expected) in [
        ("lisen = \"x\"", "line 1: lisen: unknown key `lisen`; did you mean `listen`?"),
        ("\n[log]\nlevle = \"x\"", "line 3: log.levle: unknown key `levle`; did you mean `level`?"),
        ("[lightening]", "line 1: lightening: unknown key `lightening`; did you mean `lightning`?"),
        (
            "[[service]]\nname = \"a\"\nupstrem = \"x\"",
            "line 3: service.upstrem: unknown key `upstrem`; did you mean `upstream`?",
        ),
        (
            &with_service("[[service.route]]\npath = \"/a\"\n[[service.route]]\nprise = \"1 sat\""),
            "line 7: service.route.prise: unknown key `prise`; did you mean `price`?",
        ),
        (
            &with_service("headers = { A = { var = \"x\" } }"),
            "line 4: service.headers.A: unknown key `var`; valid are env, prefix",
        ),
        ("lightning = { backend = \"ldc\" }", "line 1: lightning.backend: unknown value `ldc`; did you mean `ldk`?"),
        ("[log]\nformat = \"xml\"", "line 2: log.format: unknown value; valid are human, json"),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

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
fn values_that_make_no_sense_name_the_key_and_what_to_do() {
    let upstream = "upstream = \"http://127.0.0.1:3000\"\n";
    for (line, expected) in [
        (
            "listen = \"8402\"",
            "line 2: listen = \"8402\": write an address and a port, such as \"127.0.0.1:8402\" or \"[::]:8402\"",
        ),
        ("threads = 0", "line 2: threads = \"0\": write a number from 1 to 1024"),
        ("threads = -1", "line 2: threads: invalid value: integer `-1`, expected u16"),
        (
            "price = \"21\"",
            "line 2: price = \"21\": write a whole number and its unit, such as \"21 sat\" or \"500 msat\"",
        ),
        (
            "price = \"0 sat\"",
            "line 2: price = \"0 sat\": the price must be greater than zero; use `free` for a free path",
        ),
        (
            "valid_for = \"1 week\"",
            "line 2: valid_for = \"1 week\": write a whole number and its unit, such as \"500ms\", \"30s\", \"5m\", \"1h\" or \"7d\"",
        ),
        ("valid_for = \"1500ms\"", "line 2: valid_for = \"1500ms\": write whole seconds"),
        ("invoice_expiry = \"9s\"", "line 2: invoice_expiry = \"9s\": write whole seconds, from \"10s\" to \"24h\""),
        ("invoice_expiry = \"2d\"", "line 2: invoice_expiry = \"2d\": write whole seconds, from \"10s\" to \"24h\""),
        (
            "cors = \"*\"",
            "line 2: cors: write true, false, \"upstream\", or a list of origins such as [\"https://shop.example\"]",
        ),
        (
            "cors = []",
            "line 2: cors: write true, false, \"upstream\", or a list of origins such as [\"https://shop.example\"]",
        ),
        ("cors = [\"*\"]", "line 2: cors = \"*\": write cors = true instead of a list"),
        (
            "cors = [\"null\"]",
            "line 2: cors = \"null\": every sandboxed page and local file has this origin, so it cannot be listed",
        ),
        (
            "cors = [\"https://a:CANARY@b\"]",
            "line 2: cors: write scheme and host, and the port if it is not the default, such as \"https://shop.example\"",
        ),
        (
            "cors = 1",
            "line 2: cors: invalid type: integer `1`, expected true, false, \"upstream\", or a list of origins",
        ),
        ("trusted_proxies = [\"lan\"]", "line 2: trusted_proxies = \"lan\": not an IP address"),
        ("timeouts = { idle = \"0s\" }", "line 2: timeouts.idle = \"0s\": the time must be greater than zero"),
        ("protocol = { malformed_status = 402 }", "line 2: protocol.malformed_status = \"402\": write 400 or 401"),
        ("protocol = { forged_status = 400 }", "line 2: protocol.forged_status = \"400\": write 401 or 402"),
        (
            "log = { level = \"a=b=c\" }",
            "line 2: log.level = \"a=b=c\": write error, warn, info, debug, trace, or a filter such as \"info,l402_http=debug\"",
        ),
    ] {
        assert_eq!(fault(&format!("{upstream}{line}")), expected, "{line}");
    }
}

#[test]
fn services_that_make_no_sense_name_the_key_and_what_to_do() {
    let route = "[[service.route]]\npath = \"/a\"\nprice = \"1 sat\"\n";
    for (lines, expected) in [
        ("", "line 2: service.name = \"weather\": the service needs a `price` for every path, or a [[service.route]]".to_owned()),
        ("price = \"x\"", "line 4: service.price = \"x\": write a whole number and its unit, such as \"21 sat\" or \"500 msat\"".to_owned()),
        ("[[service.route]]\npath = \"/a\"", "line 5: service.route.path = \"/a\": the route needs a `price`, such as \"21 sat\"".to_owned()),
        (&format!("{route}methods = [\"get\"]"), "line 7: service.route.methods = \"get\": write the method in upper case, such as \"GET\"".to_owned()),
        (
            &format!("{route}capability = \"a,b\""),
            "line 7: service.route.capability = \"a,b\": a name may not contain ','; use letters, digits, '.', '_' and '-'".to_owned(),
        ),
        (
            "[[service.route]]\npath = \"/a/../b\"\nprice = \"1 sat\"",
            format!("line 5: service.route.path = \"/a/../b\": route /a/../b: {}", l402_http::path::PathError::DotSegment),
        ),
        (
            &format!("{route}[[service.route]]\npath = \"/a/\"\nprice = \"1 sat\"\ncapability = \"b\""),
            "line 8: service.route.path = \"/a/\": routes /a and /a/: both take the same method of the same path".to_owned(),
        ),
        (
            &format!("free = [\"/a\"]\n{route}"),
            "line 4: service.free = \"/a\": routes /a and /a: both take the same method of the same path".to_owned(),
        ),
        (
            &format!("{route}[[service.route]]\npath = \"/{{a}}\"\nprice = \"9 sat\""),
            "line 8: service.route.path = \"/{a}\": its tokens would open /a as well; set a `capability`".to_owned(),
        ),
        (
            &format!("{route}capability = \"x\"\n[[service.route]]\npath = \"/b\"\nprice = \"9 sat\"\ncapability = \"x\""),
            "line 9: service.route.path = \"/b\": routes /a and /b: both sell the same service, tier and capability, so price, \
             validity and invoice_expiry must be equal; give each a capability"
                .to_owned(),
        ),
    ] {
        assert_eq!(fault(&with_service(lines)), expected, "{lines}");
    }
}

#[test]
fn upstreams_that_make_no_sense_name_the_key_and_what_to_do() {
    let expected = "write scheme, host and port, such as \"http://127.0.0.1:3000\", or h2c:// for gRPC without TLS";
    for (upstream, shown, reason) in [
        ("localhost:3000", "localhost:3000", "the upstream's scheme must be http, https or h2c; "),
        ("ftp://a", "ftp://a", "the upstream's scheme must be http, https or h2c; "),
        ("http://a/v1", "http://a/…", "the upstream must be an origin, without a path or query; "),
        (
            "http://user:pw@a",
            "http://…",
            "put the user and the password into a header such as Authorization, not here; ",
        ),
        ("http://a b", "http://a b", ""),
    ] {
        let text = format!("[[service]]\nname = \"a\"\nprice = \"1 sat\"\nupstream = \"{upstream}\"");
        assert_eq!(fault(&text), format!("line 4: service.upstream = {shown:?}: {reason}{expected}"));
    }
    let roots = fault(&with_service("price = \"1 sat\"\nupstream_roots = \"/no/such/file\""));
    assert_eq!(roots, "line 5: service.upstream_roots = \"/no/such/file\": the extra root certificates cannot be read");
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
    let config = read(include_str!("everything.toml"));
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
}

#[test]
fn invalid_node_settings_name_the_key_and_the_remedy() {
    let chain = "chain = { esplora = \"https://a\" }\n";
    for (lines, expected) in [
        (
            "backend = \"sandbox\"\nnetwork = \"bitcoin\"",
            "line 4: lightning.network: not a setting of the sandbox; add backend = \"ldk\"".to_owned(),
        ),
        (
            "backend = \"ldk\"",
            "lightning.network: write \"bitcoin\" for real money, or \"testnet\", \"signet\" or \"regtest\"\n\
             lightning.chain: missing chain source, such as chain = { esplora = \"https://…/api\" }"
                .to_owned(),
        ),
        (
            &format!("{chain}backend = \"ldk\"\nnetwork = \"main\""),
            "line 5: lightning.network: unknown value; valid are bitcoin, testnet, signet, regtest".to_owned(),
        ),
        (
            "backend = \"ldk\"\nnetwork = \"bitcoin\"\nchain = { esplora = \"https://a\", electrum = \"ssl://b\" }",
            "line 5: lightning.chain: name exactly one of esplora, electrum and bitcoind".to_owned(),
        ),
        (
            "backend = \"ldk\"\nnetwork = \"bitcoin\"\nchain = { esplora = \"a\" }",
            "line 5: lightning.chain.esplora = \"a\": write an address that begins with https:// or http://".to_owned(),
        ),
        (
            &format!("{chain}backend = \"ldk\"\nnetwork = \"bitcoin\"\ntemporary = true"),
            "line 6: lightning.temporary = \"true\": not allowed with real money".to_owned(),
        ),
        (
            &format!("{chain}backend = \"ldk\"\nnetwork = \"bitcoin\"\nlisten = [\"9735\"]"),
            "line 6: lightning.listen = \"9735\": write an address and a port, such as \"127.0.0.1:8402\" or \"[::]:8402\"".to_owned(),
        ),
        (
            &format!("{chain}backend = \"ldk\"\nnetwork = \"bitcoin\"\nalias = \"me\""),
            "line 6: lightning.alias = \"me\": `alias` needs `listen`".to_owned(),
        ),
        (
            &format!("{chain}backend = \"ldk\"\nnetwork = \"bitcoin\"\nlisten = [\"[::]:1\"]\nalias = \"{}\"", "x".repeat(33)),
            "line 7: lightning.alias = \"…\": at most 32 bytes fit".to_owned(),
        ),
    ] {
        assert_eq!(fault(&format!("upstream = \"http://a\"\n[lightning]\n{lines}")), expected, "{lines}");
    }
}

#[test]
fn what_is_sold_is_said_once() {
    assert_eq!(
        fault(""),
        "nothing to sell: set UPSTREAM_URL=http://127.0.0.1:3000, or write `upstream` or a [[service]] in a file"
    );
    let both = format!("upstream = \"http://a\"\n{}", with_service("price = \"1 sat\""));
    assert_eq!(
        fault(&both),
        "line 1: upstream = \"http://a\": `upstream` cannot be combined with [[service]]; give each service its own `upstream`"
    );
    let price = format!("price = \"1 sat\"\n{}", with_service("price = \"1 sat\""));
    assert_eq!(fault(&price), "line 1: price = \"1 sat\": this belongs to `upstream`; write it in [[service]] instead");
    let twice = [with_service("price = \"1 sat\"\n"), with_service("price = \"1 sat\"")].concat();
    assert_eq!(fault(&twice), "line 6: service.name = \"weather\": another service has this name");
    let everything = twice.replacen("weather", "rain", 1);
    assert_eq!(
        fault(&everything),
        "line 6: service.name = \"weather\": routes /* and /*: both take the same method of the same path"
    );
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = "upstream = \"x\"\nlisten = \"y\"\n[timeouts]\nidle = \"z\"";
    let Err(ConfigError::Invalid { problems, .. }) = Config::from_text(text, &environment) else { panic!("{text}") };
    let told: Vec<_> = problems.iter().map(|problem| (problem.line(), problem.key())).collect();
    assert_eq!(told, [(Some(1), "upstream"), (Some(2), "listen"), (Some(4), "timeouts.idle")]);
}

#[test]
fn a_wrong_variable_is_named_instead_of_a_line() {
    let wrong = |name: &str| if name == "L402_PRICE" { Some("x".to_owned()) } else { environment(name) };
    let error = Config::from_text("upstream = \"http://a\"", &wrong).expect_err("a wrong price").to_string();
    assert_eq!(error, "L402_PRICE = \"x\": write a whole number and its unit, such as \"21 sat\" or \"500 msat\"");
}

#[test]
fn a_gateway_is_not_its_own_upstream() {
    for (listen, upstream, own) in [
        ("127.0.0.1:8402", "http://127.0.0.1:8402", true),
        ("127.0.0.1:8402", "http://localhost:8402", true),
        ("127.0.0.1:8402", "http://0.0.0.0:8402", true),
        ("0.0.0.0:80", "http://127.0.0.1", true),
        ("[::]:443", "https://[::1]", true),
        ("[::1]:8402", "h2c://[::1]:8402", true),
        ("127.0.0.1:8402", "http://127.0.0.1:8403", false),
        ("127.0.0.1:8402", "http://127.0.0.2:8402", false),
        ("0.0.0.0:8402", "http://192.0.2.1:8402", false),
        ("192.0.2.1:80", "http://localhost", false),
        ("127.0.0.1:80", "https://127.0.0.1", false),
        ("127.0.0.1:0", "http://127.0.0.1:0", false),
    ] {
        let text = format!("listen = \"{listen}\"\nupstream = \"{upstream}\"");
        let fault = Config::from_text(&text, &environment).err().map(|fault| fault.to_string());
        assert_eq!(fault.is_some_and(|fault| fault.contains("the address of the gateway itself")), own, "{text}");
    }
}

#[test]
fn what_is_written_in_another_form_is_answered_with_the_right_one() {
    let quotes = "write it in quotes; an amount or a time has a unit, such as \"21 sat\" or \"30s\"";
    for (text, told) in [
        ("upstream = \"http://a\"\nprice = 5".to_owned(), format!("line 2: price: {quotes}")),
        ("listen = 5".to_owned(), format!("line 1: listen: {quotes}")),
        ("timeouts = { response = 2.5 }".to_owned(), format!("line 1: timeouts.response: {quotes}")),
        (
            with_service("timeouts = { response = \"30m\" }"),
            "line 4: service.timeouts: `timeouts` belongs at the top of the file, before the first [table]".to_owned(),
        ),
        (
            "[[service.route]]\npath = \"/\"".to_owned(),
            "line 1: service.route: write [[service]], with double brackets, before each entry".to_owned(),
        ),
    ] {
        assert_eq!(fault(&text), told, "{text}");
    }
}

#[test]
fn files_are_named_and_paths_in_them_are_relative_to_their_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gateway.toml");
    let missing = Config::from_file(&path, &|_| None).expect_err("no file").to_string();
    assert_eq!(missing, format!("cannot read the configuration {}", path.display()));
    std::fs::write(&path, "\nnonsense").expect("written");
    let syntax = Config::from_file(&path, &|_| None).expect_err("no TOML").to_string();
    assert!(syntax.starts_with(&format!("{}:2: ", path.display())), "{syntax}");
    std::fs::write(&path, "upstream = \"http://a\"\ndata_dir = \"data\"").expect("written");
    let config = Config::from_file(&path, &|_| None).expect("a configuration");
    assert_eq!(config.settings.key_dir, folder.path().join("data/keys"));
}

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
    let blocks: Vec<_> = blocks.filter(|text| !text.contains("backend = \"lnd\"")).collect(); // it reads files
    assert!(blocks.len() >= 18, "{blocks:?}");
    for text in blocks {
        let upstream = if text.contains("upstream = ") { "" } else { "upstream = \"http://a\"\n" };
        read(&format!("{upstream}{text}"));
    }
}

#[test]
fn the_docs_list_every_key() {
    let page = include_str!("../../docs/gateway/configuration.md");
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
const PAGES: [&str; 6] = [
    include_str!("../../README.md"),
    include_str!("../../docs/gateway.md"),
    include_str!("../../docs/gateway/configuration.md"),
    include_str!("../../docs/gateway/money.md"),
    include_str!("../../docs/gateway/nginx.md"),
    include_str!("../../docs/gateway/selling.md"),
];

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
    let text = include_str!("everything.toml");
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

#[test]
fn a_variable_as_a_shell_writes_it_is_refused_with_the_right_form() {
    for (value, form) in [
        ("Bearer ${OPENAI_KEY}", "{ env = \"OPENAI_KEY\", prefix = \"Bearer \" }"),
        ("Bearer $OPENAI_KEY", "{ env = \"OPENAI_KEY\", prefix = \"Bearer \" }"),
        ("${OPENAI_KEY}", "{ env = \"OPENAI_KEY\" }"),
        ("half of a key ${OPENAI_KEY}", "{ env = \"OPENAI_KEY\", prefix = \"…\" }"),
    ] {
        let told = fault(&with_service(&format!("price = \"1 sat\"\nheaders = {{ Authorization = \"{value}\" }}")));
        let expected = format!(
            "line 5: service.headers.Authorization: environment variables are not expanded here; write {form} instead"
        );
        assert_eq!(told, expected);
    }
}
