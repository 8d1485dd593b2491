//! What a node keeps, and a start without it would lose (threat S6).

use std::path::Path;

use super::Lightning;
use l402_gateway::state::Kept;

/// Names what must exist once it has been used, of a node and of its commands.
pub(super) fn kept(lightning: &Lightning, data_dir: &Path) -> Vec<Kept> {
    let mut kept = Vec::new();
    match lightning {
        Lightning::Sandbox { dir: Some(dir) } => {
            let path = dir.join("chain").join("blocks.dat");
            kept.push(Kept { name: "sandbox", path, loss: "the sandbox starts from zero" });
        }
        Lightning::Ldk(settings) => kept.push(Kept {
            name: "node",
            path: settings.storage_dir.join("ldk_node_data.sqlite"),
            loss: "a new node is created, and the money of the old one is out of reach",
        }),
        _ => {}
    }
    if matches!(lightning, Lightning::Sandbox { .. } | Lightning::Ldk(_)) {
        kept.push(l402_gateway::node::kept(data_dir));
    }
    kept
}
