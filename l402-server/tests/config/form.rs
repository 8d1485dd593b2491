//! What each mistake in the form of a file is answered with: unknown keys, wrong types, things said twice.

use crate::stand::{environment, fault, read, with_service};
use l402_server::config::{Config, ConfigError};

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
fn what_is_written_in_another_form_is_answered_with_the_right_one() {
    let quotes = "write it in quotes, with its unit, such as \"21 sat\", \"30s\" or \"10/s\"";
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

#[test]
fn doubt_needs_something_to_count() {
    let route =
        "[[service]]\nname = \"a\"\nupstream = \"http://a\"\n[[service.route]]\npath = \"/a\"\nprice = \"1 sat\"";
    let text = format!("{route}\nuses = \"unlimited\"\ndoubt = \"refund\"");
    let expected = "service.route.doubt: add a number of `uses`; without one, no use can be in doubt";
    assert!(fault(&text).contains(expected), "{}", fault(&text));
    read(&text.replace("\"unlimited\"", "2"));
}
