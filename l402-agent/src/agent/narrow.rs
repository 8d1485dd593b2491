//! An agent for one call, or for one budget: it shares everything with the one that it is made of.

use super::Agent;
use crate::http::draft::Draft;
use crate::http::redirect::Redirects;
use crate::price::{self, Price, QuoteError};
use crate::store::DatabaseError;
use crate::store::budget::{BudgetError, BudgetId, Budgets, FeeLimit, PolicyRefusal, Room};
use crate::store::keys::AgentKeys;
use crate::store::record::Recorded;
use l402_core::Msat;
use l402_core::purchase::Cost;
use l402_http::pay::Origin;
use l402_lightning::{Network, PaymentSource};

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
        let mut agent = self.clone();
        let limits = &mut agent.terms.settings.limits;
        limits.max_price_msat =
            narrowed.max_price_msat.map_or(limits.max_price_msat, |most| limits.max_price_msat.min(most));
        limits.max_fee_msat = narrowed.max_fee_msat.map_or(limits.max_fee_msat, |most| limits.max_fee_msat.min(most));
        agent.terms.redirects = narrowed.redirects;
        agent
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
        price::ask(draft, self.plain.clone(), terms).await
    }

    /// Returns the budget that pays, and what is left of it.
    pub(crate) fn room(&self) -> Result<Room, BudgetError> {
        Budgets::new(self.database.clone()).room(self.budget)
    }

    /// Says why the budget would not pay at an origin now.
    pub(crate) fn would_refuse(
        &self,
        origin: &Origin,
        amount_msat: Msat,
    ) -> Result<Option<PolicyRefusal>, BudgetError> {
        let cost = Cost { amount_msat, max_fee_msat: self.terms.settings.limits.max_fee_msat };
        let fee_limit = if self.wallet.enforces().fee { FeeLimit::Kept } else { FeeLimit::NotKept };
        Budgets::new(self.database.clone()).would_refuse(self.budget, origin, fee_limit.set_aside(cost))
    }

    /// Returns the last purchases of the budget, the newest first.
    pub(crate) fn purchases(&self, most: u32) -> Result<Vec<Recorded>, DatabaseError> {
        Budgets::new(self.database.clone()).purchases(self.budget, most)
    }
}
