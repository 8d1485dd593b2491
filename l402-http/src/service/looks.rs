//! A HEAD with a token that opens GET: served while there is a use, and takes none.

use super::commit::tell;
use super::counted::{Begun, Sale, Visited};
use super::event::ForwardedKind;
use super::forward::pass_on;
use super::reserve::Unheld;
use crate::path::CanonicalPath;
use crate::policy::Access;
use crate::response::{Form, Rejection};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use l402_core::ledger::{Passed, Refused, room};
use l402_core::{CounterKey, RootKeySource};
use l402_lightning::{InvoiceSource, SettlementSource};
use tower_service::Service;

impl<N, K> Sale<N, K>
where
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    /// Tells whether a request takes no use: a HEAD that goes with GET. Where a GET has an effect, so may its HEAD.
    pub(super) fn only_looks<B>(&self, request: &Request<B>) -> bool {
        if *request.method() != Method::HEAD || self.route().has_side_effects() {
            return false;
        }
        let (policy, path) = (&self.paywall.policy, request.uri().path());
        let path = policy.raw_prefix(path).unwrap_or_else(|| CanonicalPath::parse(path));
        path.is_ok_and(|path| match policy.route(&Method::GET, &path) {
            Access::Priced(route, _) => route.id() == self.route,
            _ => false,
        })
    }

    /// Forwards a request that takes no use, while there is one.
    pub(super) async fn look<S, B, R>(
        &self,
        mut inner: S,
        mut request: Request<B>,
        form: Form,
    ) -> Result<Visited<Response<R>>, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>>,
    {
        if let Err(refused) = self.within_rate().await {
            return Ok(Visited::Own(refused.response(form)));
        }
        let remaining = match self.left().await {
            Ok(remaining) => remaining,
            Err(unheld) => {
                let refusal = self.refuse(&unheld, &request, form).await;
                return Ok(Visited::Own(self.with_left(refusal).await));
            }
        };
        request.extensions_mut().insert(self.grant.reserved());
        let answered = inner.call(request).await;
        self.tell_forwarded(answered.as_ref().ok().map(Response::status));
        let mut response = answered?;
        pass_on(ForwardedKind::Paid, &mut response);
        tell(response.headers_mut(), Passed::Released { cost_a_use: false, remaining }, self.grant.unit());
        Ok(Visited::Inner(response, Begun::default()))
    }

    /// Says in a refusal how much no request holds, where the ledger knows: another request may be served.
    pub(super) async fn with_left(&self, mut refusal: Response<Bytes>) -> Response<Bytes> {
        let status = refusal.extensions().get().map(|rejection: &Rejection| rejection.status);
        if let Some(StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS) = status
            && let Ok(remaining) = self.room(0).await
        {
            tell(refusal.headers_mut(), Passed::Released { cost_a_use: false, remaining }, self.grant.unit());
        }
        refusal
    }

    /// Looks how many uses there are.
    async fn left(&self) -> Result<u64, Unheld> {
        self.room(self.meter().map_or(1, |meter| meter.reservation().get())).await
    }

    /// Looks how much no request holds, which must be this much at least.
    async fn room(&self, amount: u64) -> Result<u64, Unheld> {
        let Self { paywall, grant, .. } = self;
        let horizon = paywall.desk.ready((paywall.clock)().into()).await.map_err(Unheld::Away)?;
        if grant.sale_ends_at() <= horizon {
            return Err(Unheld::Refused(Refused::Ended));
        }
        let uses = paywall.desk.uses(&grant.payment_hash()).await.map_err(Unheld::Away)?;
        let tallies = uses.map(|uses| uses.tallies).unwrap_or_default();
        let tally = |key: &CounterKey| tallies.iter().find(|(known, _)| known == key).map(|(_, tally)| *tally);
        room(grant.counters(), amount, tally).map_err(Unheld::Refused)
    }
}
