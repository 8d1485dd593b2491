//! The layer and the service that it makes.

use super::future::{Forwarded, PaidFuture};
use super::judge::Judgement;
use super::paywall::Paywall;
use crate::framing::NoBody;
use crate::policy::Policy;
use crate::response::PaidBody;
use core::fmt;
use core::task::{Context, Poll};
use http::{Request, Response};
use l402_lightning::{InvoiceSource, SettlementSource};
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

/// Makes services paid.
pub struct PaidLayer<N> {
    paywall: Arc<Paywall<N>>,
}

impl<N> PaidLayer<N> {
    pub(super) fn new(paywall: Paywall<N>) -> Self {
        Self { paywall: Arc::new(paywall) }
    }

    /// Returns the policy, in which an inner service can look up the route of a request.
    pub fn policy(&self) -> &Policy {
        &self.paywall.policy
    }
}

impl<S, N> Layer<S> for PaidLayer<N> {
    type Service = PaidService<S, N>;

    fn layer(&self, inner: S) -> Self::Service {
        PaidService { inner, paywall: Arc::clone(&self.paywall) }
    }
}

impl<N> Clone for PaidLayer<N> {
    fn clone(&self) -> Self {
        Self { paywall: Arc::clone(&self.paywall) }
    }
}

impl<N> fmt::Debug for PaidLayer<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidLayer").field("paywall", &self.paywall).finish()
    }
}

/// A service whose routes are sold.
pub struct PaidService<S, N> {
    inner: S,
    paywall: Arc<Paywall<N>>,
}

impl<S, N, B, R> Service<Request<B>> for PaidService<S, N>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    N: InvoiceSource + SettlementSource + 'static,
{
    type Response = Response<PaidBody<R>>;
    type Error = S::Error;
    type Future = PaidFuture<S, B>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let (judgement, sharing) = self.paywall.judge(&request);
        let future = match judgement {
            Judgement::Forward(passage) => {
                let kind = if passage.grant.is_some() { Forwarded::Paid } else { Forwarded::Free };
                passage.apply(&mut request);
                PaidFuture::forwarding(self.inner.call(request), kind)
            }
            Judgement::Preflight(passage) => {
                passage.apply(&mut request);
                request.extensions_mut().insert(NoBody);
                PaidFuture::forwarding(self.inner.call(request), Forwarded::Preflight)
            }
            Judgement::Settle(passage, order, grant) => {
                passage.apply(&mut request);
                let paywall = Arc::clone(&self.paywall);
                let settled = Box::pin(async move { paywall.settled(&order, &grant).await });
                PaidFuture::settling(settled, self.ready_inner(), request)
            }
            Judgement::Charge(order, charge) => {
                let paywall = Arc::clone(&self.paywall);
                PaidFuture::charging(Box::pin(async move { paywall.charge(&order, charge).await }))
            }
            Judgement::Answer(response) => PaidFuture::answered(response),
        };
        future.shared_with(sharing)
    }
}

impl<S: Clone, N> PaidService<S, N> {
    /// Takes the service that was polled ready and leaves a clone, which need not be (tower's rule about clones).
    fn ready_inner(&mut self) -> S {
        let clone = self.inner.clone();
        core::mem::replace(&mut self.inner, clone)
    }
}

impl<S: Clone, N> Clone for PaidService<S, N> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), paywall: Arc::clone(&self.paywall) }
    }
}

impl<S: fmt::Debug, N> fmt::Debug for PaidService<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidService").field("inner", &self.inner).field("paywall", &self.paywall).finish()
    }
}
