//! Several gateways with one node: the keys that they know each other by, and the door for those without a node.

use l402_core::Sealer;
use l402_gateway::{Seals, StartError};
use l402_lightning::backend::PayeeSetup;
use l402_replica::{Address, Desk};
use std::net::TcpListener;
use std::sync::Arc;
use std::{fs, io};

use crate::config::Config;
use crate::failure::ProgramError;
use crate::lightning::Lightning;

/// Gives the node's settings the keys that they need. The key file must exist.
pub(crate) fn sealed(config: &Config) -> Result<Arc<dyn PayeeSetup>, StartError> {
    let seals = seals(config)?;
    Ok(config.lightning.sealed_by(&seals).unwrap_or_else(|| Arc::clone(&config.lightning)))
}

/// Lets gateways without a node ask for invoices, if the configuration says where.
pub(crate) async fn serve(config: &Config, lightning: &Lightning) -> Result<Option<Desk>, ProgramError> {
    let Some(address) = &config.replicas else { return Ok(None) };
    let seals = seals(config).map_err(ProgramError::Start)?;
    let desk = lightning.serve(address, seals).await.map_err(|cause| unbound(address, &cause))?;
    tracing::info!(%address, "making invoices for replicas");
    Ok(Some(desk))
}

/// Looks whether it can listen, and says where. Where a gateway runs, it listens there already.
pub(crate) fn look(address: &Address) -> Result<String, ProgramError> {
    let found = match address {
        Address::Tcp(address) => TcpListener::bind(address).map(drop),
        Address::Unix(path) => path.parent().map_or(Ok(()), |folder| fs::metadata(folder).map(drop)),
    };
    match found {
        Ok(()) => Ok(format!("replicas: {address}")),
        Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => {
            Ok(format!("replicas: {address}; a program listens there, such as the running gateway"))
        }
        Err(cause) => Err(unbound(address, &cause)),
    }
}

fn unbound(address: &Address, cause: &io::Error) -> ProgramError {
    let hint = if cause.kind() == io::ErrorKind::NotFound { "; create the directory of the socket first" } else { "" };
    ProgramError::Other(format!("cannot listen for replicas on {address}: {cause}{hint}").into())
}

fn seals(config: &Config) -> Result<Arc<dyn Sealer + Send + Sync>, StartError> {
    let seals = Seals::open(&config.settings.key_dir, Seals::REPLICAS).map_err(StartError::Keys)?;
    Ok(Arc::new(seals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_check_says_of_the_door_for_replicas() {
        let home = tempfile::tempdir().expect("a directory");
        let tcp = |address: &str| address.parse::<Address>().expect("an address");
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        assert!(look(&tcp(&address)).expect("usable").contains("a program listens there"));
        look(&tcp("127.0.0.1:0")).expect("a free port");
        look(&tcp("192.0.2.1:8409")).expect_err("no address of this machine");
        look(&Address::Unix(home.path().join("node.sock"))).expect("a directory");
        let fault = look(&Address::Unix(home.path().join("none/node.sock"))).expect_err("no directory");
        assert!(
            matches!(&fault, ProgramError::Other(why) if why.to_string().contains("create the directory")),
            "{fault:?}"
        );
    }
}
