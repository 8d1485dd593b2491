//! One gateway: the real paid service, between simulated neighbours.

use crate::chance::Chance;
use crate::link::{Link, Network as Wires};
use crate::meter::Read;
use crate::plan::Plan;
use crate::process::Process;
use crate::store::START;
use crate::upstream::Upstream;
use bitcoin::secp256k1::SecretKey;
use core::sync::atomic::{AtomicU64, Ordering};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use l402_core::macaroon::{MacaroonRef, attenuate, base64};
use l402_core::{
    CredentialLine, DerivedKeys, MasterKey, Msat, Name, Offer, PaymentHash, Preimage, Scheme, TokenText, Uses,
};
use l402_http::policy::{Policy, Sale};
use l402_http::response::Rejection;
use l402_http::service::{PaidService, Paywall};
use l402_ledger::Ledger;
use l402_lightning::testing::{ForgedInvoice, forge};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Network, SettlementSource,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::Instant;
use tower::{Layer, ServiceExt};

/// A gateway, as long as it runs.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) process: Arc<Process>,
    pub(crate) service: PaidService<Upstream, Node>,
}

/// What is sold where.
pub(crate) const PATHS: [&str; 4] = ["/read", "/do", "/redo", "/read-and-do"];

impl Gateway {
    pub(crate) fn start(plan: &Plan, wires: &Arc<Wires>, chance: Chance, steps: u64, clock: Clock) -> Self {
        let process = Arc::new(Process::new(steps));
        let upstream = Upstream { process: Arc::clone(&process), book: Arc::clone(&wires.book) };
        let ledger = Ledger::new(Link { network: Arc::clone(wires), process: Arc::clone(&process) });
        let (node, here) = (Node(clock.clone()), clock.clone());
        let random = Mutex::new(chance);
        let paywall = Paywall::new(policy(plan), keys(), node, Network::Regtest)
            .ledger(ledger)
            .clock(move || clock.seconds())
            .stopwatch(move || here.started.elapsed())
            .random(move |bytes| {
                let mut chance = random.lock().unwrap_or_else(PoisonError::into_inner);
                bytes.chunks_mut(4).for_each(|chunk| chunk.copy_from_slice(&chance.next().to_be_bytes()[..4]));
                Ok(())
            });
        Self { process, service: paywall.layer().layer(upstream) }
    }

    /// Sends a request; [`None`] where the gateway ends before it has answered, or the service has failed.
    pub(crate) async fn ask(&self, request: Request<String>) -> Option<Response<()>> {
        let answered = self.process.run(self.service.clone().oneshot(request)).await?;
        answered.ok().map(|response| response.map(drop))
    }

    /// The same, and reads the response to its end.
    pub(crate) async fn read(&self, request: Request<String>, mut reads: impl FnMut(Read)) -> Option<Response<()>> {
        let reading = async {
            let (head, mut body) = self.service.clone().oneshot(request).await.ok()?.into_parts();
            reads(Read::Head { is_own: head.extensions.get::<Rejection>().is_some() });
            loop {
                match body.frame().await {
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            reads(Read::Bytes(data.len() as u64)); // and not the trailers
                        }
                    }
                    Some(Err(_)) => break reads(Read::BreakOff),
                    None => break reads(Read::End),
                }
            }
            Some(Response::from_parts(head, ()))
        };
        self.process.run(reading).await?
    }
}

impl Plan {
    /// How much the counter of the sale holds.
    pub(crate) fn sold(&self) -> u64 {
        if self.meter.is_some() { PRICE.get() } else { self.uses.into() }
    }

    fn sold_uses(&self) -> Uses {
        Uses::times(self.uses).expect("at least one is sold")
    }
}

fn policy(plan: &Plan) -> Policy {
    let sale = |path| {
        let sale = Sale::new(SERVICE, path, PRICE).doubt(plan.doubt);
        match plan.meter {
            Some(metering) => sale.meter(metering.meter()),
            None => sale.uses(plan.sold_uses()),
        }
    };
    let [read, act, again, effect] = PATHS.map(sale);
    let policy = Policy::builder().sell(read).sell(act).sell(again.idempotent()).sell(effect.side_effects());
    policy.build().expect("these are terms")
}

/// A clock of a gateway, which is some minutes off at most.
#[derive(Clone)]
pub(crate) struct Clock {
    pub(crate) started: Instant,
    /// How far it is ahead, in seconds; it can be changed.
    pub(crate) ahead: Arc<AtomicU64>,
}

impl Clock {
    fn seconds(&self) -> u64 {
        let ahead = self.ahead.load(Ordering::SeqCst).cast_signed();
        START.get().saturating_add_signed(ahead).saturating_add(self.started.elapsed().as_secs())
    }
}

/// A token that was paid for, and another that its holder made of it.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) payment: PaymentHash,
    own: String,
    delegated: Option<String>,
}

impl Purchase {
    pub(crate) fn make(plan: &Plan) -> Self {
        let uses = if plan.meter.is_some() { Uses::Metered } else { plan.sold_uses() };
        let offer = Offer::new(Name::new(SERVICE).expect("a name"), PRICE).uses(uses);
        let (preimage, mut text) = (Preimage::from_bytes([3; 32]), TokenText::new());
        let payment = preimage.hash();
        let token = keys().mint(&offer, &payment, [9; 28], START, &mut text).expect("there is room");
        let credential = |token: &str| CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string();
        let delegated = plan.branch.map(|uses| credential(&narrowed(token, &format!("{SERVICE}_uses={uses}:part"))));
        Self { payment, own: credential(token), delegated }
    }

    pub(crate) fn credential(&self, is_delegate: bool) -> &str {
        self.delegated.as_deref().filter(|_| is_delegate).unwrap_or(&self.own)
    }
}

fn narrowed(token: &str, caveat: &str) -> String {
    let (mut bytes, mut longer, mut text) = ([0; 2048], [0; 2048], [0; 4096]);
    let bytes = base64::decode_into(token.as_bytes(), &mut bytes).expect("it was encoded");
    let token = MacaroonRef::parse(bytes).expect("it was minted");
    let token = attenuate(token, caveat.as_bytes(), &mut longer).expect("there is room");
    base64::encode_into(token.as_bytes(), &mut text).expect("there is room").to_owned()
}

fn keys() -> DerivedKeys {
    DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]))
}

/// A node that makes invoices and is never paid.
#[derive(Clone)]
pub(crate) struct Node(Clock);

impl InvoiceSource for Node {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        Ok(forge(&ForgedInvoice {
            network: Network::Regtest,
            amount_msat: Some(request.amount_msat),
            description: request.description,
            made_at: self.0.seconds().into(),
            expiry: request.expiry,
            payment_hash: PaymentHash::from_bytes([5; 32]),
            payee: SecretKey::from_slice(&[1; 32]).expect("a key"),
        }))
    }
}

impl SettlementSource for Node {
    async fn settled_msat(&self, _: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        Ok(None)
    }
}

const SERVICE: &str = "sim";
const PRICE: Msat = Msat::from_sat(21);
