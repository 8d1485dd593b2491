//! The page `docs/reference.md`, printed from the tables that the programs themselves use: what it says, they do.
//!
//! A setting, a reason or a variable that is added to its table is on the page after `just reference`; the test of this crate
//! fails until then.

use core::fmt::Write as _;

use l402_client::reference as client;
use l402_http::response::Reason;
use l402_http::service::PhaseKind;

const HEAD: &str =
    "# Reference\n\nThis page is printed from the code: change the table that is named, then run `just reference`.\n";

/// Returns the whole page.
pub fn page() -> String {
    let mut page = String::from(HEAD);
    for (title, source, text) in [
        (
            "Settings of `l402-server`",
            "l402-server/src/{config/file,variables,exit}.rs",
            l402_server::reference::reference(),
        ),
        ("Reasons of responses", "l402-http/src/response/reason.rs", reasons()),
        ("Events of a request", "l402-http/src/service/event.rs", events()),
        ("Settings of `l402`", "l402-client/src/reference.rs", client::settings()),
        ("The policy of `l402`", "l402-agent/src/policy/settings.rs", client::policy()),
        ("Environment variables of `l402`", "l402-client/src/variables.rs", client::environment()),
        ("Exit codes of `l402`", "l402-client/src/exit.rs", client::exit_codes()),
    ] {
        // A page has one heading of the first rank, so that those inside a part are of the third.
        let text = text.replace("\n## ", "\n### ");
        let _ = write!(page, "\n## {title}\n\nFrom `{source}`.\n\n{}\n", text.trim()); // a string takes everything
    }
    page
}

/// The `reason` of JSON bodies, which gRPC responses carry as `l402-reason`.
fn reasons() -> String {
    let mut table = String::from("| reason | status | meaning |\n|---|---|---|\n");
    for reason in Reason::ALL {
        let statuses: Vec<_> = reason.statuses().iter().map(ToString::to_string).collect();
        let _ = writeln!(table, "| `{reason}` | {} | {} |", statuses.join(", "), reason.meaning());
    }
    table
}

/// The events that a subscriber of the paid service gets.
fn events() -> String {
    let mut table = String::from("| event | meaning |\n|---|---|\n");
    for kind in PhaseKind::ALL {
        let _ = writeln!(table, "| `{}` | {} |", kind.name(), kind.meaning());
    }
    table
}
