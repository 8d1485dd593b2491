//! The wallet of an LND: made once, unlocked at each start.

use base64ct::{Base64, Encoding as _};
use hyper::Method;
use serde_json::json;

use super::error::LndError;
use super::node::LndNode;

/// The password of every wallet: it guards play money.
pub(super) const PASSWORD: &str = "regtest-password";

/// Makes the wallet of a node that has none.
pub(super) async fn create(node: &LndNode) -> Result<(), LndError> {
    let seed = node.ask_openly(Method::GET, "/v1/genseed", None).await?;
    let body = json!({ "wallet_password": password(), "cipher_seed_mnemonic": seed["cipher_seed_mnemonic"] });
    node.ask_openly(Method::POST, "/v1/initwallet", Some(&body)).await.map(drop)
}

/// Opens the wallet of a node that is locked.
pub(super) async fn unlock(node: &LndNode) -> Result<(), LndError> {
    let body = json!({ "wallet_password": password() });
    node.ask_openly(Method::POST, "/v1/unlockwallet", Some(&body)).await.map(drop)
}

fn password() -> String {
    Base64::encode_string(PASSWORD.as_bytes())
}
