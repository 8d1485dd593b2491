//! The command `l402`: gets a URL, pays for it over Lightning, and prints the body.
//!
//! A thin shell around [`l402_agent`], which pays and keeps what was bought:
//!
//! 1. [`cli`] and [`config`] say what the user wants, [`home`] joins them; [`command`] runs it and names the [`exit`].
//! 2. [`get`] is `l402 get`: the request, the payment, the redirects, the body on its way out, the report.
//! 3. [`variables`] and [`reference`](mod@reference) are the tables that `--help` and the documentation are printed from.
//! 4. [`wallet`] is what pays, and [`json`] is what `--json` prints.

mod backends;
pub mod cli;
pub mod command;
pub mod config;
mod egress;
pub mod exit;
mod flags;
pub mod get;
pub mod home;
pub mod json;
mod mcp;
pub mod reference;
pub mod variables;
pub mod wallet;
