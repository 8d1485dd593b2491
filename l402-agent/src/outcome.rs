//! What came of a request, for the breaker of its origin.
//!
//! 1. Only what has to do with money counts: an answer to a token, a payment, a challenge. A free request that fails costs nothing.
//! 2. A server that says when to come back (409, 429, 503) has neither failed nor served. What the caller did wrong (another 4xx) is
//!    answered as it should be.
//! 3. What the wallet or this machine lacks is no fault of the origin. A purchase that was not accepted is noted where the token is.

// Threats: A9.

use http::{HeaderMap, Response, StatusCode};
use l402_core::purchase::breaker::Event;
use l402_http::pay::{Receipt, RequestError};
use l402_lightning::PayError;

/// Says what a response, or its absence, means; `has_paid` where a token is known to have been sent.
pub(crate) fn of<R, E>(result: &Result<Response<R>, RequestError<E>>, has_paid: bool) -> Option<Event> {
    match result {
        Ok(response) => {
            response.extensions().get::<Receipt>()?;
            Some(answer(response.status(), response.headers()))
        }
        Err(RequestError::Transport(_)) if has_paid => Some(Event::Failed),
        Err(RequestError::BadChallenge(_) | RequestError::PaymentFailed(PayError::Failed(_))) => Some(Event::Failed),
        Err(_) => None,
    }
}

fn answer(status: StatusCode, headers: &HeaderMap) -> Event {
    let grpc_status = headers.get("grpc-status").and_then(|status| status.to_str().ok());
    match (status, grpc_status) {
        (StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _)
        | (_, Some(GRPC_UNAVAILABLE | GRPC_ABORTED | GRPC_EXHAUSTED)) => Event::Withheld,
        (_, Some(GRPC_INTERNAL | GRPC_DATA_LOSS)) => Event::Failed,
        (status, _) if status.is_server_error() => Event::Failed,
        _ => Event::Served,
    }
}

const GRPC_EXHAUSTED: &str = "8";
const GRPC_ABORTED: &str = "10";
const GRPC_INTERNAL: &str = "13";
const GRPC_UNAVAILABLE: &str = "14";
const GRPC_DATA_LOSS: &str = "15";

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::Preimage;
    use l402_http::pay::Purchased;

    fn paid(status: u16) -> Response<()> {
        let receipt = Receipt {
            amount_msat: 1.into(),
            fee_msat: 0.into(),
            payment_hash: Preimage::from_bytes([1; 32]).hash(),
            purchased: Purchased::Now,
        };
        Response::builder().status(status).extension(receipt).body(()).unwrap()
    }

    #[test]
    fn a_server_that_says_come_back_later_has_not_failed() {
        for status in [409, 429, 503] {
            assert_eq!(of::<_, ()>(&Ok(paid(status)), true), Some(Event::Withheld), "{status}");
        }
        for status in [500, 502, 504] {
            assert_eq!(of::<_, ()>(&Ok(paid(status)), true), Some(Event::Failed), "{status}");
        }
        for status in [200, 204, 302, 404] {
            assert_eq!(of::<_, ()>(&Ok(paid(status)), true), Some(Event::Served), "{status}");
        }
    }

    #[test]
    fn only_what_has_to_do_with_money_counts() {
        let free = Response::builder().status(500).body(()).unwrap();
        assert_eq!(of::<_, ()>(&Ok(free), false), None);
        assert_eq!(of::<(), _>(&Err(RequestError::Transport(())), false), None);
        assert_eq!(of::<(), _>(&Err(RequestError::Transport(())), true), Some(Event::Failed));
        assert_eq!(of::<(), ()>(&Err(RequestError::PaymentFailed(PayError::NoRoute)), false), None);
        let failed = RequestError::BadChallenge(l402_http::pay::BadChallenge::OtherPrice);
        assert_eq!(of::<(), ()>(&Err(failed), false), Some(Event::Failed));
    }
}
