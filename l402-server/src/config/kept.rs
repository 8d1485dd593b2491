//! What a node and the ledger keep, and a start without it would lose (threat S6).

use l402_gateway::inventory::Kept;
use l402_lightning::backend::{KeptPath, PayeeSetup};
use std::path::Path;

use crate::stores::StoreSetup;

/// Names what must exist once it has been used: of a node, of its commands, and of the ledger.
pub(super) fn kept(lightning: &dyn PayeeSetup, ledger: &dyn StoreSetup, data_dir: &Path) -> Vec<Kept> {
    let of_node = lightning.kept().map(|KeptPath { name, path, loss }| Kept { name, path, loss });
    let of_commands = lightning.operates().is_ok().then(|| l402_gateway::control::kept(data_dir));
    of_node.into_iter().chain(of_commands).chain(ledger.kept()).collect()
}
