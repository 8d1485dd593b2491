//! Routes as an operator states them, not yet looked at.

use super::meter::Meter;
use crate::cors::Cors;
use core::time::Duration;
use http::Method;
use l402_core::ledger::{DoubtRule, Idempotence};
use l402_core::{Msat, Uses};

/// A route that is sold.
#[derive(Debug, Clone)]
pub struct Sale {
    pub(super) service: Box<str>,
    pub(super) path: Box<str>,
    pub(super) price_msat: Msat,
    pub(super) tier: u32,
    pub(super) capability: Option<Box<str>>,
    pub(super) valid_for: Duration,
    pub(super) uses: Uses,
    pub(super) plan: Option<Box<str>>,
    pub(super) handling: Handling,
    pub(super) invoice_expiry: Option<Duration>,
    pub(super) methods: Option<Vec<Method>>,
    pub(super) description: Option<Box<str>>,
    pub(super) raw_path: bool,
    pub(super) cors: Cors,
}

/// What a route does with the uses of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Handling {
    pub(super) idempotence: Idempotence,
    pub(super) has_side_effects: bool,
    pub(super) doubt: DoubtRule,
    pub(super) keep_answer: Option<Duration>,
    pub(super) meter: Option<Meter>,
}

impl Sale {
    /// How long a token is valid unless a sale says otherwise.
    pub const VALID_FOR: Duration = Duration::from_hours(1);

    /// How long an invoice can be paid unless a sale or the paid service says otherwise.
    pub const INVOICE_EXPIRY: Duration = Duration::from_mins(10);

    /// Sells a path as part of a service, for a price: any method, tier 0, no capability,
    /// an hour.
    ///
    /// A path is `/v1/demo`, or with parameters `/v1/{id}`, or with everything beneath it `/v1/*`.
    pub fn new(service: &str, path: &str, price_msat: Msat) -> Self {
        Self {
            service: service.into(),
            path: path.into(),
            price_msat,
            tier: 0,
            capability: None,
            valid_for: Self::VALID_FOR,
            uses: Uses::Unlimited,
            plan: None,
            handling: Handling::default(),
            invoice_expiry: None,
            methods: None,
            description: None,
            raw_path: false,
            cors: Cors::off(),
        }
    }

    /// Asks for a tier of the service; tokens of a higher tier open the route too.
    #[must_use]
    pub fn tier(mut self, tier: u32) -> Self {
        self.tier = tier;
        self
    }

    /// Asks for a capability, so that routes of one service can differ in price.
    #[must_use]
    pub fn capability(mut self, capability: &str) -> Self {
        self.capability = Some(capability.into());
        self
    }

    /// Sets how long a token is valid at least, in whole seconds. The time counts from the moment at which its invoice can be
    /// paid last, so that every buyer gets all of it. A buyer who pays at once can use the token that much longer.
    #[must_use]
    pub fn valid_for(mut self, valid_for: Duration) -> Self {
        self.valid_for = valid_for;
        self
    }

    /// Sets how often a token can be used; as often as a buyer likes unless set. A number needs a ledger
    /// ([`Paywall::ledger`](crate::service::Paywall::ledger)).
    #[must_use]
    pub fn uses(mut self, uses: Uses) -> Self {
        self.uses = uses;
        self
    }

    /// Charges for what is used: the price buys a balance, from which each request is paid. That needs a ledger.
    #[must_use]
    pub fn meter(mut self, meter: Meter) -> Self {
        self.uses = Uses::Metered;
        self.handling.meter = Some(meter);
        self
    }

    /// Names the terms, which stand in each token beside the price; [`Offer::PLAN`](l402_core::Offer::PLAN) unless set.
    #[must_use]
    pub fn plan(mut self, plan: &str) -> Self {
        self.plan = Some(plan.into());
        self
    }

    /// Says that the upstream does a request once however often it comes, by its `Idempotency-Key`. A use whose outcome is not
    /// known is then available again, and the same request may repeat it.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.handling.idempotence = Idempotence::Repeatable;
        self
    }

    /// Says that even a GET has an effect: where its outcome is not known, its use is in doubt.
    #[must_use]
    pub fn side_effects(mut self) -> Self {
        self.handling.has_side_effects = true;
        self
    }

    /// Sets what becomes of a use that is in doubt; a person decides unless set.
    #[must_use]
    pub fn doubt(mut self, rule: DoubtRule) -> Self {
        self.handling.doubt = rule;
        self
    }

    /// Keeps each whole 2xx so long, to be given again to a client that lost it ([`kept`](crate::service::kept)). It needs a place to
    /// keep them in ([`Paywall::answers`](crate::service::Paywall::answers)), and tokens for a number of uses.
    #[must_use]
    pub fn keep_answer(mut self, keep_for: Duration) -> Self {
        self.handling.keep_answer = Some(keep_for);
        self
    }

    /// Sets how long an invoice can be paid, in whole seconds; as the paid service says unless set. A token for a short time
    /// wants a short one, because the token's time begins when the invoice ends.
    #[must_use]
    pub fn invoice_expiry(mut self, expiry: Duration) -> Self {
        self.invoice_expiry = Some(expiry);
        self
    }

    /// Says which pages of other origins may call; none unless set.
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = cors;
        self
    }

    /// Forwards paths as they came, with `%2F`, `;` and `//`, instead of refusing what two programs could read in two ways. The
    /// pattern must be a prefix such as `/npm/*`, and no other pattern may lie beneath it: all of it has one price, for each
    /// method. Dot segments stay refused in every spelling. It holds for all routes of the same pattern.
    #[must_use]
    pub fn raw_path(mut self) -> Self {
        self.raw_path = true;
        self
    }

    /// Sells these methods only.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// Sets what a payer's wallet shows, at most 639 bytes; the service and the capability unless set.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.description = Some(description.into());
        self
    }

    /// What a payer's wallet shows.
    pub(super) fn shown(&self) -> Box<str> {
        match (&self.description, &self.capability) {
            (Some(description), _) => description.clone(),
            (None, Some(capability)) => format!("{} {capability}", self.service).into(),
            (None, None) => self.service.clone(),
        }
    }
}

/// A route that costs nothing.
#[derive(Debug, Clone)]
pub struct Free {
    pub(super) path: Box<str>,
    pub(super) service: Option<Box<str>>,
    pub(super) methods: Option<Vec<Method>>,
    pub(super) cors: Cors,
}

impl Free {
    /// Gives a path away, for any method.
    pub fn new(path: &str) -> Self {
        Self { path: path.into(), service: None, methods: None, cors: Cors::off() }
    }

    /// Names the service that the route belongs to.
    #[must_use]
    pub fn service(mut self, service: &str) -> Self {
        self.service = Some(service.into());
        self
    }

    /// Says which pages of other origins may call; none unless set.
    #[must_use]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.cors = cors;
        self
    }

    /// Gives these methods away only.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }
}
