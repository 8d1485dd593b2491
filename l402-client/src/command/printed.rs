//! `l402 completion` and `l402 man`: what is printed from the definition of the command line.

use crate::cli::{Cli, CompletionArgs, ManArgs};
use crate::exit::{Exit, Failure, OrExit};
use clap::CommandFactory as _;
use l402_agent::text::lines;

/// What an agent must know to use this command.
pub(super) const AGENT_PAGE: &str = include_str!("agent-page.md");

/// Returns what completes commands in a shell.
pub(super) fn completion(args: CompletionArgs) -> Result<String, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "l402", &mut out);
    String::from_utf8(out).or_exit(Exit::Local)
}

/// Writes a page for each command, and returns where they are.
pub(super) fn man(args: &ManArgs) -> Result<String, Failure> {
    let failed = |cause: std::io::Error| {
        let place = args.directory.display().to_string();
        Failure::new(Exit::Local, anyhow::Error::from(cause).context(place))
    };
    std::fs::create_dir_all(&args.directory).map_err(failed)?;
    // Without the subcommands of `help`, each of which would have a page.
    let command = Cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, &args.directory).map_err(failed)?;
    Ok(lines([format!("wrote the pages to {}", args.directory.display())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap_complete::Shell;

    /// A token of a language model is at most about three quarters of a word of plain English; code and options are more tokens than words.
    #[test]
    fn the_page_for_agents_is_short_and_true() {
        let pieces = AGENT_PAGE.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).count();
        let signs = AGENT_PAGE.chars().filter(char::is_ascii_punctuation).count();
        assert!(pieces + signs <= 500, "{pieces} words and {signs} signs");
        let command = Cli::command();
        for line in AGENT_PAGE.lines().filter_map(|line| line.strip_prefix("    l402 ")) {
            let line = line.split('#').next().unwrap().trim();
            let words = ["l402"].into_iter().chain(line.split(' ')).map(str::to_owned).collect::<Vec<_>>();
            let parsed = command.clone().try_get_matches_from(crate::cli::with_get(words.into_iter().map(Into::into)));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
    }

    #[test]
    fn each_shell_completes_each_command() {
        for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
            let script = completion(CompletionArgs { shell }).unwrap();
            for command in Cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            }
        }
    }

    #[test]
    fn each_command_has_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("man/man1");
        man(&ManArgs { directory: directory.clone() }).unwrap();
        let page = std::fs::read_to_string(directory.join("l402-get.1")).unwrap();
        assert!(page.contains("max\\-price") && page.contains(".TH l402-get 1"), "{page}");
        for command in Cli::command().get_subcommands() {
            assert!(directory.join(format!("l402-{}.1", command.get_name())).is_file(), "{}", command.get_name());
        }
    }
}
