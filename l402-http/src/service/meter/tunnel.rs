//! A tunnel that is paid for by the second.

use super::Flow;
use crate::opened::Opened;
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

/// Pays for a tunnel until it ends, and closes it where its balance does.
pub(in crate::service) fn watch(mut flow: Flow, opened: Opened) {
    tokio::spawn(async move {
        let mut ended = pin!(opened.ended());
        let cut = poll_fn(|context| match ended.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => flow.ended(context).map(Some),
        });
        if cut.await.is_some() {
            opened.stop();
            ended.await;
        }
        flow.end().await;
    });
}
