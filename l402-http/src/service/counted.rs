//! A request whose token can be used so many times: `settle`, `reserve`, `forward`, `outcome`, `commit`.
//!
//! All of it is one future on the heap, which runs on without its client where the request may have an effect.

use super::Paywall;
use super::charge::{Charging, charge, no_ledger, unavailable};
use super::commit::{commit, tell, told};
use super::event::{self, Forwarded, ForwardedKind, Phase};
use super::forward::{Passage, pass_on};
use super::give;
use super::head::RequestHead;
use super::kept::{Keep, Keeping, Presented, Tee};
use super::meter::{Till, Tokens};
use super::observe::Trail;
use super::outcome::{Answer, Outcome, outcome};
use super::rates::{Question, Refused as Above};
use super::reserve::{Held, Unheld, reserve};
use super::settle::{self, Due, Received, Unsettled};
use super::uses::{Asked, Attended, IDEMPOTENCY_KEY, Stays, Unclaimed, fingerprint, race};
use crate::opened::Opened;
use crate::policy::{Route, RouteId};
use crate::response::{Form, Problem, Reason, Rejection};
use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response, StatusCode, Uri};
use http_body::{Body, Frame};
use l402_core::ledger::{Attempted, Command, Fingerprint, Input, Passed, Reserve, Safety, UpstreamKeys};
use l402_core::macaroon::hex;
use l402_core::{CountedGrant, Identifier, Offer, RootKeySource, SettlementRule, Unit};
use l402_lightning::{InvoiceSource, SettlementSource};
use std::sync::Arc;
use tower_service::Service;

/// A request, ready for the inner service, and the sale that its token comes from.
pub(super) struct Visit<S, N, K, B> {
    pub(super) inner: S,
    pub(super) request: Request<B>,
    pub(super) target: Option<Box<Uri>>,
    pub(super) sale: Sale<N, K>,
}

/// What was sold, and what the token says of it.
pub(super) struct Sale<N, K> {
    pub(super) paywall: Arc<Paywall<N, K>>,
    pub(super) route: RouteId,
    pub(super) offer: Arc<Offer>,
    pub(super) grant: CountedGrant,
    pub(super) settlement: SettlementRule,
    /// The credential, where answers are kept.
    pub(super) presented: Option<Presented>,
    /// What is to be asked about its rate, where others count it too.
    pub(super) rate: Option<Question>,
    pub(super) trail: Trail,
}

/// How a visit ends, for the client.
#[derive(Debug)]
pub(super) enum Visited<T> {
    /// With a response of our own.
    Own(Response<Bytes>),
    /// With that of the inner service.
    Inner(T, Begun),
}

/// What belongs to the body of the inner service's response.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// Its first frame, where it was taken out.
    pub(super) first: Option<Frame<Bytes>>,
    /// What collects it, where it is to be kept.
    pub(super) keep: Option<Box<Keep>>,
    /// What it is metered by.
    pub(super) till: Option<Box<Till>>,
}

/// The future of a visit.
pub(super) type Visiting<T, E> = Attended<Result<Visited<T>, E>>;

impl<S, N, K, B, R> Visit<S, N, K, B>
where
    S: Service<Request<B>, Response = Response<R>, Error: Send, Future: Send> + Send + 'static,
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
    B: Body + Send + 'static,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// Begins.
    pub(super) fn begin(self) -> Visiting<Response<R>, S::Error> {
        let (stays, desk) = (Stays::default(), Arc::clone(&self.sale.paywall.desk));
        Attended::new(self.run(stays.clone()), stays, desk)
    }

    async fn run(self, stays: Stays) -> Result<Visited<Response<R>>, S::Error> {
        let Self { inner, mut request, target, sale } = self;
        let form = Form::of(request.headers());
        Passage { route: sale.route, target, grant: None }.apply(&mut request);
        if let Err(unsettled) = sale.settled(form, sale.noted(&request)).await {
            return Ok(Visited::Own(unsettled.response(&request).await));
        }
        if sale.only_looks(&request) {
            return sale.look(inner, request, form).await;
        }
        let asked = match Asked::of(&mut request, sale.route()) {
            Ok(asked) => sale.metered(asked, request.headers_mut()),
            Err(unclear) => return Ok(Visited::Own(unclear.response(form))),
        };
        let Ok(keys) = sale.upstream_keys(asked.safety) else {
            return Ok(Visited::Own(no_ledger(sale.paywall.retry_after, form)));
        };
        let content = match asked.content().await {
            Ok(content) => content,
            Err(unclear) => return Ok(Visited::Own(unclear.response(form))),
        };
        let fingerprint = content.map(|content| fingerprint(&request, &content));
        let (mut request, held, keeping) = match sale.hold((&asked, fingerprint), request, form).await {
            Ok(held) => held,
            Err(own) => return Ok(Visited::Own(sale.with_left(own).await)),
        };
        if let Some(keys) = keys {
            stays.set(); // its effect is on its way from now on
            put_key(&mut request, &keys.key(held.number, fingerprint.as_ref()));
        }
        request.extensions_mut().insert(sale.grant.reserved());
        sale.forward(inner, request, (held, keeping), form).await
    }
}

impl<R: Body<Data = Bytes> + Send + Unpin + 'static, E> Unclaimed for Result<Visited<Response<R>>, E> {
    /// Reads on what is to be kept: the client may come again.
    fn unclaimed(self) {
        if let Ok(Visited::Inner(response, Begun { first, keep: Some(keep), .. })) = self {
            drop(Tee::new(first, response.into_body(), keep));
        }
    }
}

impl<N, K> Sale<N, K>
where
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    pub(super) fn route(&self) -> &Route {
        self.paywall.policy.get(self.route).expect("the route was found in this policy")
    }

    /// The trail of a request for which a node may be asked.
    fn noted<B>(&self, request: &Request<B>) -> Trail {
        match self.settlement {
            SettlementRule::Trust => self.trail.clone(),
            SettlementRule::Strict => self.paywall.observers.begin_sale(&self.paywall.policy, request, &self.trail),
        }
    }

    async fn settled(&self, form: Form, trail: Trail) -> Result<(), Unsettled> {
        if self.settlement == SettlementRule::Trust {
            return Ok(());
        }
        let due = Due::of(self.grant.payment_hash(), self.grant.sold_msat(), &self.offer);
        if let Some(received @ Received::Enough(_)) = settle::look(&self.paywall, &due) {
            trail.tell(|| Phase::Settled(received.told()));
            return Ok(());
        }
        let sale = (self.route, Arc::clone(&self.offer));
        settle::settle(Arc::clone(&self.paywall), sale, due, form, trail).await
    }

    /// Asks whether the request is within what others count for, too.
    pub(super) async fn within_rate(&self) -> Result<(), Above> {
        match &self.rate {
            Some(rate) => rate.answer().await,
            None => Ok(()),
        }
    }

    /// The keys that the upstream gets where a request may have an effect.
    fn upstream_keys(&self, safety: Safety) -> Result<Option<UpstreamKeys>, KeyGone> {
        if safety == Safety::Safe {
            return Ok(None);
        }
        let payment = self.grant.payment_hash();
        let root = self.paywall.gate.keys().root_key(&Identifier::new(payment, self.grant.token_id()));
        root.map(|root| Some(UpstreamKeys::new(&root, payment))).ok_or(KeyGone)
    }

    /// What the ledger is asked for.
    fn what(&self, asked: &Asked, fingerprint: Option<Fingerprint>) -> Reserve {
        let route = self.route();
        Reserve {
            counters: *self.grant.counters(),
            amount: self.meter().map_or(1, |meter| meter.reservation().get()),
            ends_at: self.grant.sale_ends_at(),
            safety: asked.safety,
            idempotence: route.idempotence(),
            fingerprint,
            key: asked.key,
            doubt: route.doubt(),
        }
    }

    /// Answers who gets no use: with a challenge where a new token would help.
    pub(super) fn refuse<B>(
        &self,
        unheld: &Unheld,
        request: &Request<B>,
        form: Form,
    ) -> impl Future<Output = Response<Bytes>> + Send + use<N, K, B> {
        self.trail.tell(|| Phase::Reserved(unheld.told()));
        let refusal = if unheld.is_spent() {
            let trail = self.paywall.observers.begin_sale(&self.paywall.policy, request, &self.trail);
            let sale = (self.route(), &self.offer);
            charge(&self.paywall, sale, &RequestHead::of(request), unheld.demand(self.grant.unit()), &trail)
        } else {
            Charging::Answered(unheld.response(self.paywall.retry_after, form))
        };
        refusal.response()
    }

    /// Takes a use, or answers: with what was kept, where nothing else would do.
    async fn hold<B>(
        &self,
        (asked, fingerprint): (&Asked, Option<Fingerprint>),
        request: Request<B>,
        form: Form,
    ) -> Result<(Request<B>, Held, Option<Keeping>), Response<Bytes>> {
        let (paywall, credential) = (&self.paywall, (&self.grant, self.presented.as_ref()));
        let mut keeping = give::keeping(paywall, credential, asked, fingerprint, &request);
        if let Some(keeping) = &mut keeping
            && let Some(given) = give::before(paywall, keeping, form).await
        {
            self.trail.tell(|| Phase::Reserved(given.told()));
            return Err(given.response(paywall.retry_after, form));
        }
        let held = reserve(paywall, self.grant.payment_hash(), self.what(asked, fingerprint));
        let (held, within) = tokio::join!(held, self.within_rate()); // one after the other would cost a round trip more
        if let Err(refused) = within {
            if let Ok(mut held) = held {
                commit(&mut held.attempt, Attempted::NotSent).await;
            }
            return Err(refused.response(form));
        }
        match held {
            Ok(held) => {
                self.trail.tell(|| Phase::Reserved(event::Reserved::Held { number: held.number }));
                if let Some(keeping) = &mut keeping {
                    keeping.goes_on();
                }
                Ok((request, held, keeping))
            }
            Err(unheld) => match give::once_spent(paywall, keeping.as_ref(), &unheld, form).await {
                Some(given) => {
                    self.trail.tell(|| Phase::Reserved(given.told()));
                    Err(given.response(paywall.retry_after, form))
                }
                None => Err(self.refuse(&unheld, &request, form).await),
            },
        }
    }

    /// Calls the inner service, and tells the ledger what became of the use.
    async fn forward<S, B, R>(
        &self,
        mut inner: S,
        request: Request<B>,
        (held, keeping): (Held, Option<Keeping>),
        form: Form,
    ) -> Result<Visited<Response<R>>, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>>,
        R: Body<Data = Bytes> + Unpin,
    {
        let Held { mut attempt, remaining, reserve, .. } = held;
        let request_head = self.head(&request);
        let answering = inner.call(request);
        let worked = async { outcome(answering.await).await };
        let Some(Outcome { attempted, answer }) = race(worked, attempt.keep()).await else {
            let command = attempt.next(Input::LeaseEnds);
            self.trail.tell(|| Phase::Committed(told(command)));
            return Ok(Visited::Own(no_ledger(self.paywall.retry_after, form)));
        };
        self.tell_forwarded(answer.as_ref().ok().map(|answer| answer.response.status()));
        let answer = match self.tokens(&reserve, attempted) {
            Some(tariff) => {
                let Answer { mut response, first, .. } = answer?;
                pass_on(ForwardedKind::Paid, &mut response);
                tell(response.headers_mut(), Passed::Released { cost_a_use: false, remaining }, Unit::Msat);
                let tokens = Tokens::new(attempt.into_claim(), *tariff, reserve.amount, response.headers());
                return Ok(Visited::Inner(
                    response,
                    Begun { first, till: Some(Box::new(Till::Tokens(tokens))), keep: None },
                ));
            }
            None => answer,
        };
        let command = commit(&mut attempt, attempted).await;
        self.trail.tell(|| Phase::Committed(told(command)));
        if let Command::PassOn(passed) = command {
            let visited = self.pass_on(answer?, (attempted, passed), keeping, form);
            return Ok(match (self.meter(), passed) {
                (Some(meter), Passed::Committed { .. }) => {
                    let amounts = (reserve.amount, remaining);
                    self.flow((meter, request_head), attempt.into_claim(), amounts, visited, form).await
                }
                _ => visited,
            });
        }
        if let Ok(Answer { response, .. }) = &answer {
            Opened::close(response);
        }
        Ok(Visited::Own(match command {
            Command::Lost => lost(form),
            _ => no_ledger(self.paywall.retry_after, form),
        }))
    }

    pub(super) fn tell_forwarded(&self, status: Option<StatusCode>) {
        self.trail.tell(|| Phase::Forwarded(Forwarded { kind: ForwardedKind::Paid, status }));
    }

    /// Makes the response that says what became of the use.
    fn pass_on<R: Body>(
        &self,
        answer: Answer<R>,
        (attempted, passed): (Attempted, Passed),
        keeping: Option<Keeping>,
        form: Form,
    ) -> Visited<Response<R>> {
        let Answer { mut response, first, is_broken } = answer;
        let status = response.extensions().get().map_or(response.status(), |rejection: &Rejection| rejection.status);
        if attempted == Attempted::NotSent && status.is_server_error() {
            let message = "the service is not available now; the use was given back";
            let mut own = unavailable(Reason::UNDELIVERABLE, &message, self.paywall.retry_after, form);
            tell(own.headers_mut(), passed, self.grant.unit());
            return Visited::Own(own);
        }
        if is_broken {
            let message = "the upstream broke off before its first message";
            let mut own = Problem::new(StatusCode::BAD_GATEWAY, Reason::UPSTREAM_RESET, &message).response(form);
            tell(own.headers_mut(), passed, self.grant.unit());
            return Visited::Own(own);
        }
        pass_on(ForwardedKind::Paid, &mut response);
        let keeping = keeping.filter(|_| self.meter().is_none() && matches!(passed, Passed::Committed { .. }));
        let keep = give::collect(&self.paywall, (self.route(), &self.grant), keeping, &response);
        tell(response.headers_mut(), passed, self.grant.unit());
        Visited::Inner(response, Begun { first, keep, till: None })
    }
}

/// The root key of the token was there for the judge, and is gone.
struct KeyGone;

/// Replaces the client's key, so that the upstream tells uses apart and not what clients say.
fn put_key<B>(request: &mut Request<B>, key: &[u8; 32]) {
    let mut text = [0; 64];
    let text = hex::encode_into(key, &mut text).unwrap_or_default();
    if let Ok(value) = HeaderValue::from_str(text) {
        request.headers_mut().insert(&IDEMPOTENCY_KEY, value);
    }
}

/// Answers that the use has gone to another request.
#[cold]
fn lost(form: Form) -> Response<Bytes> {
    let message = "the lease of the use ended, and another request has taken it; the response was dropped";
    Problem::new(StatusCode::CONFLICT, Reason::LOST_USE, &message).response(form)
}
