//! The options of the body, in the order in which they stand on the command line: their data is joined in that order.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use std::ffi::OsString;

/// What `-d` and its siblings say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataArgs(Vec<DataArg>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataArg {
    /// Which option.
    pub kind: DataKind,
    /// Its value: text, or where to read it.
    pub value: OsString,
}

/// An option of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataKind {
    /// `-d`: what a file holds goes without its line ends.
    Text,
    /// `--data-binary`: what a file holds goes as it is.
    Binary,
    /// `--data-raw`: an `@` at its beginning is part of it.
    Raw,
    /// `--data-urlencode`.
    UrlEncoded,
    /// `--json-data`.
    Json,
}

impl DataArgs {
    /// Returns them in their order.
    pub fn all(&self) -> &[DataArg] {
        &self.0
    }

    /// Tells whether there is one of a kind.
    pub fn has(&self, kind: DataKind) -> bool {
        self.0.iter().any(|data| data.kind == kind)
    }
}

impl FromArgMatches for DataArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut found = Vec::new();
        for Row { id, kind, .. } in OPTIONS {
            let values = matches.get_many::<OsString>(id).unwrap_or_default();
            let places = matches.indices_of(id).unwrap_or_default();
            found.extend(places.zip(values).map(|(at, value)| (at, DataArg { kind, value: value.clone() })));
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(Self(found.into_iter().map(|(_, data)| data).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for DataArgs {
    fn augment_args(command: Command) -> Command {
        let options = OPTIONS.map(|Row { id, short, help, long_help, .. }| {
            let option = Arg::new(id).long(id).help(help).value_name("DATA").action(ArgAction::Append);
            let option = option.value_parser(ValueParser::os_string()).allow_hyphen_values(true);
            let option = if long_help.is_empty() { option } else { option.long_help(format!("{help}\n\n{long_help}")) };
            short.into_iter().fold(option, Arg::short)
        });
        command.args(options)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

struct Row {
    id: &'static str,
    short: Option<char>,
    kind: DataKind,
    help: &'static str,
    long_help: &'static str,
}

const OPTIONS: [Row; 5] = [
    Row {
        id: "data",
        short: Some('d'),
        kind: DataKind::Text,
        help: "Request body; `@FILE` reads a file, `@-` standard input",
        long_help: "Several are joined by `&`. Line ends of a file are left out; use --data-binary to send it as it is.",
    },
    Row {
        id: "data-binary",
        short: None,
        kind: DataKind::Binary,
        help: "As -d, and a file is sent as it is",
        long_help: "",
    },
    Row {
        id: "data-raw",
        short: None,
        kind: DataKind::Raw,
        help: "As -d, and `@` has no special meaning",
        long_help: "",
    },
    Row {
        id: "data-urlencode",
        short: None,
        kind: DataKind::UrlEncoded,
        help: "As -d, URL-encoded",
        long_help: "`CONTENT`, `=CONTENT`, `NAME=CONTENT`, `@FILE` or `NAME@FILE`. The name is not encoded.",
    },
    Row {
        id: "json-data",
        short: None,
        kind: DataKind::Json,
        help: "JSON body, with its headers; several are put together",
        long_help: "curl calls it --json, which is the report here. `@FILE` reads a file, `@-` standard input.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_command_line() {
        let command = DataArgs::augment_args(Command::new("l402"));
        let line = ["l402", "--data-raw", "@a", "-d", "-b", "--data-binary=c", "-dd", "--data-urlencode", "e"];
        let data = DataArgs::from_arg_matches(&command.try_get_matches_from(line).unwrap()).unwrap();
        let found: Vec<_> = data.all().iter().map(|data| (data.kind, data.value.to_str().unwrap())).collect();
        let expected = [
            (DataKind::Raw, "@a"),
            (DataKind::Text, "-b"),
            (DataKind::Binary, "c"),
            (DataKind::Text, "d"),
            (DataKind::UrlEncoded, "e"),
        ];
        assert_eq!(found, expected);
        assert!(data.has(DataKind::Raw) && !data.has(DataKind::Json));
    }
}
