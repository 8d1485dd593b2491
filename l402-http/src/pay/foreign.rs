//! What a 402 offers besides L402, so that somebody can be told. Nothing of it is paid here.
//!
//! 1. Recognised are the `Payment` authentication scheme, x402 in both versions, the offers of Fewsats, every other scheme of
//!    `WWW-Authenticate`, and a body of any kind.
//! 2. What is told are words of a stranger: they are short, few, and not yet fit for a terminal.

use core::fmt;
use http::header::{CONTENT_TYPE, HeaderMap, WWW_AUTHENTICATE};
use l402_core::macaroon::base64;
use l402_core::{AnyChallenge, Scheme};
use serde::Serialize;
use serde_json::{Map, Value};

/// A way to be paid that is not L402.
///
/// As JSON, `kind` names the way, and every other member is text, a list of texts, or absent where the server does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ForeignOffer {
    /// `WWW-Authenticate: Payment`.
    Payment {
        /// Such as `lightning`.
        #[serde(skip_serializing_if = "Option::is_none")]
        method: Option<String>,
        /// Such as `charge`.
        #[serde(skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
        /// In the smallest unit of the currency.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<String>,
        /// Such as `sat`.
        #[serde(skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
    },
    /// x402, by a `PAYMENT-REQUIRED` field or by a body.
    X402 {
        /// `1` or `2`.
        version: String,
        /// Such as `eip155:8453`.
        #[serde(skip_serializing_if = "Option::is_none")]
        network: Option<String>,
        /// In the smallest unit of the asset.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<String>,
        /// Such as the address of a contract.
        #[serde(skip_serializing_if = "Option::is_none")]
        asset: Option<String>,
    },
    /// A body with offers that are bought with another request, as Fewsats has them.
    Fewsats {
        /// What can be bought, such as `10 credits for 100 USD`.
        offers: Vec<String>,
    },
    /// `WWW-Authenticate` with a scheme that says nothing of a payment.
    Scheme {
        /// The scheme.
        name: String,
    },
    /// A JSON object of no form that is known.
    Json {
        /// Its members.
        members: Vec<String>,
    },
    /// A body that is no JSON object.
    Body {
        /// Its type.
        #[serde(skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
    },
}

impl ForeignOffer {
    /// Reads what a response offers besides L402: its header fields, and the beginning of its body. A JSON body counts only if all
    /// of it is there.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use l402_http::pay::ForeignOffer;
    ///
    /// let body = br#"{"x402Version":1,"accepts":[{"network":"base","maxAmountRequired":"10000","asset":"0x83"}]}"#;
    /// let offers = ForeignOffer::read(&HeaderMap::new(), body);
    /// assert_eq!(offers[0].to_string(), "x402 version 1 (10000 of 0x83 on base)");
    /// assert!(ForeignOffer::read(&HeaderMap::new(), b"").is_empty());
    /// ```
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Vec<Self> {
        let lines = headers.get_all(WWW_AUTHENTICATE).iter();
        let mut offers: Vec<Self> =
            lines.flat_map(|line| AnyChallenge::parse_all(line.as_bytes())).filter_map(|it| scheme(&it)).collect();
        offers.extend(headers.get("payment-required").and_then(|field| x402(&base64_json(field.as_bytes())?)));
        if let Some(in_body) = of_body(headers, body)
            && (offers.is_empty() || !matches!(in_body, Self::Json { .. } | Self::Body { .. }))
        {
            offers.push(in_body);
        }
        offers.dedup();
        offers.truncate(MAX_OFFERS);
        offers
    }
}

impl fmt::Display for ForeignOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment { method, intent, amount, currency } => {
                f.write_str("the `Payment` scheme")?;
                details(f, &[joined(" ", &[method, intent]), joined(" ", &[amount, currency])])
            }
            Self::X402 { version, network, amount, asset } => {
                write!(f, "x402 version {version}")?;
                let price = joined(" of ", &[amount, asset]);
                details(f, &[joined(" on ", &[&price, network])])
            }
            Self::Fewsats { offers } => {
                f.write_str("a JSON offer in the format of Fewsats")?;
                details(f, &[Some(offers.join("; ")).filter(|offers| !offers.is_empty())])
            }
            Self::Scheme { name } => write!(f, "the scheme `{name}`"),
            Self::Json { members } => {
                f.write_str("a JSON body")?;
                details(f, &[Some(members.join(", ")).filter(|members| !members.is_empty())])
            }
            Self::Body { content_type: Some(kind) } => write!(f, "only a body of type {kind}"),
            Self::Body { content_type: None } => f.write_str("only a body"),
        }
    }
}

fn scheme(challenge: &AnyChallenge<'_>) -> Option<ForeignOffer> {
    if Scheme::parse(challenge.scheme().as_bytes()).is_some() {
        return None;
    }
    if !challenge.scheme().eq_ignore_ascii_case("Payment") {
        return Some(ForeignOffer::Scheme { name: short(challenge.scheme()) });
    }
    let param = |name| {
        let text = String::from_utf8(challenge.param(name)?.bytes().collect()).ok()?;
        Some(short(&text)).filter(|text| !text.is_empty())
    };
    let request = challenge.param("request").and_then(|value| base64_json(&value.bytes().collect::<Vec<_>>()));
    let request = request.as_ref().and_then(Value::as_object);
    Some(ForeignOffer::Payment {
        method: param("method"),
        intent: param("intent"),
        amount: request.and_then(|request| text(request, &["amount"])),
        currency: request.and_then(|request| text(request, &["currency"])),
    })
}

fn of_body(headers: &HeaderMap, body: &[u8]) -> Option<ForeignOffer> {
    if body.is_empty() {
        return None;
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(short);
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return Some(ForeignOffer::Body { content_type }) };
    let Some(object) = json.as_object() else { return Some(ForeignOffer::Body { content_type }) };
    if let Some(offer) = x402(&json).or_else(|| fewsats(object)) {
        return Some(offer);
    }
    Some(ForeignOffer::Json { members: object.keys().take(MAX_OFFERS).map(|name| short(name)).collect() })
}

fn x402(json: &Value) -> Option<ForeignOffer> {
    let object = json.as_object()?;
    let version = text(object, &["x402Version"])?;
    let accepts = object.get("accepts").and_then(|accepts| accepts.get(0)).and_then(Value::as_object);
    let member = |names: &[&str]| accepts.and_then(|accepts| text(accepts, names));
    Some(ForeignOffer::X402 {
        version,
        network: member(&["network"]),
        amount: member(&["amount", "maxAmountRequired"]),
        asset: member(&["asset"]),
    })
}

fn fewsats(object: &Map<String, Value>) -> Option<ForeignOffer> {
    let offers = object.get("offers")?.as_array()?;
    object.get("payment_request_url").or(object.get("payment_context_token"))?;
    let offers = offers.iter().take(MAX_OFFERS).filter_map(Value::as_object);
    let told = offers.filter_map(|offer| {
        let (amount, currency) = (text(offer, &["amount"]), text(offer, &["currency"]));
        joined(" for ", &[&text(offer, &["title", "offer_id", "id"]), &joined(" ", &[&amount, &currency])])
    });
    Some(ForeignOffer::Fewsats { offers: told.collect() })
}

/// The first of these members that is a text or a number.
fn text(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match object.get(*name)? {
        Value::String(text) => Some(short(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn base64_json(field: &[u8]) -> Option<Value> {
    let mut bytes = vec![0; base64::decoded_len(field.len())];
    serde_json::from_slice(base64::decode_into(field, &mut bytes).ok()?).ok()
}

fn short(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn joined(between: &str, parts: &[&Option<String>]) -> Option<String> {
    let parts: Vec<&str> = parts.iter().filter_map(|part| part.as_deref()).collect();
    (!parts.is_empty()).then(|| parts.join(between))
}

fn details(f: &mut fmt::Formatter<'_>, parts: &[Option<String>]) -> fmt::Result {
    match joined(", ", &parts.iter().collect::<Vec<_>>()) {
        Some(details) => write!(f, " ({details})"),
        None => Ok(()),
    }
}

/// The most that is told of one answer.
const MAX_OFFERS: usize = 8;

/// The most characters of one word of a server's.
const MAX_TEXT: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// `{"x402Version":2,"accepts":[{"network":"eip155:8453","amount":"10000","asset":"0x83"}]}`
    const X402_V2: &str = "eyJ4NDAyVmVyc2lvbiI6MiwiYWNjZXB0cyI6W3sibmV0d29yayI6ImVpcDE1NTo4NDUzIiwiYW1vdW50IjoiMTAwMDAiLCJhc3NldCI6IjB4ODMifV19";

    /// `{"amount":"21","currency":"sat"}`, without padding.
    const REQUEST: &str = "eyJhbW91bnQiOiIyMSIsImN1cnJlbmN5Ijoic2F0In0";

    fn told(fields: &[(&'static str, &str)], body: &str) -> Vec<String> {
        let fields = fields.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        ForeignOffer::read(&fields.collect(), body.as_bytes()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_known_offer_is_named() {
        let payment = format!(r#"Payment id="1", realm="a", method="lightning", intent="charge", request="{REQUEST}""#);
        for (fields, body, expected) in [
            (&[("www-authenticate", payment.as_str())][..], "", "the `Payment` scheme (lightning charge, 21 sat)"),
            (&[("www-authenticate", "Payment id=1")], "{}", "the `Payment` scheme"),
            (&[("payment-required", X402_V2)], "{}", "x402 version 2 (10000 of 0x83 on eip155:8453)"),
            (&[], r#"{"x402Version":1,"accepts":[]}"#, "x402 version 1"),
            (
                &[],
                r#"{"version":"0.1","payment_request_url":"http://a/","offers":[{"id":"1","title":"10 calls","amount":100,"currency":"USD"}]}"#,
                "a JSON offer in the format of Fewsats (10 calls for 100 USD)",
            ),
            (&[], r#"{"error":"pay","invoice":"lnbc1"}"#, "a JSON body (error, invoice)"),
            (&[("content-type", "text/html")], "<p>pay", "only a body of type text/html"),
            (&[], "pay", "only a body"),
            (&[("www-authenticate", "Bearer realm=a")], "no", "the scheme `Bearer`"),
        ] {
            assert_eq!(told(fields, body), [expected], "{body}");
        }
        assert!(told(&[], "").is_empty());
    }

    #[test]
    fn several_offers_are_all_named_and_ours_is_not() {
        let line = r#"L402 token="a", invoice="b", Payment method=tempo, Basic realm=c"#;
        let body = r#"{"x402Version":1}"#;
        let expected = ["the `Payment` scheme (tempo)", "the scheme `Basic`", "x402 version 1"];
        assert_eq!(told(&[("www-authenticate", line)], body), expected);
    }

    #[test]
    fn a_flood_of_words_is_cut() {
        let long = "x".repeat(5_000);
        let body = format!("{{{}}}", (0..500).map(|n| format!(r#""{n}{long}":1"#)).collect::<Vec<_>>().join(","));
        let many = "Basic realm=a, Digest realm=b, ".repeat(100);
        assert!(told(&[], &body).concat().len() < 1_000);
        assert!(told(&[("www-authenticate", &many)], &body).len() <= MAX_OFFERS);
        assert!(told(&[("payment-required", "????")], "").is_empty());
    }
}
