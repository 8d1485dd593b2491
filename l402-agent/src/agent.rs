//! The agent: a wallet, a store, limits, and an HTTP client.

mod builder;
mod guarded;
mod narrow;
mod run;

pub(crate) use narrow::Narrowed;

pub use builder::{AgentBuilder, BuildError, DEFAULT_MAX_FEE, DEFAULT_MAX_PRICE};

use crate::fetch::{FetchError, FetchFault, Fetched, Handover, Opened, Purse};
use crate::gate::Gate;
use crate::http::client::HttpClient;
use crate::http::draft::Draft;
use crate::http::payload::{Payload, PayloadBody};
use crate::http::redirect::Trail;
use crate::http::repeat::Repeating;
use crate::http::whole::Whole;
use crate::policy::{Rules, Stopped};
use crate::price::{Price, QuoteError};
use crate::resolve::{self, Resolved};
use crate::store::Database;
use crate::store::breaker::Breakers;
use crate::store::budget::{BudgetId, Budgets, CallId, FeeLimit, Payer};
use crate::store::file::{FileStore, StoreError};
use crate::store::news::News;
use crate::store::payments::{Payments, PaymentsError};
use crate::store::tokens::Tokens;
use crate::unpaid::{self, Answer};
use crate::withheld::Patience;
use builder::Terms;
use guarded::Guarded;
use http::Request;
use l402_http::pay::ReplayBody;
use l402_lightning::PaymentSource;
use std::path::PathBuf;
use std::sync::Arc;

/// Sends requests, pays for them within limits, and keeps what it bought.
///
/// Several agents, also in different processes, may share a data directory. Clones share everything.
///
/// ```no_run
/// use http::Request;
/// use l402_agent::Agent;
/// use l402_core::Msat;
/// use l402_lightning::testing::FakeNetwork;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let wallet = FakeNetwork::new().node(); // any `PaymentSource`
///     let agent = Agent::builder("/var/lib/my-agent", wallet, "fake")
///         .max_price(Msat::from_sat(50))
///         .max_fee(Msat::from_sat(1))
///         .build()?;
///
///     let fetched = agent.fetch(Request::get("https://api.example.com/weather").body(())?).await?;
///     println!("{} for {}", fetched.response.status(), fetched.spent_msat());
///     println!("{}", String::from_utf8_lossy(&fetched.bytes(1 << 20).await?));
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Agent<W> {
    wallet: Arc<W>,
    wallet_name: String,
    database: Database,
    budget: BudgetId,
    guarded: Guarded,
    paying: HttpClient<ReplayBody<PayloadBody>>,
    plain: HttpClient<PayloadBody>,
    terms: Terms,
}

impl<W> Clone for Agent<W> {
    fn clone(&self) -> Self {
        Self {
            wallet: Arc::clone(&self.wallet),
            wallet_name: self.wallet_name.clone(),
            database: self.database.clone(),
            budget: self.budget,
            guarded: self.guarded.clone(),
            paying: self.paying.clone(),
            plain: self.plain.clone(),
            terms: self.terms,
        }
    }
}

impl<W: PaymentSource + 'static> Agent<W> {
    /// Begins an agent.
    ///
    /// `data` is the directory of its store, mode 0700. `wallet_name` is recorded with each payment: only the wallet that was asked
    /// to pay knows what became of it, so that another wallet needs another name.
    pub fn builder(
        data: impl Into<PathBuf>,
        wallet: impl Into<Arc<W>>,
        wallet_name: impl Into<String>,
    ) -> AgentBuilder<W> {
        AgentBuilder::new(data.into(), wallet.into(), wallet_name.into())
    }

    /// Sends a request, pays for it if it must, and sends it again with the token.
    ///
    /// The body may be `()`, text, bytes, or a [`Payload`]. A request with an `Authorization` header of its own is sent as it is, and
    /// not paid for.
    ///
    /// # Errors
    /// [`FetchError`], with what was paid all the same. A payment whose outcome is unknown is resolved by the next fetch of the same URL, or by
    /// [`resolve`](Self::resolve).
    pub async fn fetch<B: Into<Payload>>(&self, request: Request<B>) -> Result<Fetched, FetchError> {
        let draft = Draft::try_from(request).map_err(|cause| FetchError::unpaid(FetchFault::Url(cause)))?;
        self.fetch_and_tell(draft, |_| {}).await
    }

    /// Does the same, and tells at once of each payment that succeeded, whatever happens afterwards.
    ///
    /// Dropping the future ends the call, unless it has begun to pay: then it goes on, on the runtime that it began on, and the same
    /// request gets its answer within ten minutes, or uses its token.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn fetch_and_tell(&self, draft: Draft, mut tell: impl FnMut(&News)) -> Result<Fetched, FetchError> {
        let mut news = Vec::new();
        let note = |item| {
            tell(&item);
            news.push(item);
        };
        match self.run(draft, note).await {
            Ok(fetched) => Ok(Fetched { news, ..fetched }),
            Err(fault) => Err(FetchError { fault, news }),
        }
    }

    /// Begins a call, under the rules that are in force now.
    fn begin(&self) -> Result<(FileStore, Gate), Box<FetchFault>> {
        let call = CallId::random().map_err(|cause| Box::new(FetchFault::Store(StoreError::Random(cause))))?;
        let fee_limit = if self.wallet.enforces().fee { FeeLimit::Kept } else { FeeLimit::NotKept };
        let payer = Payer { budget: self.budget, call, fee_limit };
        let rules = self.database.rules().for_call();
        let in_force = rules.current().map_err(|cause| Box::new(FetchFault::Policy(Stopped::Unusable(cause))))?;
        self.guard(&in_force.policy().guarding())
            .map_err(|cause| Box::new(FetchFault::Policy(Stopped::Alerts(cause))))?;
        let database = self.database.under(rules);
        let store = FileStore::new(&database, self.terms.reuse, self.wallet_name.clone(), payer);
        let store = store.map_err(|cause| Box::new(FetchFault::Store(cause)))?.asking(self.guarded.confirmers());
        Ok((store, Gate::new(&database, self.budget)))
    }

    /// Sends a request, and goes along redirects. What was paid goes to `note` alone.
    async fn follow(
        &self,
        draft: Draft,
        (store, gate): (FileStore, Gate),
        mut note: impl FnMut(News) + Send,
    ) -> Result<Fetched, FetchFault> {
        let settings = self.narrowed_settings().await?;
        let patience = Patience::new(self.terms.timeout);
        let mut purse = Purse { wallet: Arc::clone(&self.wallet), store, gate, settings, patience };
        let http = Repeating(self.paying.clone());
        let (mut trail, mut redirects) = (Trail::new(draft, self.terms.redirects), Vec::new());
        let Opened { response, credential, withheld } = loop {
            let opened = purse.fetch(trail.draft(), &http, &mut note).await?;
            if !trail.follows(opened.response.status(), opened.response.headers())? {
                break opened;
            }
            redirects.push(opened.response.into_parts().0);
        };
        let Answer { response, unpaid } = unpaid::look(trail.draft(), settings.token_field, response).await;
        let url = trail.draft().uri.clone();
        let response = Whole::of(response, &self.paying);
        let handover = Handover::new(purse.store, (response.status(), response.headers()), withheld);
        Ok(Fetched { response, redirects, url, credential, unpaid, withheld, news: Vec::new(), handover })
    }

    /// Asks for the price of a request, and pays nothing. No token is presented.
    ///
    /// # Errors
    /// [`QuoteError`].
    pub async fn price<B: Into<Payload>>(&self, request: Request<B>) -> Result<Price, QuoteError> {
        self.price_of(Draft::try_from(request).map_err(QuoteError::Url)?).await
    }

    /// Asks the wallet what became of the payments without a known outcome, and keeps the tokens of those that were paid. Pays
    /// nothing.
    ///
    /// # Errors
    /// [`PaymentsError`] where the record cannot be used.
    pub async fn resolve(&self) -> Result<Vec<Resolved>, PaymentsError> {
        resolve::all(&self.payments()?, &*self.wallet, &self.wallet_name).await
    }

    /// Returns the tokens that were bought.
    pub fn tokens(&self) -> Tokens {
        Tokens::new(self.database.clone())
    }

    /// Returns the breakers, and the payments that wait for a confirmation.
    pub fn breakers(&self) -> Breakers {
        Breakers::new(self.database.clone())
    }

    /// Returns the budgets that payments are reserved in.
    pub fn budgets(&self) -> Budgets {
        Budgets::new(self.database.clone())
    }

    /// Returns the rules that it is under: the owner's policy.
    pub const fn rules(&self) -> &Rules {
        self.database.rules()
    }

    /// Returns the record of payments.
    ///
    /// # Errors
    /// [`PaymentsError`] where it cannot be used.
    pub fn payments(&self) -> Result<Payments, PaymentsError> {
        Payments::new(self.database.clone())
    }
}
