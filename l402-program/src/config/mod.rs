//! What is wrong with a configuration file: which file, which line, which key, and what to write instead.
//!
//! ```
//! use l402_program::config::{At, ConfigError, Problems, explain};
//! use serde::Deserialize;
//!
//! #[derive(Debug, Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct File {
//!     price: At<String>,
//! }
//!
//! fn read(text: &str) -> Result<u64, ConfigError> {
//!     let invalid = |problems| ConfigError::Invalid { path: Some("my.toml".into()), problems };
//!     let file: File = toml::from_str(text).map_err(|error| invalid(vec![explain(text, &error)]))?;
//!     let mut problems = Problems::new(text);
//!     let price = problems.parse("price", &file.price);
//!     problems.finish(price).map_err(invalid)
//! }
//!
//! assert_eq!(read("price = '21'").unwrap(), 21);
//! assert_eq!(read("prise = '21'").unwrap_err().to_string(), "my.toml:1: prise: unknown key `prise`; did you mean `price`?");
//! assert_eq!(read("\nprice = 'x'").unwrap_err().to_string(), "my.toml:2: price = \"x\": invalid digit found in string");
//! ```

pub mod at;
pub mod error;

pub use at::{At, Origin};
pub use error::{ConfigError, Problem, Problems, explain};
