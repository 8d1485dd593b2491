//! Mistakes are named, and what is no mistake means what it says.

use super::*;
use crate::path::{CanonicalPath, PathError};
use crate::policy::Access;
use crate::policy::pattern::PatternError;
use l402_core::{Msat, NameError};

fn fault(builder: PolicyBuilder) -> RouteFault {
    builder.build().expect_err("a fault").fault()
}

fn sale(path: &str, price_msat: u64) -> Sale {
    Sale::new("plannt", path, Msat::new(price_msat))
}

#[test]
fn t3_a_price_belongs_to_what_a_token_opens() {
    let of = |a, b| Policy::builder().sell(a).sell(b).build().map(|_| ()).map_err(|error| error.fault());
    let (demo, data) = (sale("/demo", 21), sale("/data", 100));
    assert_eq!(of(demo.clone(), data.clone()), Err(RouteFault::DifferentTerms));
    assert_eq!(of(demo.clone(), sale("/data", 21)), Ok(()));
    assert_eq!(of(demo.clone(), sale("/data", 21).valid_for(Duration::from_secs(5))), Err(RouteFault::DifferentTerms));
    assert_eq!(
        of(demo.clone(), sale("/data", 21).invoice_expiry(Duration::from_secs(5))),
        Err(RouteFault::DifferentTerms),
        "a token's time begins when the invoice ends"
    );
    assert_eq!(of(demo.clone().capability("demo"), data.clone().capability("data")), Ok(()));
    assert_eq!(of(demo.clone(), data.clone().capability("data")), Ok(()), "no capability opens no capability's route");
    assert_eq!(of(demo.clone().capability("demo"), data.clone()), Ok(()), "nor the other way round");
    assert_eq!(of(demo.clone(), data.clone().tier(1)), Ok(()), "a higher tier is dearer");
    assert_eq!(of(demo.tier(1), data), Err(RouteFault::Undercut));
}

#[test]
fn mistakes_are_named() {
    let one = |sale| fault(Policy::builder().sell(sale));
    assert_eq!(one(sale("/a", 0)), RouteFault::ZeroPrice);
    assert_eq!(one(sale("/a", 1).valid_for(Duration::from_millis(999))), RouteFault::ZeroValidity);
    assert_eq!(one(sale("/a", 1).invoice_expiry(Duration::from_millis(999))), RouteFault::ZeroExpiry);
    assert_eq!(one(sale("/a", 1).methods([])), RouteFault::NoMethod);
    assert_eq!(one(sale("/a", 1).description(&"x".repeat(640))), RouteFault::LongDescription);
    assert_eq!(one(sale("/a", 1).capability("a b")), RouteFault::Capability(NameError::Character(' ')));
    assert_eq!(one(Sale::new("a,b", "/a", Msat::new(1))), RouteFault::Service(NameError::Character(',')));
    let relative = RouteFault::Pattern(PatternError::Path(PathError::NotAbsolute));
    assert_eq!(one(sale("a", 1)), relative);
    assert_eq!(fault(Policy::builder().free(Free::new("a"))), relative);
    assert_eq!(fault(Policy::builder().free(Free::new("/a").service(""))), RouteFault::Service(NameError::Empty));
}

#[test]
fn duplicates_are_refused_however_they_are_spelt() {
    for (one, two) in [("/a", "/a/"), ("/{id}", "/{name}"), ("/a/*", "/a/*"), ("/~", "/%7e")] {
        let error = Policy::builder().sell(sale(one, 1)).free(Free::new(two)).build().expect_err(one);
        assert_eq!(error.fault(), RouteFault::Duplicate);
        assert_eq!(error.to_string(), format!("routes {one} and {two}: both take the same method of the same path"));
    }
    let twice = sale("/a", 1).methods([Method::GET, Method::POST, Method::GET]);
    assert_eq!(fault(Policy::builder().sell(twice)), RouteFault::Duplicate);
}

#[test]
fn p3_a_raw_path_has_one_price_beneath_it() {
    let of = |raw: &str, other: &str| {
        let policy = Policy::builder().free(Free::new(other)).sell(sale(raw, 1).raw_path()).build();
        policy.map(|_| ()).map_err(|error| error.fault())
    };
    for other in ["/npm/a", "/npm", "/NPM/a", "/npm/a/*", "/{x}/a", "/npm/{x}"] {
        assert_eq!(of("/npm/*", other), Err(RouteFault::RawOverlap), "{other}");
    }
    for other in ["/*", "/", "/other/*", "/other"] {
        assert_eq!(of("/npm/*", other), Ok(()), "{other}");
    }
    for raw in ["/npm", "/{x}/*", "/npm/{x}/*"] {
        assert_eq!(of(raw, "/other"), Err(RouteFault::RawPath), "{raw}");
    }
    assert_eq!(of("/*", "/status"), Err(RouteFault::RawOverlap));
}

#[test]
fn p3_routes_do_not_differ_in_case_alone() {
    let error = Policy::builder().sell(sale("/v1/Data", 1)).free(Free::new("/v1/data/")).build().expect_err("a fault");
    assert_eq!(error.fault(), RouteFault::SameButForCase);
    assert!(error.to_string().starts_with("routes /v1/Data and /v1/data/: "), "{error}");
}

#[test]
fn p3_another_case_is_no_way_round_a_price() {
    let policy = Policy::builder()
        .sell(sale("/data", 100).capability("data"))
        .sell(sale("/Reports/{id}", 200).capability("reports"))
        .sell(sale("/v1/caf\u{e9}", 300).methods([Method::GET]).capability("cafe"))
        .sell(sale("/{any}", 1).capability("any"))
        .free(Free::new("/files/*"))
        .free(Free::new("/files/readme"))
        .free(Free::new("/*"))
        .build()
        .expect("a policy");
    let ask = |method, path| match policy.route(method, &CanonicalPath::parse(path).expect(path)) {
        Access::Priced(_, offer) => offer.price_msat.get(),
        Access::Free(_) => 0,
        Access::NotFound => 404,
        Access::MethodNotAllowed { .. } => 405,
    };
    for (path, expected) in [
        ("/data", 100),
        ("/DATA", 404),
        ("/%44ata/", 404),
        ("/Reports/A", 200),
        ("/reports/A", 404),
        ("/reports/7", 404),
        ("/REPORTS/a", 404),
        ("/v1/caf%c3%a9", 300),
        ("/v1/Caf%c3%a9", 404),
        ("/Other", 1),
        ("/FILES/x", 0),
        ("/files/README", 0),
        ("/Data/deeper", 0),
    ] {
        assert_eq!(ask(&Method::GET, path), expected, "{path}");
    }
    assert_eq!(ask(&Method::POST, "/v1/caf%c3%a9"), 405);
    assert_eq!(ask(&Method::POST, "/v1/CAF%c3%a9"), 404, "nor is another method");
}

#[test]
fn methods_choose_among_the_routes_of_a_path() {
    let policy = Policy::builder()
        .sell(sale("/a", 1).methods([Method::GET]).capability("read"))
        .sell(sale("/a", 2).methods([Method::POST]).capability("write"))
        .free(Free::new("/a").methods([Method::OPTIONS]))
        .sell(sale("/*", 3).capability("rest"))
        .build()
        .expect("a policy");
    let ask = |method: &Method, path| match policy.route(method, &CanonicalPath::parse(path).expect(path)) {
        Access::Priced(_, offer) => offer.price_msat.get().to_string(),
        Access::Free(_) => "free".to_owned(),
        Access::NotFound => "not found".to_owned(),
        Access::MethodNotAllowed { allow } => allow.to_str().expect("ASCII").to_owned(),
    };
    assert_eq!(ask(&Method::GET, "/a"), "1");
    assert_eq!(ask(&Method::HEAD, "/a"), "1");
    assert_eq!(ask(&Method::POST, "/a"), "2");
    assert_eq!(ask(&Method::OPTIONS, "/a"), "free");
    assert_eq!(ask(&Method::DELETE, "/a"), "GET, POST, OPTIONS, HEAD");
    assert_eq!(ask(&Method::DELETE, "/b"), "3");
    assert_eq!(ask(&Method::OPTIONS, "/b"), "3");
}
