//! What a paid service is made of, and its settings.

use super::head::RequestHead;
use super::kept::Answers;
use super::lane::Lane;
use super::log::LogFaults;
use super::observe::{Observe, Observers};
use super::pricer::Pricer;
use super::rates::RateLimits;
use super::rules::{RuleFn, Rules};
use super::unpaid::UnpaidInvoices;
use super::uses::Desk;
use crate::policy::{Policy, RouteId, Sale};
use core::fmt;
use core::time::Duration;
use l402_core::{CaveatRule, DerivedKeys, Gate, GatePolicy, RootKeySource};
use l402_ledger::{DenyList, Ledger};
#[cfg(doc)]
use l402_lightning::InvoiceSource;
use l402_lightning::{Network, NodeId};
use std::sync::Arc;
use std::time::SystemTime;

/// Policy, keys and node, joined to a layer by [`Paywall::layer`].
///
/// `N` is the node that makes invoices and knows which were settled. `K` finds root keys, and makes those of new tokens.
///
/// ```
/// use l402_core::macaroon::RootKey;
/// use l402_core::{Caveat, Identifier, Msat, Ruling};
/// use l402_http::policy::{Policy, Route, Sale};
/// use l402_http::service::{Event, Paywall, RequestHead};
/// use l402_lightning::{Network, testing::FakeNetwork};
///
/// # fn is_night() -> bool { true }
/// # struct Keys;
/// # impl Keys { fn find(&self, _: &Identifier) -> Option<RootKey> { None } }
/// # let my_keys = Keys;
/// let policy = Policy::builder().sell(Sale::new("weather", "/*", Msat::from_sat(21))).build()?;
/// let keys = move |identifier: &Identifier| my_keys.find(identifier); // any RootKeySource
/// let paywall = Paywall::new(policy, keys, FakeNetwork::new().node(), Network::Regtest)
///     .pricer(|_: &Route, _: &RequestHead<'_>| if is_night() { Msat::ZERO } else { Msat::from_sat(42) })
///     .caveat_rule(|request: &RequestHead<'_>| {
///         let method = request.method().clone();
///         move |caveat: Caveat<'_>, _: Option<&str>| match caveat.condition {
///             "method" if caveat.value == method.as_str() => Ruling::Holds,
///             "method" => Ruling::Fails,
///             _ => Ruling::NotMine,
///         }
///     })
///     .observe(|event: &Event<'_>| println!("{event:?}"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Paywall<N, K = DerivedKeys> {
    pub(super) policy: Arc<Policy>,
    pub(super) gate: Gate<K>,
    pub(super) rules: Option<Rules>,
    pub(super) pricer: Option<Arc<dyn Pricer>>,
    pub(super) observers: Observers,
    pub(super) node: N,
    pub(super) network: Network,
    pub(super) payee: Option<NodeId>,
    pub(super) lsat_line: bool,
    pub(super) invoice_expiry: Duration,
    pub(super) node_deadline: Duration,
    pub(super) desk: Arc<Desk>,
    pub(super) deny_list: DenyList,
    pub(super) rates: RateLimits,
    pub(super) unpaid: Option<UnpaidInvoices>,
    pub(super) answers: Option<Answers>,
    pub(super) retry_after: u64,
    pub(super) deliverable: Deliverable,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) lane: Arc<Lane>,
}

/// Returns the time in Unix seconds.
pub(super) type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Fills bytes from a cryptographic random source.
pub(super) type Random = Arc<dyn Fn(&mut [u8; 28]) -> Result<(), getrandom::Error> + Send + Sync>;

/// Looks whether what a route sells can be delivered.
pub(super) type Deliverable = Arc<dyn Fn(RouteId) -> Result<(), Undeliverable> + Send + Sync>;

/// What a route sells cannot be delivered at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undeliverable {
    /// After how long another attempt makes sense; a client is told whole seconds, at least one.
    pub retry_after: Duration,
}

impl<N, K: RootKeySource> Paywall<N, K> {
    /// Joins policy, keys and node with the usual settings. Invoices must be for `network`. One subscriber is there:
    /// [`LogFaults`](super::LogFaults) logs why the node made no invoice.
    pub fn new(policy: impl Into<Arc<Policy>>, keys: K, node: N, network: Network) -> Self {
        Self {
            policy: policy.into(),
            gate: Gate::new(keys, GatePolicy::default()),
            rules: None,
            pricer: None,
            observers: Observers::with(LogFaults),
            node,
            network,
            payee: None,
            lsat_line: true,
            invoice_expiry: Sale::INVOICE_EXPIRY,
            node_deadline: Duration::from_secs(5),
            desk: Arc::new(Desk::new(Ledger::absent(), Duration::from_secs(2))),
            deny_list: DenyList::default(),
            rates: RateLimits::new(),
            unpaid: None,
            answers: None,
            retry_after: 5,
            deliverable: Arc::new(|_| Ok(())),
            clock: Arc::new(system_time),
            random: Arc::new(|bytes| getrandom::fill(bytes)),
            lane: Arc::new(Lane::new(CHALLENGES)),
        }
    }

    /// Sets what the operator chooses about decisions.
    #[must_use]
    pub fn gate_policy(mut self, policy: GatePolicy) -> Self {
        self.gate = self.gate.with_policy(policy);
        self
    }
}

impl<N, K> Paywall<N, K> {
    /// Decides conditions of your own: `rule` makes the [`CaveatRule`] for a request, and is asked for one only where the
    /// request carries a credential. Conditions that nothing knows deny.
    ///
    /// The rule may look at the request with its canonical path; its headers still hold the credential.
    #[must_use]
    pub fn caveat_rule<R: CaveatRule + 'static>(
        mut self,
        rule: impl Fn(&RequestHead<'_>) -> R + Send + Sync + 'static,
    ) -> Self {
        self.rules = Some(Arc::new(RuleFn::new(rule)));
        self
    }

    /// Sets prices while the service runs; [`Pricer`] says what a token then opens. Unless set, the price is the route's.
    #[must_use]
    pub fn pricer(mut self, pricer: impl Pricer + 'static) -> Self {
        self.pricer = Some(Arc::new(pricer));
        self
    }

    /// Adds a subscriber. They are called in the order in which they were added, after
    /// [`LogFaults`](super::LogFaults). To replace that one, call [`without_observers`](Self::without_observers) first.
    #[must_use]
    pub fn observe(mut self, observer: impl Observe + 'static) -> Self {
        self.observers.add(observer);
        self
    }

    /// Removes all subscribers, [`LogFaults`](super::LogFaults) too. Without one that looks at faults, their causes are lost.
    ///
    /// ```
    /// # use l402_core::{DerivedKeys, MasterKey, Msat};
    /// # use l402_http::{policy::{Policy, Sale}, service::Paywall};
    /// # use l402_lightning::{Network, testing::FakeNetwork};
    /// use l402_http::service::{Event, Phase, event::Invoiced};
    ///
    /// # let policy = Policy::builder().sell(Sale::new("weather", "/*", Msat::from_sat(21))).build()?;
    /// # let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    /// # let node = FakeNetwork::new().node();
    /// let paywall = Paywall::new(policy, keys, node, Network::Regtest).without_observers().observe(|event: &Event<'_>| {
    ///     if let Phase::Invoiced(Invoiced::Failed { error }) = event.phase {
    ///         eprintln!("request {}: {error}", event.request);
    ///     }
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn without_observers(mut self) -> Self {
        self.observers.clear();
        self
    }

    /// Replaces the clock that events measure time with; `stopwatch` returns the time since some fixed moment and never goes
    /// back. It is read only where there is a subscriber.
    #[must_use]
    pub fn stopwatch(mut self, stopwatch: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.observers.set_stopwatch(Arc::new(stopwatch));
        self
    }

    /// Demands that this node signs the invoices.
    #[must_use]
    pub fn payee(mut self, payee: NodeId) -> Self {
        self.payee = Some(payee);
        self
    }

    /// Chooses whether challenges begin with the LSAT line for older clients; they do unless told otherwise.
    #[must_use]
    pub fn lsat_line(mut self, shown: bool) -> Self {
        self.lsat_line = shown;
        self
    }

    /// Sets how long an invoice can be paid, in whole seconds, where its route does not say; ten minutes unless set.
    ///
    /// A token's validity counts from the end of that time, so a buyer who pays at once may use it that much longer than the
    /// sale says, and one who pays at the last moment as long as it says.
    #[must_use]
    pub fn invoice_expiry(mut self, expiry: Duration) -> Self {
        self.invoice_expiry = expiry;
        self
    }

    /// Sets how long the node may take to answer before the request is answered with 503; five seconds unless set.
    #[must_use]
    pub fn node_deadline(mut self, deadline: Duration) -> Self {
        self.node_deadline = deadline;
        self
    }

    /// Counts the uses of tokens with this ledger. Without one, routes that are sold by number are not charged for, and their
    /// tokens open nothing: the answer is 503.
    #[must_use]
    pub fn ledger(mut self, ledger: Ledger) -> Self {
        self.desk = Arc::new(self.desk.with_ledger(ledger));
        self
    }

    /// Sets how long the ledger may take to answer a question; two seconds unless set. A request asks two.
    #[must_use]
    pub fn ledger_deadline(mut self, deadline: Duration) -> Self {
        self.desk = Arc::new(self.desk.with_deadline(deadline));
        self
    }

    /// Looks for tokens in this list. Whoever has a [`Ledger`] keeps the list like that of its store
    /// ([`LedgerStore::revocations`](l402_ledger::LedgerStore::revocations)); nothing is denied unless one is set.
    ///
    /// ```
    /// # use l402_core::{DerivedKeys, MasterKey, Msat, PaymentHash, UnixSeconds};
    /// # use l402_http::{policy::{Policy, Sale}, service::Paywall};
    /// # use l402_lightning::{Network, testing::FakeNetwork};
    /// use l402_ledger::{DenyList, Revocation};
    ///
    /// # let policy = Policy::builder().sell(Sale::new("weather", "/*", Msat::from_sat(21))).build()?;
    /// # let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
    /// # let (node, stolen, ends_at) = (FakeNetwork::new().node(), PaymentHash::from_bytes([1; 32]), UnixSeconds::new(1_900_000_000));
    /// let list = DenyList::default();
    /// let paywall = Paywall::new(policy, keys, node, Network::Regtest).deny_list(list.clone());
    /// list.learn(&[Revocation::of_payment(stolen, ends_at)]); // from now on its tokens get 402, `revoked`
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn deny_list(mut self, list: DenyList) -> Self {
        self.deny_list = list;
        self
    }

    /// Limits the rate of unpaid requests, and of those with a token. There is no limit unless this is set.
    #[must_use]
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rates = limits;
        self
    }

    /// Bounds how many invoices are open at once, where the node [stores](InvoiceSource::stores_invoices) each. There is no bound unless
    /// this is set.
    #[must_use]
    pub fn unpaid_invoices(mut self, unpaid: UnpaidInvoices) -> Self {
        self.unpaid = Some(unpaid);
        self
    }

    /// Keeps the answers of routes that [ask for it](crate::policy::Sale::keep_answer), to be given again. Without this none is kept.
    #[must_use]
    pub fn answers(mut self, answers: Answers) -> Self {
        self.answers = Some(answers);
        self
    }

    /// Sets what `Retry-After` says in a 503, in seconds; five unless set.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = seconds;
        self
    }

    /// Looks, after the verdict and before an invoice is asked for, whether what a route sells can be delivered: if not, the
    /// answer is 503 with `Retry-After`, and nothing is charged. What was paid for is forwarded all the same.
    ///
    /// `look` must answer from memory, as `Health::down` of the proxy does. Everything is deliverable
    /// unless this is set.
    #[must_use]
    pub fn deliverable(mut self, look: impl Fn(RouteId) -> Result<(), Undeliverable> + Send + Sync + 'static) -> Self {
        self.deliverable = Arc::new(look);
        self
    }

    /// Replaces the system's clock; `clock` returns Unix seconds.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Replaces the system's random source, which the ids of tokens and attempts are made of.
    #[must_use]
    pub fn random(
        mut self,
        fill: impl Fn(&mut [u8; 28]) -> Result<(), getrandom::Error> + Send + Sync + 'static,
    ) -> Self {
        self.random = Arc::new(fill);
        self
    }

    /// Sets how many challenges may be under way or wait for their turn; 1024 unless set. Further requests are answered with 503
    /// and `Retry-After`.
    #[must_use]
    pub fn challenges(mut self, most: usize) -> Self {
        self.lane = Arc::new(Lane::new(most));
        self
    }
}

impl<N, K> Paywall<N, K> {
    /// How long the invoice can be paid that can be paid longest.
    pub(super) fn longest_expiry(&self) -> Duration {
        let expiries = self.policy.routes().iter().filter(|route| route.offer().is_some());
        expiries.map(|route| route.invoice_expiry().unwrap_or(self.invoice_expiry)).max().unwrap_or_default()
    }
}

impl<N, K: RootKeySource> Paywall<N, K> {
    /// Looks whether the tokens that are minted now are denied already, as they are where another gateway of the ledger has rotated and
    /// then revoked, and this one has not got the new key.
    pub(super) fn denies_new_tokens(&self) -> bool {
        !self.deny_list.is_empty() && self.deny_list.denies_epoch(self.gate.keys().token_id([0; 28]).epoch())
    }
}

impl<N, K> fmt::Debug for Paywall<N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paywall").field("policy", &self.policy).field("network", &self.network).finish_non_exhaustive()
    }
}

/// Challenges under way or waiting.
const CHALLENGES: usize = 1024;

/// A clock that stands before 1970 finds every token valid and every invoice unexpired, so it counts as the end of time.
fn system_time() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(u64::MAX, |elapsed| elapsed.as_secs())
}
