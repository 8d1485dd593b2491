//! What a request for a metered route is told, and how its response is charged for.

use super::charge::no_ledger;
use super::commit::tell;
use super::counted::{Sale, Visited};
use super::meter::{Flow, Till, watch};
use super::uses::{Asked, Claim};
use crate::opened::Opened;
use crate::policy::{Meter, TokenTariff};
use crate::response::Form;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, UPGRADE};
use http::{Response, StatusCode};
use http_body::Body;
use l402_core::ledger::{Attempted, Passed, Reserve, Safety, Transition, transition};
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

    /// Draws the first slice for a response, before its head is passed on.
    pub(super) async fn flow<R: Body<Data = Bytes>>(
        &self,
        meter: &Meter,
        claim: Claim,
        committed: u64,
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
        let left = if is_empty { flow.end().await.ok_or(()) } else { flow.begin().await.map_err(drop) };
        let Ok(remaining) = left else {
            Opened::close(&response);
            return Visited::Own(no_ledger(self.paywall.retry_after, form)); // nothing has passed: all is given back
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
}
