//! Where calls are answered: about the node, or from the books.

use std::io;
use std::path::Path;

use super::audit::Audit;
use super::books::Books;
use super::node::NodeDesk;
use super::wire::{Call, Outcome, Reply, Request};
use super::{keys, revoke, uses};

/// Answers one call after another, and keeps a record of them.
#[derive(Debug)]
pub(super) struct Desk {
    node: Option<NodeDesk>,
    books: Option<Books>,
    audit: Audit,
}

impl Desk {
    /// Opens the record in a folder.
    pub(super) fn open(folder: &Path, node: Option<NodeDesk>, books: Option<Books>) -> io::Result<Self> {
        Ok(Self { node, books, audit: Audit::open(&folder.join("audit.log"))? })
    }

    /// Answers a call of a user.
    pub(super) async fn answer(&self, uid: u32, request: &Request) -> Reply {
        if request.call.changes()
            && !request.dry_run
            && let Err(fault) = self.audit.note(uid, request, "asked for")
        {
            return Reply::Refused(format!("cannot write the audit log; nothing was done: {fault}"));
        }
        let reply = self.reply(request).await;
        if let Err(fault) = self.audit.note(uid, request, &told(&reply)) {
            tracing::error!(%fault, "the audit log of commands cannot be written");
        }
        reply
    }

    async fn reply(&self, request: &Request) -> Reply {
        match (&request.call, &self.node, &self.books) {
            (Call::Uses(call), _, Some(books)) => uses::answer(&books.ledger, call).await,
            (Call::Revoke(call), _, Some(books)) => revoke::answer(books, call).await,
            (Call::Keys(call), _, Some(books)) => keys::answer(books, *call),
            (Call::Uses(_) | Call::Revoke(_) | Call::Keys(_), _, None) => {
                Reply::Refused("the gateway has no ledger".to_owned())
            }
            (_, Some(node), _) => node.reply(request).await,
            (_, None, _) => Reply::Refused("the gateway has no embedded node".to_owned()),
        }
    }
}

fn told(reply: &Reply) -> String {
    match reply {
        Reply::Facts(_) => "told".to_owned(),
        Reply::Plan(_) => "planned".to_owned(),
        Reply::Refused(why) => format!("refused: {why}"),
        Reply::Operation { repeated, outcome, .. } => {
            let again = if *repeated { "repeated: " } else { "" };
            match outcome {
                Outcome::Done { what, .. } => format!("{again}{what}"),
                Outcome::NotDone { why } => format!("{again}not done: {why}"),
                Outcome::Unknown { why } => format!("{again}unknown: {why}"),
            }
        }
    }
}
