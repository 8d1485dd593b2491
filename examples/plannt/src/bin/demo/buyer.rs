//! The client's side, one step at a time: what `l402 get` does in one go.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use core::net::SocketAddr;
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, attenuate, base64};
use l402_core::{
    CredentialLine, Exchange, Identifier, InvoiceFacts, Msat, Next, PayOrder, Preimage, Scheme, SpendLimits,
};
use l402_ldk::LdkNode;
use l402_lightning::{Invoice, Paid, PayLimit, PaymentSource};
use std::time::SystemTime;
use tokio::net::TcpStream;

const X_L402: &str = "x-l402";
const X_L402_REMAINING: &str = "x-l402-remaining";

/// What this client pays for one token, at most.
const LIMITS: SpendLimits = SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) };

/// A client with a wallet.
pub(crate) struct Buyer<'a> {
    gateway: SocketAddr,
    wallet: &'a LdkNode,
}

impl<'a> Buyer<'a> {
    pub(crate) fn new(gateway: SocketAddr, wallet: &'a LdkNode) -> Self {
        Self { gateway, wallet }
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn get(&self, path: &str, credential: Option<&str>) -> Result<Answer> {
        let stream = TcpStream::connect(self.gateway).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::get(path).header(HOST, self.gateway.to_string()).body(Empty::<Bytes>::new())?;
        if let Some(credential) = credential {
            let mut value = HeaderValue::try_from(credential)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let (head, body) = sender.send_request(request).await?.into_parts();
        let challenges = head.headers.get_all(WWW_AUTHENTICATE).iter();
        Ok(Answer {
            status: head.status.as_u16(),
            challenges: challenges.map(|line| line.to_str().map(str::to_owned)).collect::<Result<_, _>>()?,
            uses: head.headers.get(X_L402).map(|value| value.to_str().map(str::to_owned)).transpose()?,
            remaining: head
                .headers
                .get(X_L402_REMAINING)
                .map(|value| anyhow::Ok(value.to_str()?.parse()?))
                .transpose()?,
            body: String::from_utf8(body.collect().await?.to_bytes().to_vec())?,
        })
    }

    /// Pays, and checks that the preimage proves it.
    pub(crate) async fn pay(&self, mut order: Order) -> Result<Purchase> {
        let limit = PayLimit::fee(order.terms.max_fee_msat);
        let paid = self.wallet.pay(&order.invoice, limit).await?;
        order.exchange.paid(&order.terms, &paid.preimage)?;
        Ok(Purchase { scheme: order.scheme, token: order.token, paid })
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The `WWW-Authenticate` lines.
    pub(crate) challenges: Vec<String>,
    /// What `X-L402` says of the token, such as `spent`.
    pub(crate) uses: Option<String>,
    /// How many uses are left, as `X-L402-Remaining` says.
    pub(crate) remaining: Option<u32>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn is(&self, status: u16, body: &str) -> bool {
        self.status == status && self.body.trim_end() == body
    }

    /// Whether it serves, and leaves so many uses of the token.
    pub(crate) fn leaves(&self, uses: u32) -> bool {
        let spent = self.uses.as_deref() == Some("spent");
        self.status == 200 && self.remaining == Some(uses) && spent == (uses == 0)
    }

    /// The machine-readable reason of a refusal.
    pub(crate) fn reason(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        body.get("reason")?.as_str().map(str::to_owned)
    }
}

/// A challenge that may be paid.
pub(crate) struct Order {
    exchange: Exchange,
    scheme: Scheme,
    token: String,
    pub(crate) invoice: Invoice,
    pub(crate) terms: PayOrder,
}

impl Order {
    /// Reads a challenge and decides whether its invoice may be paid.
    pub(crate) fn read(answer: &Answer) -> Result<Self> {
        let mut exchange = Exchange::new(LIMITS);
        let status = l402_core::ResponseStatus { status: answer.status, grpc_status: None };
        let lines = answer.challenges.iter().map(String::as_bytes);
        let Next::Pay(challenge) = exchange.on_response(status, lines)? else { bail!("nothing is asked for") };
        let token = challenge.token().as_str().context("the token is not plain text")?;
        let invoice = Invoice::parse(challenge.invoice().as_str().context("the invoice is not plain text")?)?;
        let facts = InvoiceFacts {
            payment_hash: invoice.payment_hash(),
            amount_msat: invoice.amount_msat(),
            expires_at: invoice.expires_at(),
        };
        let bytes = decode(token)?;
        let identifier = Identifier::parse(MacaroonRef::parse(&bytes)?.identifier())?;
        let terms = exchange.authorize(&identifier, &facts, unix_now()?.into())?;
        Ok(Self { exchange, scheme: challenge.scheme(), token: token.to_owned(), invoice, terms })
    }

    /// What the token says about itself, and its length in bytes.
    pub(crate) fn caveats(&self) -> Result<(usize, Vec<String>)> {
        let bytes = decode(&self.token)?;
        let caveats = MacaroonRef::parse(&bytes)?.unverified_caveats();
        Ok((bytes.len(), caveats.map(|caveat| String::from_utf8_lossy(caveat.id).into_owned()).collect()))
    }
}

/// A token, and the proof that it was paid for.
pub(crate) struct Purchase {
    scheme: Scheme,
    token: String,
    pub(crate) paid: Paid,
}

impl Purchase {
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn preimage(&self) -> &Preimage {
        &self.paid.preimage
    }

    /// The `Authorization` field with this token.
    pub(crate) fn credential(&self, token: &str) -> String {
        CredentialLine { scheme: self.scheme, token, preimage: self.preimage() }.to_string()
    }

    /// The token with the last bit of its signature changed.
    pub(crate) fn forged(&self) -> Result<String> {
        let mut bytes = decode(&self.token)?;
        *bytes.last_mut().context("the token is empty")? ^= 1;
        encode(&bytes)
    }

    /// The token with its end moved to so many seconds from now.
    pub(crate) fn ending(&self, seconds: i64) -> Result<String> {
        let end = unix_now()?.saturating_add_signed(seconds);
        narrowed(&self.token, &format!("plannt_valid_until={end}"))
    }

    /// The token for somebody else, who can use it so many times.
    pub(crate) fn delegated(&self, uses: u32, label: &str) -> Result<String> {
        narrowed(&self.token, &format!("plannt_uses={uses}:{label}"))
    }
}

/// The token with one more caveat. Needs no key, and nobody is asked.
fn narrowed(token: &str, caveat: &str) -> Result<String> {
    let bytes = decode(token)?;
    let mut out = [0; MAX_LEN];
    encode(attenuate(MacaroonRef::parse(&bytes)?, caveat.as_bytes(), &mut out)?.as_bytes())
}

fn decode(token: &str) -> Result<Vec<u8>> {
    let mut bytes = vec![0; token.len()];
    Ok(base64::decode_into(token.as_bytes(), &mut bytes)?.to_vec())
}

fn encode(bytes: &[u8]) -> Result<String> {
    let mut text = vec![0; base64::encoded_len(bytes.len())];
    Ok(base64::encode_into(bytes, &mut text).context("the token does not fit")?.to_owned())
}

fn unix_now() -> Result<u64> {
    Ok(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())
}
