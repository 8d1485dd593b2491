//! `l402 budget key`.

use crate::cli::KeyCommand;
use crate::exit::{Exit, Failure, OrExit};
use l402_agent::store::Database;
use l402_agent::store::keys::{AgentKeys, KeyError, ShownKey};
use l402_agent::text::{lines, printable};

/// Runs the command, and returns what it prints.
pub(super) fn run(command: &KeyCommand, database: Database) -> Result<String, Failure> {
    let keys = AgentKeys::new(database);
    match command {
        KeyCommand::New { name, uid } => {
            let (id, key) = keys.make(name, *uid).map_err(of)?;
            eprintln!("made key {id} of {}; it is not shown again", printable(name));
            Ok(lines([key.expose().to_owned()]))
        }
        KeyCommand::List => Ok(lines(keys.all().or_exit(Exit::Local)?.iter().map(line))),
        KeyCommand::Revoke { id } => {
            keys.revoke(*id).map_err(of)?;
            Ok(lines([format!("revoked key {id}")]))
        }
    }
}

fn line(key: &ShownKey) -> String {
    let user = key.uid.map_or_else(|| "any user".to_owned(), |uid| format!("user {uid}"));
    let standing = if key.revoked_at.is_some() { "revoked" } else { "active" };
    format!("{}\t{}\t{user}\t{standing}", key.id, printable(&key.budget))
}

fn of(fault: KeyError) -> Failure {
    let exit = if matches!(fault, KeyError::Database(_) | KeyError::Random(_)) { Exit::Local } else { Exit::Usage };
    Failure::new(exit, fault)
}
