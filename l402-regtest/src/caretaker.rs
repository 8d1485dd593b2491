//! What keeps the network alive: it mines what enters the mempool and connects the nodes again when they lose each other.

use core::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::background::Background;
use crate::chain::{Chain, MineError};

/// How long a transaction waits for companions before it is mined.
const GATHER: Duration = Duration::from_millis(20);

/// How often the connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is taken care of.
pub(crate) trait Ward: Send + Sync + 'static {
    /// Buries what waits to be mined, and tells the nodes of it.
    fn confirm(&self, chain: &Chain) -> impl Future<Output = Result<(), MineError>> + Send;

    /// Connects nodes that have lost each other.
    fn reconnect(&self) -> impl Future<Output = ()> + Send;
}

/// A caretaker at work.
pub(crate) struct Caretaker {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Caretaker {
    /// Takes care of `nodes` and their `chain`, on `background`.
    pub(crate) fn start(background: &Background, chain: Chain, nodes: impl Ward) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: background.spawn(take_care(chain, nodes, stopped)) }
    }

    /// Finishes what was begun: a node must not be stopped under a call.
    pub(crate) async fn finish(self) {
        drop(self.stop);
        // It failed if it panicked, which it has told; it is finished then, too.
        let _ = self.task.await;
    }
}

async fn take_care(chain: Chain, nodes: impl Ward, mut stopped: oneshot::Receiver<()>) {
    let mut mempool = chain.watch_mempool();
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => return,
            () = filled(&mut mempool) => {
                if let Err(error) = nodes.confirm(&chain).await {
                    // Without a disk there is no chain to go on with.
                    tracing::error!(%error, "the regtest chain has stopped");
                    return;
                }
            }
            () = sleep(LOOK_EVERY) => nodes.reconnect().await,
        }
    }
}

/// Waits until there is something to mine, and a little longer.
async fn filled(mempool: &mut watch::Receiver<usize>) {
    // The chain outlives this: its owner holds it.
    let _ = mempool.wait_for(|size| *size > 0).await;
    sleep(GATHER).await;
}
