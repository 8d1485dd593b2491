//! What a network and its tests ask of an LND: money, peers, channels, invoices, payments.

use core::net::SocketAddr;
use l402_core::Msat;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Network as Chain};
use l402_ldk::ChannelRequest;
use l402_lightning::NodeId;
use serde_json::{Value, json};

use super::error::LndError;
use super::node::LndNode;

/// What a transaction of the wallet pays, in satoshis per virtual byte.
const FEE_RATE: &str = "2";

/// How long LND may search a route and try it.
const PAYMENT_SECONDS: u32 = 30;

impl LndNode {
    /// Returns a fresh address of the on-chain wallet.
    ///
    /// # Errors
    ///
    /// See [`LndNode::get`].
    pub async fn new_address(&self) -> Result<Address, LndError> {
        let answer = self.get("/v1/newaddress?type=0").await?;
        let address = answer["address"].as_str().and_then(|text| text.parse::<Address<NetworkUnchecked>>().ok());
        address.and_then(|address| address.require_network(Chain::Regtest).ok()).ok_or(LndError::NoField("address"))
    }

    /// Returns what the on-chain wallet has, confirmed, in satoshis.
    ///
    /// # Errors
    ///
    /// See [`LndNode::get`].
    pub async fn confirmed_sat(&self) -> Result<u64, LndError> {
        number(&self.get("/v1/balance/blockchain").await?, "confirmed_balance")
    }

    /// Connects to a peer, if it is not connected.
    ///
    /// # Errors
    ///
    /// When the peer is not there; see [`LndNode::post`].
    pub async fn connect(&self, peer: NodeId, address: SocketAddr) -> Result<(), LndError> {
        let at = json!({ "pubkey": peer.to_string(), "host": address.to_string() });
        match self.post("/v1/peers", &json!({ "addr": at, "perm": false, "timeout": "5" })).await {
            Err(LndError::Refused(reason)) if reason.contains("already connected") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Opens a channel to a peer that is connected; returns when its transaction waits to be mined.
    ///
    /// # Errors
    ///
    /// When there is not enough money; see [`LndNode::post`].
    pub async fn open_channel(&self, request: &ChannelRequest) -> Result<(), LndError> {
        let body = json!({
            "node_pubkey_string": request.peer.to_string(),
            "local_funding_amount": request.capacity_sat.to_string(),
            "push_sat": (request.push_msat.to_sat_floor()).to_string(),
            "private": !request.announced,
            "sat_per_vbyte": FEE_RATE,
        });
        self.post("/v1/channels", &body).await.map(drop)
    }

    /// Returns the channels, as `lncli listchannels` shows them.
    ///
    /// # Errors
    ///
    /// See [`LndNode::get`].
    pub async fn channels(&self) -> Result<Vec<Value>, LndError> {
        list(self.get("/v1/channels").await?, "channels")
    }

    /// Returns how many announced channels the node knows with the terms of both directions.
    ///
    /// # Errors
    ///
    /// See [`LndNode::get`].
    pub async fn known_channels(&self) -> Result<usize, LndError> {
        Ok(list(self.get("/v1/graph").await?, "edges")?.iter().filter(|edge| is_whole(edge)).count())
    }

    /// Whether the node knows the terms of both directions of its own channel `id`, announced or not.
    pub(crate) async fn knows_terms(&self, id: &str) -> Result<bool, LndError> {
        match self.get(&format!("/v1/graph/edge/{id}")).await {
            Ok(edge) => Ok(is_whole(&edge)),
            Err(LndError::Refused(_)) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Sets for how many blocks longer than the next node this one asks for what it forwards; LND's own choice is 80. All channels
    /// are announced anew with that, and with the fees that LND chooses by itself.
    ///
    /// # Errors
    ///
    /// See [`LndNode::post`].
    pub async fn set_time_lock(&self, blocks: u16) -> Result<(), LndError> {
        let own = json!({ "global": true, "base_fee_msat": "1000", "fee_rate_ppm": 1, "time_lock_delta": blocks });
        self.post("/v1/chanpolicy", &own).await.map(drop)
    }

    /// Makes an invoice over `amount_msat`, with hints through channels that are not announced.
    ///
    /// # Errors
    ///
    /// See [`LndNode::post`].
    pub async fn invoice(&self, amount_msat: Msat) -> Result<String, LndError> {
        let answer =
            self.post("/v1/invoices", &json!({ "value_msat": amount_msat.get().to_string(), "private": true })).await?;
        answer["payment_request"].as_str().map(str::to_owned).ok_or(LndError::NoField("payment_request"))
    }

    /// Pays an invoice, for a fee of at most `max_fee_msat`, and returns the preimage in hexadecimal.
    ///
    /// # Errors
    ///
    /// [`LndError::Refused`] with LND's reason when the payment failed; see [`LndNode::post`].
    pub async fn pay(&self, invoice: &str, max_fee_msat: Msat) -> Result<String, LndError> {
        let body = json!({
            "payment_request": invoice,
            "fee_limit_msat": max_fee_msat.get().to_string(),
            "timeout_seconds": PAYMENT_SECONDS,
            "no_inflight_updates": true,
        });
        let outcome = self.post("/v2/router/send", &body).await?;
        match (outcome["status"].as_str(), outcome["payment_preimage"].as_str()) {
            (Some("SUCCEEDED"), Some(preimage)) => Ok(preimage.to_owned()),
            _ => Err(LndError::Refused(outcome["failure_reason"].as_str().unwrap_or("no reason given").to_owned())),
        }
    }
}

/// Whether the terms of both directions are there.
fn is_whole(edge: &Value) -> bool {
    edge["node1_policy"].is_object() && edge["node2_policy"].is_object()
}

/// Takes the list `name` out of an answer; an empty one may be missing.
fn list(mut answer: Value, name: &'static str) -> Result<Vec<Value>, LndError> {
    match answer[name].take() {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        _ => Err(LndError::NoField(name)),
    }
}

/// Reads a number of 64 bits, which JSON has as text.
fn number(answer: &Value, name: &'static str) -> Result<u64, LndError> {
    answer[name].as_str().and_then(|text| text.parse().ok()).ok_or(LndError::NoField(name))
}
