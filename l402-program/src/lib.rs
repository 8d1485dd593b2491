//! What the programs `l402-server` and `l402` have in common: how they tell a person what is wrong.
//!
//! - [`Causes`] writes an error with its causes in one line, and says nothing twice.
//! - [`Date`] is a day as people write it.
//! - [`core_dump`] keeps their memory out of files.
//! - [`config`] names what is wrong with a TOML file: file, line, key, and the nearest valid one.

mod calendar;
mod causes;
pub mod config;
pub mod core_dump;

pub use calendar::Date;
pub use causes::Causes;

/// The examples of the README, which run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
