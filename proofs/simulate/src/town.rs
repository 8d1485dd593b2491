//! Everybody: gateways that crash and start again, a store that comes and goes, callers.

use crate::answer::{Answer, Class, Order};
use crate::book::{Book, Call, Told};
use crate::chance::Chance;
use crate::gateway::{Clock, Gateway, PATHS, Purchase};
use crate::link::{CALL, Network};
use crate::meter::{Delivery, Metering, Read, millis};
use crate::plan::{Caller, End, Plan, StoreKind, What};
use crate::process::{Leaves, Process, cut};
use crate::store::Store;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use core::time::Duration;
use http::{Method, Request, Response};
use l402_core::ledger::{AttemptId, SKEW};
use l402_http::response::Rejection;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Everybody.
pub(crate) struct Town {
    pub(crate) plan: Plan,
    pub(crate) network: Arc<Network>,
    pub(crate) purchase: Purchase,
    pub(crate) gateways: Vec<Mutex<Option<Gateway>>>,
    /// Which gateway, as long as it ran, was asked by each call.
    asked: Mutex<Vec<(u64, Arc<Process>)>>,
    clocks: Vec<Clock>,
    started: Instant,
}

impl Town {
    pub(crate) fn found(mut plan: Plan) -> Arc<Self> {
        let (book, started) = (Arc::new(Book::default()), Instant::now());
        let store = Store::new(plan.store, Arc::clone(&book), plan.chance.fork());
        let network = Network {
            kind: plan.store,
            store,
            book,
            faults: plan.faults,
            is_calm: AtomicBool::new(false),
            is_silent: AtomicBool::new(false),
            chance: Mutex::new(plan.chance.fork()),
        };
        let clocks = (0..plan.gateways).map(|_| {
            let ahead = plan.chance.below(400).cast_signed() - 200;
            Clock { started, ahead: Arc::new(AtomicU64::new(ahead.cast_unsigned())) }
        });
        let clocks = clocks.collect();
        let (gateways, purchase) = ((0..plan.gateways).map(|_| Mutex::default()).collect(), Purchase::make(&plan));
        Arc::new(Self {
            plan,
            network: Arc::new(network),
            purchase,
            gateways,
            asked: Mutex::default(),
            clocks,
            started,
        })
    }

    /// Runs a gateway, and starts it again when it has crashed.
    pub(crate) async fn run_gateway(self: Arc<Self>, at: usize) {
        let mut crashes =
            self.plan.crashes.iter().filter(|(gateway, _)| *gateway == at as u64).map(|(_, steps)| *steps);
        let mut chance = Chance::of(self.plan.chance.clone().next() ^ at as u64);
        loop {
            let steps = crashes.next().map_or(u64::MAX, |steps| steps + 1);
            let clock = self.clocks[at].clone();
            let gateway = Gateway::start(&self.plan, &self.network, chance.fork(), steps, clock);
            let process = Arc::clone(&gateway.process);
            *self.place(at) = Some(gateway);
            process.over().await;
            *self.place(at) = None;
            self.network.book.open().note("crashes", at as u64);
            if self.plan.store == StoreKind::Embedded {
                self.network.store.crash();
            }
            sleep(chance.millis(0, 5_000)).await;
        }
    }

    pub(crate) async fn outage(self: Arc<Self>, at: Duration, lasts: Duration, is_silent: bool) {
        sleep(at).await;
        self.network.store.set_away(true);
        self.network.is_silent.store(is_silent, Ordering::SeqCst);
        sleep(lasts).await;
        self.network.store.set_away(false);
        self.network.is_silent.store(false, Ordering::SeqCst);
    }

    pub(crate) fn place(&self, at: usize) -> std::sync::MutexGuard<'_, Option<Gateway>> {
        self.gateways[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, until the caller has what it wants.
    pub(crate) async fn call(self: Arc<Self>, number: usize, caller: Caller) {
        sleep_until(self.started + caller.at).await;
        for (nth, (delay, answer)) in caller.answers.iter().enumerate() {
            let gateway = self.place((number + nth) % self.gateways.len()).clone();
            let end = if nth == 0 { caller.end } else { End::Response };
            if let Some(gateway) = gateway {
                let told = self.ask(&gateway, &caller, end, (*delay, *answer)).await;
                if told == Some(Told::Upstream) || told == Some(Told::Gateway(402)) {
                    return;
                }
            }
            sleep(Duration::from_millis(700)).await;
        }
    }

    /// Asks once.
    pub(crate) async fn ask(
        &self,
        gateway: &Gateway,
        caller: &Caller,
        end: End,
        (delay, answer): (Duration, Answer),
    ) -> Option<Told> {
        let book = &self.network.book;
        let call = book.begin(Call::new(caller.what, caller.is_delegate, answer.class()));
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((call, Arc::clone(&gateway.process)));
        let request = self.request(caller, Order { call, delay, answer, costs: caller.costs });
        let asked = CALL.scope(call, self.send(gateway, request, call));
        let asked = Leaves::new(asked, || {
            book.change(call, |call| {
                call.is_gone = true;
                call.had.take(Read::BreakOff);
            });
        });
        let response = match end {
            End::Response => timeout(PATIENCE, asked).await.ok()?,
            End::Polls(polls) => cut(polls, asked).await?,
            End::Time(time) => timeout(time, asked).await.ok()?,
        }?;
        let told = match response.extensions().get::<Rejection>() {
            Some(rejection) => Told::Gateway(rejection.status.as_u16()),
            None => Told::Upstream,
        };
        self.told(call, answer, told, response.headers().contains_key("x-l402-remaining"));
        Some(told)
    }

    /// Sends a request. The response to one for a metered route is read to its end.
    async fn send(&self, gateway: &Gateway, mut request: Request<String>, call: u64) -> Option<Response<()>> {
        let Some(metering) = self.plan.meter else { return gateway.ask(request).await };
        let order: Order = *request.extensions().get().expect("every request has one");
        if order.answer.class() == Class::Served {
            let delivery = match order.costs {
                Some(msat) => Delivery::of_cost(metering, msat),
                None => Delivery::draw(metering, &mut Chance::of(self.plan.chance.clone().next() ^ call)),
            };
            self.network.book.change(call, |call| call.tokens = delivery.tokens);
            request.extensions_mut().insert(Arc::new(delivery));
        }
        let response = gateway.read(request, |read| self.reads(metering, call, read)).await;
        if response.is_none() {
            self.network.book.change(call, |call| call.had.take(Read::BreakOff)); // the gateway has crashed
        }
        response
    }

    /// A client reads: what it has is drawn.
    fn reads(&self, metering: Metering, call: u64, read: Read) {
        let book = &self.network.book;
        book.change(call, |call| call.had.take(read));
        let pages = book.open();
        let Some(Call { had, what, class: Class::Served, .. }) = pages.calls.get(&call).copied() else { return };
        let attempts: Vec<AttemptId> =
            pages.attempts.iter().filter(|(_, of)| **of == call).map(|(id, _)| *id).collect();
        drop(pages);
        let (Read::Bytes(_), Some(head), Some(last)) = (read, had.head, had.last) else { return };
        let units = match metering {
            Metering::Bytes => had.bytes,
            Metering::Seconds => millis(head, last),
            Metering::Tokens => return, // they are held
        };
        if what == What::Look {
            return; // it takes nothing, and no client gets a body
        }
        let drawn: u64 = attempts.iter().map(|id| self.network.store.drawn(&self.purchase.payment, id)).sum();
        if drawn < metering.cost(units) {
            book.breach(format!("call {call} has {units} units, and {drawn} msat are drawn for it"));
        }
    }

    /// Notes what a client was told, and looks whether it is so.
    fn told(&self, call: u64, answer: Answer, told: Told, says_what_remains: bool) {
        let mut pages = self.network.book.open();
        let (kind, number) = match told {
            Told::Upstream => ("responses of the upstream", call),
            Told::Gateway(status) => (word(status), u64::from(status)),
        };
        pages.note(kind, number);
        let Some(known) = pages.calls.get_mut(&call) else { return };
        known.told = Some(told);
        if !known.is_delivered() || self.plan.meter.is_some() {
            return;
        }
        let attempts = pages.attempts.iter().filter(|(_, of)| **of == call).map(|(id, _)| *id);
        let attempts: Vec<AttemptId> = attempts.collect();
        drop(pages);
        let is_committed = |id| self.network.store.is_committed(&self.purchase.payment, id);
        if !says_what_remains || !attempts.iter().any(is_committed) {
            self.network.book.breach(format!("call {call} was served with {answer:?} before its use was committed"));
        }
    }

    fn request(&self, caller: &Caller, order: Order) -> Request<String> {
        let (method, path) = match caller.what {
            What::Read => (Method::GET, PATHS[0]),
            What::Look => (Method::HEAD, PATHS[0]),
            What::Do => (Method::POST, PATHS[1]),
            What::Redo => (Method::POST, PATHS[2]),
            What::ReadAndDo => (Method::GET, PATHS[3]),
        };
        let uri = format!("{path}?number={}", caller.number);
        let request = Request::builder().method(method).uri(uri).header("host", "shop.example").extension(order);
        let request = request.header("authorization", self.purchase.credential(caller.is_delegate));
        let key = caller.has_key.then(|| format!("key-{}", caller.number));
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        request.body(String::new()).expect("this is a head")
    }

    /// Waits until nothing is under way any more.
    pub(crate) async fn rest(self: &Arc<Self>) {
        self.network.is_calm.store(true, Ordering::SeqCst);
        // Outages end, what is late arrives, gateways that have crashed are back, and leases end.
        sleep(Duration::from_mins(3)).await;
        for at in 0..self.gateways.len() {
            let gateway = self.place(at).clone();
            let Some(gateway) = gateway else { continue };
            gateway.process.spare();
            if timeout(SKEW * 2, gateway.service.at_rest()).await.is_err() && !gateway.process.is_over() {
                self.network.book.breach(format!("gateway {at} does not come to rest"));
            }
        }
        sleep(Duration::from_secs(95)).await;
    }

    /// Notes the calls whose gateway crashed, then or later: it may have owed the store something.
    pub(crate) fn note_orphans(&self) {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        for (call, _) in asked.iter().filter(|(_, process)| process.is_over()) {
            self.network.book.change(*call, |call| call.is_orphaned = true);
        }
    }
}

const fn word(status: u16) -> &'static str {
    match status {
        402 => "402, spent",
        409 => "409, held or in doubt",
        503 => "503, the ledger does not answer",
        _ => "other responses of the gateway",
    }
}

/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(200);
