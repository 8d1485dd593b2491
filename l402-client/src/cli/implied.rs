//! `l402 URL` means `l402 get URL`.

use super::Cli;
use clap::{Command, CommandFactory};
use std::ffi::OsString;

/// Adds the `get` that was left out: there is no command where one would stand, and some argument is a URL (it has `://`).
///
/// ```
/// use l402_client::cli::with_get;
///
/// let line = with_get(["l402", "-X", "get", "https://api.example/"].map(Into::into));
/// assert_eq!(line, ["l402", "get", "-X", "get", "https://api.example/"]);
/// let line = with_get(["l402", "tokens", "forget", "https://api.example"].map(Into::into));
/// assert_eq!(line[1], "tokens");
/// ```
pub fn with_get(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line: Vec<_> = line.into_iter().collect();
    let command = Cli::command();
    let at = first_of_command(&command, &line);
    let is_text = |at: usize, is: &dyn Fn(&str) -> bool| line.get(at).and_then(|word| word.to_str()).is_some_and(is);
    let is_command = is_text(at, &|word| {
        matches!(word, "help" | "-h" | "--help" | "-V" | "--version") || command.find_subcommand(word).is_some()
    });
    if !is_command && (at..line.len()).any(|at| is_text(at, &|word| word.contains("://"))) {
        line.insert(at, "get".into());
    }
    line
}

/// Goes past the name of the program and the options that every command has.
fn first_of_command(command: &Command, line: &[OsString]) -> usize {
    let mut at = 1;
    while let Some(word) = line.get(at).and_then(|word| word.to_str()) {
        let Some(name) = word.strip_prefix("--") else { break };
        let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
        let mut options = command.get_arguments().filter(|option| option.is_global_set());
        if !options.any(|option| option.get_long() == Some(name)) {
            break;
        }
        at += if value.is_some() { 1 } else { 2 }; // each of them has a value
    }
    at.min(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_alone_is_got() {
        for (line, expected) in [
            ("l402 http://a/", "l402 get http://a/"),
            ("l402 -sSL -o f http://a/", "l402 get -sSL -o f http://a/"),
            (
                "l402 --data-dir d --wallet=ldk -X tokens http://a/",
                "l402 --data-dir d --wallet=ldk get -X tokens http://a/",
            ),
            ("l402 --data-dir d tokens forget http://a", "l402 --data-dir d tokens forget http://a"),
            ("l402 get http://a/", "l402 get http://a/"),
            ("l402 --esplora http://a wallet info", "l402 --esplora http://a wallet info"),
            ("l402 --help http://a", "l402 --help http://a"),
            ("l402 nonsense", "l402 nonsense"),
            ("l402", "l402"),
            ("l402 --data-dir", "l402 --data-dir"),
        ] {
            let found = with_get(line.split(' ').map(OsString::from));
            assert_eq!(found, expected.split(' ').map(OsString::from).collect::<Vec<_>>(), "{line}");
        }
    }
}
