//! The request that a call works on, as long as its answer has not come whole.
//!
//! 1. What is sent with a token that can be used so many times has an `Idempotency-Key`, and so has what may have an effect. A server
//!    that keeps answers gives that of a key again, and takes no other use for it.
//! 2. The attempt is on the disk before the request is sent. Where it cannot be written, the request is sent all the same: it can then
//!    not be asked for again.
//! 3. It ends with the answer, or when the server says that the token is spent: then no answer to it was kept.

use super::{Inner, Reuse, StoreError};
use crate::http::draft::Draft;
use crate::http::payload::Payload;
use crate::store::attempts::{Attempts, OpenAttempt, SameRequest};
use crate::store::record::KeptToken;
use http::HeaderValue;
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};
use l402_core::{PaymentHash, uses_of_token};
use l402_http::pay::{Origin, Standing, Token};
use l402_lightning::unix_now;

/// What a request is to be sent with.
#[derive(Debug, Default)]
pub struct Begun {
    /// The `Idempotency-Key` of a request that may have an effect and has none.
    pub key: Option<HeaderValue>,
    /// The payment whose token an earlier attempt was sent with, where its answer has not come whole.
    pub unanswered: Option<PaymentHash>,
}

/// A request, and what is remembered of it.
#[derive(Debug)]
pub(super) struct Working {
    request: SameRequest,
    body: Payload,
    key: String,
    /// Whether the request has the key whatever it is sent with.
    is_keyed: bool,
    open: Option<OpenAttempt>,
    /// Whether an earlier call has left it.
    is_left: bool,
    presented: Option<(PaymentHash, Standing)>,
}

impl Working {
    /// Returns the URL of a request whose answer an earlier call has paid for and lost.
    pub(super) fn lost(&self) -> Option<String> {
        self.is_left.then(|| format!("{}{}", self.request.origin, self.request.target))
    }

    /// Notes which token the request is about to be sent with, and returns its key.
    fn presents(&mut self, attempts: &Attempts, origin: &Origin, token: &Token) -> Option<HeaderValue> {
        if *origin != self.request.origin || !(self.is_keyed || is_counted(&token.text)) {
            return None;
        }
        let hash = token.payment_hash;
        self.presented = Some((hash, token.standing));
        match &mut self.open {
            Some(open) if open.payment_hash() == hash => {}
            Some(open) => drop(open.sent_with(hash)), // rule 2
            None => {
                let body = self.body.digest();
                let begin = |body| attempts.begin(&self.request, (&self.key, body), hash, unix_now()).ok().flatten();
                self.open = body.and_then(begin);
            }
        }
        HeaderValue::try_from(&self.key).ok()
    }

    /// Tells whether the server has said just now that the presented token is spent.
    fn is_refused(&self, kept: &KeptToken) -> bool {
        kept.uses_left == Some(0) && self.presented == Some((kept.payment_hash, kept.standing))
    }
}

impl Inner {
    /// Begins with a request, in place of the one before, whose response was a redirect.
    pub(super) fn begin(&self, draft: &Draft) -> Result<Begun, StoreError> {
        self.answered()?;
        self.may_ask(&draft.uri)?;
        self.state().wanted = Some((draft.method.clone(), draft.uri.path().to_owned()));
        let own_key = draft.key().map(HeaderValue::to_str).transpose();
        let is_alone = draft.has_token() || self.reuse == Reuse::Isolated;
        let (Ok(origin), Ok(own_key), false) = (Origin::of(&draft.uri), own_key, is_alone) else {
            let is_keyless = draft.has_effect() && draft.key().is_none();
            let key = is_keyless.then(random_key).transpose()?;
            return Ok(Begun { key: key.and_then(|key| key.try_into().ok()), unanswered: None });
        };
        let target = draft.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
        let own_key = own_key.map(str::to_owned);
        let request = SameRequest { origin, method: draft.method.clone(), target, own_key };
        let open = self.attempts.adopt(&request, || draft.body.digest(), unix_now()).map_err(StoreError::Attempts)?;
        let key = match (&request.own_key, &open) {
            (Some(own), _) => own.clone(),
            (None, Some(open)) => open.key().to_owned(),
            (None, None) => random_key()?,
        };
        let (has_key, unanswered) = (request.own_key.is_some(), open.as_ref().map(OpenAttempt::payment_hash));
        let begun = (draft.has_effect() && !has_key).then(|| HeaderValue::try_from(&key).ok()).flatten();
        let (body, is_keyed) = (draft.body.clone(), draft.has_effect() || has_key);
        let is_left = unanswered.is_some();
        self.state().working = Some(Working { request, body, key, is_keyed, open, is_left, presented: None });
        Ok(Begun { key: begun, unanswered })
    }

    /// Notes that the request is about to be sent with a token.
    pub(super) fn presents(&self, origin: &Origin, token: &Token) -> Option<HeaderValue> {
        let mut working = self.state().working.take()?;
        let key = working.presents(&self.attempts, origin, token);
        self.state().working = Some(working);
        key
    }

    /// Notes what the server says of a token.
    pub(super) fn refused(&self, kept: &KeptToken) {
        let mut state = self.state();
        let open = state.working.as_mut().filter(|working| working.is_refused(kept)).and_then(|it| it.open.take());
        drop(state);
        if let Some(open) = open {
            let _ = open.end(); // else the next call asks in vain
        }
    }

    /// Tells with the token of which payment the request was sent, where it can be asked for again.
    pub(super) fn unanswered(&self) -> Option<PaymentHash> {
        self.state().working.as_ref()?.open.as_ref().map(OpenAttempt::payment_hash)
    }

    /// Notes that the answer has come whole.
    pub(super) fn answered(&self) -> Result<(), StoreError> {
        let open = self.state().working.take().and_then(|working| working.open);
        let Some(open) = open else { return Ok(()) };
        open.end().map_err(StoreError::Tokens)
    }
}

/// Reads whether a token can be used so many times.
fn is_counted(text: &str) -> bool {
    let mut buffer = vec![0; MAX_LEN];
    let bytes = base64::decode_into(text.as_bytes(), &mut buffer).ok();
    bytes.and_then(|bytes| uses_of_token(MacaroonRef::parse(bytes).ok()?)).is_some()
}

fn random_key() -> Result<String, StoreError> {
    let random = || Ok((getrandom::u64()?, getrandom::u64()?));
    let (high, low) = random().map_err(StoreError::Random)?;
    Ok(format!("{high:016x}{low:016x}"))
}
