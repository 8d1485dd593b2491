//! One table of a configuration file, for the code that its settings belong to.

use core::fmt;
use serde::Deserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};

use super::error::{ConfigProblem, explain};

/// A table at the top of a file, with its place in it. What is wrong with a setting names its line and its key.
///
/// ```
/// use l402_program::config::Section;
/// use serde::Deserialize;
///
/// #[derive(Debug, Default, Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Purse {
///     coins: Option<u8>,
/// }
///
/// let text = "wallet = 'purse'\n[purse]\ncoins = 3";
/// assert_eq!(Section::new(text, "purse").read::<Purse>().unwrap().coins, Some(3));
/// assert_eq!(Section::new(text, "other").read::<Purse>().unwrap().coins, None);
///
/// let fault = Section::new("[purse]\ncoin = 3", "purse").read::<Purse>().unwrap_err();
/// assert_eq!(fault.to_string(), "purse.coin: unknown key `coin`; did you mean `coins`?");
/// assert_eq!(fault.line(), Some(2));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    text: &'a str,
    name: &'a str,
}

impl<'a> Section<'a> {
    /// Takes the table of this name from the text of a file.
    pub const fn new(text: &'a str, name: &'a str) -> Self {
        Self { text, name }
    }

    /// Reads the settings; the default ones where the file has no such table.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn read<T: DeserializeOwned + Default>(self) -> Result<T, ConfigProblem> {
        let table = toml::Deserializer::parse(self.text).and_then(|file| file.deserialize_map(Only::new(self.name)));
        table.map(Option::unwrap_or_default).map_err(|error| explain(self.text, &error))
    }
}

/// Reads one table, and passes over everything else.
struct Only<'a, T> {
    name: &'a str,
    kind: core::marker::PhantomData<T>,
}

impl<'a, T> Only<'a, T> {
    const fn new(name: &'a str) -> Self {
        Self { name, kind: core::marker::PhantomData }
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Only<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tables")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Option<T>, M::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.name {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}
