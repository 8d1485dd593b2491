//! What the owner asks of a running broker, which has the wallet open.

use super::client::send;
use super::reply::Reply;
use super::wire;
use crate::agent::Agent;
use crate::errand::{ErrandError, Outcome, Reason};
use crate::resolve::{Finding, Resolved};
use bytes::Bytes;
use core::time::Duration;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use l402_lightning::PaymentSource;
use rustix::process::geteuid;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a running broker says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSeen {
    /// The version of the program.
    pub version: String,
    /// The process.
    pub pid: u32,
    /// The name that payments of the wallet are recorded by.
    pub wallet: String,
    /// The network of the wallet.
    pub network: String,
}

/// A payment without a known outcome, and what the wallet says about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedSeen {
    /// The payment hash.
    pub payment_hash: String,
    /// What the invoice asks for.
    pub amount_msat: u64,
    /// Who was to be paid.
    pub origin: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why that is not known.
    pub why: Option<String>,
}

/// Tells whether a user may use the owner's socket: the user of this process, or the superuser.
pub(super) fn is_owner(uid: u32) -> bool {
    uid == 0 || uid == geteuid().as_raw()
}

/// Answers the owner.
pub(super) async fn answer<W: PaymentSource + 'static>(
    agent: &Agent<W>,
    method: &Method,
    path: &str,
) -> Result<Response<Reply>, ErrandError> {
    match (method, path) {
        (&Method::GET, wire::STATUS) => Ok(Reply::json(&StatusSeen {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            wallet: agent.wallet_name().to_owned(),
            network: agent.network().to_string(),
        })),
        (&Method::POST, wire::RESOLVE) => {
            let resolved = agent.resolve().await.map_err(|cause| ErrandError::of(Reason::Local, &cause))?;
            Ok(Reply::json(&resolved.iter().map(ResolvedSeen::from).collect::<Vec<_>>()))
        }
        _ => Err(ErrandError::new(Reason::InvalidRequest, "there is no such request of the owner's")),
    }
}

impl From<&Resolved> for ResolvedSeen {
    fn from(Resolved { intent, finding }: &Resolved) -> Self {
        let (outcome, why) = match finding {
            Finding::Paid => (Outcome::Paid, None),
            Finding::NotPaid => (Outcome::NotPaid, None),
            Finding::Unknown(why) => (Outcome::Unknown, Some(why.to_string())),
            Finding::Silent(fault) => (Outcome::Unknown, Some(ErrandError::of(Reason::Local, fault).message)),
            Finding::OtherWallet(name) => (Outcome::Unknown, Some(format!("made by another wallet, {name}"))),
            Finding::Held => (Outcome::Unknown, Some("another call is resolving it".to_owned())),
        };
        Self {
            payment_hash: intent.payment_hash.to_string(),
            amount_msat: intent.amount_msat.get(),
            origin: intent.origin.to_string(),
            outcome,
            why,
        }
    }
}

/// Asks a running broker, as its owner.
#[derive(Debug, Clone)]
pub struct OwnerClient {
    socket: PathBuf,
}

impl OwnerClient {
    /// Takes the path of the owner's socket; see [`Folder::owner_of`](super::Folder::owner_of).
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Asks what runs there.
    ///
    /// # Errors
    /// [`ErrandError`], with [`Reason::Local`] where no broker answers.
    pub async fn status(&self) -> Result<StatusSeen, ErrandError> {
        self.ask(Method::GET, wire::STATUS).await
    }

    /// Has the wallet asked about payments without a known outcome. Nothing is paid.
    ///
    /// # Errors
    /// [`ErrandError`], with [`Reason::Local`] where no broker answers.
    pub async fn resolve(&self) -> Result<Vec<ResolvedSeen>, ErrandError> {
        self.ask(Method::POST, wire::RESOLVE).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str) -> Result<T, ErrandError> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| ErrandError::new(Reason::InvalidRequest, "no such path"))?;
        let response = send(&self.socket, request, WAIT).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), wire::MAX_LINE).collect().await;
        let body =
            body.map_err(|_| ErrandError::new(Reason::BodyBroke, "the answer of the broker broke off"))?.to_bytes();
        if status.is_success() { wire::read(&body) } else { Err(wire::read(&body)?) }
    }
}

/// A wallet may take long to say what became of many payments.
const WAIT: Duration = Duration::from_mins(10);
