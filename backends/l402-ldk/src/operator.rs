//! The node as its operator sees it: [`Operator`].

use crate::channels::ChannelId;
use crate::config::PeerAddress;
use crate::error::NodeError;
use crate::health::NodeHealth;
use crate::node::LdkNode;
use crate::operate::ChannelRequest;
use crate::spend::OnchainAmount;
use core::str::FromStr as _;
use core::time::Duration;
use l402_lightning::operate::{
    NewChannel, NodeBalances, NodeChannel, NodeInfo, OnchainAddress, OnchainSent, OperateError, Operator,
};
use l402_lightning::{BoxFuture, PayerWallet};
use tokio::time::{Instant, sleep};

impl Operator for LdkNode {
    fn info(&self) -> NodeInfo {
        NodeInfo {
            node_id: self.node_id(),
            network: self.network(),
            health: match self.health() {
                NodeHealth::Starting(_) => "starting",
                NodeHealth::Good => "good",
                NodeHealth::DiskLow { .. } => "the disk is nearly full",
                NodeHealth::Failed(_) => "failed",
            },
            listens: self.listening_addresses().iter().map(ToString::to_string).collect(),
            receivable_msat: self.receivable_msat(),
            last_synced: self.last_synced(),
        }
    }

    fn is_running(&self) -> bool {
        Self::is_running(self)
    }

    fn wallet(&self) -> PayerWallet {
        PayerWallet::new(self.clone())
    }

    fn channels(&self) -> Vec<NodeChannel> {
        Self::channels(self)
    }

    fn channel(&self, name: &str) -> Result<NodeChannel, OperateError> {
        Self::channel(self, id(name)?).ok_or_else(|| OperateError::refused(NodeError::NoSuchChannel))
    }

    fn onchain_address(&self, text: &str) -> Result<OnchainAddress, OperateError> {
        let address = self.address(text).map_err(OperateError::refused)?;
        let least_sat = address.script_pubkey().minimal_non_dust().to_sat();
        Ok(OnchainAddress { text: address.to_string(), least_sat })
    }

    fn peer_address(&self, text: &str) -> Result<(), OperateError> {
        PeerAddress::from_str(text).map(drop).map_err(OperateError::refused)
    }

    fn sync(&self) -> BoxFuture<'_, Result<(), OperateError>> {
        Box::pin(async { Ok(self.sync_wallets().await?) })
    }

    fn balances(&self) -> BoxFuture<'_, Result<NodeBalances, OperateError>> {
        Box::pin(async {
            let balances = Self::balances(self).await?;
            Ok(NodeBalances {
                onchain_sat: balances.onchain_sat,
                spendable_onchain_sat: balances.spendable_onchain_sat,
                reserve_sat: balances.anchor_reserve_sat,
                lightning_sat: balances.lightning_sat,
            })
        })
    }

    fn new_address(&self) -> BoxFuture<'_, Result<String, OperateError>> {
        Box::pin(async { Ok(Self::new_address(self).await?.to_string()) })
    }

    fn onchain_sent(&self) -> BoxFuture<'_, Result<Vec<OnchainSent>, OperateError>> {
        Box::pin(async {
            let payments = self.onchain_payments().await?.into_iter();
            let sent = payments.map(|payment| OnchainSent {
                txid: payment.txid,
                amount_sat: payment.amount_sat,
                updated_at: payment.updated_at,
            });
            Ok(sent.collect())
        })
    }

    fn send_onchain<'a>(
        &'a self,
        address: &'a str,
        amount_sat: Option<u64>,
        fee_rate: Option<u64>,
    ) -> BoxFuture<'a, Result<String, OperateError>> {
        Box::pin(async move {
            let address = self.address(address).map_err(OperateError::refused)?;
            let amount = amount_sat.map_or(OnchainAmount::All, OnchainAmount::Sat);
            Ok(Self::send_onchain(self, address, amount, fee_rate).await?)
        })
    }

    fn open_channel<'a>(&'a self, request: &'a NewChannel) -> BoxFuture<'a, Result<String, OperateError>> {
        Box::pin(async {
            let request = ChannelRequest {
                peer: request.peer,
                address: request.address.parse().map_err(OperateError::refused)?,
                capacity_sat: request.capacity_sat,
                push_msat: request.push_msat,
                announced: request.announced,
            };
            Ok(Self::open_channel(self, request).await?.to_string())
        })
    }

    fn wait_for_peers(&self, at_most: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let deadline = Instant::now() + at_most;
            let is_waiting =
                |channels: &[NodeChannel]| !channels.is_empty() && !channels.iter().any(|channel| channel.usable);
            while is_waiting(&Self::channels(self)) && Instant::now() < deadline {
                sleep(LOOK_EVERY).await;
            }
        })
    }

    fn wait_until_usable<'a>(&'a self, name: &'a str, at_most: Duration) -> BoxFuture<'a, Result<(), OperateError>> {
        Box::pin(async move {
            self.wait_for_channel(id(name)?, at_most, |channel| channel.usable).await?;
            Ok(())
        })
    }

    fn close_channel<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), OperateError>> {
        Box::pin(async { Ok(Self::close_channel(self, id(name)?).await?) })
    }

    fn force_close_channel<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), OperateError>> {
        Box::pin(async { Ok(Self::force_close_channel(self, id(name)?).await?) })
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), OperateError>> {
        Box::pin(async { Ok(Self::stop(self).await?) })
    }
}

/// A node that refuses has done nothing; one that broke in the middle may have.
impl From<NodeError> for OperateError {
    fn from(fault: NodeError) -> Self {
        match fault {
            NodeError::NotRunning | NodeError::Failed(_) | NodeError::TimedOut => Self::unknown(fault),
            _ => Self::refused(fault),
        }
    }
}

fn id(name: &str) -> Result<ChannelId, OperateError> {
    name.parse().map_err(OperateError::refused)
}

/// How often the channels are looked at while they are waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_a_node_that_broke_in_the_middle_may_have_moved_money() {
        for fault in [NodeError::NotRunning, NodeError::TimedOut] {
            assert!(OperateError::from(fault).is_unknown());
        }
        for fault in [NodeError::Starting, NodeError::DiskLow] {
            assert!(!OperateError::from(fault).is_unknown());
        }
    }
}
