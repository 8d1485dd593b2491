//! From a source to a configuration: where the text comes from, and which file an error names.

use serde::de::DeserializeOwned;
use std::fs;
use std::io;
use std::path::Path;

use super::error::{ConfigError, ConfigProblem};
use super::read::read;

/// Where the text of a configuration comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A file that must exist.
    File(&'a Path),
    /// A file that may be missing; a missing one is read as an empty one.
    OptionalFile(&'a Path),
    /// A text. Relative paths in it begin at the current directory.
    Text(&'a str),
    /// No file: everything has its default, or comes from the environment.
    Nothing,
}

/// What a resolver knows of the text: for line numbers and relative paths.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The text of the file.
    pub text: &'a str,
    /// The directory at which relative paths begin.
    pub base: &'a Path,
}

/// Reads a source into the type of the file, and lets `resolve` make the configuration of it: there environment variables
/// override the file, and values are checked.
///
/// # Errors
/// [`ConfigError`]; it names the file, and for each problem the line, the key and what to write instead.
///
/// ```
/// use l402_program::config::{At, Environment, Problems, Source, Variable, load};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct File {
///     price: Option<At<String>>,
/// }
///
/// const PRICE: Variable = Variable::new("MY_PRICE", "price", "what a call costs");
///
/// fn price(source: Source<'_>, environment: Environment<'_>) -> Result<u64, l402_program::config::ConfigError> {
///     load(source, |mut file: File, place| {
///         PRICE.over(environment, &mut file.price);
///         let mut problems = Problems::new(place.text);
///         let price = file.price.map_or(Some(1), |at| problems.parse("price", &at));
///         problems.finish(price)
///     })
/// }
///
/// let set = |name: &str| (name == "MY_PRICE").then(|| "free".to_owned());
/// assert_eq!(price(Source::Text("price = '21'"), &|_| None)?, 21);
/// assert_eq!(price(Source::Nothing, &set).unwrap_err().to_string(), "MY_PRICE = \"free\": invalid digit found in string");
/// # Ok::<(), l402_program::config::ConfigError>(())
/// ```
pub fn load<F: DeserializeOwned, C>(
    source: Source<'_>,
    resolve: impl FnOnce(F, Place<'_>) -> Result<C, Vec<ConfigProblem>>,
) -> Result<C, ConfigError> {
    let (text, path) = match source {
        Source::File(path) | Source::OptionalFile(path) => (text_of(path, source)?, Some(path)),
        Source::Text(text) => (text.to_owned(), None),
        Source::Nothing => (String::new(), None),
    };
    let base = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let file = read(&text).map_err(|problem| vec![problem]);
    file.and_then(|file| resolve(file, Place { text: &text, base }))
        .map_err(|problems| ConfigError::Invalid { path: path.map(Path::to_owned), problems })
}

fn text_of(path: &Path, source: Source<'_>) -> Result<String, ConfigError> {
    match fs::read_to_string(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && matches!(source, Source::OptionalFile(_)) => {
            Ok(String::new())
        }
        read => read.map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause }),
    }
}
