//! A call that is under way, and what its client hears of it meanwhile.

use rmcp::model::ProgressNotificationParam;
use rmcp::service::{RequestContext, RoleServer};
use tokio::sync::mpsc;

/// Lives as long as a call.
pub(super) type CallGuard = mpsc::Sender<()>;

/// Waits for the calls that are under way.
#[derive(Debug)]
pub(super) struct Calls(mpsc::Receiver<()>);

impl Calls {
    /// Returns what each call holds, and what waits for them.
    pub(super) fn begin() -> (CallGuard, Self) {
        let (guard, calls) = mpsc::channel(1);
        (guard, Self(calls))
    }

    /// Ends once the server and all its calls have ended.
    pub(super) async fn ended(mut self) {
        while self.0.recv().await.is_some() {}
    }
}

/// A call, to what carries it out.
pub(super) struct Called {
    pub(super) pays: bool,
    pub(super) calls: CallGuard,
    context: RequestContext<RoleServer>,
}

impl Called {
    pub(super) const fn new(pays: bool, calls: CallGuard, context: RequestContext<RoleServer>) -> Self {
        Self { pays, calls, context }
    }

    /// Ends when the client no longer wants the answer.
    pub(super) async fn cancelled(&self) {
        self.context.ct.cancelled().await;
    }

    /// Tells the client how far it is, if it asked for that.
    pub(super) async fn progress(&self, bytes: u64, message: &str) {
        let Some(token) = self.context.meta.get_progress_token() else { return };
        #[expect(clippy::cast_precision_loss, reason = "a number for people to look at")]
        let told = ProgressNotificationParam::new(token, bytes as f64).with_message(message);
        // A client that has gone away needs none.
        let _ = self.context.peer.notify_progress(told).await;
    }
}
