//! Where calls about the node are answered.

use l402_core::UnixSeconds;
use l402_lightning::operate::{NodeChannel, Operator};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;

use super::journal::Journal;
use super::{money, resolve};
use crate::control::wire::{Call, Money, Outcome, Reply, Request};

/// Answers one call after another about one node.
#[derive(Debug)]
pub(in crate::control) struct NodeDesk {
    node: Arc<dyn Operator>,
    /// Held by what moves money, from the look at its id to its outcome.
    journal: Mutex<Journal>,
}

impl NodeDesk {
    /// Opens the record of operations in a folder.
    pub(in crate::control) fn open(folder: &Path, node: Arc<dyn Operator>) -> io::Result<Self> {
        Ok(Self { node, journal: Mutex::new(Journal::open(&folder.join(OPERATIONS))?) })
    }

    /// Answers a call about the node.
    pub(in crate::control) async fn reply(&self, request: &Request) -> Reply {
        let facts = match &request.call {
            Call::Info => Ok(self.info()),
            Call::Balance => self.balance().await,
            Call::Address => self.address().await,
            Call::Channels => Ok(self.node.channels().iter().map(channel).collect()),
            Call::Money(asked) => return self.money(request, asked).await,
            Call::Uses(_) | Call::Revoke(_) | Call::Keys(_) => Err("this is not a call about the node".to_owned()),
        };
        facts.map_or_else(Reply::Refused, Reply::Facts)
    }

    async fn money(&self, request: &Request, asked: &Money) -> Reply {
        let Some(id) = request.id.as_deref().filter(|id| is_id(id)) else {
            return Reply::Refused(format!("an id has 1 to {MAX_ID} letters, digits, dashes, dots or underscores"));
        };
        let mut journal = self.journal.lock().await;
        if let Some(entry) = journal.get(id) {
            if entry.money != *asked {
                return Reply::Refused(format!("the id {id} belongs to another operation; nothing was sent"));
            }
            let outcome = if let Some(outcome) = &entry.outcome {
                outcome.clone()
            } else {
                let found = resolve::outcome(&*self.node, &journal, id, entry).await;
                record(&mut journal, id, &found);
                found
            };
            return Reply::Operation { id: id.to_owned(), repeated: true, outcome };
        }
        let plan = match money::plan(&*self.node, asked).await {
            Ok(plan) => plan,
            Err(why) => return Reply::Refused(why),
        };
        if request.dry_run {
            return Reply::Plan(plan);
        }
        let channels = self.node.channels().into_iter().map(|channel| channel.name).collect();
        if let Err(fault) = journal.begin(id, asked, channels) {
            return Reply::Refused(format!("cannot record the operation; nothing was sent: {fault}"));
        }
        let outcome = money::act(&*self.node, asked).await;
        record(&mut journal, id, &outcome);
        Reply::Operation { id: id.to_owned(), repeated: false, outcome }
    }

    fn info(&self) -> Value {
        let info = self.node.info();
        json!({
            "node_id": info.node_id.to_string(),
            "network": info.network.as_str(),
            "health": info.health,
            "listens": info.listens,
            "channels": self.node.channels().len(),
            "receivable_sat": info.receivable_msat.to_sat_floor(),
            "last_synced_unix": info.last_synced.map(UnixSeconds::get),
        })
    }

    async fn balance(&self) -> Result<Value, String> {
        let balances = self.node.balances().await.map_err(|fault| fault.to_string())?;
        Ok(json!({
            "onchain_sat": balances.onchain_sat,
            "spendable_onchain_sat": balances.spendable_onchain_sat,
            "kept_for_closing_sat": balances.reserve_sat,
            "lightning_sat": balances.lightning_sat,
        }))
    }

    async fn address(&self) -> Result<Value, String> {
        let address = self.node.new_address().await.map_err(|fault| fault.to_string())?;
        Ok(json!({ "address": address }))
    }
}

/// Records an outcome that is one. If that fails the node is asked again the next time.
fn record(journal: &mut Journal, id: &str, outcome: &Outcome) {
    if !matches!(outcome, Outcome::Unknown { .. })
        && let Err(fault) = journal.end(id, outcome)
    {
        tracing::error!(%fault, id, "the outcome of an operation of the node cannot be recorded");
    }
}

fn channel(channel: &NodeChannel) -> Value {
    json!({
        "channel": channel.name,
        "peer": channel.peer.to_string(),
        "capacity_sat": channel.capacity_sat,
        "outbound_sat": channel.outbound_msat.to_sat_floor(),
        "inbound_sat": channel.inbound_msat.to_sat_floor(),
        "funding_txid": channel.funding_txid,
        "ready": channel.ready,
        "usable": channel.usable,
        "announced": channel.announced,
    })
}

fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(fits)
}

const MAX_ID: usize = 64;
/// The file of the operations.
pub(in crate::control) const OPERATIONS: &str = "operations";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_an_outcome_that_is_not_known_is_asked_for_again() {
        let home = tempfile::tempdir().expect("a folder");
        let path = home.path().join(OPERATIONS);
        let mut journal = Journal::open(&path).expect("made");
        journal.begin("one", &Money::Close { channel: "c".to_owned() }, Vec::new()).expect("written");
        record(&mut journal, "one", &Outcome::Unknown { why: "the node is not running".to_owned() });
        assert_eq!(Journal::open(&path).expect("read").get("one").expect("begun").outcome, None);
        let done = Outcome::Done { what: "closed".to_owned(), reference: "c".to_owned() };
        record(&mut journal, "one", &done);
        assert_eq!(Journal::open(&path).expect("read").get("one").expect("begun").outcome, Some(done));
    }
}
