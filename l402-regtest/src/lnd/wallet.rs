//! The wallet of an LND: made once, unlocked at each start.

use core::net::SocketAddr;
use core::time::Duration;

use base64ct::{Base64, Encoding as _};
use hyper::Method;
use serde_json::json;

use super::error::LndError;
use super::rest;

/// The password of every wallet: it guards play money.
pub(super) const PASSWORD: &str = "regtest-password";

/// Makes the wallet of the node that serves REST at `address` and has none.
pub(super) async fn create(address: SocketAddr, patience: Duration) -> Result<(), LndError> {
    let seed = rest::call(address, None, (Method::GET, "/v1/genseed", None), patience).await?;
    let body = json!({ "wallet_password": password(), "cipher_seed_mnemonic": seed["cipher_seed_mnemonic"] });
    rest::call(address, None, (Method::POST, "/v1/initwallet", Some(&body)), patience).await.map(drop)
}

/// Opens the wallet of the node that serves REST at `address` and is locked.
pub(super) async fn unlock(address: SocketAddr, patience: Duration) -> Result<(), LndError> {
    let body = json!({ "wallet_password": password() });
    rest::call(address, None, (Method::POST, "/v1/unlockwallet", Some(&body)), patience).await.map(drop)
}

fn password() -> String {
    Base64::encode_string(PASSWORD.as_bytes())
}
