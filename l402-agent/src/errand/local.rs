//! Errands that an agent in this process does.

use super::ask::{Ask, Limits};
use super::body::{FetchBody, Served, too_large, too_late};
use super::error::{ErrandError, Reason};
use super::headers::Caller;
use super::seen::{BudgetSeen, FetchHead, Fetched, LimitsSeen, Outcome, PaidSeen, Preview, PurchaseSeen};
use super::{Errand, Errands, MOST_PURCHASES, fault};
use crate::agent::{Agent, Narrowed};
use crate::http::redirect::Redirects;
use crate::store::budget::{BudgetError, Room};
use crate::store::news::News;
use crate::store::record::{PaymentOutcome, Recorded};
use crate::{CredentialUsed, fetch};
use core::fmt;
use core::time::Duration;
use http_body::Body as _;
use l402_core::Msat;
use l402_core::purchase::BudgetStanding;
use l402_http::pay::{Quote, uses_left};
use l402_lightning::PaymentSource;
use tokio::time::{Instant, timeout_at};

/// Errands that an [`Agent`] in this process does, from its budget.
pub struct LocalErrands<W> {
    agent: Agent<W>,
    caller: Caller,
    limits: Limits,
}

impl<W: PaymentSource + 'static> LocalErrands<W> {
    /// Takes the agent that pays, and who asks.
    pub fn new(agent: Agent<W>, caller: Caller) -> Self {
        Self { agent, caller, limits: Limits::default() }
    }

    /// Sets what is allowed for each call at most.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    async fn fetch_one(&self, ask: Ask) -> Result<Fetched, ErrandError> {
        let (draft, limits) = (ask.draft(self.caller)?, self.limits.narrowed(&ask));
        let ends = Instant::now() + limits.time;
        let mut paid = Vec::new();
        let tell = |news: &News| {
            if let News::Paid(bought) = news {
                paid.push(PaidSeen {
                    origin: bought.origin.to_string(),
                    payment_hash: bought.payment_hash.to_string(),
                    amount_msat: bought.amount_msat.get(),
                    fee_msat: bought.fee_msat.get(),
                });
            }
        };
        let agent = self.agent.narrowed(narrowed(&ask));
        let fetched = timeout_at(ends, agent.fetch_and_tell(draft, tell)).await;
        let paid_msat = paid.iter().map(|paid| paid.amount_msat.saturating_add(paid.fee_msat));
        let paid_msat = paid_msat.fold(0, u64::saturating_add);
        let also = |fault: ErrandError| ErrandError { paid_msat, ..fault };
        let fetched = fetched.map_err(|_| also(too_late()))?;
        let fetched = fetched.map_err(|failed| also(fault::of_fetch(failed.fault, self.caller)))?;
        self.seen(fetched, paid, limits, ends).await.map_err(also)
    }

    async fn seen(
        &self,
        fetched: fetch::Fetched,
        payments: Vec<PaidSeen>,
        limits: Limits,
        ends: Instant,
    ) -> Result<Fetched, ErrandError> {
        let fetch::Fetched { response, url, credential, unpaid, handover, .. } = fetched;
        let (parts, body) = response.into_parts();
        // What is in the body then is the challenge once more.
        if self.caller == Caller::Agent && !matches!(Quote::of(parts.status, &parts.headers), Ok(None)) {
            let message = "the server asks for a payment in a way that cannot be met; nothing was paid for it";
            return Err(ErrandError::new(Reason::BadChallenge, message));
        }
        if body.size_hint().lower() > limits.body {
            return Err(too_large());
        }
        let uses_left = if credential == CredentialUsed::None { None } else { uses_left(&parts.headers) };
        let head = FetchHead {
            url: url.to_string(),
            status: parts.status.as_u16(),
            headers: self.caller.sees(&parts.headers),
            credential: credential.into(),
            uses_left,
            paid_msat: payments.iter().fold(0, |sum, paid| sum.saturating_add(paid.amount_msat + paid.fee_msat)),
            payments,
            is_unpaid: unpaid.is_some(),
            left_msat: self.room().await?.left_msat.map(Msat::get),
        };
        Ok(Fetched { head, body: FetchBody::new(Served::new(body, handover, limits, ends)) })
    }

    async fn preview_one(&self, ask: Ask) -> Result<Preview, ErrandError> {
        let draft = ask.draft(self.caller)?;
        if draft.has_effect() {
            let message = "only GET, HEAD and OPTIONS without a body have a preview: a free request is performed";
            return Err(ErrandError::new(Reason::MethodRefused, message));
        }
        let (limits, method) = (self.limits.narrowed(&ask), draft.method.clone());
        let agent = self.agent.narrowed(narrowed(&ask));
        let price = timeout_at(Instant::now() + limits.time, agent.price_of(draft)).await.map_err(|_| too_late())?;
        let price = price.map_err(|fault| fault::of_price(fault, self.caller))?;
        let would = if price.refusal.is_none() {
            let price = price.clone();
            blocking(move || agent.would_refuse(&price, &method)).await?.map_err(|cause| budget_fault(&cause))?
        } else {
            None
        };
        let unpaid = price.unpaid.is_some().then(|| "the server demands a payment that is not L402".to_owned());
        Ok(Preview {
            status: price.status,
            is_free: price.free,
            price_msat: price.amount_msat().map(Msat::get),
            sold: price.invoice.as_ref().and_then(|invoice| invoice.description.clone()),
            refusal: unpaid.or_else(|| price.refusal.clone()).or_else(|| would.map(|why| why.to_string())),
            left_msat: self.room().await?.left_msat.map(Msat::get),
            url: price.url,
        })
    }

    async fn room(&self) -> Result<Room, ErrandError> {
        let agent = self.agent.clone();
        blocking(move || agent.room()).await?.map_err(|cause| budget_fault(&cause))
    }

    async fn list(&self, most: u32) -> Result<Vec<PurchaseSeen>, ErrandError> {
        let agent = self.agent.clone();
        let found = blocking(move || agent.purchases(most.min(MOST_PURCHASES))).await?;
        let found = found.map_err(|_| ErrandError::new(Reason::Local, "cannot read the record of payments"))?;
        Ok(found.iter().map(PurchaseSeen::from).collect())
    }
}

impl<W: PaymentSource + 'static> Errands for LocalErrands<W> {
    fn fetch(&self, ask: Ask) -> Errand<'_, Fetched> {
        Box::pin(self.fetch_one(ask))
    }

    fn preview(&self, ask: Ask) -> Errand<'_, Preview> {
        Box::pin(self.preview_one(ask))
    }

    fn budget(&self) -> Errand<'_, BudgetSeen> {
        Box::pin(async { Ok(BudgetSeen::from(&self.room().await?)) })
    }

    fn purchases(&self, most: u32) -> Errand<'_, Vec<PurchaseSeen>> {
        Box::pin(self.list(most))
    }
}

impl<W> fmt::Debug for LocalErrands<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { caller, limits, .. } = self;
        f.debug_struct("LocalErrands").field("caller", caller).field("limits", limits).finish_non_exhaustive()
    }
}

fn narrowed(ask: &Ask) -> Narrowed {
    Narrowed {
        max_price_msat: ask.max_price_msat.map(Msat::new),
        max_fee_msat: ask.max_fee_msat.map(Msat::new),
        redirects: if ask.follow_redirects { Redirects::Follow } else { Redirects::Refuse },
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ErrandError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ErrandError::new(Reason::Local, "the program ends"))
}

fn budget_fault(cause: &BudgetError) -> ErrandError {
    match cause {
        BudgetError::Database(_) => ErrandError::new(Reason::Local, "cannot read the budget"),
        BudgetError::Policy(_) => ErrandError::new(Reason::Policy, "the owner's policy cannot be used; tell the owner"),
        cause => ErrandError::new(Reason::Policy, cause),
    }
}

impl From<&Room> for BudgetSeen {
    fn from(room: &Room) -> Self {
        let shown = &room.shown;
        let standing = match (shown.standing, shown.expires_in) {
            (BudgetStanding::Frozen, _) => "frozen",
            (BudgetStanding::Removed, _) => "removed",
            (BudgetStanding::Active, Some(Duration::ZERO)) => "expired",
            (BudgetStanding::Active, _) => "active",
        };
        let msat = |limit: Option<Msat>| limit.map(Msat::get);
        Self {
            name: shown.name.clone(),
            standing: standing.to_owned(),
            ends_in_s: shown.expires_in.map(|time| time.as_secs()),
            limits: LimitsSeen {
                per_call_msat: msat(shown.limits.per_call_msat),
                per_hour_msat: msat(shown.limits.per_hour_msat),
                per_day_msat: msat(shown.limits.per_day_msat),
                per_origin_msat: msat(shown.limits.per_origin_msat),
                per_service_msat: msat(shown.limits.per_service_msat),
                total_msat: msat(shown.limits.total_msat),
            },
            spent_msat: shown.total.booked_msat.get(),
            reserved_msat: shown.total.reserved_msat.get(),
            in_flight: shown.total.in_flight,
            hour_msat: shown.hour_msat.get(),
            day_msat: shown.day_msat.get(),
            left_msat: msat(room.left_msat),
        }
    }
}

impl From<&Recorded> for PurchaseSeen {
    fn from(recorded: &Recorded) -> Self {
        let Recorded { intent, outcome } = recorded;
        let (outcome, fee_msat) = match outcome {
            None => (Outcome::Unknown, None),
            Some(PaymentOutcome::Paid { fee_msat }) => (Outcome::Paid, Some(fee_msat.get())),
            Some(PaymentOutcome::NotPaid) => (Outcome::NotPaid, None),
            Some(PaymentOutcome::Forgotten) => (Outcome::Forgotten, None),
        };
        Self {
            at: intent.at.get(),
            payment_hash: intent.payment_hash.to_string(),
            origin: intent.origin.to_string(),
            method: intent.method.to_string(),
            path: intent.path.clone(),
            amount_msat: intent.amount_msat.get(),
            fee_msat,
            outcome,
        }
    }
}
