//! Where commands about uses, revocations and keys get their answers: from the running gateway, or from its files where none runs.

use core::error::Error;
use l402_gateway::control::{self, AskError, Books, Call, Reply, Request, ask, socket_path};
use l402_gateway::inventory::Inventory;
use l402_ledger::{Ledger, StoreErrorKind};
use std::io::{self, Write as _};
use std::path::Path;

use crate::config::Config;

/// Asks, with the configuration of the gateway where it is known.
pub(crate) async fn reply(
    socket: Option<&Path>,
    config: Option<&Config>,
    call: Call,
    looks: &str,
) -> Result<Reply, Box<dyn Error>> {
    let socket = socket.map(Path::to_owned).or_else(|| Some(socket_path(&config?.settings.data_dir)));
    let socket = socket.ok_or("no data directory; use --socket")?;
    let request = Request { call, id: None, dry_run: false };
    match (ask(&socket, &request), config) {
        (Ok(reply), _) => Ok(reply),
        (Err(AskError::Unreachable { .. }), Some(config)) => answer(config, &request, &socket).await,
        (Err(AskError::Broken(cause)), _) => {
            Err(format!("the gateway closed the connection; `{looks}` shows what was done: {cause}").into())
        }
        (Err(fault), _) => Err(fault.into()),
    }
}

/// Opens the ledger: no gateway has it.
async fn answer(config: &Config, request: &Request, socket: &Path) -> Result<Reply, Box<dyn Error>> {
    Inventory::look(&config.settings)?;
    if matches!(request.call, Call::Keys(_)) {
        let books = Books::new(Ledger::absent(), &config.settings); // the key file is no part of the ledger
        return Ok(control::answer(&config.settings.data_dir, books, request).await?);
    }
    if let Some(kept) = config.ledger.kept().filter(|kept| !kept.path.exists()) {
        return Err(format!("nothing was ever used: there is no ledger at {}", kept.path.display()).into());
    }
    let store = config.ledger.open().await.map_err(|fault| -> Box<dyn Error> {
        if fault.kind() == StoreErrorKind::InUse {
            format!("a gateway has the ledger open and does not answer at {}", socket.display()).into()
        } else {
            fault.into()
        }
    })?;
    let books = Books::new(store.ledger, &config.settings);
    Ok(control::answer(&config.settings.data_dir, books, request).await?)
}

/// Prints an answer as JSON, or as `text` makes it; one that says that nothing was done is an error.
pub(crate) fn show(
    reply: &Reply,
    json: bool,
    text: impl FnOnce(&serde_json::Value) -> String,
) -> Result<(), Box<dyn Error>> {
    let facts = match reply {
        Reply::Facts(facts) => facts,
        Reply::Refused(why) => return Err(why.clone().into()),
        _ => return Err("the gateway gave an answer to something else".into()),
    };
    let text = if json { facts.to_string() } else { text(facts) };
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(cause.into()),
        _ => Ok(()),
    }
}
