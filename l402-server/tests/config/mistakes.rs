//! What each mistake in a value is answered with: the line, the key, and what to write.

use crate::stand::{environment, fault, read, with_service};
use l402_server::config::Config;

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
        (
            "rotate_every = \"779s\"",
            "line 2: rotate_every = \"779s\": write at least \"13m\": tokens last up to 1h10m, and 7 old keys can verify them",
        ),
        ("doubt = \"refund\"", "line 2: doubt: `doubt` belongs in a [[service]] or a [[service.route]]"),
        ("free = [\"/a\"]", "line 2: free: `free` belongs in a [[service]]"),
        ("capability = \"a\"", "line 2: capability: `capability` belongs in a [[service.route]]"),
        (
            "limits = { keep_total = \"1 GiB\" }",
            "line 2: limits.keep_total: write a whole number, without quotes and unit",
        ),
        ("invoice_expiry = \"9s\"", "line 2: invoice_expiry = \"9s\": write whole seconds, from \"10s\" to \"24h\""),
        ("invoice_expiry = \"2d\"", "line 2: invoice_expiry = \"2d\": write whole seconds, from \"10s\" to \"24h\""),
        ("trusted_proxies = [\"lan\"]", "line 2: trusted_proxies = \"lan\": not an IP address"),
        (
            "limits = { challenges = \"10\" }",
            "line 2: limits.challenges = \"10\": write a number per second, minute or hour, such as \"10/s\", \"600/m\" or \"1000/h\"",
        ),
        (
            "limits = { challenges_per_client = \"0/s\" }",
            "line 2: limits.challenges_per_client = \"0/s\": write a number from 1 to 1000000 before the slash",
        ),
        (
            "limits = { unpaid_invoices = 1000001 }",
            "line 2: limits.unpaid_invoices = \"1000001\": write a number from 0 to 1000000",
        ),
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
fn origins_that_make_no_sense_name_the_key_and_what_to_do() {
    for (line, expected) in [
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
    ] {
        assert_eq!(fault(&format!("upstream = \"http://127.0.0.1:3000\"\n{line}")), expected, "{line}");
    }
}

#[test]
fn uses_and_ledgers_that_make_no_sense_name_the_key_and_what_to_do() {
    for (line, expected) in [
        ("ledger = { backend = \"redes\" }", "line 2: ledger.backend: unknown value `redes`; did you mean `redis`?"),
        ("ledger = { durability = \"none\" }", "line 2: ledger.durability: unknown value; valid are power, process"),
        ("uses = 0", "line 2: uses = \"0\": write a number from 1 to 4294967295, or \"unlimited\""),
        ("uses = -1", "line 2: uses = \"-1\": write a number from 1 to 4294967295, or \"unlimited\""),
        ("uses = 4294967296", "line 2: uses = \"4294967296\": write a number from 1 to 4294967295, or \"unlimited\""),
        ("uses = \" 1\"", "line 2: uses = \" 1\": write a number from 1 to 4294967295, or \"unlimited\""),
        ("uses = \"\"", "line 2: uses = \"\": write a number from 1 to 4294967295, or \"unlimited\""),
        ("uses = \"once\"", "line 2: uses = \"once\": write a number from 1 to 4294967295, or \"unlimited\""),
        (
            "uses = 1.5",
            "line 2: uses: invalid type: floating point `1.5`, expected a number from 1 to 4294967295, or \"unlimited\"",
        ),
    ] {
        assert_eq!(fault(&format!("upstream = \"http://127.0.0.1:3000\"\n{line}")), expected, "{line}");
    }
}

#[test]
fn h2_a_ledger_that_makes_no_sense_names_the_key_and_no_password() {
    for (table, expected) in [
        ("backend = \"redis\"", "ledger.url: say where the ledger is, such as url = \"redis://127.0.0.1:6379\""),
        (
            "backend = \"redis\"\nurl = { env = \"UNSET\" }",
            "line 4: ledger.url: the environment variable UNSET is not set",
        ),
        ("backend = \"redis\"\nurl = \"http://me:canary@a\"", "line 4: ledger.url: "),
        ("backend = \"redis\"\nurl = \"redis://a\"\nprefix = \"a b\"", "line 5: ledger.prefix = \"a b\": "),
        (
            "backend = \"redis\"\nurl = \"redis://a\"\nschema = \"a\"",
            "line 5: ledger.schema: not a setting of the ledger in a Redis",
        ),
        ("backend = \"redis\"\nurl = \"rediss://a\"\nca = \"none.pem\"", "line 5: ledger.ca: cannot read the file: "),
        (
            "backend = \"postgres\"",
            "ledger.url: say where the ledger is, such as url = \"postgres://l402@127.0.0.1/l402\"",
        ),
        ("backend = \"postgres\"\nurl = \"postgres://me:canary@p/l?sslmode=prefer\"", "line 4: ledger.url: "),
        ("backend = \"postgres\"\nurl = \"postgres://p\"\nschema = \"A\"", "line 5: ledger.schema = \"A\": "),
        (
            "backend = \"postgres\"\nurl = \"postgres://p\"\npath = \"a\"",
            "line 5: ledger.path: not a setting of the ledger in a PostgreSQL",
        ),
        ("url = \"redis://a\"", "line 3: ledger.url: not a setting of the ledger in a file"),
    ] {
        let told = fault(&format!("upstream = \"http://a\"\n[ledger]\n{table}"));
        assert!(told.starts_with(expected) && !told.contains("canary"), "{table}: {told}");
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
            "price = \"1 sat\"\ndoubt = \"keep\"",
            "line 5: service.doubt: unknown value; valid are hold, refund, charge".to_owned(),
        ),
        (
            "price = \"1 sat\"\ndoubt_after = \"1h\"",
            "line 5: service.doubt_after = \"1h\": add doubt = \"refund\" or \"charge\"; without it, a use in doubt waits for \
             `l402-server uses resolve`".to_owned(),
        ),
        (
            &format!("{route}doubt = \"refund\"\ndoubt_after = \"31d\""),
            "line 8: service.route.doubt_after = \"31d\": write a time of at most 30d".to_owned(),
        ),
        (
            &format!("{route}capability = \"b\"\nuses = 2\n[[service.route]]\npath = \"/b\"\nprice = \"1 sat\"\ncapability = \"b\""),
            "line 10: service.route.path = \"/b\": routes /a and /b: both sell the same service, tier and capability, so price, \
             uses, plan, validity and invoice_expiry must be equal; give each a capability".to_owned(),
        ),
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
             uses, plan, validity and invoice_expiry must be equal; give each a capability"
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
fn gateways_that_share_a_node_share_a_ledger() {
    let upstream = "upstream = \"http://a\"\n";
    let (redis, replica) =
        ("[ledger]\nbackend = \"redis\"\nurl = \"redis://a\"\n", "[lightning]\nbackend = \"gateway\"\n");
    let (socket, listen) = ("gateway = \"unix:/run/node.sock\"\n", "[replicas]\nlisten = \"10.0.0.1:8409\"\n");
    read(&format!("{upstream}{redis}{listen}"));
    read(&format!("{upstream}{redis}{replica}{socket}"));
    for (text, expected) in [
        (
            format!("{upstream}{replica}{socket}"),
            "ledger.backend: a gateway without a node needs a ledger that gateways share: \"redis\" or \"postgres\"",
        ),
        (
            format!("{upstream}{listen}"),
            "line 3: replicas.listen = \"10.0.0.1:8409\": replicas need a ledger that gateways share: \"redis\" or \"postgres\"",
        ),
        (
            format!("{upstream}{redis}{replica}{socket}{listen}"),
            "line 9: replicas.listen = \"10.0.0.1:8409\": this gateway has no node that makes invoices",
        ),
        (
            format!("{upstream}{redis}{replica}"),
            "lightning.gateway: say where the gateway with the node listens for its replicas, such as \"unix:/run/l402/node.sock\"",
        ),
        (
            format!("{upstream}{redis}{replica}gateway = \"https://a\"\n"),
            "line 7: lightning.gateway = \"https://a\": write a Unix socket or host and port, such as \"unix:/run/l402/node.sock\" or \"10.0.0.1:8409\"",
        ),
        (
            format!("{upstream}{redis}{replica}{socket}payee = \"02\"\n"),
            "line 8: lightning.payee = \"02\": the node id is not a compressed public key of 66 hexadecimal digits",
        ),
    ] {
        let found = fault(&text);
        assert!(found.contains(expected), "{text}\n{found}\nexpected {expected}");
    }
}
