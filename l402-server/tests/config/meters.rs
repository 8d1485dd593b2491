//! Meters that make no sense.

use crate::stand::{fault, with_service};

#[test]
fn meters_that_make_no_sense_name_the_key_and_what_to_do() {
    for (lines, expected) in FAULTS.iter().copied() {
        let price = if lines.starts_with("price") { "" } else { "price = \"9 sat\"\n" };
        let told = fault(&with_service(&format!("[[service.route]]\npath = \"/a\"\n{price}{lines}")));
        assert!(told.contains(expected), "{lines}\n{told}");
    }
}

/// What is written of a route, and what is said of it.
const FAULTS: &[(&str, &str)] = &[
    ("meter = { unit = \"call\", price = \"1 sat\" }", "line 7: service.route.meter.unit: unknown value"),
    ("meter = { unit = \"byte\" }", "line 7: service.route.meter: "),
    (
        "meter = { unit = \"byte\", price = \"0 sat\" }",
        "line 7: service.route.meter.price = \"0 sat\": the price must be",
    ),
    ("meter = { unit = \"byte\", price = \"1 sat\", per = 0 }", "line 7: service.route.meter.per: must be at least 1"),
    ("meter = { unit = \"token\", price = \"1 sat\" }", "line 7: service.route.meter.up_to: tokens need `up_to`"),
    (
        "meter = { unit = \"byte\", price = \"1 sat\", up_to = 9 }",
        "line 7: service.route.meter.up_to: only tokens have `up_to`",
    ),
    (
        "meter = { unit = \"second\", price = \"1 sat\", output_price = \"1 sat\" }",
        "line 7: service.route.meter.output_price: only tokens have an `output_price`",
    ),
    (
        "meter = { unit = \"token\", price = \"1 sat\", up_to = 9, estimate = true }",
        "line 7: service.route.meter.estimate: ",
    ),
    (
        "meter = { unit = \"token\", price = \"1 sat\", up_to = 9, estimate = \"0 bytes\" }",
        "line 7: service.route.meter.estimate = \"0 bytes\": write the bytes of a response that make one token",
    ),
    (
        "meter = { unit = \"byte\", price = \"1 sat\", estimate = \"4 bytes\" }",
        "line 7: service.route.meter.estimate: only tokens have an `estimate`",
    ),
    ("meter = \"byte\"", "line 7: service.route.meter: invalid type: string, expected a table with `unit` and `price`"),
    ("meter = 7", "line 7: service.route.meter: invalid type: integer `7`, expected a table with `unit` and `price`"),
    ("meter = { price = \"1 sat\" }", "line 7: service.route.meter: missing field `unit`"),
    (
        "meter = { unit = \"bytes\", price = \"1 sat\" }",
        "line 7: service.route.meter.unit: unknown value `bytes`; did you mean `byte`?",
    ),
    (
        "meter = { unit = \"token\", price = \"1 sat\", up_to = 0 }",
        "line 7: service.route.meter.up_to: must be at least 1",
    ),
    (
        "price = \"9007199254741 sat\"\nmeter = { unit = \"byte\", price = \"1 sat\" }",
        "route /a: the price buys a balance above 9007199254740991 msat",
    ),
    (
        "uses = 2\nmeter = { unit = \"byte\", price = \"1 sat\" }",
        "line 7: service.route.uses = \"2\": a metered route has a balance; remove `uses` or `meter`",
    ),
    (
        "meter = { unit = \"token\", price = \"1 sat\", up_to = 10 }",
        "route /a: the price buys less than one request needs; raise it, or lower `up_to`",
    ),
];
