//! The tool that spends.

use super::answer::{FetchAnswer, FromServer, NO_BUDGET, of_fetch};
use super::body;
use super::called::Called;
use super::files::Files;
use l402_agent::errand::{Ask, ErrandError, Errands, Fetched, Limits, Reason};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Fetches, in a task of its own: a client that cancels gets no answer, and what was begun to be paid is paid and recorded.
pub(super) async fn run(
    errands: &Arc<dyn Errands>,
    files: &Files,
    ask: Ask,
    called: &Called,
) -> Result<FetchAnswer, ErrandError> {
    // What cannot be kept is not bought.
    if !files.has_room(body::INLINE as u64) {
        return Err(ErrandError::new(Reason::Local, body::FULL));
    }
    let (errands, calls) = (Arc::clone(errands), called.calls.clone());
    let fetching = tokio::spawn(async move {
        let _call = calls;
        errands.fetch(ask).await
    });
    called.progress(0, "the request is sent").await;
    let fetched = tokio::select! {
        fetched = fetching => fetched.map_err(|_| ErrandError::new(Reason::Local, "the call ended in a fault of this program"))?,
        () = called.cancelled() => return Err(ErrandError::new(Reason::Other, "cancelled; a payment that was begun is finished and recorded")),
    };
    let Fetched { head, body } = fetched.map_err(|fault| said(fault, called.pays))?;
    let also = |fault: ErrandError| ErrandError { paid_msat: head.paid_msat, ..fault };
    let arrived = body::read(body, &head.headers, files, Limits::default().body, called).await.map_err(also)?;
    let untrusted_from_server = FromServer {
        url: head.url.clone(),
        headers: joined(&head.headers),
        body: arrived.text,
        body_file: arrived.file.map(|path| path.display().to_string()),
        body_bytes: arrived.bytes,
    };
    Ok(FetchAnswer {
        verdict: of_fetch(&head),
        status: head.status,
        paid_msat: head.paid_msat,
        left_msat: if called.pays { head.left_msat } else { Some(0) },
        uses_left: head.uses_left,
        untrusted_from_server,
    })
}

/// Without a budget the limit is nothing; that is not what is wrong then.
fn said(fault: ErrandError, pays: bool) -> ErrandError {
    if fault.reason == Reason::OverLimit && !pays { ErrandError::new(Reason::Policy, NO_BUDGET) } else { fault }
}

fn joined(headers: &[(String, String)]) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        joined.entry(name.clone()).and_modify(|all| *all = format!("{all}, {value}")).or_insert_with(|| value.clone());
    }
    joined
}
