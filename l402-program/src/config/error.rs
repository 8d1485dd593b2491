//! What is wrong with a configuration, for the person who wrote it.
//!
//! Every problem names the key, where it stands, the value as far as it cannot be secret, and what to do. What may be shown is
//! decided in one place, by `harmless`, for values and for messages.

use core::fmt::{self, Display};
use core::ops::Range;
use core::str::FromStr;
use std::io;
use std::path::PathBuf;
use toml::de::{DeTable, DeValue};

use super::at::{At, ValueOrigin};

/// Why a configuration cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Something in it is wrong; there is at least one problem.
    Invalid {
        /// The file; [`None`] when all settings came from the environment.
        path: Option<PathBuf>,
        /// What is wrong, in the order of the file.
        problems: Vec<ConfigProblem>,
    },
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, .. } => write!(f, "cannot read the configuration {}", path.display()),
            Self::Invalid { path, problems } => {
                for (index, problem) in problems.iter().enumerate() {
                    if index > 0 {
                        f.write_str("\n")?;
                    }
                    match (path, problem.line) {
                        (Some(path), Some(line)) => write!(f, "{}:{line}: ", path.display())?,
                        (None, Some(line)) => write!(f, "line {line}: ")?,
                        (Some(path), None) if !problem.from_environment => write!(f, "{}: ", path.display())?,
                        _ => {}
                    }
                    problem.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable { cause, .. } => Some(cause),
            Self::Invalid { .. } => None,
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    line: Option<usize>,
    from_environment: bool,
    key: String,
    value: Option<String>,
    message: String,
}

impl ConfigProblem {
    /// Returns the line in the file, from 1; [`None`] for what is missing altogether or came from the environment.
    pub const fn line(&self) -> Option<usize> {
        self.line
    }

    /// Returns the key with the tables around it, such as `service.route.price`, or the name of a variable.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the table and the key, where a key is unknown in its table. At the top of the file, the table is empty.
    pub fn unknown_key(&self) -> Option<(&str, &str)> {
        self.message.starts_with(KEY).then(|| self.key.rsplit_once('.').unwrap_or(("", &self.key)))
    }

    /// The same problem in other words.
    #[must_use]
    pub fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }
}

impl Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.key.as_str(), &self.value) {
            ("", _) => f.write_str(&self.message),
            (key, Some(value)) => write!(f, "{key} = {value:?}: {}", self.message),
            (key, None) => write!(f, "{key}: {}", self.message),
        }
    }
}

/// Gathers the problems of one file, so that all are told at once.
#[derive(Debug)]
pub struct Problems<'t> {
    text: &'t str,
    found: Vec<ConfigProblem>,
    /// Whether the keys of the one service stand at the top of the file.
    pub short_form: bool,
}

impl<'t> Problems<'t> {
    /// Begins with the text of the file, in which lines are counted.
    pub const fn new(text: &'t str) -> Self {
        Self { text, found: Vec::new(), short_form: false }
    }

    /// Parses a value, or notes why it cannot be.
    pub fn parse<T: FromStr<Err: Display>>(&mut self, key: &str, at: &At<String>) -> Option<T> {
        self.parse_with(key, at, str::parse)
    }

    /// As [`Problems::parse`], by a function.
    pub fn parse_with<T, E: Display>(
        &mut self,
        key: &str,
        at: &At<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        parse(&at.value).map_err(|fault| self.wrong(key, at, fault)).ok()
    }

    /// Notes that a value is wrong, and shows it.
    pub fn wrong<T: Display>(&mut self, key: &str, at: &At<T>, message: impl Display) {
        self.note(key, &at.origin, Some(at.value.to_string()), message);
    }

    /// Notes that something is wrong without showing the value: it may be secret, or say nothing.
    pub fn wrong_at(&mut self, key: &str, origin: &ValueOrigin, message: impl Display) {
        self.note(key, origin, None, message);
    }

    /// Adds a problem that was found elsewhere.
    pub fn add(&mut self, problem: ConfigProblem) {
        self.found.push(problem);
    }

    /// Notes that something is missing, or wrong as a whole.
    pub fn missing(&mut self, key: &str, message: impl Display) {
        self.push(None, false, key.to_owned(), None, message);
    }

    /// Returns the result, or what was found wrong.
    ///
    /// # Errors
    /// The problems, in the order of the file.
    pub fn finish<T>(mut self, result: Option<T>) -> Result<T, Vec<ConfigProblem>> {
        self.found.sort_by_key(ConfigProblem::line);
        match result {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(self.found),
        }
    }

    fn note(&mut self, key: &str, origin: &ValueOrigin, value: Option<String>, message: impl Display) {
        match origin {
            ValueOrigin::Bytes(range) => {
                let line = line_of(self.text, range.start);
                self.push(Some(line), false, key.to_owned(), value, message);
            }
            ValueOrigin::Variable(name) => self.push(None, true, (*name).to_owned(), value, message),
        }
    }

    fn push(
        &mut self,
        line: Option<usize>,
        from_environment: bool,
        key: String,
        value: Option<String>,
        message: impl Display,
    ) {
        let key = match key.strip_prefix("service.") {
            Some(short) if self.short_form => short.to_owned(),
            _ => key,
        };
        let (value, message) = match value {
            None => (None, message.to_string()),
            Some(value) => {
                let shown = harmless_value(&value);
                let message = message.to_string();
                // A message may repeat the value.
                let message = if value.is_empty() { message } else { message.replace(&value, &shown) };
                (Some(shown), message)
            }
        };
        self.found.push(ConfigProblem { line, from_environment, key, value, message: harmless(&message) });
    }
}

/// Leaves out of a value what may be secret: of an address everything but scheme and host, which may stand beside a password
/// or a key, and all that [`harmless`] leaves out.
fn harmless_value(value: &str) -> String {
    let shown = match (value.split_once("://"), value.contains('@')) {
        // Where the host begins is anybody's guess: a password may hold any of these signs.
        (Some((scheme, _)), true) => format!("{scheme}://{LEFT_OUT}"),
        (None, true) => LEFT_OUT.to_owned(),
        (Some((scheme, rest)), false) => match rest.find(['/', '?', '#']).and_then(|at| rest.split_at_checked(at)) {
            Some((host, path)) if path != "/" => format!("{scheme}://{host}/{LEFT_OUT}"),
            _ => value.to_owned(),
        },
        (None, false) => value.to_owned(),
    };
    harmless(&shown)
}

/// Leaves out what looks like a key: letters and digits in a row, longer than any word of ours.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '=');
        let end = rest.find(|c| !is_key(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let is_long = run.chars().count() > MAX_WORD;
        shown.push_str(if is_long && !is_variable(run) { LEFT_OUT } else { run });
        let mut others = after.chars();
        shown.extend(others.next());
        rest = others.as_str();
    }
    shown
}

/// Whether this is written as the names of variables are, in capitals with an underscore.
fn is_variable(run: &str) -> bool {
    let plain = run.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    plain && run.contains('_') && run.len() <= MAX_VARIABLE
}

/// Says what a TOML error means here: which key, on which line, and the nearest valid one.
pub fn explain(text: &str, error: &toml::de::Error) -> ConfigProblem {
    let span = error.span();
    let key = span.as_ref().and_then(|span| key_at(text, span)).unwrap_or_default();
    let message = error.message().lines().next().unwrap_or_default();
    let message = suggestion(message).or_else(|| form(message, &key)).unwrap_or_else(|| without_text(message));
    let line = span.map(|span| line_of(text, span.start));
    ConfigProblem { line, from_environment: false, key, value: None, message: harmless(&message) }
}

/// Rewrites serde's "unknown field `x`, expected one of `a`, `b`", so that it names the nearest valid word first.
fn suggestion(message: &str) -> Option<String> {
    let what = [("unknown field", KEY), ("unknown variant", "unknown value")]
        .into_iter()
        .find_map(|(serde, ours)| message.starts_with(serde).then_some(ours))?;
    let mut words = message.split('`').skip(1).step_by(2);
    let given = words.next()?;
    let known: Vec<&str> = words.collect();
    let nearest = known.iter().copied().max_by(|a, b| closeness(given, a).total_cmp(&closeness(given, b)));
    let near = nearest.filter(|near| closeness(given, near) >= ALIKE);
    // What is no word, or no slip of the pen for a value, may be a secret in the wrong place.
    let is_harmless = is_word(given) && (what == KEY || near.is_some());
    let shown = if is_harmless { format!("{what} `{given}`") } else { what.to_owned() };
    Some(match near {
        Some(near) => format!("{shown}; did you mean `{near}`?"),
        None => format!("{shown}; valid are {}", known.join(", ")),
    })
}

/// Says how to write what was written in another form.
fn form(message: &str, key: &str) -> Option<String> {
    let list = key.split('.').next().unwrap_or_default();
    let of_list = || format!("write [[{list}]], with double brackets, before each entry");
    let number = ["invalid type: integer", "invalid type: floating point"];
    match message {
        _ if message.ends_with("expected a string") && number.iter().any(|number| message.starts_with(number)) => {
            Some("write it in quotes, with its unit, such as \"21 sat\", \"30s\" or \"10/s\"".to_owned())
        }
        "invalid type: map, expected a sequence" => Some(of_list()),
        _ if message.ends_with("expected u64")
            || message.ends_with("expected u32")
            || message.ends_with("expected usize") =>
        {
            Some("write a whole number, without quotes and unit".to_owned())
        }
        _ if message.contains("expected a nonzero") => Some("must be at least 1".to_owned()),
        _ if message.starts_with("wanted exactly 1 element") => Some("write exactly one of its keys".to_owned()),
        _ => None,
    }
}

/// Leaves out what was written in place of something else: it may be a secret.
fn without_text(message: &str) -> String {
    match (message.split_once("string \""), message.rsplit_once('"')) {
        (Some((before, _)), Some((_, after))) => format!("{before}string{after}"),
        _ => message.to_owned(),
    }
}

/// Whether a text is as short and plain as a key.
fn is_word(text: &str) -> bool {
    text.len() <= MAX_WORD && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn closeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(a, b)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

/// The dotted path of the key at these bytes or around them.
fn key_at(text: &str, span: &Range<usize>) -> Option<String> {
    let mut path = Vec::new();
    descend(DeTable::parse(text).ok()?.get_ref(), span, &mut path);
    Some(path.join("."))
}

fn descend(table: &DeTable<'_>, span: &Range<usize>, path: &mut Vec<String>) {
    for (key, value) in table {
        // The span of a table that has a header ends with the header, so that its content is asked as well.
        if key.span() == *span || holds(value.get_ref(), &value.span(), span) {
            path.push(key.get_ref().to_string());
            descend_value(value.get_ref(), span, path);
            return;
        }
    }
}

fn descend_value(value: &DeValue<'_>, span: &Range<usize>, path: &mut Vec<String>) {
    match value {
        DeValue::Table(table) => descend(table, span, path),
        DeValue::Array(items) => {
            if let Some(item) = items.iter().find(|item| holds(item.get_ref(), &item.span(), span)) {
                descend_value(item.get_ref(), span, path);
            }
        }
        _ => {}
    }
}

fn holds(value: &DeValue<'_>, at: &Range<usize>, span: &Range<usize>) -> bool {
    let within = at.start <= span.start && span.end <= at.end;
    within
        || match value {
            DeValue::Table(table) => {
                table.iter().any(|(key, value)| key.span() == *span || holds(value.get_ref(), &value.span(), span))
            }
            DeValue::Array(items) => items.iter().any(|item| holds(item.get_ref(), &item.span(), span)),
            _ => false,
        }
}

/// How an unknown key is called.
const KEY: &str = "unknown key";

/// Stands for what is not shown.
const LEFT_OUT: &str = "…";

/// No name of a variable is longer.
const MAX_VARIABLE: usize = 64;

/// No key or value of ours is longer.
const MAX_WORD: usize = 24;

/// Words at least this close are taken for a slip of the pen.
const ALIKE: f64 = 0.75;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key_or_a_password_is_left_out() {
        for (value, shown) in [
            ("21", "21"),
            ("ftp://a", "ftp://a"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000/"),
            ("http://127.0.0.1:3000/key?key", "http://127.0.0.1:3000/…"),
            ("http://a?key", "http://a/…"),
            ("http://me:p/w@host", "http://…"),
            ("me:pw@host", "…"),
            ("sk-0123456789abcdef01234567", "…"),
            ("/v1/0123456789abcdef0123456789/now", "/v1/…/now"),
            ("0123456789abcdef01234567", "0123456789abcdef01234567"),
            ("THE_KEY_OF_THE_MODEL_THAT_IS_SOLD", "THE_KEY_OF_THE_MODEL_THAT_IS_SOLD"),
        ] {
            assert_eq!(harmless_value(value), shown, "{value}");
        }
    }

    #[test]
    fn a_wrong_form_is_reported_with_the_right_one() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "snake_case")]
        #[expect(dead_code, reason = "what matters is what cannot be read")]
        enum Chain {
            Esplora(String),
            Electrum(String),
        }
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "what matters is what cannot be read")]
        struct File {
            chain: Chain,
        }
        let told = |text: &str| explain(text, &toml::from_str::<File>(text).unwrap_err()).to_string();
        let both = "chain = { esplora = 'http://a', electrum = 'ssl://a:1' }";
        for (text, expected) in [
            (both, "chain: write exactly one of its keys"),
            ("chain = {}", "chain: write exactly one of its keys"),
            (
                "chain = { esplora = 21 }",
                "chain.esplora: write it in quotes, with its unit, such as \"21 sat\", \"30s\" or \"10/s\"",
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
