//! What the upstream answers, and what that means for a use.

use crate::chance::Chance;
use bytes::Bytes;
use core::time::Duration;
use futures_util::stream;
use http::{HeaderMap, Response};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use l402_core::ledger::Attempted;
use l402_http::response::{Form, Problem, Reason};

/// What the upstream does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It answers with a status.
    Status(u16),
    /// It sends the client to the gateway again.
    Here,
    /// It sends the client elsewhere.
    Elsewhere,
    /// It is not there: nothing is sent.
    NotSent,
    /// It breaks off, as a reverse proxy reports it.
    Broken,
    /// It breaks off, as an error of the service.
    Error,
    /// A gRPC status, in a head without a body.
    GrpcHead(u32),
    /// A gRPC status, in trailers.
    GrpcTrailers(u32),
    /// A gRPC message.
    GrpcMessage,
    /// The head of a gRPC response, and no more.
    GrpcBroken,
}

/// What an answer means for a use. It says so by itself, not by the table of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The client has what it paid for.
    Served,
    /// It was not served, and cannot help it.
    Not,
    /// It was not served, by its own doing.
    Tried,
    /// It may have been served.
    Unknown,
}

impl Answer {
    /// Draws one.
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        match chance.below(20) {
            0..8 => Self::Status(chance.among(&[200, 200, 200, 204, 206, 304, 101])),
            8..11 => Self::Status(chance.among(&[400, 401, 404, 409])),
            11 => Self::Status(chance.among(&[503, 429])),
            12 | 13 => Self::Status(chance.among(&[500, 502, 504])),
            14 => chance.among(&[Self::Here, Self::Elsewhere]),
            15 => Self::NotSent,
            16 => chance.among(&[Self::Broken, Self::Error]),
            17 => Self::GrpcHead(chance.among(&[0, 1, 2, 4, 5, 8, 13, 14, 15, 16])),
            18 => Self::GrpcTrailers(chance.among(&[0, 1, 2, 3, 4, 8, 13, 14])),
            _ => chance.among(&[Self::GrpcMessage, Self::GrpcBroken]),
        }
    }

    /// What it means, as issue and documentation say.
    pub fn class(self) -> Class {
        match self {
            Self::Status(503 | 429) | Self::NotSent => Class::Not,
            Self::Status(500..) | Self::Broken | Self::Error | Self::GrpcBroken => Class::Unknown,
            Self::Status(400..) | Self::Here => Class::Tried,
            Self::Status(_) | Self::Elsewhere | Self::GrpcMessage => Class::Served,
            Self::GrpcHead(status) | Self::GrpcTrailers(status) => match status {
                0 => Class::Served,
                8 | 14 => Class::Not,
                1 | 2 | 4 | 13 | 15 => Class::Unknown,
                _ => Class::Tried,
            },
        }
    }

    pub(crate) fn response(self) -> Result<Response<Body>, Down> {
        Ok(match self {
            Self::Error => return Err(Down),
            Self::Status(status) => plain(status, None),
            Self::Here => plain(302, Some("/login")),
            Self::Elsewhere => plain(302, Some("https://elsewhere.example/")),
            Self::NotSent => problem(Attempted::NotSent),
            Self::Broken => problem(Attempted::Unanswered),
            Self::GrpcHead(status) => {
                let mut response = grpc(vec![]);
                response.headers_mut().insert("grpc-status", status.into());
                response
            }
            Self::GrpcTrailers(status) => {
                let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), status.into())]);
                grpc(vec![Ok(Frame::trailers(trailers))])
            }
            Self::GrpcMessage => grpc(vec![Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\x01x")))]),
            Self::GrpcBroken => grpc(vec![Err("broken")]),
        })
    }
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Down;

/// The body of a response.
pub type Body = BoxBody<Bytes, &'static str>;

fn plain(status: u16, location: Option<&str>) -> Response<Body> {
    let response = Response::builder().status(status);
    let response = location.into_iter().fold(response, |response, location| response.header("location", location));
    let body = Full::from("served").map_err(|never| match never {}).boxed();
    response.body(body).expect("these are heads")
}

fn problem(attempted: Attempted) -> Response<Body> {
    let problem = Problem::new(http::StatusCode::BAD_GATEWAY, Reason::UPSTREAM_RESET, &"the upstream broke off");
    let body = |body| Full::new(body).map_err(|never| match never {}).boxed();
    let mut response = problem.response(Form::Json).map(body);
    response.extensions_mut().insert(attempted);
    response
}

fn grpc(frames: Vec<Result<Frame<Bytes>, &'static str>>) -> Response<Body> {
    let body = BodyExt::boxed(StreamBody::new(stream::iter(frames)));
    Response::builder().header("content-type", "application/grpc").body(body).expect("this is a head")
}

/// Which call of a caller this is: the number of it in the book, and what the upstream does with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) call: u64,
    pub(crate) delay: Duration,
    pub(crate) answer: Answer,
    /// What the response costs, where the sale is metered and it is not left to chance.
    pub(crate) costs: Option<u64>,
}
