//! The layer, and the service that it makes: it sends each request through the phases.

use super::charge::{charge, unavailable};
use super::counted::{Sale, Visit};
use super::denied;
use super::event::{ForwardedKind, Phase};
use super::forward::Passage;
use super::future::{PaidFuture, Parked, State};
use super::head::RequestHead;
use super::judge::{judge, refuse};
use super::kept::Presented;
use super::observe::Trail;
use super::paywall::Paywall;
use super::price::Demand;
use super::rates::Question;
use super::route::{Priced, Routed, route};
use super::settle::{self, Due, Received, Unsettled};
use crate::policy::{Policy, Route};
use crate::response::{Form, PaidBody, Reason};
use bytes::Bytes;
use core::fmt;
use core::task::{Context, Poll};
use http::header::HeaderMap;
use http::{Request, Response, Uri};
use http_body::Body;
use l402_core::{Charge, ChargeReason, Decision, DerivedKeys, Grant, RootKeySource};
use l402_ledger::Denied;
use l402_lightning::{InvoiceSource, SettlementSource};
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

/// Makes services paid.
pub struct PaidLayer<N, K = DerivedKeys> {
    paywall: Arc<Paywall<N, K>>,
}

impl<N, K> PaidLayer<N, K> {
    /// Returns the policy, in which an inner service can look up the route of a request.
    pub fn policy(&self) -> &Policy {
        &self.paywall.policy
    }
}

impl<S, N, K> Layer<S> for PaidLayer<N, K> {
    type Service = PaidService<S, N, K>;

    fn layer(&self, inner: S) -> Self::Service {
        PaidService { inner, paywall: Arc::clone(&self.paywall) }
    }
}

impl<N, K> Clone for PaidLayer<N, K> {
    fn clone(&self) -> Self {
        Self { paywall: Arc::clone(&self.paywall) }
    }
}

impl<N, K> fmt::Debug for PaidLayer<N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidLayer").field("paywall", &self.paywall).finish()
    }
}

impl<N, K> Paywall<N, K> {
    /// Makes the layer. Its clones, and the services that it makes, share this paywall.
    pub fn layer(self) -> PaidLayer<N, K> {
        PaidLayer { paywall: Arc::new(self) }
    }
}

/// A service whose routes are sold.
pub struct PaidService<S, N, K = DerivedKeys> {
    inner: S,
    paywall: Arc<Paywall<N, K>>,
}

impl<S, N, K> PaidService<S, N, K> {
    /// Waits until no request runs on without its client, and the ledger was told what became of every use: for a server that
    /// stops, once its connections are closed. Set a deadline, because a ledger may be away for long.
    pub fn at_rest(&self) -> impl Future<Output = ()> + Send + use<S, N, K> {
        let (desk, answers) = (Arc::clone(&self.paywall.desk), self.paywall.answers.clone());
        async move {
            desk.at_rest().await;
            if let Some(answers) = answers {
                answers.at_rest().await; // last: what ran on may have brought a body that is read on
            }
        }
    }
}

impl<S, N, K, B, R> Service<Request<B>> for PaidService<S, N, K>
where
    S: Service<Request<B>, Response = Response<R>, Error: Send, Future: Send> + Clone + Send + 'static,
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
    B: Body + Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
{
    type Response = Response<PaidBody<R>>;
    type Error = S::Error;
    type Future = PaidFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self { inner, paywall } = self;
        let trail = paywall.observers.begin(&paywall.policy, &request);
        let (routed, sharing) = route(&paywall.policy, &request);
        trail.tell(|| Phase::Routed(routed.told()));
        let state = match routed {
            Routed::Priced(priced) => sell(inner, paywall, request, priced, &trail),
            Routed::Free(passage) => forward(inner, request, passage, ForwardedKind::Free),
            Routed::Preflight(passage) => forward(inner, request, passage, ForwardedKind::Preflight),
            Routed::Answer(response) => State::Answered { response: Some(response) },
        };
        PaidFuture::new(state, sharing, trail)
    }
}

/// Takes a request for a priced route through `judge`, and what follows from its decision.
#[inline]
fn sell<S, N, K, B, R>(
    inner: &mut S,
    paywall: &Arc<Paywall<N, K>>,
    mut request: Request<B>,
    priced: Priced<'_>,
    trail: &Trail,
) -> State<S, B>
where
    S: Service<Request<B>, Response = Response<R>, Error: Send, Future: Send> + Clone + Send + 'static,
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
    B: Body + Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
{
    let decision = judge(paywall, &request, &priced);
    trail.tell(|| Phase::Judged(decision));
    if let Err(denied) = denied::look(paywall, &decision) {
        return deny(paywall, request, priced, trail, denied);
    }
    let rate = match paywall.rates.paid(&decision, priced.route, priced.offer) {
        Ok(rate) => rate,
        Err(refused) => return State::answered(refused.response(Form::of(request.headers()))),
    };
    let Priced { route, offer, target } = priced;
    let due = |grant: &Grant| Due::of(grant.payment_hash(), grant.sold_msat(), offer);
    let noted = |request: &Request<B>| paywall.observers.begin_sale(&paywall.policy, request, trail);
    let (demand, trail) = match decision {
        Decision::Admit(grant) => return admit(inner, request, passage(route, target, grant), rate),
        Decision::Settle(grant) => match settle::look(paywall, &due(&grant)) {
            Some(received @ Received::Enough(_)) => {
                trail.tell(|| Phase::Settled(received.told()));
                return admit(inner, request, passage(route, target, grant), rate);
            }
            Some(received @ Received::TooLittle(_)) => {
                let trail = noted(&request);
                trail.tell(|| Phase::Settled(received.told()));
                (Demand::underpaid(), trail)
            }
            None => {
                let (form, trail) = (Form::of(request.headers()), noted(&request));
                passage(route, target, grant).apply(&mut request);
                let sale = (route.id(), Arc::clone(offer));
                let settled = settle::settle(Arc::clone(paywall), sale, due(&grant), form, trail);
                return park(inner, request, async move {
                    within(rate, form).await?;
                    settled.await
                });
            }
        },
        Decision::Reserve { grant, settlement } => {
            let (paywall, offer, trail) = (Arc::clone(paywall), Arc::clone(offer), trail.clone());
            let keeps = paywall.answers.is_some() && route.keep_answer().is_some();
            let presented = keeps.then(|| Presented::of(request.headers()));
            let sale = Sale { paywall, route: route.id(), offer, grant, settlement, presented, rate, trail };
            return State::Counting { visiting: Visit { inner: ready(inner), request, target, sale }.begin() };
        }
        Decision::Charge(Charge { reason: ChargeReason::PaymentRequired, .. }) if is_ahead(request.headers()) => {
            return State::answered(ahead(paywall.retry_after, Form::of(request.headers())));
        }
        Decision::Charge(charge) => (Demand::of(charge), noted(&request)),
        Decision::Refuse(refusal) => return State::answered(refuse(&refusal, Form::of(request.headers()))),
    };
    ask_for_payment(paywall, request, Priced { route, offer, target }, demand, &trail)
}

/// Answers a request whose token was revoked, or may have been.
#[cold]
fn deny<S, N, K, B>(
    paywall: &Arc<Paywall<N, K>>,
    request: Request<B>,
    priced: Priced<'_>,
    trail: &Trail,
    denied: Denied,
) -> State<S, B>
where
    S: Service<Request<B>>,
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    match denied {
        Denied::Unknown => State::answered(denied::unknown(paywall.retry_after, Form::of(request.headers()))),
        Denied::Revoked => {
            let trail = paywall.observers.begin_sale(&paywall.policy, &request, trail);
            ask_for_payment(paywall, request, priced, Demand::revoked(), &trail)
        }
    }
}

/// Charges for a request.
fn ask_for_payment<S, N, K, B>(
    paywall: &Arc<Paywall<N, K>>,
    mut request: Request<B>,
    Priced { route, offer, target }: Priced<'_>,
    demand: Demand,
    trail: &Trail,
) -> State<S, B>
where
    S: Service<Request<B>>,
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    if paywall.pricer.is_some() {
        Passage { route: route.id(), target, grant: None }.apply(&mut request); // it sees what the inner service would see
    }
    State::charging(charge(paywall, (route, offer), &RequestHead::of(&request), demand, trail))
}

fn passage(route: &Route, target: Option<Box<Uri>>, grant: Grant) -> Passage {
    Passage { route: route.id(), target, grant: Some(grant) }
}

/// Tells whether a browser asks before its user does: an invoice would be made for nobody.
fn is_ahead(fields: &HeaderMap) -> bool {
    let purposes = fields.get_all("sec-purpose").iter().filter_map(|value| value.to_str().ok());
    purposes.flat_map(|value| value.split([';', ','])).any(|purpose| purpose.trim().eq_ignore_ascii_case("prefetch"))
}

/// Answers a browser that asks ahead.
#[cold]
fn ahead(retry_after: u64, form: Form) -> Response<Bytes> {
    unavailable(Reason::PREFETCH, &"this costs something; it is sold to whoever asks for it", retry_after, form)
}

/// Lets a request pass that was paid for, once it is known to be within its rate.
#[inline]
fn admit<S, B>(inner: &mut S, mut request: Request<B>, passage: Passage, rate: Option<Question>) -> State<S, B>
where
    S: Service<Request<B>> + Clone,
{
    if rate.is_none() {
        return forward(inner, request, passage, ForwardedKind::Paid);
    }
    let form = Form::of(request.headers());
    passage.apply(&mut request);
    park(inner, request, within(rate, form))
}

/// Asks whether a request is within what others count for, too.
async fn within(rate: Option<Question>, form: Form) -> Result<(), Unsettled> {
    let Some(rate) = rate else { return Ok(()) };
    rate.answer().await.map_err(|refused| Unsettled::Answer(refused.response(form)))
}

/// Lets a request wait until it may pass.
fn park<S, B>(
    inner: &mut S,
    request: Request<B>,
    settled: impl Future<Output = Result<(), Unsettled>> + Send + 'static,
) -> State<S, B>
where
    S: Service<Request<B>> + Clone,
{
    State::Settling { settled: Box::pin(settled), parked: Some(Box::new(Parked { inner: ready(inner), request })) }
}

/// Calls the inner service.
#[inline]
fn forward<S: Service<Request<B>>, B>(
    inner: &mut S,
    mut request: Request<B>,
    passage: Passage,
    kind: ForwardedKind,
) -> State<S, B> {
    match kind {
        ForwardedKind::Preflight => passage.apply_to_preflight(&mut request),
        ForwardedKind::Paid | ForwardedKind::Free => passage.apply(&mut request),
    }
    State::Forwarding { response: inner.call(request), kind }
}

/// Takes the service that was polled ready and leaves a clone, which need not be (tower's rule about clones).
fn ready<S: Clone>(inner: &mut S) -> S {
    let clone = inner.clone();
    core::mem::replace(inner, clone)
}

impl<S: Clone, N, K> Clone for PaidService<S, N, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), paywall: Arc::clone(&self.paywall) }
    }
}

impl<S: fmt::Debug, N, K> fmt::Debug for PaidService<S, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidService").field("inner", &self.inner).field("paywall", &self.paywall).finish()
    }
}
