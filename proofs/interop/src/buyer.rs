//! A client that pays, as programs make it: the pay layer around an HTTP client.

use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::BodyExt as _;
use l402_core::{Msat, SpendLimits};
use l402_http::pay::{PayLayer, PayService, PaySettings, PayStore, Receipt, RequestError};
use l402_lightning::PaymentSource;
use tower_layer::Layer as _;
use tower_service::Service as _;

use crate::http_client::{Http, HttpError, get};

/// Buys what it is told to get. Clones buy as one.
#[derive(Debug)]
pub struct Buyer<W, T> {
    service: PayService<Http, W, T>,
    http: Http,
}

/// What came back, and how.
#[derive(Debug)]
pub struct Answer {
    /// The status of the last answer.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
    /// What was paid for it, where a token was used.
    pub receipt: Option<Receipt>,
    /// The version and status of each answer on the way, that of the last among them.
    pub exchanges: Vec<(http::Version, StatusCode)>,
}

impl<W: PaymentSource + 'static, T: PayStore + 'static> Buyer<W, T> {
    /// Buys over the connections of `http` from `wallet`, and keeps tokens in `store`.
    pub fn new(http: &Http, wallet: W, store: T, settings: PaySettings) -> Self {
        let http = http.afresh();
        Self { service: PayLayer::new(wallet, store, settings).layer(http.clone()), http }
    }

    /// Gets `uri`, and pays for it where that is asked for.
    ///
    /// # Errors
    ///
    /// When it cannot be had; the error says what that means for the money.
    pub async fn get(&self, uri: &Uri) -> Result<Answer, RequestError<HttpError>> {
        let response = self.service.clone().call(get(uri)).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let receipt = head.extensions.get().copied();
        Ok(Answer { status: head.status, body, receipt, exchanges: self.http.noted() })
    }
}

impl<W, T> Clone for Buyer<W, T> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), http: self.http.clone() }
    }
}

/// What a buyer pays at most: 100 sat, and what a few hops take.
pub const fn settings() -> PaySettings {
    PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(10_000) })
}
