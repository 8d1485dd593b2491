//! From the text of a file to its type, or to what is wrong with it.

use serde::de::DeserializeOwned;

use super::error::{ConfigProblem, explain};

/// Reads a file.
///
/// # Errors
/// What is wrong first. A key that belongs to the top of the file, and stands below a table, is told so.
///
/// ```
/// use l402_program::config::read;
/// use serde::Deserialize;
///
/// #[derive(Debug, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct File {
///     price: Option<String>,
///     shop: Option<Shop>,
/// }
/// #[derive(Debug, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Shop {
///     prize: Option<String>,
/// }
///
/// assert_eq!(read::<File>("price = '21 sat'").unwrap().price.unwrap(), "21 sat");
/// assert_eq!(
///     read::<File>("[shop]\nprice = '21 sat'").unwrap_err().to_string(),
///     "shop.price: `price` belongs at the top of the file, before the first [table]"
/// );
/// ```
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, ConfigProblem> {
    toml::from_str(text).map_err(|error| {
        let problem = explain(text, &error);
        match problem.unknown_key() {
            Some((_, name)) if keys_of::<T>().iter().any(|key| key == name) => {
                let message = format!("`{name}` belongs at the top of the file, before the first [table]");
                problem.saying(message)
            }
            _ => problem,
        }
    })
}

/// Returns the keys of a file, or of a table, as serde lists them for one that is none of them.
pub fn keys_of<T: DeserializeOwned>() -> Vec<String> {
    let nobodys = toml::from_str::<T>("_ = 0").err();
    let message = nobodys.map(|error| error.message().to_owned()).unwrap_or_default();
    message.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}
