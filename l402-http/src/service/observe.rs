//! Subscribers, and what is noted of a request on their behalf. Where there are none, nothing is noted.

use super::event::{Ended, Event, Phase, RequestId};
use crate::path::CanonicalPath;
use crate::policy::{Access, Policy, RouteId};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use http::{Method, Request};
use std::sync::Arc;
use std::time::Instant;

/// Gets the events of a paid service. Closures implement it.
///
/// It is called on the thread that serves the request: it must not block, and it should be quick. What takes longer belongs
/// on a thread of its own, behind a bounded queue. A panic in it is a panic in the service.
///
/// ```
/// use l402_http::service::{Event, Observe, Phase};
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// /// Counts challenges.
/// #[derive(Default)]
/// struct Challenges(AtomicU64);
///
/// impl Observe for Challenges {
///     fn observe(&self, event: &Event<'_>) {
///         if let Phase::Challenged(_) = event.phase {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait Observe: Send + Sync {
    /// Takes an event.
    fn observe(&self, event: &Event<'_>);

    /// Returns whether it wants the events of requests for which nothing is asked of a node or a pricer, such as those that were
    /// paid for. Where no subscriber does, nothing is noted of them: that costs as much as a tenth of a forwarded request. Of the
    /// other requests it gets only what comes after the judge, and no end.
    fn sees_all(&self) -> bool {
        true
    }
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observe for F {
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Returns the time since some fixed moment.
pub(super) type Stopwatch = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The subscribers of a paywall.
#[derive(Clone)]
pub(super) struct Observers {
    all: Arc<[Arc<dyn Observe>]>,
    /// Whether one of them wants the events of all requests.
    see_all: bool,
    stopwatch: Stopwatch,
}

impl Observers {
    /// Begins with one.
    pub(super) fn with(first: impl Observe + 'static) -> Self {
        let begun = Instant::now();
        let see_all = first.sees_all();
        Self { all: Arc::new([Arc::new(first)]), see_all, stopwatch: Arc::new(move || begun.elapsed()) }
    }

    pub(super) fn clear(&mut self) {
        self.all = Arc::new([]);
        self.see_all = false;
    }

    pub(super) fn add(&mut self, observer: impl Observe + 'static) {
        self.see_all |= observer.sees_all();
        self.all = self.all.iter().cloned().chain([Arc::new(observer) as Arc<dyn Observe>]).collect();
    }

    pub(super) fn set_stopwatch(&mut self, stopwatch: Stopwatch) {
        self.stopwatch = stopwatch;
    }

    /// Begins to take notes of a request, if there is a subscriber to all.
    #[inline]
    pub(super) fn begin<B>(&self, policy: &Arc<Policy>, request: &Request<B>) -> Trail {
        if self.see_all { self.begin_noted(policy, request) } else { Trail(None) }
    }

    /// Begins to take notes of a request for which a node or a pricer is asked, unless they were begun before.
    pub(super) fn begin_sale<B>(&self, policy: &Arc<Policy>, request: &Request<B>, trail: &Trail) -> Trail {
        if trail.0.is_some() || self.all.is_empty() { trail.clone() } else { self.begin_noted(policy, request) }
    }

    #[cold]
    fn begin_noted<B>(&self, policy: &Arc<Policy>, request: &Request<B>) -> Trail {
        let begun = (self.stopwatch)();
        let method = request.method().clone();
        let path = request.uri().path();
        let path = policy.raw_prefix(path).unwrap_or_else(|| CanonicalPath::parse(path)).ok();
        let route = path.as_ref().and_then(|path| match policy.route(&method, path) {
            Access::Priced(route, _) | Access::Free(route) => Some(route.id()),
            Access::NotFound | Access::MethodNotAllowed { .. } => None,
        });
        Trail(Some(Arc::new(Notes {
            observers: self.clone(),
            policy: Arc::clone(policy),
            request: RequestId(NUMBERS.fetch_add(1, Ordering::Relaxed)),
            begun,
            method,
            path: path.map(|path| path.as_str().into()),
            route,
        })))
    }
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// Tells the subscribers, if there are any.
#[derive(Clone)]
pub(super) struct Trail(Option<Arc<Notes>>);

impl Trail {
    /// Tells the outcome of a phase.
    #[inline]
    pub(super) fn tell<'a>(&self, phase: impl FnOnce() -> Phase<'a>) {
        if let Some(notes) = &self.0 {
            notes.tell(phase());
        }
    }
}

/// What is the same in all events of a request.
struct Notes {
    observers: Observers,
    policy: Arc<Policy>,
    request: RequestId,
    begun: Duration,
    method: Method,
    path: Option<Box<str>>,
    route: Option<RouteId>,
}

impl Notes {
    #[cold]
    fn tell(&self, phase: Phase<'_>) {
        let event = Event {
            request: self.request,
            elapsed: (self.observers.stopwatch)().saturating_sub(self.begun),
            method: &self.method,
            path: self.path.as_deref(),
            route: self.route,
            service: self.route.and_then(|route| self.policy.get(route)?.service()),
            phase,
        };
        for observer in &*self.observers.all {
            observer.observe(&event);
        }
    }
}

/// Sees to it that a request ends once for the subscribers, also where its future is dropped.
pub(super) struct Ending(Trail);

impl Ending {
    pub(super) const fn of(trail: Trail) -> Self {
        Self(trail)
    }

    /// Tells the outcome of a phase before the end.
    pub(super) const fn trail(&self) -> &Trail {
        &self.0
    }

    /// Tells the end.
    pub(super) fn end(&mut self, ended: impl FnOnce() -> Ended) {
        if let Some(notes) = self.0.0.take() {
            notes.tell(Phase::Ended(ended()));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return; // a subscriber may be what panics, and a second panic would end the process
        }
        self.end(|| Ended { status: None, rejection: None });
    }
}
