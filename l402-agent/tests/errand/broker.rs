use crate::shop::World;
use core::future::pending;
use core::time::Duration;
use l402_agent::broker::{Broker, BrokerClient, BrokerLimits, Folder, OwnerClient, Socket};
use l402_agent::errand::{Ask, Credential, Errands, Limits, Outcome, Reason};
use l402_agent::store::keys::AgentKeys;
use l402_agent::store::private::PrivateDir;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A broker that runs, and the keys of its budgets.
pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) keys: AgentKeys,
    pub(crate) agents: PathBuf,
    pub(crate) owner: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Desk {
    pub(crate) async fn open(calls: Limits, limits: BrokerLimits) -> Self {
        let world = World::new().await;
        let agent = world.agent();
        for (name, total_sat) in [("research", 50), ("other", 50), ("poor", 20)] {
            world.budget(name, total_sat);
        }
        let folder = Folder::open(&PrivateDir::open(world.data.path().join("data")).unwrap()).unwrap();
        let (agents, owner) = (world.data.path().join("agent.sock"), folder.owner());
        let sockets = (Socket::bind(&agents, 0o666).unwrap(), Socket::bind(&owner, 0o600).unwrap());
        let (stop, stopped) = oneshot::channel();
        let keys = agent.keys();
        let task = tokio::spawn(async move {
            let _folder = folder;
            let stopped = async {
                if stopped.await.is_err() {
                    pending::<()>().await; // the test has ended
                }
            };
            Broker::new(agent).limited(calls, limits).serve(sockets.0, sockets.1, stopped).await;
        });
        Self { world, keys, agents, owner, stop: Some(stop), task }
    }

    pub(crate) async fn usual() -> Self {
        Self::open(Limits::default(), BrokerLimits::default()).await
    }

    pub(crate) fn client(&self, budget: &str) -> BrokerClient {
        self.with_key(self.keys.make(budget, None).unwrap().1.expose())
    }

    fn with_key(&self, key: &str) -> BrokerClient {
        BrokerClient::new(&format!("unix:{}", self.agents.display()), key).unwrap()
    }

    /// Sends bytes to the socket of the agents, and returns what comes back.
    async fn raw(&self, request: String) -> String {
        let socket = self.agents.clone();
        let talk = move || {
            let mut stream = UnixStream::connect(socket).unwrap();
            // A broker that refuses what is too long closes without reading the rest, and the system says so after the answer.
            let _ = stream.write_all(request.as_bytes());
            let mut text = Vec::new();
            let _ = stream.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        tokio::task::spawn_blocking(talk).await.unwrap()
    }
}

#[tokio::test]
async fn a_broker_does_all_four_errands_from_the_budget_of_the_key() {
    let desk = Desk::usual().await;
    let (client, url) = (desk.client("research"), desk.world.shop.url("/a"));
    let preview = client.preview(Ask::get(&url)).await.unwrap();
    assert_eq!((preview.price_msat, preview.left_msat), (Some(21_000), Some(50_000)));
    let fetched = client.fetch(Ask::get(&url)).await.unwrap();
    assert_eq!((fetched.head.status, fetched.head.credential), (200, Credential::Bought));
    assert_eq!((fetched.head.paid_msat, fetched.head.left_msat), (21_000, Some(29_000)));
    assert_eq!(fetched.bytes().await.unwrap(), "sunny");
    assert_eq!(client.budget().await.unwrap().spent_msat, 21_000);
    let purchases = client.purchases(9).await.unwrap();
    assert_eq!((purchases.len(), purchases[0].outcome), (1, Outcome::Paid));
    assert!(client.purchases(0).await.unwrap().is_empty());

    let other = desk.client("other");
    assert_eq!(other.budget().await.unwrap().spent_msat, 0);
    assert!(other.purchases(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn bodies_of_any_length_go_through_both_ways() {
    let desk = Desk::usual().await;
    let client = desk.client("research");
    let body = "x".repeat(300_000) + "\n{}";
    let ask = Ask { method: "POST".to_owned(), body: body.clone().into(), ..Ask::get(desk.world.shop.url("/echo")) };
    let echoed = client.fetch(ask).await.unwrap().bytes().await.unwrap();
    assert!(echoed == body.as_bytes(), "{} bytes of {}", echoed.len(), body.len());
    let long = client.fetch(Ask::get(desk.world.shop.url("/long"))).await.unwrap();
    assert_eq!(long.bytes().await.unwrap().len(), 100_000);
}

#[tokio::test]
async fn refusals_come_through_with_their_reason() {
    let desk = Desk::open(Limits { body: 1_000, ..Limits::default() }, BrokerLimits::default()).await;
    let (client, shop) = (desk.client("research"), desk.world.shop.clone());
    let poor = desk.client("poor").fetch(Ask::get(shop.url("/a"))).await.unwrap_err();
    assert_eq!((poor.reason, poor.paid_msat), (Reason::Policy, 0));
    assert!(poor.message.contains("poor: 0 of 20 sat in total"), "{poor}");
    let endless = client.fetch(Ask::get(shop.url("/endless"))).await.unwrap();
    assert_eq!(endless.bytes().await.unwrap_err().reason, Reason::TooLarge);
    let broken = client.fetch(Ask::get(shop.url("/broken"))).await.unwrap();
    assert_eq!(broken.bytes().await.unwrap_err().reason, Reason::BodyBroke);
    let fault = client.fetch(Ask::get(shop.url("/refuses"))).await.unwrap_err();
    assert_eq!((fault.reason, fault.paid_msat), (Reason::NotAccepted, 21_000));
}

#[tokio::test]
async fn a5_without_a_key_of_this_user_nothing_is_done() {
    let desk = Desk::usual().await;
    let (id, key) = desk.keys.make("research", None).unwrap();
    let of_nobody = desk.keys.make("research", Some(65_534)).unwrap().1;
    for no_key in ["x", of_nobody.expose(), &key.expose()[1..]] {
        assert_eq!(desk.with_key(no_key).budget().await.unwrap_err().reason, Reason::Unauthorized);
    }
    assert!(desk.with_key(key.expose()).budget().await.is_ok());
    desk.keys.revoke(id).unwrap();
    assert_eq!(desk.with_key(key.expose()).budget().await.unwrap_err().reason, Reason::Unauthorized);
    for request in ["GET /v1/budget HTTP/1.1\r\nhost: a\r\n\r\n", "GET /v1/status HTTP/1.1\r\nhost: a\r\n\r\n"] {
        assert!(desk.raw(request.to_owned()).await.starts_with("HTTP/1.1 401 "));
    }
    let removed = desk.keys.make("other", None).unwrap().1;
    desk.world.agent().budgets().remove("other").unwrap();
    assert_eq!(desk.with_key(removed.expose()).budget().await.unwrap_err().reason, Reason::Unauthorized);
}

#[tokio::test]
async fn a5_a_key_permits_four_things_and_nothing_else() {
    let desk = Desk::usual().await;
    let key = desk.keys.make("research", None).unwrap().1;
    let ask = async |line: &str, body: &str| {
        let (key, length) = (key.expose(), body.len());
        let head =
            format!("{line} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\ncontent-length: {length}\r\n\r\n");
        desk.raw(head + body).await
    };
    assert!(ask("GET /v1/budget", "").await.starts_with("HTTP/1.1 200 "));
    for line in [
        "GET /v1/status",
        "POST /v1/resolve",
        "POST /v1/budget",
        "DELETE /v1/purchases",
        "GET /v1/tokens",
        "GET /v1/fetch",
        "GET /",
    ] {
        assert!(ask(line, "").await.starts_with("HTTP/1.1 400 "), "{line}");
    }
    for option in ["insecure", "resolve", "proxy", "cacert", "token", "budget"] {
        let body = format!("{{\"url\": \"http://a/\", \"{option}\": true}}\n");
        let answer = ask("POST /v1/fetch", &body).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("unknown field"), "{answer}");
    }
    assert!(desk.world.shop.seen().is_empty());
}

/// What passes the socket shows neither token nor invoice nor proof of payment.
#[tokio::test]
async fn a_caller_sees_the_response_and_no_credential() {
    let desk = Desk::usual().await;
    let key = desk.keys.make("research", None).unwrap().1;
    let body = format!("{{\"url\": \"{}\"}}\n", desk.world.shop.url("/a"));
    let length = body.len();
    let head = format!(
        "POST /v1/fetch HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: {length}\r\n\r\n",
        key.expose()
    );
    let answer = desk.raw(head + &body).await.to_lowercase();
    assert!(answer.contains("sunny"), "{answer}");
    let kept = desk.world.agent().tokens().all().unwrap();
    let token = kept.first().unwrap();
    for secret in [
        token.token.to_lowercase(),
        token.preimage.to_hex().expose().to_owned(),
        "lnbc".to_owned(),
        "www-authenticate".to_owned(),
    ] {
        assert!(!answer.contains(&secret), "{secret} in {answer}");
    }
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let limits =
        BrokerLimits { requests: 1, upload: 1_000, arrival: Duration::from_millis(300), ..BrokerLimits::default() };
    let desk = Desk::open(Limits::default(), limits).await;
    let (id, key) = desk.keys.make("research", None).unwrap();
    assert_eq!(id, 1);
    let client = desk.with_key(key.expose());
    let ask =
        Ask { method: "POST".to_owned(), body: "x".repeat(1_001).into(), ..Ask::get(desk.world.shop.url("/echo")) };
    assert_eq!(client.fetch(ask).await.unwrap_err().reason, Reason::TooLarge);
    let held = client.fetch(Ask::get(desk.world.shop.url("/hangs"))).await.unwrap();
    assert_eq!(client.budget().await.unwrap_err().reason, Reason::TooMany, "the body of the first is under way");
    assert!(desk.client("research").budget().await.is_ok(), "another key has room of its own");
    drop(held);
    let slow = format!(
        "POST /v1/preview HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\ncontent-length: 99\r\n\r\n{{",
        key.expose()
    );
    let answer = loop {
        let answer = desk.raw(slow.clone()).await;
        if !answer.starts_with("HTTP/1.1 429 ") {
            break answer; // who has left is noticed after a moment
        }
    };
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    let long = format!("GET /v1/budget HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(20_000));
    assert!(desk.raw(long).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn the_owner_asks_what_became_of_payments() {
    let desk = Desk::usual().await;
    let owner = OwnerClient::new(&desk.owner);
    let status = owner.status().await.unwrap();
    assert_eq!((status.wallet.as_str(), status.pid), ("fake", std::process::id()));
    assert!(owner.resolve().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_broker_that_stops_lets_requests_end_and_takes_its_sockets_along() {
    let mut desk = Desk::usual().await;
    let client = desk.client("research");
    let fetched = client.fetch(Ask::get(desk.world.shop.url("/long"))).await.unwrap();
    desk.stop.take().unwrap().send(()).unwrap();
    assert_eq!(fetched.bytes().await.unwrap().len(), 100_000);
    desk.task.await.unwrap();
    assert!(!desk.agents.exists() && !desk.owner.exists());
    let fault = client.budget().await.unwrap_err();
    assert!(fault.reason == Reason::Local && fault.message.contains("does `l402 serve` run?"), "{fault}");
}
