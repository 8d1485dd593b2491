//! Telling the other gateways what arrived at this one's node.
//!
//! 1. What arrives is told at once. What arrived before the start is told beside that, so that nothing new waits for it.
//! 2. All is told again whenever the store comes back: it may have lost something.
//! 3. What cannot be told is tried again for ever; the node's own record keeps it until then.

use super::board::Board;
use core::time::Duration;
use l402_lightning::{SettlementPage, SettlementSource, unix_now};
use l402_program::Causes;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Tells, until it is dropped.
pub(super) async fn publish<N: SettlementSource + Clone + 'static>(node: N, board: Arc<Board>) {
    let mut from = node.settlements_recorded();
    let mut earlier = JoinSet::new(); // aborted when dropped
    earlier.spawn(replay(node.clone(), Arc::clone(&board), from));
    loop {
        let was_away = match timeout(QUIET, node.settlements_from(from)).await {
            Ok(Ok(page)) => {
                from = page.next;
                tell(page, &board).await
            }
            Ok(Err(fault)) => {
                tracing::warn!(cause = %Causes(&fault), "cannot read what the node has recorded; trying again");
                sleep(QUIET).await;
                false
            }
            Err(_) => board.answers().await,
        };
        if was_away {
            earlier.abort_all();
            earlier.spawn(replay(node.clone(), Arc::clone(&board), from));
        }
        while earlier.try_join_next().is_some() {}
    }
}

/// Tells of what was recorded before a position.
async fn replay<N: SettlementSource>(node: N, board: Arc<Board>, until: u64) {
    let mut from = 0;
    while from < until {
        match node.settlements_from(from).await {
            Ok(page) => {
                from = page.next;
                tell(page, &board).await;
            }
            Err(fault) => {
                tracing::warn!(cause = %Causes(&fault), "cannot read what the node has recorded; trying again");
                sleep(QUIET).await;
            }
        }
    }
}

/// Tells of some payments, all at once. Returns whether the store was away meanwhile.
async fn tell(page: SettlementPage, board: &Arc<Board>) -> bool {
    let mut told = JoinSet::new();
    let now = unix_now();
    for settlement in page.settlements.into_iter().filter(|settlement| board.matters(settlement, now)) {
        let board = Arc::clone(board);
        told.spawn(async move { board.tell(&settlement).await });
    }
    let mut was_away = false;
    while let Some(done) = told.join_next().await {
        was_away |= done.unwrap_or(true);
    }
    was_away
}

/// After how long without a payment the store is asked whether it is there.
const QUIET: Duration = Duration::from_secs(10);
