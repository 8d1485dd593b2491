//! Buys one response with reqwest: `buy-with-reqwest URL` prints it, and pays 100 sat at most.

use anyhow::{Context, Result};
use l402_core::{CredentialLine, Exchange, Msat, Next, ResponseStatus, SpendLimits, TokenFacts};
use l402_lightning::{Invoice, PayLimit, PaymentSource, unix_now};
use l402_sandbox::SandboxWallet;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, Response, redirect};

/// Requests a URL, pays where the server asks for it, and repeats the request with the token.
async fn buy(http: &Client, url: &str, wallet: &impl PaymentSource, limits: SpendLimits) -> Result<Response> {
    let mut exchange = Exchange::new(limits);
    let response = http.get(url).send().await?;
    let status = ResponseStatus { status: response.status().as_u16(), grpc_status: None };
    let lines = response.headers().get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes);
    let Next::Pay(challenge) = exchange.on_response(status, lines)? else { return Ok(response) };

    let token = challenge.token().as_str().context("the token is not text")?;
    let invoice = Invoice::parse(challenge.invoice().as_str().context("the invoice is not text")?)?;
    let facts = TokenFacts::read(token.as_bytes(), &mut vec![0; token.len()]);
    let now = unix_now();
    let order = exchange.authorize_token(&facts, &invoice.facts(), now)?; // an error means: do not pay

    let paid = wallet.pay(&invoice, PayLimit::fee(order.max_fee_msat)).await?;
    exchange.paid(&order, &paid.preimage)?;
    let line = CredentialLine { scheme: challenge.scheme(), token, preimage: &paid.preimage };
    let mut credential = HeaderValue::try_from(line.to_string())?;
    credential.set_sensitive(true); // keep it with `token`: it opens this URL until it expires
    Ok(http.get(url).header(AUTHORIZATION, credential).send().await?)
}

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::args().nth(1).context("usage: buy-with-reqwest URL")?;
    let http = Client::builder().redirect(redirect::Policy::none()).build()?; // a token is for one server
    let wallet = SandboxWallet::discover(None).await?; // or any other `PaymentSource`, such as those of `l402-lnd`
    let limits = SpendLimits { max_price_msat: Msat::from_sat(100), max_fee_msat: Msat::from_sat(1) };
    print!("{}", buy(&http, &url, &wallet, limits).await?.error_for_status()?.text().await?);
    Ok(())
}
