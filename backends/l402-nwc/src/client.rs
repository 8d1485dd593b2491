//! Questions to a wallet: encrypted, signed, with an end, and answered by the wallet's key or not at all.

use crate::config::NwcConfig;
use crate::crypt::{Encryption, decrypt};
use crate::error::{NwcError, NwcRefusal};
use crate::relay::{Heard, Interest, Pending, REQUEST, Reach, RelayState, RelayUrl, Relays};
use crate::uri::NwcUri;
use crate::wire::{Call, Request, Response};
use core::fmt;
use core::time::Duration;
use l402_lightning::unix_now;
use nostr::event::{Event, EventBuilder, EventId, FinalizeEvent as _, Tag};
use nostr::types::Timestamp;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// A wallet, as it is reached over its relays. Clones share the connections, which end with the last of them.
#[derive(Clone)]
pub(crate) struct Client(Arc<Inner>);

struct Inner {
    uri: NwcUri,
    relays: Relays,
    deadline: Duration,
}

impl Client {
    /// Connects to the relays, in the background. What the wallet tells by itself goes to `notices`.
    pub(crate) fn start(config: &NwcConfig, notices: Option<mpsc::Sender<Event>>) -> Self {
        let uri = config.uri.clone();
        let since = unix_now().get().saturating_sub(CLOCKS_DIFFER);
        let interest = Interest { wallet: *uri.wallet_key(), client: uri.keys().public_key(), since };
        let relays = Relays::start(uri.relays(), interest, notices);
        Self(Arc::new(Inner { uri, relays, deadline: config.deadline }))
    }

    /// Returns the states of the relays.
    pub(crate) fn relays(&self) -> Vec<(RelayUrl, RelayState)> {
        self.0.relays.states()
    }

    /// Waits until a relay is ready.
    ///
    /// # Errors
    /// [`NwcError::NoRelay`] after the time for an answer.
    pub(crate) async fn ready(&self) -> Result<(), NwcError> {
        let mut news = self.0.relays.news();
        let ready = news.wait_for(|states| states.iter().any(RelayState::is_ready));
        match timeout(self.0.deadline, ready).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(self.no_relay()),
        }
    }

    /// Waits until no relay is ready any more.
    pub(crate) async fn lost(&self) {
        let mut news = self.0.relays.news();
        let _ = news.wait_for(|states| !states.iter().any(RelayState::is_ready)).await;
    }

    /// Returns what the wallet has published about itself, once a relay has told.
    pub(crate) async fn published(&self) -> Result<Arc<Event>, NwcError> {
        timeout(self.0.deadline, self.told()).await.unwrap_or_else(|_| Err(self.not_told()))
    }

    async fn told(&self) -> Result<Arc<Event>, NwcError> {
        let (mut info, mut news) = (self.0.relays.info(), self.0.relays.news());
        tokio::select! {
            biased;
            Ok(known) = info.wait_for(Option::is_some) => known.clone().ok_or(NwcError::NoInfo),
            _ = news.wait_for(|states| !states.iter().any(|state| matches!(state, RelayState::Connecting))) => {
                Err(self.not_told())
            }
        }
    }

    fn not_told(&self) -> NwcError {
        let is_ready = self.0.relays.news().borrow().iter().any(RelayState::is_ready);
        if is_ready { NwcError::NoInfo } else { self.no_relay() }
    }

    fn no_relay(&self) -> NwcError {
        let relays = self.relays();
        let away = |(url, state): &(RelayUrl, RelayState)| match state {
            RelayState::Away(cause) => Some(NwcError::NoRelay(url.clone(), Some(Arc::clone(cause)))),
            _ => None,
        };
        let first = || relays.first().map(|(url, _)| NwcError::NoRelay(url.clone(), None));
        relays.iter().find_map(away).or_else(first).unwrap_or(NwcError::NoInfo)
    }

    /// Asks the wallet.
    ///
    /// # Errors
    /// [`NwcError`]; of a question that only looks, each says that there is no answer.
    pub(crate) async fn ask<C: Call>(&self, call: &C) -> Result<C::Answer, NwcError> {
        let after = self.0.deadline;
        timeout(after, self.exchange(call)).await.unwrap_or(Err(NwcError::TimedOut { after }))
    }

    async fn exchange<C: Call>(&self, call: &C) -> Result<C::Answer, NwcError> {
        self.ready().await?;
        let signed = self.sign(call, self.0.deadline).await?;
        match self.send(&signed, Reach::All).heard().await {
            Heard::Answer(event) => self.read::<C>(&event),
            Heard::Rejected(reason) => Err(NwcError::Rejected(reason)),
            Heard::Nothing => Err(NwcError::Malformed), // never: something was heard
        }
    }

    /// Writes a request that the wallet ignores when the time for it is over.
    pub(crate) async fn sign<C: Call>(&self, call: &C, lives: Duration) -> Result<Signed, NwcError> {
        let encryption = encryption(&*self.published().await?)?;
        let uri = &self.0.uri;
        let text = serde_json::to_string(&Request { method: C::METHOD, params: call }).map(Zeroizing::new);
        let content = encryption.encrypt(uri, &text.map_err(|_| NwcError::Malformed)?);
        let now = unix_now().get();
        let expires_at = now.saturating_add(lives.as_secs()).saturating_add(CLOCKS_MAY_DIFFER);
        let scheme = (encryption != Encryption::Nip04).then(|| Tag::custom("encryption", [encryption.name()]));
        let event = EventBuilder::new(REQUEST, content.map_err(|_| NwcError::Encryption)?)
            .tag(Tag::public_key(*uri.wallet_key()))
            .tag(Tag::expiration(Timestamp::from_secs(expires_at)))
            .tag_maybe(scheme)
            .custom_created_at(Timestamp::from_secs(now))
            .finalize(uri.keys())
            .map_err(|_| NwcError::Malformed)?;
        let json = event.try_as_json().map_err(|_| NwcError::Malformed)?;
        Ok(Signed { id: event.id, expires_at, json })
    }

    /// Sends a request, or sends it again.
    pub(crate) fn send(&self, signed: &Signed, reach: Reach) -> Pending {
        self.0.relays.send(signed.id, &signed.json, reach)
    }

    /// Reads an answer.
    pub(crate) fn read<C: Call>(&self, event: &Event) -> Result<C::Answer, NwcError> {
        let text = self.decrypt(event)?;
        let response: Response<C::Answer> = serde_json::from_str(&text).map_err(|_| NwcError::Malformed)?;
        match response {
            Response { error: Some(error), .. } => Err(NwcError::Refused(NwcRefusal::new(&error.code, &error.message))),
            Response { result: Some(result), result_type, .. } if result_type == C::METHOD => Ok(result),
            _ => Err(NwcError::Malformed),
        }
    }

    /// Reads what the wallet tells by itself.
    pub(crate) fn notice<T: DeserializeOwned>(&self, event: &Event) -> Result<T, NwcError> {
        serde_json::from_str(&self.decrypt(event)?).map_err(|_| NwcError::Malformed)
    }

    fn decrypt(&self, event: &Event) -> Result<Zeroizing<String>, NwcError> {
        decrypt(&self.0.uri, &event.content).map_err(|_| NwcError::Malformed)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.uri.fmt(f)
    }
}

/// Chooses how to write to a wallet, by what it has published.
pub(crate) fn encryption(published: &Event) -> Result<Encryption, NwcError> {
    let named =
        published.tags.iter().find(|tag| tag.kind() == "encryption").map(|tag| tag.content().unwrap_or_default());
    Encryption::choose(named).ok_or(NwcError::Encryption)
}

/// A request, signed: it can be sent again and stays the same.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    id: EventId,
    /// When the wallet ignores it, in Unix seconds.
    expires_at: u64,
    json: String,
}

impl Signed {
    /// Reads what [`Signed::json`] returned.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let event = Event::from_json(json).ok()?;
        let expires_at = event.tags.expiration()?.as_secs();
        Some(Self { id: event.id, expires_at, json: json.to_owned() })
    }

    pub(crate) const fn expires_at(&self) -> u64 {
        self.expires_at
    }

    pub(crate) fn json(&self) -> &str {
        &self.json
    }
}

/// How old an answer may be by its own words, in seconds: a wallet's clock may be behind ours.
const CLOCKS_DIFFER: u64 = 3_600;
/// By how many seconds a wallet's clock may be ahead of ours without its ignoring us.
const CLOCKS_MAY_DIFFER: u64 = 60;
