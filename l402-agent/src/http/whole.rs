//! A body that is asked for once more where it breaks off: the server may have kept it.
//!
//! 1. Only where nothing more can be taken for it: the head says that the token is spent, or that this is a kept answer.
//! 2. Once, with the same request and the same token. Nothing is bought.
//! 3. Only a kept answer is taken, and only one that begins with the bytes that have come already.

// Threats: A9.

use super::client::HttpClient;
use super::payload::PayloadBody;
use super::peek::Peeked;
use super::repeat::Sent;
use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use l402_http::pay::{ReplayBody, is_kept, uses_left};
use sha2::{Digest, Sha256};
use tower_service::Service;

/// A body that may go on over another connection.
pub struct Whole {
    body: Peeked<Rest>,
    /// How many bytes were passed on, and their digest, as long as they may have to be compared.
    passed: u64,
    digest: Sha256,
    again: Option<Box<Again>>,
    asking: Option<Asking>,
}

/// What is still to come from the server, if anything.
struct Rest(Option<Incoming>);

impl Rest {
    const fn coming(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Body for Rest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.get_mut().0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// The rest that is asked for, and why.
struct Asking {
    rest: Pin<Box<dyn Future<Output = Option<Peeked<Incoming>>> + Send>>,
    fault: hyper::Error,
}

/// What is sent once more.
struct Again {
    client: HttpClient<ReplayBody<PayloadBody>>,
    request: Request<ReplayBody<PayloadBody>>,
    status: StatusCode,
}

impl Whole {
    /// Takes a response to a request that `client` has sent.
    pub(crate) fn of(
        response: Response<Peeked<Incoming>>,
        client: &HttpClient<ReplayBody<PayloadBody>>,
    ) -> Response<Self> {
        let (mut head, body) = response.into_parts();
        let takes_nothing = uses_left(&head.headers) == Some(0) || is_kept(&head.headers);
        let sent = head.extensions.remove::<Sent>().filter(|_| takes_nothing && head.status.is_success());
        let again = sent.and_then(|sent| sent.take()).map(|request| {
            let (client, status) = (client.clone(), head.status);
            Box::new(Again { client, request, status })
        });
        let whole = Self { body: body.map(Rest::coming), passed: 0, digest: Sha256::new(), again, asking: None };
        Response::from_parts(head, whole)
    }

    /// Takes a body that was kept.
    pub(crate) fn kept(body: Bytes) -> Self {
        let body = Peeked::begun(body, Rest(None));
        Self { body, passed: 0, digest: Sha256::new(), again: None, asking: None }
    }

    fn passes(&mut self, frame: &Frame<Bytes>) {
        if let (Some(data), Some(_)) = (frame.data_ref(), &self.again) {
            self.passed = self.passed.saturating_add(data.len() as u64);
            self.digest.update(data);
        }
    }
}

impl Again {
    /// Sends the request, and returns what follows the bytes that have come.
    async fn ask(mut self, passed: u64, digest: [u8; 32]) -> Option<Peeked<Incoming>> {
        let response = self.client.call(self.request).await.ok()?;
        if response.status() != self.status || !is_kept(response.headers()) {
            return None;
        }
        let (mut body, mut left) = (response.into_body(), passed);
        let (mut start, mut seen) = (Bytes::new(), Sha256::new());
        while left > 0 {
            start = body.frame().await?.ok()?.into_data().ok()?;
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(start.len());
            let same = start.split_to(length);
            seen.update(&same);
            left = left.saturating_sub(same.len() as u64);
        }
        (seen.finalize() == digest).then(|| Peeked::begun(start, body))
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let whole = self.get_mut();
        loop {
            if let Some(mut asking) = whole.asking.take() {
                match asking.rest.as_mut().poll(context) {
                    Poll::Ready(Some(rest)) => whole.body = rest.map(Rest::coming),
                    Poll::Ready(None) => return Poll::Ready(Some(Err(asking.fault))),
                    Poll::Pending => {
                        whole.asking = Some(asking);
                        return Poll::Pending;
                    }
                }
            }
            let frame = ready!(Pin::new(&mut whole.body).poll_frame(context));
            match (frame, whole.again.take()) {
                (Some(Err(fault)), Some(again)) => {
                    let digest = core::mem::take(&mut whole.digest).finalize().into();
                    whole.asking = Some(Asking { rest: Box::pin(again.ask(whole.passed, digest)), fault });
                }
                (frame, again) => {
                    whole.again = again;
                    if let Some(Ok(frame)) = &frame {
                        whole.passes(frame);
                    }
                    return Poll::Ready(frame);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.asking.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.asking.is_none() { self.body.size_hint() } else { SizeHint::default() }
    }
}

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whole").field("passed", &self.passed).finish_non_exhaustive()
    }
}
