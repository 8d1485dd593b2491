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

pub mod at;
pub mod error;
pub mod read;

pub use at::{At, ValueOrigin};
pub use error::{ConfigError, ConfigProblem, Problems, explain};
pub use read::read;
