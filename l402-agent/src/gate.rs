//! What lets a request go, before it is sent: the owner's policy, and the owner where it says `ask`.

use crate::http::draft::Draft;
use crate::policy::{Asked, Rules, Stopped};
use crate::store::Database;
use crate::store::budget::{BudgetId, Budgets};
use l402_http::pay::Origin;
use l402_lightning::unix_now;
use tokio::task;

/// The gate of a call, which pays from a budget.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    rules: Rules,
    budgets: Budgets,
    budget: BudgetId,
}

impl Gate {
    /// Takes the rules of a database.
    pub(crate) fn new(database: &Database, budget: BudgetId) -> Self {
        Self { rules: database.rules().clone(), budgets: Budgets::new(database.clone()), budget }
    }

    /// Lets a request go, or says why it may not.
    ///
    /// # Errors
    /// [`Stopped`]; nothing must be sent then.
    pub(crate) async fn admit(&self, draft: &Draft) -> Result<(), Stopped> {
        // A draft goes to an origin.
        let Ok(origin) = Origin::of(&draft.uri) else { return Ok(()) };
        let in_force = self.rules.current().map_err(Stopped::Unusable)?;
        let names_budgets = in_force.policy().entry(&origin).is_some_and(|entry| !entry.budgets().is_empty());
        let budgets = if names_budgets { self.names().await? } else { Vec::new() };
        let (method, now) = (&draft.method, unix_now());
        let asked = Asked { origin: &origin, method, budgets: &budgets, service: None, price_msat: None, now };
        self.rules.admit(&asked).await
    }

    async fn names(&self) -> Result<Vec<String>, Stopped> {
        let (budgets, budget) = (self.budgets.clone(), self.budget);
        match task::spawn_blocking(move || budgets.names(budget)).await {
            Ok(names) => names.map_err(Stopped::Budgets),
            Err(fault) => match fault.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Ok(Vec::new()), // the program ends
            },
        }
    }
}
