//! An agent for one call, or for one budget: it shares everything with the one that it is made of.

use super::Agent;
use crate::fetch::FetchFault;
use crate::gate::Gate;
use crate::http::draft::Draft;
use crate::http::redirect::Redirects;
use crate::price::{self, Price, QuoteError};
use crate::store::DatabaseError;
use crate::store::budget::{BudgetError, BudgetId, Budgets, FeeLimit, PolicyRefusal, Room, Sale};
use crate::store::file::StoreError;
use crate::store::keys::AgentKeys;
use crate::store::record::Recorded;
use http::Method;
use l402_core::Msat;
use l402_core::purchase::{Cost, Route};
use l402_http::pay::{Origin, PaySettings};
use l402_lightning::{Network, PaymentSource};
use tokio::task::spawn_blocking;

/// What a call asks for. Limits are no higher than those of the agent, whatever it says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Narrowed {
    pub(crate) max_price_msat: Option<Msat>,
    pub(crate) max_fee_msat: Option<Msat>,
    pub(crate) redirects: Redirects,
}

impl<W: PaymentSource + 'static> Agent<W> {
    /// Returns an agent that pays from another budget, and shares everything else.
    #[must_use]
    pub fn with_budget(&self, budget: BudgetId) -> Self {
        Self { budget, ..self.clone() }
    }

    /// Returns the keys that other programs use budgets by, through a [broker](crate::broker).
    pub fn keys(&self) -> AgentKeys {
        AgentKeys::new(self.database.clone())
    }

    /// Returns the name that payments of the wallet are recorded by.
    pub fn wallet_name(&self) -> &str {
        &self.wallet_name
    }

    /// Returns the network of the wallet.
    pub fn network(&self) -> Network {
        self.wallet.network()
    }

    pub(crate) fn narrowed(&self, narrowed: Narrowed) -> Self {
        let mut agent = self.for_call();
        let limits = &mut agent.terms.settings.limits;
        limits.max_price_msat =
            narrowed.max_price_msat.map_or(limits.max_price_msat, |most| limits.max_price_msat.min(most));
        limits.max_fee_msat = narrowed.max_fee_msat.map_or(limits.max_fee_msat, |most| limits.max_fee_msat.min(most));
        agent.terms.redirects = narrowed.redirects;
        agent
    }

    /// Returns an agent for one call: what the owner agrees to ends with it.
    fn for_call(&self) -> Self {
        Self { database: self.database.under(self.database.rules().for_call()), ..self.clone() }
    }

    /// Returns how a call pays: what routing may cost and how long it may lock money is within what its budget allows now.
    pub(super) async fn narrowed_settings(&self) -> Result<PaySettings, FetchFault> {
        let (budgets, budget) = (self.budgets(), self.budget);
        let limits = match spawn_blocking(move || budgets.route_limits(budget)).await {
            Ok(limits) => limits.map_err(|cause| FetchFault::Store(StoreError::database(cause)))?,
            Err(fault) => return Err(FetchFault::Store(StoreError::Ended(fault))),
        };
        let mut settings = self.terms.settings;
        settings.limits.max_fee_msat = least(settings.limits.max_fee_msat, limits.fee_msat);
        settings.max_cltv_expiry_delta = least(settings.max_cltv_expiry_delta, limits.cltv);
        settings.max_fee_ppm = limits.fee_ppm.or(settings.max_fee_ppm);
        Ok(settings)
    }

    /// Asks for the price of a request, and says why it would not be paid now by this agent: by its limits, the policy or the budget. Pays
    /// nothing.
    ///
    /// # Errors
    /// [`QuoteError`].
    pub async fn preview(&self, draft: Draft) -> Result<Price, QuoteError> {
        let (agent, method) = (self.for_call(), draft.method.clone());
        let price = agent.price_of(draft).await?;
        if price.refusal.is_some() {
            return Ok(price);
        }
        let asked = price.clone();
        let why = match spawn_blocking(move || agent.would_refuse(&asked, &method)).await {
            Ok(Ok(why)) => why.map(|why| why.to_string()),
            Ok(Err(cause)) => Some(cause.to_string()),
            Err(_) => None, // the program ends
        };
        Ok(Price { refusal: why, ..price })
    }

    pub(crate) async fn price_of(&self, draft: Draft) -> Result<Price, QuoteError> {
        if let Ok(origin) = Origin::of(&draft.uri) {
            let may_ask = self.breakers().may_ask(&origin).map_err(QuoteError::Store)?;
            may_ask.map_err(QuoteError::Refused)?;
        }
        let terms = price::Terms {
            limits: self.terms.settings.limits,
            network: self.wallet.network(),
            field: self.terms.settings.token_field,
            redirects: self.terms.redirects,
        };
        price::ask(draft, self.plain.clone(), terms, &Gate::new(&self.database, self.budget)).await
    }

    /// Returns the budget that pays, and what is left of it.
    pub(crate) fn room(&self) -> Result<Room, BudgetError> {
        Budgets::new(self.database.clone()).room(self.budget)
    }

    /// Says why the policy or the budget would not let the price be paid now.
    pub(crate) fn would_refuse(&self, price: &Price, method: &Method) -> Result<Option<PolicyRefusal>, BudgetError> {
        let (Some(origin), Some(amount_msat)) = (price.origin(), price.amount_msat()) else { return Ok(None) };
        let settings = &self.terms.settings;
        let (max_fee_msat, max_cltv_expiry_delta) = (settings.limits.max_fee_msat, settings.max_cltv_expiry_delta);
        let caps = self.budgets().route_limits(self.budget).map_err(BudgetError::Database)?;
        let Route { max_fee_msat, .. } = caps.narrow(amount_msat, Route { max_fee_msat, max_cltv_expiry_delta });
        let cost = Cost { amount_msat, max_fee_msat };
        let fee_limit = if self.wallet.enforces().fee { FeeLimit::Kept } else { FeeLimit::NotKept };
        let cost = fee_limit.set_aside(cost);
        let sale = Sale { origin: &origin, method, service: price.service.as_deref(), cost };
        Budgets::new(self.database.clone()).would_refuse(self.budget, &sale)
    }

    /// Returns the last purchases of the budget, the newest first.
    pub(crate) fn purchases(&self, most: u32) -> Result<Vec<Recorded>, DatabaseError> {
        Budgets::new(self.database.clone()).purchases(self.budget, most)
    }
}

fn least<T: Ord>(own: T, cap: Option<T>) -> T {
    match cap {
        Some(cap) => own.min(cap),
        None => own,
    }
}
