//! What a request for a metered route is told, and how its response is charged for.

use super::charge::no_ledger;
use super::commit::tell;
use super::counted::{Sale, Visited};
use super::meter::{Cut, Flow, Till, watch};
use super::reserve::Unheld;
use super::uses::{Asked, Claim};
use crate::opened::Opened;
use crate::policy::{Meter, TokenTariff};
use crate::response::Form;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode};
use http_body::Body;
use l402_core::ledger::{Attempted, Passed, Refused, Reserve, Safety, Transition, transition};
use l402_core::{RootKeySource, Unit};
use l402_lightning::{InvoiceSource, SettlementSource};

impl<N, K> Sale<N, K>
where
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    /// What the request is metered by. A token with a number of uses, from before the route was metered, is what it says.
    pub(super) fn meter(&self) -> Option<&Meter> {
        self.route().meter().filter(|_| self.grant.unit() == Unit::Msat)
    }

    /// Makes a request ready for a meter.
    ///
    /// Usage is not read from what is compressed. Nothing counts the bytes or the tokens of a tunnel, so none is asked for. What is
    /// held for tokens is in doubt after a crash, even where the request only reads.
    pub(super) fn metered(&self, mut asked: Asked, fields: &mut HeaderMap) -> Asked {
        match self.meter() {
            None | Some(Meter::Seconds(_)) => {}
            Some(Meter::Bytes(_)) => {
                fields.remove(UPGRADE);
            }
            Some(Meter::Tokens(_)) => {
                fields.remove(UPGRADE);
                fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
                asked.safety = Safety::Unsafe;
            }
        }
        asked
    }

    /// The tariff of a response that is settled by its tokens.
    pub(super) fn tokens(&self, reserve: &Reserve, attempted: Attempted) -> Option<&TokenTariff> {
        match (self.meter(), transition(attempted, reserve.safety, reserve.idempotence)) {
            (Some(Meter::Tokens(tariff)), Transition::Commit) => Some(tariff),
            _ => None,
        }
    }

    /// The head of a request that is metered as it flows: it may yet be refused, once it is sent.
    pub(super) fn head<B>(&self, request: &Request<B>) -> Option<Request<()>> {
        let _ = self.meter().filter(|meter| !matches!(meter, Meter::Tokens(_)))?;
        let mut head = Request::new(());
        head.method_mut().clone_from(request.method());
        head.uri_mut().clone_from(request.uri());
        head.headers_mut().clone_from(request.headers());
        head.extensions_mut().clone_from(request.extensions());
        Some(head)
    }

    /// Draws the first slice for a response, before its head is passed on.
    pub(super) async fn flow<R: Body<Data = Bytes>>(
        &self,
        (meter, head): (&Meter, Option<Request<()>>),
        claim: Claim,
        (committed, was_left): (u64, u64),
        visited: Visited<Response<R>>,
        form: Form,
    ) -> Visited<Response<R>> {
        let Visited::Inner(mut response, mut begun) = visited else { return visited };
        let first = &begun.first;
        let tunnel = response.extensions().get::<Opened>().cloned();
        let waiting = first.as_ref().and_then(|frame| frame.data_ref()).map_or(0, Bytes::len);
        let rest = response.body().size_hint().exact().map(|rest| rest.saturating_add(waiting as u64));
        let is_empty =
            first.is_none() && response.body().is_end_stream() && response.status() != StatusCode::SWITCHING_PROTOCOLS;
        let mut flow = match meter {
            Meter::Seconds(tariff) => Flow::of_time(claim, *tariff, committed),
            Meter::Bytes(tariff) => Flow::of_bytes(claim, *tariff, rest, committed),
            Meter::Tokens(_) => return Visited::Inner(response, begun), // settled at the end
        };
        let left = if is_empty { flow.end().await.ok_or(Cut::Ledger) } else { flow.begin(was_left).await };
        let remaining = match (left, head) {
            (Ok(remaining), _) => remaining,
            (Err(cut), head) => {
                Opened::close(&response);
                drop(response);
                return Visited::Own(match (cut, head) {
                    (Cut::Balance, Some(head)) => self.unpaid(flow, was_left, &head, form).await,
                    _ => no_ledger(self.paywall.retry_after, form), // nothing has passed: all is given back
                });
            }
        };
        let is_spent = is_empty && remaining == 0; // else some of what is drawn may come back
        tell(response.headers_mut(), Passed::Committed { remaining, is_spent }, Unit::Msat);
        match tunnel {
            Some(tunnel) => watch(flow, tunnel),
            None if is_empty => {}
            None => begun.till = Some(Box::new(Till::Flow(flow))),
        }
        Visited::Inner(response, begun)
    }

    /// Refuses a request for which no slice is left, and gives back what was committed. Where more was left when it began, others have
    /// taken that meanwhile, and may give some of it back.
    async fn unpaid(&self, mut flow: Flow, was_left: u64, head: &Request<()>, form: Form) -> Response<Bytes> {
        let _ = flow.end().await; // else in the background
        let refused = if was_left == 0 { Refused::Spent } else { Refused::Busy };
        let refusal = self.refuse(&Unheld::Refused(refused), head, form).await;
        self.with_left(refusal).await
    }
}
