//! What an operator takes out of a node: on-chain money.

use super::error::NodeError;
use super::node::LdkNode;
use core::fmt;
use core::str::FromStr as _;
use l402_core::UnixSeconds;
use ldk_node::bitcoin::address::NetworkUnchecked;
use ldk_node::bitcoin::{Address, FeeRate};
use ldk_node::payment::{ConfirmationStatus, PaymentDetails, PaymentDirection, PaymentKind};

/// How much to send on-chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnchainAmount {
    /// So many satoshis; the fee comes on top. The reserve for closing channels is kept.
    Sat(u64),
    /// All but the reserve for closing channels; the fee is taken from it.
    All,
}

/// An on-chain payment that this node's wallet has made, as the chain or the mempool shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnchainPayment {
    /// The transaction, in the usual display order of its hexadecimal digits.
    pub txid: String,
    /// What it moved away, in satoshis, without the fee.
    pub amount_sat: u64,
    /// Its fee, in satoshis.
    pub fee_sat: u64,
    /// Whether it is in a block.
    pub confirmed: bool,
    /// When this was last news.
    pub updated_at: UnixSeconds,
}

/// A text is no address of the node's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressError;

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an on-chain address of the node's network")
    }
}

impl core::error::Error for AddressError {}

impl LdkNode {
    /// Reads an on-chain address of the node's network.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn address(&self, text: &str) -> Result<Address, AddressError> {
        let network = super::mint::bitcoin_network(self.network());
        let address = Address::<NetworkUnchecked>::from_str(text).map_err(|_| AddressError)?;
        address.require_network(network).map_err(|_| AddressError)
    }

    /// Sends on-chain money, and returns the transaction's id once it was handed to the chain source. The wallet knows of the
    /// transaction when it next sees the mempool. `fee_rate_sat_vb` is the fee rate in satoshis per virtual byte; by default the
    /// chain source's estimate.
    ///
    /// # Errors
    /// [`NodeError`]; nothing was sent then.
    pub async fn send_onchain(
        &self,
        address: Address,
        amount: OnchainAmount,
        fee_rate_sat_vb: Option<u64>,
    ) -> Result<String, NodeError> {
        let rate = fee_rate_sat_vb.and_then(FeeRate::from_sat_per_vb);
        self.on_node(move |node| {
            let wallet = node.onchain_payment();
            match amount {
                OnchainAmount::Sat(sat) => wallet.send_to_address(&address, sat, rate),
                OnchainAmount::All => wallet.send_all_to_address(&address, true, rate),
            }
        })
        .await
        .map(|txid| txid.to_string())
    }

    /// Returns the on-chain payments that this node's wallet has made, those that fund channels among them.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn onchain_payments(&self) -> Result<Vec<OnchainPayment>, NodeError> {
        let payments = self.on_node(|node| Ok(node.list_payments())).await?;
        Ok(payments.iter().filter_map(onchain).collect())
    }
}

fn onchain(payment: &PaymentDetails) -> Option<OnchainPayment> {
    let PaymentKind::Onchain { txid, status } = &payment.kind else { return None };
    (payment.direction == PaymentDirection::Outbound).then(|| OnchainPayment {
        txid: txid.to_string(),
        amount_sat: payment.amount_msat.unwrap_or(0) / 1_000,
        fee_sat: payment.fee_paid_msat.unwrap_or(0) / 1_000,
        confirmed: matches!(status, ConfirmationStatus::Confirmed { .. }),
        updated_at: UnixSeconds::new(payment.latest_update_timestamp),
    })
}
