//! What the connections to all relays of a wallet share: requests that wait for an answer, and what the wallet has published.

use super::RelayState;
use super::message;
use core::sync::atomic::{AtomicU64, Ordering};
use nostr::event::{Event, EventId, Kind};
use nostr::key::PublicKey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};

/// Whose events are of interest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interest {
    /// Who answers.
    pub(crate) wallet: PublicKey,
    /// To whom.
    pub(crate) client: PublicKey,
    /// From when on, in Unix seconds.
    pub(crate) since: u64,
}

/// How many relays a request is put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The first that is ready: one copy, as far as it is for us to say.
    One,
    /// All that are ready.
    All,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    /// Nothing yet.
    Nothing,
    /// Every relay has refused it, by its own words. It may have passed it on all the same.
    Rejected(Arc<str>),
    /// The wallet's answer, signed by its key.
    Answer(Arc<Event>),
}

pub(super) struct Desk {
    interest: Interest,
    waiting: Mutex<HashMap<EventId, Waiting>>,
    links: Mutex<Vec<Option<mpsc::Sender<Arc<str>>>>>,
    states: watch::Sender<Vec<RelayState>>,
    info: watch::Sender<Option<Arc<Event>>>,
    notices: Option<mpsc::Sender<Event>>,
}

/// A request without an answer.
struct Waiting {
    frame: Arc<str>,
    copies: Arc<AtomicU64>,
    rejections: usize,
    heard: watch::Sender<Heard>,
}

impl Desk {
    pub(super) fn new(interest: Interest, relays: usize, notices: Option<mpsc::Sender<Event>>) -> Self {
        Self {
            interest,
            waiting: Mutex::default(),
            links: Mutex::new(vec![None; relays]),
            states: watch::Sender::new(vec![RelayState::Connecting; relays]),
            info: watch::Sender::new(None),
            notices,
        }
    }

    pub(super) fn states(&self) -> watch::Receiver<Vec<RelayState>> {
        self.states.subscribe()
    }

    pub(super) fn info(&self) -> watch::Receiver<Option<Arc<Event>>> {
        self.info.subscribe()
    }

    /// What a relay is asked to tell.
    pub(super) fn subscription(&self) -> String {
        let Interest { wallet, client, since } = self.interest;
        let (wallet, client) = (wallet.to_hex(), client.to_hex());
        let kinds: &[u16] = if self.notices.is_some() { &[RESPONSE, NOTICE_NIP04, NOTICE] } else { &[RESPONSE] };
        message::subscription(vec![
            message::filter(&[INFO], &wallet, None),
            message::filter(kinds, &wallet, Some((&client, since))),
        ])
    }

    /// Notes the state of a relay, and how to write to it while it is ready. What waits for an answer is sent to one that comes back.
    pub(super) fn set(&self, index: usize, state: RelayState, link: Option<mpsc::Sender<Arc<str>>>) {
        let waiting = self.waiting();
        if let Some(link) = &link {
            for request in waiting.values() {
                request.put(link);
            }
        }
        if let Some(place) = self.links().get_mut(index) {
            *place = link;
        }
        drop(waiting);
        self.states.send_modify(|states| {
            if let Some(place) = states.get_mut(index) {
                *place = state;
            }
        });
    }

    /// Sends a request, and keeps it until nobody waits for its answer.
    pub(super) fn ask(desk: &Arc<Self>, id: EventId, frame: String, reach: Reach) -> Pending {
        let mut waiting = desk.waiting();
        let request = waiting.entry(id).or_insert_with(|| Waiting {
            frame: frame.into(),
            copies: Arc::default(),
            rejections: 0,
            heard: watch::Sender::new(Heard::Nothing),
        });
        let pending = Pending {
            desk: Arc::clone(desk),
            id,
            heard: request.heard.subscribe(),
            copies: Arc::clone(&request.copies),
        };
        if reach == Reach::All || request.copies.load(Ordering::Relaxed) == 0 {
            request.put_on(&desk.links(), reach);
        }
        pending
    }

    /// Takes an event, if the wallet has signed it.
    pub(super) fn hear(&self, event: Event) {
        if event.pubkey != self.interest.wallet || event.verify().is_err() {
            return;
        }
        match event.kind.as_u16() {
            INFO => {
                let event = Arc::new(event);
                self.info.send_if_modified(|known| {
                    let is_news = known.as_ref().is_none_or(|known| known.created_at < event.created_at);
                    if is_news {
                        *known = Some(Arc::clone(&event));
                    }
                    is_news
                });
            }
            RESPONSE => self.answered(&Arc::new(event)),
            NOTICE | NOTICE_NIP04 => {
                // Where too many come at once, some get lost: they are no more than reasons to ask.
                if let Some(notices) = &self.notices {
                    let _ = notices.try_send(event);
                }
            }
            _ => {}
        }
    }

    fn answered(&self, event: &Arc<Event>) {
        let waiting = self.waiting();
        for id in event.tags.event_ids() {
            if let Some(request) = waiting.get(&id) {
                request.heard.send_if_modified(|heard| {
                    let is_first = !matches!(heard, Heard::Answer(_));
                    if is_first {
                        *heard = Heard::Answer(Arc::clone(event));
                    }
                    is_first
                });
            }
        }
    }

    /// Notes that a relay does not take a request.
    pub(super) fn rejected(&self, id: &EventId, reason: &str) {
        let mut waiting = self.waiting();
        let Some(request) = waiting.get_mut(id) else { return };
        request.rejections = request.rejections.saturating_add(1);
        if request.rejections as u64 >= request.copies.load(Ordering::Relaxed) {
            request.heard.send_if_modified(|heard| {
                let is_first = matches!(heard, Heard::Nothing);
                if is_first {
                    *heard = Heard::Rejected(reason.into());
                }
                is_first
            });
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<EventId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is locked after the requests, never before.
    fn links(&self) -> MutexGuard<'_, Vec<Option<mpsc::Sender<Arc<str>>>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put_on(&self, links: &[Option<mpsc::Sender<Arc<str>>>], reach: Reach) {
        for link in links.iter().flatten() {
            if self.put(link) && reach == Reach::One {
                return;
            }
        }
    }

    /// A relay with a full queue is slow; the request is put on another, or times out.
    fn put(&self, link: &mpsc::Sender<Arc<str>>) -> bool {
        let is_put = link.try_send(Arc::clone(&self.frame)).is_ok();
        if is_put {
            self.copies.fetch_add(1, Ordering::Relaxed);
        }
        is_put
    }
}

/// A request that is waited for.
pub(crate) struct Pending {
    desk: Arc<Desk>,
    id: EventId,
    heard: watch::Receiver<Heard>,
    copies: Arc<AtomicU64>,
}

impl Pending {
    /// Waits for the wallet's answer, or until every relay has refused the request.
    pub(crate) async fn heard(&mut self) -> Heard {
        let heard = self.heard.wait_for(|heard| !matches!(heard, Heard::Nothing)).await;
        heard.map_or(Heard::Nothing, |heard| heard.clone()) // it does not end before this
    }

    /// Waits for the wallet's answer, whatever relays say.
    pub(crate) async fn answer(&mut self) -> Option<Arc<Event>> {
        let heard = self.heard.wait_for(|heard| matches!(heard, Heard::Answer(_))).await.ok()?;
        if let Heard::Answer(event) = &*heard { Some(Arc::clone(event)) } else { None }
    }

    /// Returns how often the request was put on a relay.
    pub(crate) fn copies(&self) -> u64 {
        self.copies.load(Ordering::Relaxed)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut waiting = self.desk.waiting();
        if waiting.get(&self.id).is_some_and(|request| request.heard.receiver_count() <= 1) {
            waiting.remove(&self.id);
        }
    }
}

/// NIP-47 §Events.
const INFO: u16 = 13_194;
const RESPONSE: u16 = 23_195;
const NOTICE_NIP04: u16 = 23_196;
const NOTICE: u16 = 23_197;

/// The kind of a request.
pub(crate) const REQUEST: Kind = Kind::WalletConnectRequest;
