use super::*;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

fn policy(text: &str) -> Policy {
    Policy::parse(text, Setting::Server).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn told(text: &str) -> String {
    Policy::parse(text, Setting::Server).unwrap_err().to_string()
}

/// Judges what is `origin [method] [budget] [service] [sat]`, where `-` leaves something out.
fn why(policy: &Policy, what: &str) -> Option<Denial> {
    let mut words = what.split(' ').map(|word| Some(word).filter(|word| *word != "-"));
    let mut next = || words.next().flatten();
    let origin: Origin = next().unwrap().parse().unwrap();
    let method: Method = next().unwrap_or("GET").parse().unwrap();
    let budgets: Vec<String> = next().map(|names| names.split('<').map(str::to_owned).collect()).unwrap_or_default();
    let (service, price_msat) = (next(), next().map(|sat| Msat::from_sat(sat.parse().unwrap())));
    let asked = Asked { origin: &origin, method: &method, budgets: &budgets, service, price_msat, now: NOW };
    match policy.judge(&asked) {
        Verdict::Allow => None,
        Verdict::Ask => Some(Denial::NotAgreed),
        Verdict::Deny(denied) => Some(denied.why),
    }
}

#[test]
fn a5_an_entry_allows_what_it_names_and_nothing_else() {
    let policy = policy(
        "deny = ['https://bad.example']\n[[allow]]\norigins = ['https://a.example', 'https://*.a.example']\n\
         budgets = ['research']\nmethods = ['GET']\nservices = ['weather']\nmax_per_call = '50 sat'\nuntil = '2030-01-01'\n\
         [[allow]]\norigins = ['https://old.example']\nuntil = '2027-01-01'\n[[allow]]\norigins = ['https://free.example']",
    );
    let limit = Denial::Price { limit_msat: Msat::from_sat(50), price_msat: Msat::from_sat(51) };
    for (what, expected) in [
        ("https://a.example GET research weather 50", None),
        ("https://x.a.example GET child<research<main weather 50", None),
        ("https://a.example GET research", None),
        ("https://a.example GET research weather 51", Some(limit)),
        ("https://a.example GET research other 1", Some(Denial::Service)),
        ("https://a.example GET research - 1", Some(Denial::Service)),
        ("https://a.example POST research weather 1", Some(Denial::Method)),
        ("https://a.example GET other<main weather 1", Some(Denial::Budget)),
        ("https://a.example GET main weather 1", Some(Denial::Budget)),
        ("https://free.example POST - - 9999", None),
        ("https://old.example", Some(Denial::Expired("2027-01-01".parse().unwrap()))),
        ("https://bad.example", Some(Denial::Listed)),
        ("https://else.example", Some(Denial::Unlisted)),
        ("http://a.example GET research", Some(Denial::Unlisted)),
    ] {
        assert_eq!(why(&policy, what), expected, "{what}");
    }
}

#[test]
fn a5_what_is_not_listed_is_asked_for_denied_or_allowed() {
    for (text, setting, expected) in [
        ("", Setting::Command, Some(Denial::NotAgreed)),
        ("", Setting::Server, Some(Denial::Unlisted)),
        ("unlisted = 'ask'", Setting::Server, Some(Denial::NotAgreed)),
        ("unlisted = 'deny'", Setting::Command, Some(Denial::Unlisted)),
        ("unlisted = 'allow'", Setting::Server, None),
    ] {
        let policy = Policy::parse(text, setting).unwrap();
        assert_eq!(why(&policy, "https://a.example"), expected, "{text} {setting:?}");
        assert_eq!(why(&policy, "https://a.example GET main - 1"), expected, "{text} {setting:?}");
    }
}

#[test]
fn a5_without_a_policy_a_server_pays_only_from_a_named_budget() {
    let (command, server) = (Policy::absent(Setting::Command), Policy::absent(Setting::Server));
    assert_eq!(why(&command, "https://a.example GET - - 1"), None);
    assert_eq!(why(&server, "https://a.example"), None, "free requests pay nothing");
    assert_eq!(why(&server, "https://a.example GET - - 1"), Some(Denial::NoBudget));
    assert_eq!(why(&server, "https://a.example GET main - 1"), Some(Denial::NoBudget));
    assert_eq!(why(&server, "https://a.example GET research<main - 1"), None);
}

#[test]
fn a7_addresses_and_plain_http_are_permitted_by_origin() {
    let policy = policy(
        "[[allow]]\norigins = ['http://127.0.0.1:8402', 'https://in.example']\naddresses = ['127.0.0.1:8402', '10.0.0.0/8:443']\n\
         [[allow]]\norigins = ['*://*.example.com:*', 'http://*.example.org']",
    );
    let (local, inner): (Origin, Origin) =
        ("http://127.0.0.1:8402".parse().unwrap(), "https://in.example".parse().unwrap());
    assert!(policy.permits_address(&local, "127.0.0.1".parse().unwrap(), 8402));
    assert!(policy.permits_address(&inner, "10.9.9.9".parse().unwrap(), 443));
    assert!(!policy.permits_address(&inner, "192.168.0.1".parse().unwrap(), 443));
    let other = "http://a.example.com".parse().unwrap();
    assert!(!policy.permits_address(&other, "127.0.0.1".parse().unwrap(), 8402), "of another origin");
    assert!(policy.permits_plain_http(&local) && !policy.permits_plain_http(&inner));
    for glob in ["http://a.example.com", "http://a.example.org"] {
        assert!(!policy.permits_plain_http(&glob.parse().unwrap()), "the owner has not thought of {glob}");
    }
    assert_eq!(policy.grants(), Grants::default());
    let granted = Policy::parse("[grants]\nproxy = true", Setting::Server).unwrap().grants();
    assert!(granted.proxy && !granted.insecure && !granted.resolve && !granted.cacert);
}

#[test]
fn a7_a_server_pays_over_plain_http_only_here_or_where_the_policy_names_the_origin() {
    let text = "unlisted = 'allow'\n[[allow]]\norigins = ['http://named.example']\n[[allow]]\norigins = ['*://*.glob.example:*']";
    for policy in [policy(text), Policy::absent(Setting::Server)] {
        for here in ["http://127.0.0.1:8402", "http://[::1]", "http://localhost", "https://a.example"] {
            assert_eq!(why(&policy, &format!("{here} GET research - 1")), None, "{here}");
        }
        for open in ["http://a.example", "http://a.glob.example", "http://127.0.0.1.example", "http://10.0.0.1"] {
            assert_eq!(why(&policy, &format!("{open} GET research - 1")), Some(Denial::PlainHttp), "{open}");
            assert_eq!(why(&policy, open), None, "free requests pay nothing");
        }
    }
    assert_eq!(why(&policy(text), "http://named.example GET research - 1"), None);
    assert_eq!(why(&Policy::absent(Setting::Command), "http://a.example GET - - 1"), None);
}

#[test]
fn what_is_wrong_names_its_line_its_key_and_what_to_write() {
    for (text, expected) in [
        ("unlistd = 'deny'", "line 1: unlistd: unknown key `unlistd`; did you mean `unlisted`?"),
        ("unlisted = 'denied'", "line 1: unlisted: unknown value `denied`; did you mean `deny`?"),
        ("[[allow]]\norigins = []", "line 2: allow.origins: name an origin, such as \"https://api.example\""),
        ("[[allow]]\nmax_per_call = '1 sat'", "line 1: allow: missing field `origins`"),
        (
            "[[allow]]\norigins = ['a.example']",
            "line 2: allow.origins = \"a.example\": begin with `https://`, `http://` or `*://`, as in \"https://api.example\"",
        ),
        (
            "[[allow]]\norigins = ['https://a']\nmax_per_cal = '1 sat'",
            "line 3: allow.max_per_cal: unknown key `max_per_cal`; did you mean `max_per_call`?",
        ),
        (
            "[[allow]]\norigins = ['https://a']\nmax_per_call = '-1 sat'",
            "line 3: allow.max_per_call: the number must be digits, as in `100 sat` or `1.5 sat`",
        ),
        (
            "[[allow]]\norigins = ['https://a']\nmax_per_call = '0.0001 sat'",
            "line 3: allow.max_per_call: the smallest amount is 1 msat, so a satoshi has at most three decimals",
        ),
        (
            "[[allow]]\norigins = ['https://a']\nmax_per_call = '1.5 msat'",
            "line 3: allow.max_per_call: the number must be digits, as in `100 sat` or `1.5 sat`",
        ),
        (
            "[[allow]]\norigins = ['https://a']\nmax_per_call = 5",
            "line 3: allow.max_per_call: write it in quotes, with its unit, such as \"21 sat\", \"30s\" or \"10/s\"",
        ),
        ("[grants]\nall = true", "line 2: grants.all: unknown key `all`; valid are insecure, resolve, proxy, cacert"),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn a5_patterns_that_overlap_are_refused() {
    for text in [
        "deny = ['https://bad.a.example']\n[[allow]]\norigins = ['https://*.a.example']",
        "[[allow]]\norigins = ['https://a.example']\n[[allow]]\norigins = ['*://a.example:*']",
        "[[allow]]\norigins = ['https://a.example', 'https://*.example']",
    ] {
        let told = told(text);
        assert!(told.contains("an origin may match one entry only") && told.contains("line "), "{told}");
    }
    assert!(Policy::parse("deny = ['https://a.example', '*://a.example:*']", Setting::Server).is_ok());
}

fn write(path: &std::path::Path, mode: u32, text: &str) {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a5_a_file_that_others_can_touch_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
        write(&path, mode, "");
        let fault = Policy::load(&path, Setting::Command).unwrap_err();
        assert!(matches!(fault, PolicyError::Exposed { .. }), "{mode:o}: {fault}");
    }
    write(&path, 0o600, "");
    assert!(Policy::load(&path, Setting::Command).is_ok());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o770)).unwrap();
    let fault = Policy::load(&path, Setting::Command).unwrap_err().to_string();
    assert!(fault.contains("replace"), "{fault}");
    assert!(matches!(Policy::load(folder.path(), Setting::Command), Err(PolicyError::Exposed { .. })), "a directory");
}

#[test]
fn a5_a_file_is_read_again_and_a_wrong_one_stops_payments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let source = PolicySource::optional(&path, Setting::Server);
    assert!(source.current().unwrap().is_absent());
    write(&path, 0o600, "unlisted = 'allow'");
    assert_eq!(source.current().unwrap().unlisted(), Unlisted::Allow);
    write(&path, 0o600, "unlisted = 'deny' ");
    assert_eq!(source.current().unwrap().unlisted(), Unlisted::Deny);
    write(&path, 0o600, "unlisted = 'nobody'");
    for _ in 0..2 {
        assert!(matches!(source.current(), Err(PolicyError::Invalid(_))), "what was read before does not go on");
    }
    write(&path, 0o644, "unlisted = 'allow'");
    assert!(matches!(source.current(), Err(PolicyError::Exposed { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(source.current().unwrap().unlisted(), Unlisted::Allow);
    fs::remove_file(&path).unwrap();
    assert!(matches!(source.current(), Err(PolicyError::Gone { .. })));
    assert!(matches!(PolicySource::of(&path, Setting::Server).current(), Err(PolicyError::Missing { .. })));
}
