//! One run: a town of callers, and its days.

use crate::bank::{Bank, Wallet};
use crate::draw::Draw;
use crate::guard::Guard;
use crate::halt::Halt;
use crate::oracle::{Buyer, LISTED, Node, Oracle};
use crate::shop::{Line, Shop};
use crate::till::Till;
use core::time::Duration;
use http::Request;
use http_body_util::Full;
use l402_agent::resolve;
use l402_agent::store::breaker::Breakers;
use l402_agent::store::budget::{BudgetId, Budgets, CallId, FeeLimit, MAIN, NewBudget, Payer};
use l402_agent::store::file::{FileStore, StoreError};
use l402_agent::store::payments::{Payments, PaymentsError};
use l402_agent::store::private::PrivateDir;
use l402_agent::store::{Clocks, Database, Reuse};
use l402_core::purchase::breaker::Mode;
use l402_core::purchase::{Limits, Passage, Reading};
use l402_core::{Msat, SpendLimits};
use l402_http::pay::{PayLayer, PaySettings, RequestError};
use l402_lightning::testing::FakeNetwork;
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;
use tower_layer::Layer;
use tower_service::Service;

/// A row of a lease.
type Lease = (String, Vec<u8>, i64, Option<Vec<u8>>);

/// What a run was like.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) debits: usize,
    pub(crate) refusals: u64,
}

/// Clocks that the run sets.
#[derive(Debug)]
struct Times(Mutex<Reading>);

impl Clocks for Times {
    fn read(&self) -> Reading {
        *self.0.lock().unwrap()
    }
}

struct Town {
    _home: tempfile::TempDir,
    data: PrivateDir,
    times: Arc<Times>,
    draw: Arc<Draw>,
    /// What its owner does with breakers, which changes nothing of what else is drawn.
    owner: Draw,
    bank: Arc<Bank>,
    shop: Arc<Shop>,
    /// What the store calls the budgets of the oracle.
    ids: Vec<BudgetId>,
    requests: u64,
    refusals: Arc<Mutex<u64>>,
    guard: Option<Guard>,
    /// By how much the wall clock is behind.
    behind: u64,
}

/// Runs a seed, and says what was found.
pub(crate) fn run(seed: u64, guard: Option<Guard>) -> Result<Told, String> {
    let mut town = Town::new(seed, guard);
    for _ in 0..2 + town.draw.below(4) {
        town.live();
        town.bank.oracle().found()?;
        town.change();
    }
    town.settle()?;
    let debits = town.bank.oracle().deals.values().filter(|deal| deal.debited.is_some()).count();
    let refusals = *town.refusals.lock().unwrap();
    Ok(Told { debits, refusals })
}

impl Town {
    fn new(seed: u64, guard: Option<Guard>) -> Self {
        let (draw, owner) = (Arc::new(Draw::new(seed)), Draw::new(!seed));
        let in_memory = std::path::Path::new("/dev/shm");
        let home = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() }.unwrap();
        let data = PrivateDir::open(home.path().join("data")).unwrap();
        let policy = format!("unlisted = 'allow'\n[[allow]]\norigins = ['{LISTED}']\n");
        fs::write(data.path("policy.toml"), policy).unwrap();
        fs::set_permissions(data.path("policy.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        let reading = Reading { boot: Some(draw.bytes()), since_boot_ms: 1_000, wall_ms: 1_700_000_000_000 };
        let (network, times) = (FakeNetwork::new(), Arc::new(Times(Mutex::new(reading))));
        let main = Node { name: MAIN.to_owned(), parent: None, limits: Limits::default(), is_removed: false };
        let mut oracle = Oracle::default();
        oracle.budgets.push(main);
        let bank = Arc::new(Bank::new(network.node(), Arc::clone(&draw), oracle, guard));
        let shop = Arc::new(Shop::new(network.node(), Arc::clone(&draw)));
        let (ids, refusals) = (vec![BudgetId::MAIN], Arc::default());
        let mut town =
            Self { _home: home, data, times, draw, owner, bank, shop, ids, requests: 0, refusals, guard, behind: 0 };
        for (name, parent) in [("a", 0), ("b", 1), ("c", 2), ("d", 1)] {
            town.make(name, parent);
        }
        if let Some(guard) = guard {
            guard.remove(&town.data.path("store.sqlite"));
        }
        town
    }

    fn database(&self) -> Database {
        Database::open_with_clocks(&self.data, Arc::clone(&self.times) as Arc<dyn Clocks>).unwrap()
    }

    fn make(&mut self, name: &str, parent: usize) {
        let limit = |most: u64| self.draw.percent(50).then(|| Msat::new(60_000 + self.draw.below(most)));
        let limits = Limits {
            per_call_msat: limit(20_000),
            per_hour_msat: limit(150_000),
            per_day_msat: limit(300_000),
            per_origin_msat: limit(300_000),
            per_service_msat: limit(300_000),
            total_msat: limit(1_000_000),
            reserved_msat: limit(200_000),
            in_flight: self.draw.percent(30).then(|| 1 + self.draw.below(8)),
            origin_reserved_msat: limit(120_000),
            origin_in_flight: self.draw.percent(30).then(|| 1 + self.draw.below(4)),
            unlisted_msat: limit(300_000),
            fee_msat: self.draw.percent(30).then(|| Msat::new(self.draw.below(9_000))),
            fee_ppm: self.draw.percent(30).then(|| 100_000 + u32::try_from(self.draw.below(300_000)).unwrap()),
            cltv: self.draw.percent(30).then(|| 100 + u32::try_from(self.draw.below(900)).unwrap()),
        };
        // Where a guard is missing, it is put to the test often, and by itself.
        let limits = match self.guard {
            Some(Guard::OriginInFlight) => Limits { origin_in_flight: Some(1), ..Limits::default() },
            Some(Guard::OriginReserved) => {
                Limits { origin_reserved_msat: Some(Msat::new(70_000)), ..Limits::default() }
            }
            Some(Guard::FeeReserved) => Limits { fee_msat: None, fee_ppm: None, cltv: None, ..limits },
            _ => limits,
        };
        let above = self.bank.oracle().budgets[parent].name.clone();
        let new = NewBudget { name: name.parse().unwrap(), parent: above, limits, expires_in: None };
        self.ids.push(Budgets::new(self.database()).make(&new).unwrap());
        let node = Node { name: name.to_owned(), parent: Some(parent), limits, is_removed: false };
        self.bank.oracle().budgets.push(node);
    }

    /// A process, and another one beside it, until both are done or their machine stops.
    fn live(&mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let halt = Arc::new(Halt::after(if self.draw.percent(30) { 1_000_000 } else { self.draw.below(600) }));
        let databases = [self.database(), self.database()];
        let (callers, mut left) = (1 + self.draw.below(32), Vec::new());
        runtime.block_on(async {
            let mut calls = JoinSet::new();
            for _ in 0..callers {
                calls.spawn(self.caller(&databases[self.draw.index(2)], &halt));
            }
            tokio::select! {
                () = async { while calls.join_next().await.is_some_and(|call| call.map(|()| true).unwrap()) {} } => {}
                () = halt.ended() => left = self.leases(),
                () = self.pass_time() => {}
            }
            calls.shutdown().await;
        });
        drop(runtime); // waits for what the disk still does
        self.hold(&left);
    }

    /// What is held at this moment.
    fn leases(&self) -> Vec<Lease> {
        let store = Connection::open(self.data.path("store.sqlite")).unwrap();
        let mut all = store.prepare("SELECT payment_hash, holder, ends_at, boot FROM leases").unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        all.query_map([], read).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    }

    /// A process that was killed gives nothing back.
    fn hold(&self, leases: &[Lease]) {
        let store = Connection::open(self.data.path("store.sqlite")).unwrap();
        let put = "INSERT OR IGNORE INTO leases (payment_hash, holder, ends_at, boot) VALUES (?1, ?2, ?3, ?4)";
        for (hash, holder, ends_at, boot) in leases {
            store.execute(put, rusqlite::params![hash, holder, ends_at, boot]).unwrap();
        }
    }

    /// A caller with some requests, one after another.
    fn caller(&mut self, database: &Database, halt: &Arc<Halt>) -> impl Future<Output = ()> + Send + 'static {
        let mut requests = Vec::new();
        for _ in 0..=self.draw.below(3) {
            self.requests += 1;
            let budget = self.draw.index(self.ids.len());
            let origin =
                format!("http://{}{}", if self.draw.percent(10) { "liar" } else { "shop" }, self.draw.below(4));
            let is_hot = self.draw.percent(if self.guard.is_some_and(Guard::is_of_tokens) { 80 } else { 20 });
            let hot = ["hot1", "hot3"][self.draw.index(2)];
            let url = if is_hot { format!("{origin}/{hot}") } else { format!("{origin}/{}", self.draw.below(60)) };
            let buyer = Buyer { budget, request: self.requests, origin };
            let payer = Payer {
                budget: self.ids[budget],
                call: CallId::from_bytes(self.draw.bytes()),
                fee_limit: FeeLimit::Kept,
            };
            let store = FileStore::new(database, Reuse::Kept, "bank".to_owned(), payer).unwrap();
            let (bank, halt) = (Arc::clone(&self.bank), Arc::clone(halt));
            // Where fees are not reserved, they are high.
            let max_fee = if self.guard == Some(Guard::FeeReserved) { 30_000 } else { self.draw.below(10_000) };
            let max_fee_msat = Msat::new(max_fee);
            let mut settings = PaySettings::new(SpendLimits { max_price_msat: Msat::new(35_000), max_fee_msat });
            // As the agent narrows it before a call, or, sometimes, does not.
            if self.draw.percent(80) {
                let caps = Budgets::new(database.clone()).route_limits(payer.budget).unwrap();
                settings.limits.max_fee_msat = caps.fee_msat.map_or(max_fee_msat, |cap| cap.min(max_fee_msat));
                settings.max_fee_ppm = caps.fee_ppm;
                settings.max_cltv_expiry_delta =
                    caps.cltv.map_or(settings.max_cltv_expiry_delta, |cap| cap.min(settings.max_cltv_expiry_delta));
            }
            let line = Line { shop: Arc::clone(&self.shop), halt: Arc::clone(&halt) };
            let wallet = Wallet { bank: Arc::clone(&bank), buyer: buyer.clone(), halt: Arc::clone(&halt) };
            let till = Arc::new(Till { store, bank, buyer, halt, used: Arc::default() });
            let layer = PayLayer::new(wallet, Arc::clone(&till), settings);
            requests.push((layer.layer(line), url, till));
        }
        let refusals = Arc::clone(&self.refusals);
        async move {
            for (mut client, url, till) in requests {
                let request = Request::get(url).body(Full::default()).unwrap();
                let answer = client.call(request).await;
                till.ends(answer.is_ok()).await;
                if let Err(RequestError::Store(cause)) = answer {
                    let fault = cause.downcast_ref::<StoreError>();
                    let is_refused = matches!(fault, Some(StoreError::Payments(PaymentsError::Refused(_))));
                    *refusals.lock().unwrap() += u64::from(is_refused);
                }
            }
        }
    }

    /// Minutes pass, payments end, and somebody sets the wall clock.
    async fn pass_time(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(1 + self.draw.below(40))).await;
            self.pass(self.draw.below(1_200_000));
            // Where it stands still, it goes on by the wall clock, which is not set forward then.
            let most =
                if self.behind == 0 { 1_000_000_000 } else { self.bank.oracle().now.saturating_sub(self.behind) };
            self.times.0.lock().unwrap().wall_ms = 1_700_000_000_000 + self.draw.below(most);
            self.bank.tick(false).await;
        }
    }

    fn pass(&self, millis: u64) {
        self.bank.oracle().now += millis;
        let mut reading = self.times.0.lock().unwrap();
        reading.since_boot_ms += millis;
        reading.wall_ms += millis;
        if self.guard == Some(Guard::BootTime) {
            reading.boot = None;
        }
    }

    /// The owner stops an origin or all of them, or lets them be paid again.
    fn trip(&self) {
        let is_often = self.guard == Some(Guard::Breaker);
        let breakers = Breakers::new(self.database());
        if let Some(tripped) = self.bank.oracle().tripped.take() {
            breakers.reset(tripped.parse().ok().as_ref()).unwrap();
        }
        if !self.owner.percent(if is_often { 100 } else { 20 }) {
            return;
        }
        let is_one = !is_often && self.owner.percent(50);
        let origin = if is_one { format!("http://shop{}", self.owner.below(4)) } else { String::new() };
        let mode = if self.owner.percent(50) { Mode::ReadOnly } else { Mode::Frozen };
        breakers.set(origin.parse().ok().as_ref(), mode).unwrap();
        self.bank.oracle().tripped = Some(origin);
    }

    /// What happens between two processes.
    fn change(&mut self) {
        self.trip();
        self.pass(self.draw.below(5_000_000));
        if self.draw.percent(40) {
            let now = self.bank.oracle().now;
            // After a boot, the wall clock is as wrong as before, or further behind. Nothing protects from one that is set forward
            // before a start; the record says so.
            self.behind += if self.draw.percent(50) { 121_000 + self.draw.below(50_000_000) } else { 0 };
            let reading = Reading {
                boot: Some(self.draw.bytes()),
                since_boot_ms: self.draw.below(10_000),
                wall_ms: (1_700_000_000_000 + now).saturating_sub(self.behind),
            };
            *self.times.0.lock().unwrap() = reading;
            let budgets = Budgets::new(self.database());
            if matches!(budgets.clock().unwrap().passage, Passage::Behind(_)) && self.draw.percent(60) {
                budgets.accept_clock().unwrap();
            }
        }
        if self.draw.percent(40) {
            let names = ["b", "c", "d"];
            let name = names[self.draw.index(names.len())];
            self.renew(name);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.bank.tick(false));
    }

    /// Removes a budget, and makes another one of its name.
    fn renew(&mut self, name: &str) {
        let found = self.bank.oracle().budgets.iter().rposition(|node| node.name == name && !node.is_removed).unwrap();
        let parent = self.bank.oracle().budgets[found].parent.unwrap();
        if self.bank.oracle().budgets[parent].is_removed {
            return; // it can have no other child
        }
        Budgets::new(self.database()).remove(name).unwrap();
        self.bank.oracle().budgets[found].is_removed = true;
        self.make(name, parent);
    }

    /// Everything comes to an end: what is booked is what the wallet debited.
    fn settle(&mut self) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let database = self.database();
        runtime.block_on(async {
            self.bank.tick(true).await;
            let buyer = Buyer { budget: 0, request: 0, origin: String::new() };
            let wallet = Wallet { bank: Arc::clone(&self.bank), buyer, halt: Arc::new(Halt::after(1_000_000)) };
            resolve::all(&Payments::new(database.clone()).unwrap(), &wallet, "bank").await.unwrap();
        });
        let oracle = self.bank.oracle();
        oracle.found()?;
        let budgets = Budgets::new(database);
        for (index, node) in oracle.budgets.iter().enumerate().filter(|(_, node)| !node.is_removed) {
            let shown = budgets.show(&node.name).unwrap();
            let (booked, debited) = (shown.total.booked_msat.get(), oracle.debited(index));
            if booked != debited {
                return Err(format!("{}: {booked} msat are booked, and {debited} were debited", node.name));
            }
        }
        Ok(())
    }
}
