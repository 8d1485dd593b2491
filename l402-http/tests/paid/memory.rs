//! Strict settlement where the node has payments in memory: it is not asked for them.

use crate::support::{Purchase, Upstream, demo, keys, policy, request};
use http::StatusCode;
use l402_core::{GatePolicy, Msat, PaymentHash, SettlementRule};
use l402_http::service::Paywall;
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, InvoiceSourceError, LookupError, Network, PayeeNode, SettlementSource,
};
use tower::{Layer, ServiceExt};

/// A node that has received this much for every invoice, and must not be asked about it.
struct Remembers(FakeNode, u64);

impl InvoiceSource for Remembers {
    async fn create_invoice(&self, request: InvoiceRequest<'_>) -> Result<Invoice, InvoiceSourceError> {
        self.0.create_invoice(request).await
    }
}

impl SettlementSource for Remembers {
    async fn settled_msat(&self, _: &PaymentHash) -> Result<Option<Msat>, LookupError> {
        panic!("the node is asked for what it has in memory")
    }

    fn settled_in_memory(&self, _: &PaymentHash) -> Option<Msat> {
        Some(Msat::new(self.1))
    }
}

#[tokio::test]
async fn l5_what_the_node_remembers_counts_only_if_it_is_the_price() {
    for (received, expected) in [
        (0, StatusCode::PAYMENT_REQUIRED),
        (20_999, StatusCode::PAYMENT_REQUIRED),
        (21_000, StatusCode::OK),
        (21_001, StatusCode::OK),
    ] {
        let node = PayeeNode::new(Remembers(FakeNetwork::new().node(), received)); // erased, as programs have it
        let strict = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
        let shop = Paywall::new(policy(), keys(), node, Network::Regtest).gate_policy(strict).layer();
        let credential = Purchase::mint(&keys(), &demo(), [1; 32]).credential();
        let asked = request("/v1/demo", &[("authorization", &credential)]);
        let answer = shop.layer(Upstream::default()).oneshot(asked).await.unwrap();
        assert_eq!(answer.status(), expected, "{received}");
    }
}
