//! What an agent is made of, and on what terms it pays.

use super::Agent;
use super::guarded::Guarded;
use crate::confirm::Confirmer;
use crate::http::client::HttpClient;
use crate::http::proxy::Proxies;
use crate::http::redirect::Redirects;
use crate::http::settings::HttpSettings;
use crate::http::tls::TlsError;
use crate::policy::Rules;
use crate::store::budget::{BudgetError, BudgetId, Budgets};
use crate::store::private::{PrivateDir, PrivateError};
use crate::store::{Database, DatabaseError, Reuse};
use crate::text::printable;
use core::fmt;
use core::time::Duration;
use l402_core::{Msat, SpendLimits};
use l402_http::pay::{AfterRefusal, PaySettings, TokenField};
use std::path::PathBuf;
use std::sync::Arc;

/// On what terms an agent pays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) settings: PaySettings,
    pub(super) reuse: Reuse,
    pub(super) redirects: Redirects,
    /// How long to wait for a server that is silent, or that says when to come back.
    pub(super) timeout: Duration,
}

/// Makes an [`Agent`]. Each setting has a default.
#[derive(Debug)]
#[must_use]
pub struct AgentBuilder<W> {
    data: PathBuf,
    wallet: Arc<W>,
    wallet_name: String,
    terms: Terms,
    budget: Option<String>,
    confirmers: Vec<Arc<dyn Confirmer>>,
    rules: Option<Rules>,
    http: HttpSettings,
}

impl<W> AgentBuilder<W> {
    pub(super) fn new(data: PathBuf, wallet: Arc<W>, wallet_name: String) -> Self {
        let limits = SpendLimits { max_price_msat: DEFAULT_MAX_PRICE, max_fee_msat: DEFAULT_MAX_FEE };
        let (settings, http) = (PaySettings::new(limits), HttpSettings::default());
        let timeout = http.timeout;
        let terms = Terms { settings, reuse: Reuse::Kept, redirects: Redirects::Refuse, timeout };
        Self { data, wallet, wallet_name, terms, budget: None, confirmers: Vec::new(), rules: None, http }
    }

    /// The most to pay for one call, its redirects included, fees not. 100 sat unless set.
    pub const fn max_price(mut self, amount: Msat) -> Self {
        self.terms.settings.limits.max_price_msat = amount;
        self
    }

    /// The most to pay for routing. 10 sat unless set.
    pub const fn max_fee(mut self, amount: Msat) -> Self {
        self.terms.settings.limits.max_fee_msat = amount;
        self
    }

    /// The budget that pays, by its name. The first one, [`MAIN`](crate::store::budget::MAIN), unless set. A budget that gets the name
    /// later is another one.
    pub fn budget(mut self, name: impl Into<String>) -> Self {
        self.budget = Some(name.into());
        self
    }

    /// Asks somebody too where a payment needs a confirmation, whatever the [policy](Agent::guard) says.
    pub fn confirmer(mut self, confirmer: impl Confirmer + 'static) -> Self {
        self.confirmers.push(Arc::new(confirmer));
        self
    }

    /// The owner's policy, and who is asked where it says so. Unless set, it is [`POLICY`](crate::store::POLICY) in the data directory, if
    /// that is there, and nobody is asked.
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// How long to wait for a server that is silent, and in all for one that says when to come back. 30 seconds unless set.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.http.timeout = timeout;
        self
    }

    /// How long to wait for a payment before its outcome counts as unknown. 60 seconds unless set.
    pub const fn pay_timeout(mut self, timeout: Duration) -> Self {
        self.terms.settings.payment_timeout = timeout;
        self
    }

    /// The header that carries the token. `Authorization` unless set.
    pub const fn token_field(mut self, field: TokenField) -> Self {
        self.terms.settings.token_field = field;
        self
    }

    /// Whether tokens are kept for later calls. They are unless set.
    pub const fn reuse(mut self, reuse: Reuse) -> Self {
        self.terms.reuse = reuse;
        self
    }

    /// Whether redirects are followed. They are not unless set.
    pub const fn redirects(mut self, redirects: Redirects) -> Self {
        self.terms.redirects = redirects;
        self
    }

    /// Pays also a server that has not accepted what was bought from it before.
    pub const fn buy_again(mut self) -> Self {
        self.terms.settings.after_refusal = AfterRefusal::BuyAgain;
        self
    }

    /// Trusts the certificates in this PEM file, and no others.
    pub fn cacert(mut self, file: impl Into<PathBuf>) -> Self {
        self.http.cacert = Some(file.into());
        self
    }

    /// The proxies. None unless set.
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.http.proxies = proxies;
        self
    }

    /// How servers are reached, in place of what was said of it before. If they are not certainly who they say
    /// ([`HttpSettings::is_authentic`]), no kept token is presented, and none is kept.
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.http = settings;
        self
    }

    /// Opens the store, and sets up the HTTP client. The wallet is not asked for anything yet.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(self) -> Result<Agent<W>, BuildError> {
        let Self { data, wallet, wallet_name, mut terms, budget, confirmers, rules, http } = self;
        terms.timeout = http.timeout;
        if !http.is_authentic() {
            terms.reuse = Reuse::Isolated;
        }
        let paying = HttpClient::new(&http).map_err(BuildError::Tls)?;
        let plain = HttpClient::new(&http).map_err(BuildError::Tls)?;
        let data = PrivateDir::open(data).map_err(BuildError::Data)?;
        let database = Database::open(&data).map_err(BuildError::Database)?;
        let database = rules.map_or(database.clone(), |rules| database.under(rules));
        let buys_again = terms.settings.after_refusal == AfterRefusal::BuyAgain;
        let guarded = Guarded::new(database.clone(), confirmers, buys_again);
        let budget = match budget {
            None => BudgetId::MAIN,
            Some(name) => {
                let found = Budgets::new(database.clone()).id(&name);
                found.map_err(|cause| BuildError::Budget { name, cause })?
            }
        };
        // Another call that buys the same pays, and then waits for the response.
        terms.settings.patience = terms.settings.payment_timeout.saturating_add(terms.timeout);
        Ok(Agent { wallet, wallet_name, database, budget, guarded, paying, plain, terms })
    }
}

/// Why an agent cannot be made.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The data directory cannot be used.
    Data(PrivateError),
    /// The database in it cannot be used.
    Database(DatabaseError),
    /// The budget cannot be used.
    Budget {
        /// Its name.
        name: String,
        /// Why.
        cause: BudgetError,
    },
    /// TLS cannot be set up.
    Tls(TlsError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(cause) => cause.fmt(f),
            Self::Database(cause) => cause.fmt(f),
            Self::Budget { name, cause } => write!(f, "{}: {cause}", printable(name)),
            Self::Tls(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Data(cause) => cause.source(),
            Self::Database(cause) => cause.source(),
            Self::Budget { cause, .. } => cause.source(),
            Self::Tls(cause) => cause.source(),
        }
    }
}

/// The most to pay for one call unless the caller says otherwise.
pub const DEFAULT_MAX_PRICE: Msat = Msat::from_sat(100);
/// The most to pay for routing unless the caller says otherwise.
pub const DEFAULT_MAX_FEE: Msat = Msat::from_sat(10);
