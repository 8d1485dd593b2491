//! The `l402` command: gets a URL, pays for it over Lightning where it must, and prints the body.
//!
//! A thin shell around [`l402_http::pay`], which pays, and [`l402_lightning`], which holds the money:
//!
//! 1. [`cli`] and [`config`] say what the user wants, [`home`] joins them; [`command`] runs it and names the [`exit`].
//! 2. [`get`] is `l402 get`: the request of [`http`], the payment, the redirects, the body on its way out, the report.
//! 3. [`store`] keeps tokens and payments on the disk, so that nothing that was paid for is lost and nothing is paid twice.
//! 4. [`wallet`] is what pays.

pub mod amount;
pub mod cli;
pub mod command;
pub mod config;
pub mod exit;
pub mod get;
pub mod home;
pub mod http;
pub mod store;
pub mod text;
pub mod wallet;
