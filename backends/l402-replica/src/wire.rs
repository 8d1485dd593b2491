//! Frames: a seal of 36 bytes, the length of the body in two bytes, big-endian, and the body, which is JSON.
//!
//! What is sealed is the body behind a word that says which way it goes, so that no reply passes for a request.

use crate::address::Stream;
use crate::error::ReplicaError;
use l402_core::{Seal, Sealer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What a replica asks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// In seconds since 1970.
    pub(crate) time: u64,
    /// Never the same twice.
    pub(crate) nonce: u128,
    pub(crate) ask: Ask,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// Who is paid, and whether it can be.
    Who,
    /// An invoice.
    Invoice { amount_msat: u64, description: String, expiry_s: u64 },
}

/// What the gateway with the node says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reply {
    /// That of the request.
    pub(crate) nonce: u128,
    pub(crate) said: Said,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Said {
    /// The node: its network, its public key if that is known, why it cannot be paid, if so, and whether it stores its invoices.
    Node {
        network: String,
        payee: Option<String>,
        trouble: Option<String>,
        #[serde(default)]
        stores_invoices: bool,
    },
    /// The invoice, and its payment hash in hexadecimal digits.
    Invoice { bolt11: String, payment_hash: String },
    /// There is none.
    Refused(Refusal),
}

/// Why there is no invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    /// The clocks differ by more than a minute, or the request is from before the start of the gateway.
    Time,
    /// The request came before.
    Replayed,
    /// Too many requests.
    Busy,
    /// The node cannot be asked.
    Unavailable,
    /// No channel can receive the amount.
    NoInboundLiquidity,
    /// The amount cannot be written as an invoice.
    Amount,
    /// Nor can the description.
    Description,
    /// Nor can the expiry.
    Expiry,
}

/// Which way a frame goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Request,
    Reply,
}

impl Way {
    fn text(self, body: &[u8]) -> Vec<u8> {
        let word: &[u8] = match self {
            Self::Request => b"request ",
            Self::Reply => b"reply ",
        };
        [word, body].concat()
    }
}

/// Seals a message, and sends it.
pub(crate) async fn send(
    stream: &mut Stream,
    way: Way,
    message: &impl Serialize,
    seals: &(dyn Sealer + Send + Sync),
) -> Result<(), ReplicaError> {
    let body = serde_json::to_vec(message).map_err(|_| ReplicaError::Malformed)?;
    let len = u16::try_from(body.len()).ok().filter(|len| usize::from(*len) <= MOST).ok_or(ReplicaError::Malformed)?;
    let seal = seals.seal(&way.text(&body)).to_bytes();
    let frame = [&seal[..], &len.to_be_bytes(), &body].concat();
    stream.write_all(&frame).await.map_err(ReplicaError::Connection)?;
    stream.flush().await.map_err(ReplicaError::Connection)
}

/// Reads a message, and believes it only if its seal verifies.
pub(crate) async fn receive<T: DeserializeOwned>(
    stream: &mut Stream,
    way: Way,
    seals: &(dyn Sealer + Send + Sync),
) -> Result<T, ReplicaError> {
    let mut head = [0; Seal::LEN + 2];
    stream.read_exact(&mut head).await.map_err(ReplicaError::Connection)?;
    let (seal, len) = head.split_first_chunk().ok_or(ReplicaError::Malformed)?;
    let len = len.try_into().map(u16::from_be_bytes).map_err(|_| ReplicaError::Malformed)?;
    if usize::from(len) > MOST {
        return Err(ReplicaError::Malformed);
    }
    let mut body = vec![0; len.into()];
    stream.read_exact(&mut body).await.map_err(ReplicaError::Connection)?;
    seals.verify(&way.text(&body), &Seal::from_bytes(seal)).map_err(ReplicaError::Seal)?;
    serde_json::from_slice(&body).map_err(|_| ReplicaError::Malformed)
}

/// The longest body. A description of 639 bytes takes six times as many at most, an invoice some 2 KB.
const MOST: usize = 8 * 1024;
