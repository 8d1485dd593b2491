//! A relay in this process: it keeps everything, repeats it to whoever asks, and breaks as it is told.

use core::net::SocketAddr;
use futures_util::{SinkExt as _, StreamExt as _};
use nostr::event::Event;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;

/// A relay on loopback. It ends with this.
pub struct FakeRelay {
    address: SocketAddr,
    state: Arc<State>,
    serving: Option<JoinHandle<()>>,
}

struct State {
    kept: Mutex<Vec<Event>>,
    news: broadcast::Sender<Event>,
    copies: Mutex<usize>,
    refusal: Mutex<Option<String>>,
}

impl FakeRelay {
    /// Starts one, on a port that the system chooses.
    ///
    /// # Panics
    /// When it cannot.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (news, _) = broadcast::channel(1_024);
        let state = Arc::new(State { kept: Mutex::default(), news, copies: Mutex::new(1), refusal: Mutex::default() });
        let serving = Some(tokio::spawn(serve(listener, Arc::clone(&state))));
        Self { address, state, serving }
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Ends all connections, and takes no more.
    pub async fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await; // it was told to end
        }
    }

    /// Forgets all that was told, and takes connections again at the same address.
    ///
    /// # Panics
    /// When the port was taken meanwhile.
    pub async fn restart(&mut self) {
        self.stop().await;
        lock(&self.state.kept).retain(|event| !event.kind.is_ephemeral());
        let listener = TcpListener::bind(self.address).await.expect("the same port");
        self.serving = Some(tokio::spawn(serve(listener, Arc::clone(&self.state))));
    }

    /// Passes each event on so many times.
    pub fn repeat(&self, copies: usize) {
        *lock(&self.state.copies) = copies;
    }

    /// Refuses what is published, with these words; [`None`] takes it again.
    pub fn refuse(&self, reason: Option<&str>) {
        *lock(&self.state.refusal) = reason.map(str::to_owned);
    }

    /// Returns what was published, of a kind.
    pub fn published(&self, kind: u16) -> Vec<Event> {
        lock(&self.state.kept).iter().filter(|event| event.kind.as_u16() == kind).cloned().collect()
    }

    /// Tells an event to all that listen, as if somebody had published it.
    pub fn tell(&self, event: &Event) {
        lock(&self.state.kept).push(event.clone());
        let _ = self.state.news.send(event.clone()); // nobody may listen
    }
}

impl Drop for FakeRelay {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new(); // they end with this
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(attend(socket, Arc::clone(&state)));
    }
}

/// Ends where the other side does, or breaks the protocol.
async fn attend(socket: TcpStream, state: Arc<State>) -> Option<()> {
    let (mut sink, mut stream) = tokio_tungstenite::accept_async(socket).await.ok()?.split();
    let (mut news, mut filters) = (state.news.subscribe(), HashMap::new());
    loop {
        tokio::select! {
            message = stream.next() => {
                let Message::Text(text) = message?.ok()? else { continue };
                for answer in said(&state, &mut filters, &text)? {
                    sink.send(Message::text(answer)).await.ok()?;
                }
            }
            event = news.recv() => {
                let event = event.ok()?;
                for name in filters.iter().filter(|(_, filters)| passes(filters, &event)).map(|(name, _)| name) {
                    sink.send(Message::text(json!(["EVENT", name, event]).to_string())).await.ok()?;
                }
            }
        }
    }
}

fn said(state: &State, filters: &mut HashMap<String, Vec<Value>>, text: &str) -> Option<Vec<String>> {
    let parts: Vec<Value> = serde_json::from_str(text).ok()?;
    match parts.first()?.as_str()? {
        "EVENT" => {
            let event: Event = serde_json::from_value(parts.get(1)?.clone()).ok()?;
            if let Some(reason) = lock(&state.refusal).clone() {
                return Some(vec![json!(["OK", event.id, false, reason]).to_string()]);
            }
            lock(&state.kept).push(event.clone());
            for _ in 0..*lock(&state.copies) {
                let _ = state.news.send(event.clone()); // nobody may listen
            }
            Some(vec![json!(["OK", event.id, true, ""]).to_string()])
        }
        "REQ" => {
            let name = parts.get(1)?.as_str()?.to_owned();
            let asked = parts.get(2..)?.to_vec();
            let kept = lock(&state.kept).clone();
            let stored = kept
                .iter()
                .filter(|event| passes(&asked, event))
                .map(|event| json!(["EVENT", name, event]).to_string());
            let answers = stored.chain([json!(["EOSE", name]).to_string()]).collect();
            filters.insert(name, asked);
            Some(answers)
        }
        _ => Some(Vec::new()),
    }
}

fn passes(filters: &[Value], event: &Event) -> bool {
    let has = |list: &Value, value: &Value| list.as_array().is_some_and(|list| list.contains(value));
    let one = |filter: &Value| {
        let (kinds, authors, to, since) = (&filter["kinds"], &filter["authors"], &filter["#p"], &filter["since"]);
        (kinds.is_null() || has(kinds, &event.kind.as_u16().into()))
            && (authors.is_null() || has(authors, &event.pubkey.to_hex().into()))
            && (to.is_null() || event.tags.public_keys().any(|key| has(to, &key.to_hex().into())))
            && since.as_u64().is_none_or(|since| since <= event.created_at.as_secs())
    };
    filters.iter().any(one)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
