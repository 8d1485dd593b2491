//! What a model writes into a call. The sentences here are what it reads about each argument.

use l402_agent::amount::Amount;
use l402_agent::errand::{Ask, ErrandError, Reason};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Arguments of `fetch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FetchArguments {
    /// An absolute http or https URL.
    url: String,
    /// The HTTP method. GET if left out.
    #[serde(default)]
    method: Option<String>,
    /// Headers of the request. Host, Authorization, Cookie and those of proxies, payments and the connection cannot be set.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body of the request, as text. Set Content-Type to what it is.
    #[serde(default)]
    body: Option<String>,
    /// The most to pay for this call, such as "5 sat". It can only lower what the owner allows.
    #[serde(default)]
    max_price: Option<String>,
    /// Whether redirects are followed. Yes if left out.
    #[serde(default)]
    follow_redirects: Option<bool>,
    /// The longest time for the call, in seconds.
    #[serde(default)]
    #[schemars(range(min = 1, max = 600))]
    timeout_seconds: Option<u64>,
}

impl FetchArguments {
    pub(super) fn ask(self) -> Result<Ask, ErrandError> {
        let mut ask = Ask::get(self.url);
        if let Some(method) = self.method {
            ask.method = method;
        }
        ask.headers = self.headers.into_iter().collect();
        ask.body = self.body.unwrap_or_default().into();
        ask.max_price_msat = amount(self.max_price.as_deref())?;
        ask.follow_redirects = self.follow_redirects.unwrap_or(true);
        ask.timeout_ms = self.timeout_seconds.map(|seconds| seconds.saturating_mul(1_000));
        Ok(ask)
    }
}

/// Arguments of `preview`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PreviewArguments {
    /// An absolute http or https URL.
    url: String,
    /// The HTTP method: GET, HEAD or OPTIONS. GET if left out. Other methods have no preview, because a free request is performed.
    #[serde(default)]
    method: Option<String>,
    /// Headers of the request, as for fetch.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Whether redirects are followed. Yes if left out.
    #[serde(default)]
    follow_redirects: Option<bool>,
}

impl PreviewArguments {
    pub(super) fn ask(self) -> Ask {
        let mut ask = Ask::get(self.url);
        if let Some(method) = self.method {
            ask.method = method;
        }
        ask.headers = self.headers.into_iter().collect();
        ask.follow_redirects = self.follow_redirects.unwrap_or(true);
        ask
    }
}

/// Arguments of `budget`: none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetArguments {}

/// Arguments of `purchases`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PurchasesArguments {
    /// How many, the newest first. 10 if left out.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub(super) most: Option<u32>,
}

fn amount(text: Option<&str>) -> Result<Option<u64>, ErrandError> {
    let Some(text) = text else { return Ok(None) };
    let refused = |why| ErrandError::new(Reason::InvalidRequest, format!("max_price: {why}"));
    text.parse().map(|amount: Amount| Some(amount.msat().get())).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_become_a_request() {
        let arguments: FetchArguments = serde_json::from_value(json!({
            "url": "https://a/", "method": "POST", "headers": {"A": "1"}, "body": "b", "max_price": "1.5 sat", "timeout_seconds": 2
        }))
        .unwrap();
        let ask = arguments.ask().unwrap();
        assert_eq!((ask.method.as_str(), ask.max_price_msat, ask.timeout_ms), ("POST", Some(1_500), Some(2_000)));
        assert_eq!(ask.headers, [("A".to_owned(), "1".to_owned())]);
        assert!(ask.follow_redirects);
    }

    #[test]
    fn a_price_without_a_unit_is_refused_and_so_is_what_nobody_knows() {
        let arguments: FetchArguments = serde_json::from_value(json!({"url": "https://a/", "max_price": "5"})).unwrap();
        let fault = arguments.ask().unwrap_err();
        assert!(fault.message.starts_with("max_price: the unit must be"), "{fault}");
        assert!(serde_json::from_value::<FetchArguments>(json!({"url": "https://a/", "insecure": true})).is_err());
    }
}
