//! Macaroons: who may do what on a node.

use core::fmt;
use std::ffi::OsStr;
use std::path::PathBuf;

use bitcoin::hex::{DisplayHex as _, FromHex as _};
use serde_json::{Value, json};

use super::error::LndError;
use super::node::{LndNode, write_private};

/// What a gateway that sells needs, and no more.
// Threat O2.
pub const SELL: [&str; 3] = ["invoices:read", "invoices:write", "info:read"];

/// What a client that pays needs, and no more.
// Threat O2.
pub const PAY: [&str; 3] = ["offchain:read", "offchain:write", "info:read"];

/// The macaroons that LND makes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Macaroon {
    /// May do everything.
    Admin,
    /// May see everything, and change nothing.
    ReadOnly,
    /// May make invoices and addresses, and see them.
    Invoice,
}

impl Macaroon {
    /// Returns the name of its file without the ending.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ReadOnly => "readonly",
            Self::Invoice => "invoice",
        }
    }
}

impl fmt::Display for Macaroon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl LndNode {
    /// Returns the file of a macaroon that LND made by itself.
    pub fn macaroon(&self, macaroon: Macaroon) -> PathBuf {
        self.macaroon_file(macaroon.as_str().as_ref())
    }

    /// Has a macaroon made that gives `permissions`, such as [`SELL`], and returns its file `<name>.macaroon`.
    ///
    /// A permission is `entity:action`, or `uri:/package.Service/Method` for one method.
    ///
    /// # Errors
    ///
    /// When the node does not run, or knows no such permission.
    pub async fn bake(&self, name: &str, permissions: &[&str]) -> Result<PathBuf, LndError> {
        let permissions: Vec<_> = permissions.iter().map(|permission| spell(permission)).collect();
        let answer = self.post("/v1/macaroon", &json!({ "permissions": permissions })).await?;
        let hex = answer["macaroon"].as_str().ok_or(LndError::NoField("macaroon"))?;
        let file = self.macaroon_file(name.as_ref());
        write_private(&file, &Vec::from_hex(hex).map_err(|_| LndError::NoField("macaroon"))?)?;
        Ok(file)
    }

    /// Returns the macaroon that may do everything, in hexadecimal.
    pub(super) fn admin_macaroon(&self) -> Result<String, LndError> {
        Ok(std::fs::read(self.macaroon(Macaroon::Admin))?.to_lower_hex_string())
    }

    fn macaroon_file(&self, name: &OsStr) -> PathBuf {
        let mut file = self.dir().join("data/chain/bitcoin/regtest").join(name).into_os_string();
        file.push(".macaroon");
        file.into()
    }
}

fn spell(permission: &str) -> Value {
    let (entity, action) = permission.split_once(':').unwrap_or((permission, ""));
    json!({ "entity": entity, "action": action })
}
