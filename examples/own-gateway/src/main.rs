//! A gateway of one's own in one file: hyper, the decisions of `l402-core`, and a Lightning node.
//!
//! It sells one thing, a weather report for 21 sat. `docs/own-gateway.md` walks through it.

use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use l402_core::{
    ChallengeLine, Charge, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Msat, Name, Offer, UnixSeconds,
};
use l402_core::{CredentialHeaders, SettlementRule, TokenText};
use l402_lightning::{InvoiceRequest, InvoiceSource, SettlementSource};
use l402_regtest::{Sandbox, wallet};
use tokio::net::TcpListener;

type Answer = Response<Full<Bytes>>;

/// What decides, what is sold, and the node that is paid.
struct Gateway<N> {
    gate: Gate<DerivedKeys>,
    offer: Offer,
    node: N,
}

impl<N: InvoiceSource + SettlementSource> Gateway<N> {
    /// Asks the gate, performs the I/O that it names, answers.
    async fn answer(&self, request: Request<Incoming>) -> Result<Answer> {
        let mut fields = CredentialHeaders::new();
        for (name, value) in request.headers() {
            fields.add(name.as_str(), value.as_bytes());
        }
        Ok(match self.gate.decide(&fields, &self.offer, now()?) {
            Decision::Admit(_) => report(),
            Decision::Settle(grant) => match self.node.settled_msat(&grant.payment_hash()).await {
                Ok(Some(msat)) if msat >= self.offer.price_msat => report(),
                // Never 402 while the money may be on its way: an agent would pay twice.
                Ok(_) | Err(_) => unavailable("the payment is not settled yet"),
            },
            // This gateway sells no numbers of uses. A token that another one sold in this way needs that one's ledger.
            Decision::Reserve { .. } => unavailable("the uses of this token cannot be counted here"),
            Decision::Charge(charge) => self.charge(charge).await?,
            Decision::Refuse(refusal) => text(refusal.status, &refusal.to_string())?,
        })
    }

    /// The node chooses the payment hash, the keys make a token for it, and the client is asked to pay.
    async fn charge(&self, charge: Charge) -> Result<Answer> {
        let expiry = Duration::from_mins(10);
        let request = InvoiceRequest { amount_msat: self.offer.price_msat, description: "weather", expiry };
        let Ok(invoice) = self.node.create_invoice(request).await else {
            return Ok(unavailable("the Lightning node makes no invoice"));
        };
        let mut random = [0; 28];
        getrandom::fill(&mut random)?;
        let mut room = TokenText::new();
        // The token is valid from the last moment at which its invoice can be paid.
        let token =
            self.gate.keys().mint(&self.offer, &invoice.payment_hash(), random, invoice.expires_at(), &mut room)?;
        let mut answer = text(charge.status, &charge.reason.to_string())?;
        for line in ChallengeLine::both(token, invoice.bolt11()) {
            answer.headers_mut().append(WWW_AUTHENTICATE, line.to_string().try_into()?);
        }
        // A cache would hand two buyers one invoice.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(answer)
    }
}

/// What is sold.
fn report() -> Answer {
    let mut answer = Response::new(Full::from("sunny, 21 degrees\n"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    answer
}

fn text(status: u16, text: &str) -> Result<Answer> {
    Ok(Response::builder().status(status).body(Full::from(format!("{text}\n")))?)
}

fn unavailable(text: &str) -> Answer {
    let mut answer = Response::new(Full::from(format!("{text}\n")));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn now() -> Result<UnixSeconds> {
    Ok(UnixSeconds::new(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs()))
}

async fn serve<N>(listener: TcpListener, gateway: Arc<Gateway<N>>) -> Result<()>
where
    N: InvoiceSource + SettlementSource + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let service = service_fn(|request| gateway.answer(request));
            let mut http = hyper::server::conn::http1::Builder::new();
            http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await
        });
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    // A Lightning network with play money in this process; its payer's wallet is announced to `l402`.
    let network = Sandbox::builder().start().await?;
    let file = l402_sandbox::default_path().context("no folder for the wallet's file; set L402_SANDBOX to one")?;
    let _wallet = wallet::serve(network.payer().clone(), file)?;

    // A gateway that restarts keeps its master key in a file; this one forgets what it sold.
    let mut master = [0; 32];
    getrandom::fill(&mut master)?;
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes(master));
    let policy = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    let offer = Offer::new(Name::new("weather")?, Msat::new(21_000));
    let gateway = Gateway { gate: Gate::new(keys, policy), offer, node: network.payee().clone() };

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("selling weather on http://{}/", listener.local_addr()?);
    tokio::select! {
        ended = serve(listener, Arc::new(gateway)) => ended,
        interrupt = tokio::signal::ctrl_c() => Ok(interrupt?),
    }
}
