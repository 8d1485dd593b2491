//! One logical request: send, read the demand, find or buy a token, send again.

use super::find::{Found, Search};
use super::flight::{Flight, Purpose};
use super::payer::{Payer, is_for};
use super::purchase::{Bought, Sale, Stored};
use super::quote::{self, Quote};
use super::replay::Again;
use super::{
    AfterRefusal, Asking, BadChallenge, Lease, Origin, PayStore, Purchased, Receipt, Repeated, ReplayBody,
    RequestError, Taken, Token, TokenField, Unanswered, told,
};
use bytes::{Buf, Bytes};
use core::future::poll_fn;
use core::pin::pin;
use core::time::Duration;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use l402_core::purchase::{Delivery, DeliveryCommand, DeliveryEvent};
use l402_core::{Exchange, Next, ResponseStatus, Verdict};
use l402_lightning::{Cause, PaymentSource};
use tokio::time::timeout;
use tower_service::Service;

impl<W: PaymentSource, T: PayStore> Payer<W, T> {
    /// Performs a request, and pays for it at most once.
    pub(super) async fn call<S, B, R>(
        &self,
        mut client: S,
        request: Request<B>,
    ) -> Result<Response<R>, RequestError<S::Error>>
    where
        S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
        B: Body<Data = Bytes, Error: Into<Cause>> + 'static,
        R: Body,
    {
        let (mut head, body) = request.into_parts();
        let (limit, field) = (self.settings.max_replay, self.settings.token_field);
        if field.is_free(&head.headers) {
            accept_l402(&mut head.headers);
        }
        let origin = Origin::of(&head.uri).map_err(RequestError::Origin)?;
        let purpose = Purpose::new(origin, &head.method, &head.uri);
        let body = ReplayBody::first(body, limit, head.extensions.remove()).await;
        let mut body = body.map_err(|error| RequestError::Body(error.into()))?;
        let is_repeated = head.extensions.remove::<Repeated>().is_some();
        let mut delivery = if is_repeated { Delivery::repeated() } else { Delivery::default() };
        let unanswered = head.extensions.remove();
        let mut attempt = self.first_attempt(&head, unanswered, &purpose).await?;
        loop {
            let again = body.again();
            self.presents(&attempt, &mut head.headers, &purpose).await;
            let response = send(&mut client, &head, body, field, attempt.token.as_ref()).await?;
            if !field.is_free(&head.headers) {
                return Ok(response);
            }
            if response.extensions().get::<Repeated>().is_some() {
                (delivery, _) = delivery.step(DeliveryEvent::Lose);
            }
            let demand = match quote::read(&mut attempt.exchange, response.status(), response.headers()) {
                Ok(Next::Deliver) => None,
                Ok(Next::Refused) => {
                    self.note_refusal(&mut attempt, &purpose).await;
                    return attempt.refused(response);
                }
                Ok(Next::Pay(challenge) | Next::Replace(challenge)) => Some(Quote::decode(&challenge)),
                Err(fault) => Some(Err(fault)),
            };
            if demand.is_some() && delivery.step(DeliveryEvent::Refuse).1 == DeliveryCommand::Stop {
                return self.may_have_served(attempt, response, &purpose).await;
            }
            let is_open = !delivery.is_in_doubt() && !matches!(demand, Some(Ok(_))) && again.is_some();
            if is_open && attempt.leaves_out_token(&response) {
                let _ = beginning(response.into_body()).await;
                body = Again::body(again, limit)?;
                continue;
            }
            let Some(quote) = demand else {
                let answer = quote::answer(response.status(), response.headers());
                self.delivered(&mut attempt, answer, response.headers(), &purpose).await;
                return Ok(attempt.with_receipt(response));
            };
            let quote = quote.map_err(RequestError::BadChallenge)?;
            if !field.carries(quote.token()) {
                return Err(RequestError::BadChallenge(BadChallenge::NoMacaroon));
            }
            body = Again::body(again, limit)?;
            let (answer, said) = response.into_parts();
            let said = beginning(said).await;
            self.refused(&mut attempt, &answer.headers, &said, &purpose).await;
            quote.agrees_with(&said).map_err(RequestError::BadChallenge)?;
            self.next_attempt(&mut attempt, (&quote, Quote::uses_said(&said)), &purpose).await?;
        }
    }

    /// Begins with a stored token, where there is one and the request has room for it.
    async fn first_attempt<E>(
        &self,
        head: &Parts,
        unanswered: Option<Unanswered>,
        purpose: &Purpose,
    ) -> Result<Attempt, RequestError<E>> {
        let found = if self.settings.token_field.is_free(&head.headers) {
            self.find(Search { sold: None, refused: &[], unanswered }, purpose).await?.held()
        } else {
            None
        };
        let limits = self.settings.limits;
        let exchange = if found.is_some() { Exchange::with_token(limits) } else { Exchange::new(limits) };
        let (token, lease) = found.unzip();
        Ok(Attempt { exchange, token, lease, refused: Vec::new(), is_bought: false, flight: None })
    }

    /// Lets the store know which token is sent, and gives the request the key that it says.
    async fn presents(&self, attempt: &Attempt, headers: &mut HeaderMap, purpose: &Purpose) {
        let Some(token) = &attempt.token else { return };
        if let Some(key) = self.store.presents(&purpose.origin, token).await {
            headers.entry(IDEMPOTENCY_KEY).or_insert(key);
        }
    }

    /// Finds or buys a token for the request to be repeated with.
    async fn next_attempt<E>(
        &self,
        attempt: &mut Attempt,
        (quote, uses): (&Quote, Option<u64>),
        purpose: &Purpose,
    ) -> Result<(), RequestError<E>> {
        attempt.lease = None;
        attempt.refused.extend(attempt.token.take());
        loop {
            let search = Search { sold: Some(quote.token()), refused: &attempt.refused, unanswered: None };
            let (stored, flight) = match self.find(search, purpose).await? {
                Found::Held(token, lease) => {
                    attempt.exchange = Exchange::with_token(self.settings.limits);
                    (attempt.token, attempt.lease) = (Some(token), Some(lease));
                    return Ok(());
                }
                Found::Nothing(stored, flight) => (stored, flight),
            };
            let Stored { paid, unheard, .. } = stored;
            self.trust(&paid, &attempt.refused, purpose).await?;
            let (quote, asking, uses) = match &unheard {
                Some(quote) => (quote, Asking::Again, None),
                None => (quote, Asking::First, uses),
            };
            let sale = Sale { quote, asking, uses, paid: &paid, flight };
            match self.buy(&mut attempt.exchange, sale, purpose).await? {
                Bought::Token { token, lease, flight } => {
                    (attempt.token, attempt.lease) = (Some(*token), Some(lease));
                    (attempt.is_bought, attempt.flight) = (true, flight);
                    return Ok(());
                }
                Bought::NotYet(consent) => consent.given().await.map_err(RequestError::Store)?,
            }
        }
    }

    /// Notes what came of the token.
    async fn delivered(&self, attempt: &mut Attempt, answer: ResponseStatus, headers: &HeaderMap, purpose: &Purpose) {
        let verdict = answer.verdict();
        if let Some(token) = &mut attempt.token {
            self.note(token, verdict, purpose).await;
            let is_used = verdict == Verdict::Served && (200..300).contains(&answer.status) && !told::is_kept(headers);
            self.count(token, Taken { told: told::uses_left(headers), is_used }, purpose).await;
        }
        if verdict != Verdict::Served {
            return;
        }
        if let (Some(token), true) = (&attempt.token, attempt.is_bought) {
            self.forget_spent(&token.payment_hash, purpose).await;
        }
        if self.settings.after_refusal == AfterRefusal::BuyAgain && attempt.is_bought {
            self.forgive(purpose).await;
        }
        self.forget_refused(attempt, purpose).await;
    }

    /// What was just paid for is refused.
    async fn note_refusal(&self, attempt: &mut Attempt, purpose: &Purpose) {
        if let Some(token) = &mut attempt.token {
            self.note(token, Verdict::Refused, purpose).await;
        }
    }

    /// Notes where a token that is held was refused because it is spent.
    async fn refused(&self, attempt: &mut Attempt, headers: &HeaderMap, said: &[u8], purpose: &Purpose) {
        if let Some(token) = &mut attempt.token
            && told::reason(headers, said).as_deref() == Some(SPENT)
        {
            self.spent(token, purpose).await;
        }
    }

    /// Nothing is bought for a request that may have been performed already.
    async fn may_have_served<R: Body, E>(
        &self,
        mut attempt: Attempt,
        response: Response<R>,
        purpose: &Purpose,
    ) -> Result<Response<R>, RequestError<E>> {
        let (answer, said) = response.into_parts();
        self.refused(&mut attempt, &answer.headers, &beginning(said).await, purpose).await;
        let payment_hash = attempt.token.map(|token| token.payment_hash);
        Err(RequestError::MayHaveServed { status: answer.status, payment_hash })
    }

    /// Forgets what was refused where it was bought, now that something else has served: until then it may be all that a
    /// buyer has for its money, refused by a server that is only out of order.
    async fn forget_refused(&self, attempt: &mut Attempt, purpose: &Purpose) {
        for token in attempt.refused.drain(..).filter(|token| is_for(token, purpose)) {
            // What is paid and answered does not fail for this. One that stays is refused again, and forgotten then.
            let _ = self.store.forget(&purpose.origin, &token.payment_hash).await;
        }
    }
}

/// Where a logical request stands.
struct Attempt {
    exchange: Exchange,
    token: Option<Token>,
    /// The use of it that is this request's.
    lease: Option<Lease>,
    /// The stored tokens that did not open it.
    refused: Vec<Token>,
    /// Whether this request has bought the token.
    is_bought: bool,
    /// There while no other request may buy, or use what this one has bought.
    flight: Option<Flight>,
}

impl Attempt {
    /// Takes a stored token off the request, where the response may be its refusal and shows no challenge that can be
    /// answered.
    fn leaves_out_token<R>(&mut self, response: &Response<R>) -> bool {
        let leaves_out = self.exchange.leave_out_token(quote::answer(response.status(), response.headers()));
        if leaves_out {
            self.lease = None;
            self.refused.extend(self.token.take());
        }
        leaves_out
    }

    fn receipt(&self) -> Option<Receipt> {
        let token = self.token.as_ref()?;
        let Token { amount_msat, fee_msat, payment_hash, .. } = *token;
        let purchased = if self.is_bought { Purchased::Now } else { Purchased::Before };
        Some(Receipt { amount_msat, fee_msat, payment_hash, purchased })
    }

    /// After this request has paid, nothing more is paid.
    fn refused<R, E>(&self, response: Response<R>) -> Result<Response<R>, RequestError<E>> {
        match self.receipt() {
            Some(receipt) => Err(RequestError::StillRefused { status: response.status(), receipt }),
            None => Ok(response),
        }
    }

    fn with_receipt<R>(&self, mut response: Response<R>) -> Response<R> {
        if let Some(receipt) = self.receipt() {
            response.extensions_mut().insert(receipt);
        }
        response
    }
}

/// Says that L402 challenges can be answered, unless the fields say already what can be: some servers show none otherwise.
///
/// ```
/// # use http::HeaderMap;
/// let mut headers = HeaderMap::new();
/// l402_http::pay::accept_l402(&mut headers);
/// assert_eq!(headers["accept-authenticate"], "L402");
/// ```
pub fn accept_l402(headers: &mut HeaderMap) {
    headers.entry(ACCEPT_AUTHENTICATE).or_insert(HeaderValue::from_static("L402"));
}

async fn send<S, B, R>(
    client: &mut S,
    head: &Parts,
    body: ReplayBody<B>,
    field: TokenField,
    token: Option<&Token>,
) -> Result<Response<R>, RequestError<S::Error>>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
{
    let mut request = Request::from_parts(head.clone(), body);
    if let Some(credential) = token.and_then(|token| field.value(token)) {
        request.headers_mut().insert(field.name(), credential);
    }
    poll_fn(|context| client.poll_ready(context)).await.map_err(RequestError::Transport)?;
    client.call(request).await.map_err(RequestError::Transport)
}

/// What a 402 says to programs, as far as it is short and comes at once. Reading it to its end also keeps the connection.
async fn beginning<R: Body>(body: R) -> Vec<u8> {
    let mut body = pin!(body);
    let mut read = Vec::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(mut data) = frame.into_data() else { continue };
            if read.len() + data.remaining() > MAX_READ {
                break;
            }
            while data.has_remaining() {
                let chunk = data.chunk();
                read.extend_from_slice(chunk);
                let length = chunk.len();
                data.advance(length);
            }
        }
    };
    // One that does not come in time says nothing; neither it nor its absence changes the price.
    let _ = timeout(READ_TIME, reading).await;
    read
}

/// The reason of a 402 for a token whose last use went.
const SPENT: &str = "spent";

/// draft-ietf-httpapi-idempotency-key-header
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

const ACCEPT_AUTHENTICATE: HeaderName = HeaderName::from_static("accept-authenticate");

/// How much of a 402's body is read, and for how long.
const MAX_READ: usize = 16 * 1024;
const READ_TIME: Duration = Duration::from_secs(1);
