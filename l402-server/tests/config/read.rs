//! What a configuration means: defaults, variables, every key, and paths.

use crate::stand::{environment, read, setup, with_service};
use core::num::NonZeroUsize;
use core::time::Duration;
use l402_core::ledger::{DoubtRule, Idempotence, Resolution};
use l402_core::{ForgedStatus, MalformedStatus, Name, SettlementRule, UnknownCaveats, Uses};
use l402_gateway::settings::{LsatLine, OwnPaths, RequestLines};
use l402_http::cors::Cors;
use l402_http::policy::Meter;
use l402_ldk::{ChainSource, LdkConfig};
use l402_regtest::SandboxSetup;
use l402_server::config::{Config, LogFormat};

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
    assert_eq!(setup::<SandboxSetup>(&config), &SandboxSetup { dir: Some("/data/sandbox".into()) });
    assert_eq!(config.settings.gate.settlement, SettlementRule::Strict);
    let [service] = config.settings.services() else { panic!("one service") };
    assert_eq!(service.upstream.authority(), "localhost:3000");
    let [route] = service.routes.as_slice() else { panic!("one route") };
    assert_eq!(
        (route.path.as_str(), route.offer.price_msat.get(), route.offer.valid_for.as_secs()),
        ("/*", 1_000, 3_600)
    );
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
fn every_limit_can_be_set() {
    let config = read(include_str!("../everything.toml"));
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
    let limits = config.settings.limits;
    assert_eq!((limits.challenges_per_client, limits.challenges), ("60/m".parse().ok(), None));
    let rates: Vec<_> = config.settings.services().iter().map(|service| service.rate).collect();
    assert_eq!(rates, ["10/s".parse().ok(), None]);
    let of_routes =
        config.settings.services().iter().flat_map(|service| &service.routes).filter_map(|route| route.rate);
    assert_eq!(of_routes.map(|rate| rate.to_string()).collect::<Vec<_>>(), ["600/m"]);
    assert_eq!(limits.unpaid_invoices.map(NonZeroUsize::get), Some(2_000));
    let unlimited = read("upstream = \"http://a\"\nlimits = { unpaid_invoices = 0 }");
    assert_eq!(unlimited.settings.limits.unpaid_invoices, None);
}

#[test]
fn every_key_can_be_set() {
    let config = read(include_str!("../everything.toml"));
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
    let node = setup::<LdkConfig>(&config);
    assert_eq!((node.network.as_str(), node.alias.as_deref()), ("signet", Some("the weather")));
    assert_eq!(node.storage.to_str(), Some("/var/lib/l402/node"));
    assert_eq!(node.listen.len(), 2);
    let ChainSource::BitcoindRpc { port, password, .. } = &node.chain else { panic!("a bitcoind") };
    assert_eq!((*port, password.as_str()), (38332, "sk-canary"));
    assert_eq!(config.ledger.about(), "/var/lib/l402/uses");
    let offers: Vec<_> =
        config.settings.services().iter().flat_map(|service| &service.routes).map(|route| &route.offer).collect();
    let capabilities: Vec<_> = offers.iter().filter_map(|offer| offer.capability.as_ref()).map(Name::as_str).collect();
    assert_eq!(capabilities, ["get-v1-now", "past", "past", "v1-station-id", "v1-model", "all"]);
    let terms: Vec<_> =
        offers.iter().map(|offer| (offer.price_msat.get(), offer.valid_for.as_secs(), offer.tier)).collect();
    let (of_weather, of_maps) = terms.split_at(5);
    let expected = [(21_000, 3_600, 1), (500, 604_800, 0), (900, 604_800, 2), (7_000, 60, 1), (100_000, 3_600, 1)];
    assert_eq!((of_weather, of_maps), (&expected[..], &[(2_000, 3_600, 0)][..]));
    let uses: Vec<_> = offers.iter().map(|offer| offer.uses.to_string()).collect();
    assert_eq!(uses, ["100", "unlimited", "unlimited", "5", "metered", "1"]);
    assert_eq!(config.settings.policy().routes().len(), 8);
    let expiry = config
        .settings
        .services()
        .iter()
        .flat_map(|service| &service.routes)
        .map(|route| route.invoice_expiry.as_secs());
    assert_eq!(expiry.collect::<Vec<_>>(), [300, 300, 300, 30, 300, 600]);
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

/// How often each route of a service can be used.
fn uses(lines: &str) -> Vec<String> {
    let config = read(&with_service(lines));
    config.settings.services()[0].routes.iter().map(|route| route.offer.uses.to_string()).collect()
}

#[test]
fn a_token_is_for_one_use_unless_a_number_or_a_time_is_named() {
    let route = "\n[[service.route]]\npath = \"/a\"";
    for (service, of_route, sold) in [
        ("", "", "1"),
        ("", "uses = 100", "100"),
        ("", "uses = \"unlimited\"", "unlimited"),
        ("", "uses = \"4294967295\"", "4294967295"),
        ("", "valid_for = \"1d\"", "unlimited"),
        ("", "valid_for = \"1d\"\nuses = 1", "1"),
        ("valid_for = \"1d\"", "", "unlimited"),
        ("valid_for = \"1d\"\nuses = 3", "", "3"),
        ("uses = 3", "valid_for = \"1d\"", "3"),
        ("uses = 3", "uses = 2", "2"),
        ("valid_for = \"1d\"", "uses = 2", "2"),
    ] {
        assert_eq!(uses(&format!("price = \"1 sat\"\n{service}{route}\n{of_route}")), [sold], "{service}|{of_route}");
    }
    assert_eq!(uses("price = \"1 sat\""), ["1"]);
}

#[test]
fn the_quick_start_sells_one_use_and_its_variable_says_another_number() {
    let of = |number: &'static str| {
        let variables = move |name: &str| match name {
            "UPSTREAM_URL" => Some("http://localhost:3000".to_owned()),
            "L402_USES" => Some(number.to_owned()),
            other => environment(other),
        };
        Config::from_environment(&variables)
            .map(|config| config.settings.services()[0].routes[0].offer.uses.to_string())
    };
    assert_eq!(of("").expect("a configuration"), "1");
    assert_eq!(of("unlimited").expect("a configuration"), "unlimited");
    let fault = of("+5").expect_err("a sign").to_string();
    assert_eq!(fault, "L402_USES = \"+5\": write a number from 1 to 4294967295, or \"unlimited\"");
}

#[test]
fn a_time_without_a_number_is_noted() {
    let config = read(&with_service("price = \"1 sat\"\n[[service.route]]\npath = \"/a\"\nvalid_for = \"1d\""));
    let [note] = config.notes.as_slice() else { panic!("{:?}", config.notes) };
    assert!(note.starts_with("/a has `valid_for` and no `uses`"), "{note}");
    for clear in ["uses = \"unlimited\"\nvalid_for = \"1d\"", "uses = 1", ""] {
        let config = read(&with_service(&format!("price = \"1 sat\"\n{clear}")));
        assert!(config.notes.is_empty(), "{clear}: {:?}", config.notes);
    }
}

#[test]
fn what_changes_nothing_without_a_number_is_noted() {
    let of = |service: &str, route: &str| {
        let routes = format!("[[service.route]]\npath = \"/a\"\n{route}");
        read(&with_service(&format!("price = \"1 sat\"\n{service}\n{routes}"))).notes
    };
    let unlimited = "uses = \"unlimited\"\nvalid_for = \"1d\"";
    let note = "/a is sold without a number of `uses`: `idempotent` changes nothing there";
    assert_eq!(of("", &format!("{unlimited}\nidempotent = true")), [note]);
    let note = "/a is sold without a number of `uses`: `doubt` and `keep_answer` change nothing there";
    assert_eq!(of("doubt = \"refund\"\nkeep_answer = \"10m\"", unlimited), [note]);
    assert_eq!(of("doubt = \"refund\"\nkeep_answer = \"10m\"\nidempotent = true", "uses = 2"), [""; 0]);
}

#[test]
fn a_route_says_what_becomes_of_a_use_in_doubt_or_its_service_does() {
    let of = |lines: &str| {
        let config = read(&with_service(&format!("price = \"1 sat\"\n{lines}")));
        let routes = config.settings.policy().routes().iter();
        routes.map(|route| (route.idempotence(), route.has_side_effects(), route.doubt())).collect::<Vec<_>>()
    };
    let refund = |minutes| DoubtRule::After(Duration::from_mins(minutes), Resolution::Unused);
    let charge = |minutes| DoubtRule::After(Duration::from_mins(minutes), Resolution::Used);
    assert_eq!(of(""), [(Idempotence::Once, false, DoubtRule::Hold)]);
    assert_eq!(of("doubt = \"refund\""), [(Idempotence::Once, false, refund(60))]);
    let service = "idempotent = true\nside_effects = true\ndoubt = \"charge\"\ndoubt_after = \"5m\"\n";
    let routes = "[[service.route]]\npath = \"/a\"\n[[service.route]]\npath = \"/b\"\nidempotent = false\n\
                  side_effects = false\ndoubt = \"refund\"\n[[service.route]]\npath = \"/c\"\ndoubt = \"hold\"\n";
    assert_eq!(
        of(&format!("{service}{routes}")),
        [
            (Idempotence::Repeatable, true, charge(5)),
            (Idempotence::Once, false, refund(5)),
            (Idempotence::Repeatable, true, DoubtRule::Hold),
        ]
    );
}

#[test]
fn a_shared_ledger_is_named_by_its_host() {
    let of = |table: &str| read(&format!("upstream = \"http://a\"\n[ledger]\n{table}")).ledger.about();
    assert_eq!(of(""), "/data/ledger");
    assert_eq!(of("backend = \"redis\"\nurl = \"redis://me:canary@r:6379\"\nprefix = \"shop\""), "the Redis at r:6379");
    assert_eq!(of("backend = \"redis\"\nurl = \"rediss://r:6379\"\nmay_lose_commits = true"), "the Redis at r:6379");
    assert_eq!(
        of("backend = \"postgres\"\nurl = \"postgres://me:canary@p/l\"\nschema = \"shop\""),
        "the PostgreSQL at p"
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

/// What each route of a service charges for: the price of a thousand units and of one, in msat.
fn meters(meter: &str) -> (&'static str, u64, u64) {
    let text = with_service(&format!("[[service.route]]\npath = \"/a\"\nprice = \"9 sat\"\nmeter = {{ {meter} }}"));
    let config = read(&text);
    let route = &config.settings.services()[0].routes[0];
    assert_eq!((route.offer.uses, route.offer.price_msat.get()), (Uses::Metered, 9_000));
    let meter = route.meter.expect("a meter");
    let (input, output) = match meter {
        Meter::Bytes(tariff) | Meter::Seconds(tariff) => (tariff.cost(1_000), tariff.cost(1)),
        Meter::Tokens(tariff) => (tariff.cost(1_000, 0), tariff.cost(0, 1)),
    };
    (meter.unit(), input.get(), output.get())
}

#[test]
fn a_meter_is_read_in_place_of_uses() {
    assert_eq!(meters("unit = \"byte\", price = \"1 sat\", per = 500"), ("byte", 2_000, 2));
    assert_eq!(meters("unit = \"second\", price = \"7 msat\""), ("second", 7_000, 7));
    assert_eq!(meters("unit = \"token\", price = \"4 msat\", up_to = 9"), ("token", 4_000, 4));
    let both = "unit = \"token\", price = \"1 sat\", output_price = \"3 sat\", per = 1000, up_to = 3000";
    assert_eq!(meters(both), ("token", 1_000, 3));
}
