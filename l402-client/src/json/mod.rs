//! What `--json` prints: one object for each command, with keys that stay.
//!
//! 1. Amounts are whole millisatoshi (`…_msat`), times are Unix seconds (`…_at`). What is not known is null.
//! 2. No secret is part of it.
//! 3. [`schema`] is the JSON Schema of all of it, `docs/client.schema.json`. New keys may come; those there are keep their meaning.

mod doctor;
mod payment;
mod token;
mod wallet;

pub use doctor::{Diagnosis, Found, Level};
pub use payment::{Finding, Outcome, PaymentList, Resolution, ResolutionList, ShownPayment};
pub use token::{CaveatObject, InspectedToken, KeptStanding, ShownToken, TokenDetails, TokenList};
pub use wallet::{ChannelList, ChannelState, ShownChannel, ShownWallet};

use crate::exit::{Exit, Failure, OrExit};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

/// Writes an object in one line.
pub(crate) fn line(object: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(object).map(|text| text + "\n").or_exit(Exit::Local)
}

/// Every object, by the command that prints it.
#[derive(JsonSchema)]
#[schemars(rename = "l402 --json", deny_unknown_fields)]
#[expect(dead_code, reason = "the schema alone is used")]
struct Printed {
    /// `l402 tokens list --json`
    tokens_list: TokenList,
    /// `l402 tokens show --json`
    tokens_show: TokenDetails,
    /// `l402 tokens inspect --json`
    tokens_inspect: InspectedToken,
    /// `l402 payments list --json`
    payments_list: PaymentList,
    /// `l402 payments resolve --json`
    payments_resolve: ResolutionList,
    /// `l402 wallet info --json`
    wallet_info: ShownWallet,
    /// `l402 wallet channels --json`
    wallet_channels: ChannelList,
    /// `l402 doctor --json`
    doctor: Diagnosis,
}

/// Returns the JSON Schema: under `properties`, one for each command.
///
/// ```
/// let schema: serde_json::Value = serde_json::from_str(&l402_client::json::schema())?;
/// assert!(schema["properties"]["tokens_list"].is_object());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn schema() -> String {
    serde_json::to_string_pretty(&schema_for!(Printed)).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_of_the_documentation_is_this_one() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/client.schema.json");
        let written = std::fs::read_to_string(file).unwrap();
        assert!(written == schema(), "docs/client.schema.json is old; run `just reference`");
    }
}
