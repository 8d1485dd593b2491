//! A store that is killed, paused or slow while a gateway serves: 503 with `Retry-After`, and never 402 or 200. Once the store is
//! back, so is the gateway, without a restart.

use crate::audit::{audit, tally};
use crate::book::{BUNDLE, Plan};
use crate::buyer::{Bought, buy};
use crate::proxy::Proxy;
use crate::stores::{Kind, Stand, open};
use crate::wire::{Answer, Asking, Got};
use crate::{DEADLINE, Scene, gateway, upstream};
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What happens to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its server is killed.
    Killed,
    /// Its server stops, and connections stay open.
    Paused,
    /// It does what it is asked, and its replies come 10 seconds late.
    Slow,
}

/// A gateway, and a proxy before its store.
struct Site {
    scene: Arc<Scene>,
    stand: Stand,
    proxy: Proxy,
    gateway: SocketAddr,
    token: usize,
    _running: (Child, TempDir),
}

impl Site {
    async fn open(kind: Kind) -> Self {
        let (folder, stand) = (tempfile::tempdir().unwrap(), Stand::start(kind));
        let scene = Arc::new(Scene::new(gateway::node(folder.path())));
        let upstream = upstream::start(Arc::clone(&scene)).await;
        let place = stand.place();
        let port = place.split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap();
        let proxy = Proxy::start(port.parse().unwrap()).await;
        let place = place.replace(&format!(":{port}"), &format!(":{}", proxy.port()));
        let mut child = gateway::spawn(folder.path(), upstream, &place, None);
        let gateway = gateway::ready(&mut child).await.unwrap();
        let Bought::Token(token) = buy(&scene, gateway, BUNDLE).await else { panic!("the store is there") };
        Self { scene, stand, proxy, gateway, token, _running: (child, folder) }
    }

    fn set(&mut self, trouble: Trouble, is_away: bool) {
        match trouble {
            Trouble::Killed if is_away => self.stand.kill(),
            Trouble::Killed => self.stand.restart(),
            Trouble::Paused => self.stand.pause(is_away),
            Trouble::Slow => self.proxy.delay(if is_away { Duration::from_secs(10) } else { Duration::ZERO }),
        }
    }

    fn begin(&self, method: &'static str, plan: Plan) -> JoinHandle<Answer> {
        let name = self.scene.book.begin(self.token, plan, method == "GET", None);
        let asking = Asking { method, ..self.scene.book.token(self.token).asking() }.field("x-attempt", &name);
        let (scene, gateway) = (Arc::clone(&self.scene), self.gateway);
        tokio::spawn(async move {
            let got = asking.send(gateway, || {}).await;
            scene.book.got(&name, got.clone());
            let Got::Answer(answer) = got else { panic!("the gateway answers") };
            answer
        })
    }

    async fn ask(&self, method: &'static str) -> Answer {
        self.begin(method, Plan::Serve).await.unwrap()
    }

    fn seen(&self) -> u32 {
        self.scene.book.token(self.token).attempts.iter().map(|attempt| attempt.seen).sum()
    }

    async fn has_seen(&self, count: u32) {
        while self.seen() < count {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Two requests are with the upstream as the trouble begins; others come meanwhile.
pub(crate) async fn of(kind: Kind, trouble: Trouble) {
    let mut site = Site::open(kind).await;
    is_back(&site).await;
    let with_upstream = site.seen() + 2;
    let under_way = [site.begin("GET", Plan::Held), site.begin("POST", Plan::Held)];
    site.has_seen(with_upstream).await;
    site.set(trouble, true);
    site.scene.gate.add_permits(2);
    for answer in under_way {
        is_unavailable(&answer.await.unwrap(), "the upstream has answered, and the commit is not known");
    }
    let mut quiet = 0;
    for _ in 0..40 {
        for method in ["GET", "HEAD", "POST"] {
            let before = site.proxy.asked();
            is_unavailable(&site.ask(method).await, method);
            quiet += usize::from(site.proxy.asked() == before);
        }
        let unpaid = Asking::get(BUNDLE.path).send(site.gateway, || {}).await;
        let Got::Answer(unpaid) = unpaid else { panic!("the gateway answers") };
        is_unavailable(&unpaid, "nobody pays for what cannot be counted");
    }
    // The list of revoked tokens is asked for twice a second, whatever requests do: that falls into some of them.
    assert!(quiet >= 30, "120 requests, and only during {quiet} a store that is away was not asked");
    assert_eq!(site.seen(), with_upstream);

    site.set(trouble, false);
    is_back(&site).await;
    let ledger = open(&site.stand.place(), 10 * DEADLINE).await.unwrap();
    let token = || site.scene.book.token(site.token);
    let mut now = tally(&ledger, &token()).await;
    for _ in 0..600 {
        if now.reserved == 0 && now.committed == 2 {
            break;
        }
        sleep(Duration::from_millis(100)).await; // what is owed is asked for again, within ten seconds
        now = tally(&ledger, &token()).await;
    }
    // The first, and the one that showed that it is back; that which reads was given back, and of the other nobody knows.
    assert_eq!((now.committed, now.reserved, now.doubtful), (2, 0, 1), "{now:?}");
    assert!(audit(&ledger, &[token()]).await.is_clean());
    for expected in [200, 200, 409] {
        assert_eq!(site.ask("GET").await.status, expected);
    }
}

fn is_unavailable(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    assert!(answer.field("retry-after").is_some(), "{what}: {answer:?}");
    assert!(!answer.is_served() && matches!(answer.reason().as_str(), "ledger-unavailable" | ""), "{what}: {answer:?}");
}

/// Asks until a request is served.
async fn is_back(site: &Site) {
    for _ in 0..300 {
        let answer = site.ask("GET").await;
        if answer.status == 200 {
            return;
        }
        is_unavailable(&answer, "not yet");
        sleep(Duration::from_millis(100)).await;
    }
    panic!("the store is back, and the gateway is not");
}
