//! A wallet service: it listens at its relays, and does what it is asked, or what it is told to do instead.

use super::desk::Desk;
use super::mood::Mood;
use crate::config::NwcConfig;
use core::time::Duration;
use futures_util::{SinkExt as _, StreamExt as _};
use l402_lightning::{PayeeNode, PayerWallet, unix_now};
use nostr::event::{Event, EventBuilder, EventId, FinalizeEvent as _, Kind, Tag};
use nostr::key::{Keys, SecretKey};
use nostr::nips::nip04::Nip04 as _;
use nostr::nips::nip44::Nip44 as _;
use nostr::types::Timestamp;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;

/// A wallet service that is about to start.
pub struct FakeWallet {
    desk: Desk,
    encryption: Option<&'static str>,
}

impl FakeWallet {
    /// Puts a wallet service in front of a node: what it is paid by, and what it pays with.
    pub fn new(payee: PayeeNode, wallet: PayerWallet) -> Self {
        Self { desk: Desk::new(payee, wallet), encryption: Some("nip44_v2 nip04") }
    }

    /// Says what its connection allows.
    #[must_use]
    pub fn methods(mut self, methods: &[&'static str]) -> Self {
        self.desk.methods = methods.to_vec();
        self
    }

    /// Names the encryption that it has; [`None`] says nothing, as the first wallets do.
    #[must_use]
    pub fn encryption(mut self, encryption: Option<&'static str>) -> Self {
        self.encryption = encryption;
        self
    }

    /// Names the network that it says it is on.
    #[must_use]
    pub fn network(mut self, network: &'static str) -> Self {
        self.desk.network = network;
        self
    }

    /// Starts it, connected to its relays.
    ///
    /// # Panics
    /// When a relay cannot be reached within ten seconds.
    pub async fn start(self, relays: &[String]) -> RunningWallet {
        let (wallet, client) = (Keys::generate(), SecretKey::generate());
        let (mood, ready) = (watch::Sender::new(Mood::Well), watch::Sender::new(0_usize));
        let service = Arc::new(Service {
            desk: self.desk,
            encryption: self.encryption,
            client: Keys::new(client.clone()),
            keys: wallet,
            mood,
            links: Mutex::default(),
            asked: Mutex::default(),
            ready,
        });
        let task = |url: &String| tokio::spawn(listen(url.clone(), Arc::clone(&service)));
        let tasks = relays.iter().map(task).collect();
        let mut ready = service.ready.subscribe();
        let all = tokio::time::timeout(Duration::from_secs(10), ready.wait_for(|ready| *ready >= relays.len()));
        assert!(matches!(all.await, Ok(Ok(_))), "no relay of the wallet can be reached");
        let encoded = |url: &String| ["relay=", &url.replace(':', "%3A").replace('/', "%2F"), "&"].concat();
        let query = relays.iter().map(encoded).collect::<Vec<_>>().concat();
        let uri =
            format!("nostr+walletconnect://{}?{query}secret={}", service.keys.public_key(), client.to_secret_hex());
        RunningWallet { service, tasks, uri }
    }
}

/// A wallet service. It ends with this.
pub struct RunningWallet {
    service: Arc<Service>,
    tasks: Vec<JoinHandle<()>>,
    uri: String,
}

impl RunningWallet {
    /// Returns the connection string.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Returns the settings of a connection.
    ///
    /// # Panics
    /// Never: the connection string is right.
    pub fn config(&self) -> NwcConfig {
        let mut config = NwcConfig::new(self.uri.parse().expect("a wallet writes connection strings"));
        config.network = Some(l402_lightning::Network::Regtest);
        config
    }

    /// Tells it how to behave from now on.
    pub fn be(&self, mood: Mood) {
        self.service.mood.send_replace(mood);
    }

    /// Returns how many requests it was asked for a method, each counted once however often it came.
    pub fn asked(&self, method: &str) -> usize {
        lock(&self.service.asked).iter().filter(|(_, asked)| asked == method).count()
    }

    /// Forgets what it was asked, so that it carries a request out again that comes again, though it should not.
    pub fn forget_requests(&self) {
        lock(&self.service.asked).clear();
    }

    /// Tells its connection that something was received, as [`Mood`] has it: with the wallet's key, or another.
    pub fn notify(&self, payment_hash: &str) {
        let text = json!({ "notification_type": "payment_received", "notification": { "payment_hash": payment_hash, "preimage": "00" } });
        self.service.publish(Kind::WalletConnectNotificationNip44V2, &text.to_string(), None);
    }
}

impl Drop for RunningWallet {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

struct Service {
    desk: Desk,
    encryption: Option<&'static str>,
    client: Keys,
    keys: Keys,
    mood: watch::Sender<Mood>,
    links: Mutex<Vec<mpsc::Sender<String>>>,
    /// By id, so that a request that comes twice is carried out once.
    asked: Mutex<HashSet<(EventId, String)>>,
    ready: watch::Sender<usize>,
}

/// Is connected again where the relay ends the connection.
async fn listen(url: String, service: Arc<Service>) {
    loop {
        attend(&url, &service).await;
        sleep(Duration::from_millis(20)).await;
    }
}

async fn attend(url: &str, service: &Arc<Service>) -> Option<()> {
    let address = url.strip_prefix("ws://")?.trim_end_matches('/');
    let socket = TcpStream::connect(address).await.ok()?;
    let (mut sink, mut stream) = tokio_tungstenite::client_async(url, socket).await.ok()?.0.split();
    let (send, mut queue) = mpsc::channel(256);
    sink.send(Message::text(json!(["EVENT", service.info()?]).to_string())).await.ok()?;
    let filter = json!({ "kinds": [23_194], "#p": [service.keys.public_key()], "since": unix_now().get() - 60 });
    sink.send(Message::text(json!(["REQ", "requests", filter]).to_string())).await.ok()?;
    loop {
        tokio::select! {
            Some(text) = queue.recv() => sink.send(Message::text(text)).await.ok()?,
            message = stream.next() => {
                let Message::Text(text) = message?.ok()? else { continue };
                let parts: Vec<Value> = serde_json::from_str(&text).ok()?;
                match parts.first()?.as_str()? {
                    "EOSE" => {
                        lock(&service.links).push(send.clone());
                        service.ready.send_modify(|ready| *ready += 1);
                    }
                    "EVENT" => {
                        let event = serde_json::from_value(parts.get(2)?.clone()).ok()?;
                        tokio::spawn(Arc::clone(service).hear(event));
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Service {
    fn info(&self) -> Option<Event> {
        let tag = self.encryption.map(|named| Tag::custom("encryption", [named]));
        let builder = EventBuilder::new(Kind::WalletConnectInfo, self.desk.methods.join(" "));
        builder.tag_maybe(tag).tag(Tag::custom("notifications", ["payment_received"])).finalize(&self.keys).ok()
    }

    async fn hear(self: Arc<Self>, event: Event) -> Option<()> {
        let is_ours = event.pubkey == self.client.public_key() && event.verify().is_ok();
        if !is_ours || event.is_expired_at(Timestamp::from_secs(unix_now().get())) {
            return None;
        }
        let is_nip44 = event.tags.iter().any(|tag| tag.kind() == "encryption" && tag.content() == Some("nip44_v2"));
        let text = if is_nip44 {
            self.keys.nip44_decrypt(&event.pubkey, &event.content).ok()?
        } else {
            self.keys.nip04_decrypt(&event.pubkey, &event.content).ok()?
        };
        let request: Value = serde_json::from_str(&text).ok()?;
        let method = request["method"].as_str()?.to_owned();
        if !lock(&self.asked).insert((event.id, method.clone())) {
            return None;
        }
        let mut moods = self.mood.subscribe();
        let first = *moods.borrow_and_update();
        match first {
            Mood::Silent => return None,
            Mood::Sleeps if method == "pay_invoice" => drop(moods.wait_for(|mood| *mood == Mood::Well).await.ok()?),
            _ => {}
        }
        let mood = *self.mood.borrow();
        let answer = self.desk.answer(&method, &request["params"], mood).await;
        if first == Mood::LosesAnswers && method == "pay_invoice" {
            return None;
        }
        if first == Mood::AnswersLate && method == "pay_invoice" {
            while !lock(&self.asked).iter().any(|(_, method)| method == "lookup_invoice") {
                sleep(Duration::from_millis(100)).await;
            }
            sleep(Duration::from_secs(1)).await;
        }
        let answer = match answer {
            Ok(result) => json!({ "result_type": method, "result": result, "error": null }),
            Err((code, message)) => json!({ "result_type": method, "error": { "code": code, "message": message } }),
        };
        self.publish(Kind::WalletConnectResponse, &answer.to_string(), Some((event.id, is_nip44)));
        Some(())
    }

    fn publish(&self, kind: Kind, text: &str, to: Option<(EventId, bool)>) {
        let (client, stranger) = (self.client.public_key(), Keys::generate());
        let keys = if *self.mood.borrow() == Mood::SignsWithAnotherKey { &stranger } else { &self.keys };
        let hidden = match to {
            Some((_, false)) => self.keys.nip04_encrypt(&client, text).ok(),
            _ => self.keys.nip44_encrypt(&client, text).ok(),
        };
        let builder = EventBuilder::new(kind, hidden.unwrap_or_default()).tag(Tag::public_key(client));
        let event = builder.tag_maybe(to.map(|(id, _)| Tag::event(id))).finalize(keys);
        let Ok(event) = event else { return };
        let text = json!(["EVENT", event]).to_string();
        lock(&self.links).retain(|link| link.try_send(text.clone()).is_ok()); // a link that broke
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
