//! `Expect: 100-continue` (RFC 9110 §10.1.1): the body waits until the upstream asks for it, and so does the client, whom
//! hyper's server asks when the body is first polled.
//!
//! An upstream that says nothing gets the body after a while, as the RFC advises. One that answers without asking for the body
//! never gets it, and the connection ends with the answer, since the request on it was not completed. Over HTTP/2 hyper tells of
//! no interim answer, and neither side waits.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{self, HeaderValue};
use http::{Request, StatusCode, Version, request};
use tokio::time::{Sleep, sleep};

/// Holds the body of a request back.
#[derive(Clone, Debug)]
pub(super) struct Hold(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    stage: Stage,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The upstream has said nothing yet.
    Held,
    /// It asks for the body.
    Wanted,
    /// It has answered without it.
    Answered,
    /// The answer is over.
    Over,
}

impl Hold {
    /// Returns a hold for a request whose client waits to be asked for its body.
    pub(super) fn of(head: &request::Parts, has_body: bool) -> Option<Self> {
        let expects = head.headers.get(header::EXPECT)?.as_bytes().eq_ignore_ascii_case(CONTINUE.as_bytes());
        let state = State { stage: Stage::Held, waker: None };
        (expects && has_body && head.version == Version::HTTP_11).then(|| Self(Arc::new(Mutex::new(state))))
    }

    /// Lets the upstream be asked, over HTTP/1.1.
    pub(super) fn ask<B>(request: &mut Request<B>) {
        let Some(hold) = request.extensions().get::<Self>().cloned() else { return };
        request.headers_mut().insert(header::EXPECT, HeaderValue::from_static(CONTINUE));
        hyper::ext::on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                hold.release();
            }
        });
    }

    /// Lets the body go without asking.
    pub(super) fn skip<B>(request: &mut Request<B>) {
        request.headers_mut().remove(header::EXPECT);
        if let Some(hold) = request.extensions_mut().remove::<Self>() {
            hold.release();
        }
    }

    /// Notes that the upstream has answered. Returns what is to be kept as long as the answer lasts, if the body was not wanted.
    pub(super) fn answered(&self) -> Option<Unwanted> {
        self.leave(Stage::Held, Stage::Answered).then(|| Unwanted(self.clone()))
    }

    fn release(&self) {
        self.leave(Stage::Held, Stage::Wanted);
    }

    fn leave(&self, from: Stage, to: Stage) -> bool {
        let mut state = self.lock();
        if state.stage != from {
            return false;
        }
        state.stage = to;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a request whose body was not wanted, as long as it lasts.
#[derive(Debug)]
pub(super) struct Unwanted(Hold);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.leave(Stage::Answered, Stage::Over);
    }
}

/// The side of the body.
#[derive(Debug)]
pub(super) struct Held {
    hold: Hold,
    patience: Option<Pin<Box<Sleep>>>,
}

impl Held {
    pub(super) fn new(hold: Hold) -> Self {
        Self { hold, patience: None }
    }

    /// Completes when the body may be sent, or is not wanted.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), NotWanted>> {
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
        if patience.as_mut().poll(context).is_ready() {
            self.hold.release();
        }
        let mut state = self.hold.lock();
        match state.stage {
            Stage::Wanted => Poll::Ready(Ok(())),
            Stage::Over => Poll::Ready(Err(NotWanted)),
            Stage::Held | Stage::Answered => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// The upstream has answered without the body.
#[derive(Debug)]
pub(super) struct NotWanted;

impl fmt::Display for NotWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream has answered without the body")
    }
}

impl core::error::Error for NotWanted {}

const CONTINUE: &str = "100-continue";

/// How long an upstream is waited for that may not know the field.
const PATIENCE: Duration = Duration::from_secs(1);
