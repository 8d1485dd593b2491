//! One request that pays for itself, through the paying layer.

use crate::exit::{Exit, Failure};
use crate::get::report::{CredentialUsed, Event};
use core::time::Duration;
use http::Response;
use hyper::body::Incoming;
use l402_agent::amount::Amount;
use l402_agent::http::client::{HttpClient, TransportError};
use l402_agent::http::draft::Draft;
use l402_agent::http::payload::PayloadBody;
use l402_agent::store::file::{FileStore, StoreError};
use l402_agent::store::news::News;
use l402_agent::store::payments::PaymentsError;
use l402_core::{Declined, SpendLimits};
use l402_http::pay::{Origin, PayError, PayLayer, PaySettings, Receipt, ReplayBody, TokenField};
use l402_lightning::PaymentSource;
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

/// What pays for one call, and what it may still pay.
#[derive(Debug)]
pub struct Till<W> {
    /// Pays.
    pub wallet: Arc<W>,
    /// Keeps tokens and payments.
    pub store: FileStore,
    /// What may still be paid; a call that is redirected pays from the same till.
    pub limits: SpendLimits,
    /// How long to wait for a payment.
    pub pay_timeout: Duration,
    /// Where tokens are sent.
    pub token_field: TokenField,
    /// How long to wait for another call that buys the same thing.
    pub patience: Duration,
    /// Whether to pay a server that has not accepted what was bought from it before.
    pub buy_again: bool,
}

/// A response that is let through to the user.
#[derive(Debug)]
pub struct Arrived {
    /// The response.
    pub response: Response<Incoming>,
    /// What opened it.
    pub credential: CredentialUsed,
}

impl<W: PaymentSource + 'static> Till<W> {
    /// Sends a request, and pays for it where it must. `tell` hears of money that moved, whatever happened afterwards.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn fetch(
        &mut self,
        draft: &Draft,
        http: HttpClient<ReplayBody<PayloadBody>>,
        tell: &mut impl FnMut(Event),
    ) -> Result<Arrived, Failure> {
        let mut settings = PaySettings::new(self.limits);
        settings.payment_timeout = self.pay_timeout;
        settings.token_field = self.token_field;
        settings.patience = self.patience;
        settings.buy_again = self.buy_again;
        self.store.expect(&draft.method, draft.uri.path());
        let layer = PayLayer::new(Arc::clone(&self.wallet), self.store.clone(), settings);
        let result = layer.layer(http).call(draft.request()).await;

        let news = self.store.news();
        let is_recovered = news.iter().any(|news| matches!(news, News::Recovered(_)));
        news.into_iter().map(Event::from).for_each(tell);
        let response = result.map_err(|fault| not_accepted(&fault, draft).unwrap_or_else(|| failure(fault)))?;
        let credential = match response.extensions().get::<Receipt>() {
            None => CredentialUsed::None,
            Some(receipt) if !receipt.reused => {
                self.spend(receipt);
                CredentialUsed::Bought
            }
            Some(_) if is_recovered => CredentialUsed::Recovered,
            Some(_) => CredentialUsed::Kept,
        };
        Ok(Arrived { response, credential })
    }

    fn spend(&mut self, receipt: &Receipt) {
        let SpendLimits { max_price_msat, max_fee_msat } = &mut self.limits;
        *max_price_msat = max_price_msat.saturating_sub(receipt.amount_msat);
        *max_fee_msat = max_fee_msat.saturating_sub(receipt.fee_msat);
    }
}

fn failure(fault: PayError<TransportError>) -> Failure {
    use l402_lightning::PayError as WalletError;
    let exit = match &fault {
        PayError::Transport(_) => Exit::Network,
        PayError::Origin(_) => Exit::Usage,
        PayError::BadChallenge(_) => Exit::Challenge,
        PayError::Declined(why) => return declined(*why),
        PayError::WrongNetwork { .. } | PayError::PaymentFailed(_) => Exit::Payment,
        PayError::PaymentUnknown { .. } => {
            let hint = "run the same command again to learn what became of it; nothing is paid twice";
            return Failure::new(Exit::Unknown, anyhow::Error::from(fault).context(hint));
        }
        PayError::StillRefused { .. } | PayError::NotAccepted(_) => Exit::Http,
        PayError::Busy => Exit::Unknown,
        PayError::Store(cause) => cause.downcast_ref().map_or(Exit::Local, exit_of),
        _ => Exit::Local,
    };
    match fault {
        // Nothing was tried, so that the cause alone says more than what it prevented.
        PayError::PaymentFailed(WalletError::Unavailable(cause)) => {
            Failure::new(exit, anyhow::Error::from_boxed(cause))
        }
        PayError::Transport(cause) => Failure::new(exit, cause),
        // The store's own errors say what they are about.
        PayError::Store(cause) => Failure::new(exit, anyhow::Error::from_boxed(cause)),
        fault => Failure::new(exit, fault),
    }
}

/// Says what was lost to a server that takes money for nothing, and how to pay it all the same (threat A9).
fn not_accepted(fault: &PayError<TransportError>, draft: &Draft) -> Option<Failure> {
    let (start, receipt) = match fault {
        PayError::StillRefused { status, receipt } => {
            (format!("the server answers {status} to what was just bought"), receipt)
        }
        PayError::NotAccepted(receipt) => {
            ("nothing was paid: the server has not accepted what was bought before".to_owned(), receipt)
        }
        _ => return None,
    };
    let (lost, fee) = (Amount::from_msat(receipt.amount_msat), Amount::from_msat(receipt.fee_msat));
    let origin = Origin::of(&draft.uri).map_or_else(|_| "ORIGIN".to_owned(), |origin| origin.to_string());
    let message = format!(
        "{start}; {lost} (and a fee of {fee}) are lost with payment {}, unless it accepts the token later; it is not paid again, but \
         with --buy-again, or after `l402 tokens forget {origin}`",
        receipt.payment_hash
    );
    Some(Failure::say(Exit::Http, message))
}

/// Only what the user can change is the limit's fault; the rest is the server's.
fn declined(why: Declined) -> Failure {
    let Declined::OverLimit { amount_msat, max_price_msat } = why else {
        return Failure::new(Exit::Challenge, PayError::<TransportError>::Declined(why));
    };
    let (price, limit) = (Amount::from_msat(amount_msat), Amount::from_msat(max_price_msat));
    let hint = format!("not paid: the price is {price}, the limit {limit}; allow more with --max-price \"{price}\"");
    Failure::say(Exit::Limit, hint)
}

fn exit_of(fault: &StoreError) -> Exit {
    match fault {
        StoreError::OtherWallet { .. } | StoreError::Payments(PaymentsError::Held(_) | PaymentsError::StillOpen(_)) => {
            Exit::Unknown
        }
        StoreError::Payments(PaymentsError::Seen(_)) => Exit::Challenge,
        _ => Exit::Local,
    }
}
