//! What a node keeps, and a start without it would lose (threat S6).

use l402_gateway::inventory::Kept;
use l402_lightning::backend::{KeptPath, PayeeSetup};
use std::path::Path;

/// Names what must exist once it has been used, of a node and of its commands.
pub(super) fn kept(lightning: &dyn PayeeSetup, data_dir: &Path) -> Vec<Kept> {
    let of_node = lightning.kept().map(|KeptPath { name, path, loss }| Kept { name, path, loss });
    let of_commands = lightning.operates().is_ok().then(|| l402_gateway::control::kept(data_dir));
    of_node.into_iter().chain(of_commands).collect()
}
