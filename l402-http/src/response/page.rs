//! The page for a person who meets a price in a browser: plain, readable aloud, no scripts.

use super::Seconds;
use bytes::Bytes;
use core::fmt;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, Response, StatusCode};
use l402_core::{Msat, Uses};
use l402_lightning::Invoice;

/// What the page says.
pub(super) struct Page<'a> {
    pub(super) status: StatusCode,
    pub(super) message: &'a str,
    pub(super) description: &'a str,
    pub(super) price_msat: Msat,
    pub(super) uses: Uses,
    pub(super) valid_for: u64,
    pub(super) token: &'a str,
    pub(super) invoice: &'a Invoice,
}

impl Page<'_> {
    /// Writes the page with its status.
    pub(super) fn response(&self) -> Response<Bytes> {
        let (page, html) = (self.to_string().into(), HeaderValue::from_static("text/html; charset=utf-8"));
        let mut response = super::answer(self.status, html, page);
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING_ELSE));
        response
    }
}

/// Should a value ever get past the escaping, it still runs and loads nothing.
const NOTHING_ELSE: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, message, description, price_msat, uses, valid_for, token, invoice } = self;
        let title = status.canonical_reason().unwrap_or_default();
        write!(
            f,
            r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{description} costs {price}: {message}.</p>
<p><a href="lightning:{invoice}">Pay with a Lightning wallet</a></p>
<h2>Invoice</h2>
<p><code>{invoice}</code></p>
<h2>After payment</h2>
<p>{uses}{validity}</p>
<p>The wallet shows a preimage. Repeat the request with it in this header field:</p>
<p><code>Authorization: L402 {token}:&lt;preimage&gt;</code></p>
</main>
</body>
</html>
"#,
            title = Escaped(title),
            description = Escaped(description),
            price = Sat(price_msat.get()),
            message = Escaped(message),
            uses = Often(*uses),
            validity = Validity { at_least: *valid_for, more: invoice.expiry().as_secs() },
            invoice = Escaped(invoice.bolt11()),
            token = Escaped(token),
        )
    }
}

/// Text that is safe between tags and in a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => fmt::Write::write_char(f, c),
        })
    }
}

/// How often a token can be used, for a person; nothing where that is as often as they like.
struct Often(Uses);

impl fmt::Display for Often {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Uses::Unlimited => Ok(()),
            Uses::ONCE => f.write_str("The token can be used once. "),
            Uses::Metered => f.write_str("The price is a balance, from which each use is paid. "),
            uses @ Uses::Times(_) => write!(f, "The token can be used {uses} times. "),
        }
    }
}

/// How long a token is valid, for a person.
struct Validity {
    at_least: u64,
    more: u64,
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.at_least.saturating_add(self.more);
        write!(f, "The token is valid for {}, or up to {} if you pay at once.", Seconds(self.at_least), Seconds(most))
    }
}

/// An amount in millisatoshi, shown in satoshi.
struct Sat(u64);

impl fmt::Display for Sat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 1000, self.0 % 1000) {
            (sat, 0) => write!(f, "{sat} sat"),
            (sat, msat) => write!(f, "{sat}.{msat:03} sat"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        assert_eq!(Escaped("<b a=\"&'\">").to_string(), "&lt;b a=&quot;&amp;&#39;&quot;&gt;");
    }

    #[test]
    fn amounts_are_shown_in_sat() {
        assert_eq!([21_000, 500, 1_001].map(|msat| Sat(msat).to_string()), ["21 sat", "0.500 sat", "1.001 sat"]);
    }
}
