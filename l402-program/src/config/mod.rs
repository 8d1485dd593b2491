//! What is wrong with a configuration file: which file, which line, which key, and what to write instead.
//!
//! ```
//! use l402_program::config::{At, ConfigError, Problems, read};
//! use serde::Deserialize;
//!
//! #[derive(Debug, Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct File {
//!     price: At<String>,
//! }
//!
//! fn price(text: &str) -> Result<u64, ConfigError> {
//!     let invalid = |problems| ConfigError::Invalid { path: Some("my.toml".into()), problems };
//!     let file: File = read(text).map_err(|problem| invalid(vec![problem]))?;
//!     let mut problems = Problems::new(text);
//!     let price = problems.parse("price", &file.price);
//!     problems.finish(price).map_err(invalid)
//! }
//!
//! assert_eq!(price("price = '21'").unwrap(), 21);
//! assert_eq!(price("prise = '21'").unwrap_err().to_string(), "my.toml:1: prise: unknown key `prise`; did you mean `price`?");
//! assert_eq!(price("\nprice = 'x'").unwrap_err().to_string(), "my.toml:2: price = \"x\": invalid digit found in string");
//! ```
//!
//! - [`load`] reads a [`Source`] and lets the program resolve it.
//! - A [`Variable`] stands in the one table of a program; [`help`] and `reference` print the table.

mod address;
pub mod at;
pub mod error;
mod load;
pub mod read;
#[cfg(feature = "schema")]
mod reference;
mod section;
mod text;
mod variable;

pub use address::address;
pub use at::{At, ValueOrigin};
pub use error::{ConfigError, ConfigProblem, Problems, explain};
pub use load::{Place, Source, load};
pub use read::{keys_of, read};
#[cfg(feature = "schema")]
pub use reference::reference;
pub use section::Section;
pub use text::{Text, TextError};
pub use variable::{Environment, Variable, help};
