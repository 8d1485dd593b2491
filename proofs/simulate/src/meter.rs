//! Sales that are metered: what responses are made of, what they cost, and what their clients had of them.
//!
//! 1. A balance is 21,000 msat: of bytes it is six slices, of seconds four, and four requests hold it for tokens.
//! 2. A client counts each byte as it comes, and looks whether the store has what it costs: a store that crashes with its gateway must
//!    have it on its disk.

use crate::answer::Body;
use crate::chance::Chance;
use bytes::Bytes;
use core::time::Duration;
use futures_util::stream;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use l402_core::{Msat, Tariff};
use l402_http::policy::{Meter, TokenTariff};
use tokio::time::Instant;

/// What a sale is metered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metering {
    /// The bytes of each response.
    Bytes,
    /// Its time.
    Seconds,
    /// The tokens that it says.
    Tokens,
}

impl Metering {
    pub(crate) fn meter(self) -> Meter {
        match self {
            Self::Bytes | Self::Seconds => {
                let (price, per) = if self == Self::Bytes { (1, 300) } else { (1_000, 1) };
                let tariff = Tariff::new(Msat::new(price), per).expect("a price");
                if self == Self::Bytes { Meter::Bytes(tariff) } else { Meter::Seconds(tariff) }
            }
            Self::Tokens => Meter::Tokens(tokens()),
        }
    }

    /// What so many bytes or milliseconds cost, or so many tokens of an answer.
    pub(crate) fn cost(self, units: u64) -> u64 {
        match self {
            Self::Bytes => units.div_ceil(300),
            Self::Seconds => units,
            Self::Tokens => tokens().cost(0, units).get(),
        }
    }

    /// What is drawn ahead, or held.
    pub(crate) fn ahead(self) -> u64 {
        match self {
            Self::Bytes => 1 << 20,
            Self::Seconds => 5_000,
            Self::Tokens => MOST_TOKENS,
        }
    }
}

fn tokens() -> TokenTariff {
    TokenTariff::new(Msat::new(2), Msat::new(5), 1, MOST_TOKENS).expect("a price")
}

/// The most tokens that a request is charged for.
pub(crate) const MOST_TOKENS: u64 = 1_000;

/// What a response is made of.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// How many bytes come after which pause.
    pieces: Vec<(Duration, usize)>,
    /// How many tokens the last piece says.
    pub(crate) tokens: Option<u64>,
    is_broken: bool,
}

impl Delivery {
    /// Draws one.
    pub(crate) fn draw(metering: Metering, chance: &mut Chance) -> Self {
        let most = if metering == Metering::Seconds { 8_000 } else { 300 };
        let piece = |chance: &mut Chance| {
            let size = if metering == Metering::Bytes { 1 + chance.below(400_000) } else { 1 + chance.below(100) };
            let pause = if chance.happens(600) { Duration::ZERO } else { chance.millis(0, most) };
            (pause, usize::try_from(size).unwrap_or(1))
        };
        let pieces = (0..=chance.below(12)).map(|_| piece(chance)).collect();
        let says_usage = metering == Metering::Tokens && chance.happens(800);
        let tokens = says_usage.then(|| 1 + chance.below(MOST_TOKENS + 200));
        Self { pieces, tokens, is_broken: chance.happens(100) }
    }

    /// One that costs so much.
    pub(crate) fn of_cost(metering: Metering, msat: u64) -> Self {
        let bytes = if metering == Metering::Bytes { msat * 300 } else { 1 };
        let pieces = (0..bytes.div_ceil(PIECE)).map(|nth| (bytes - nth * PIECE).min(PIECE));
        let mut pieces: Vec<_> = pieces.map(|size| (Duration::ZERO, usize::try_from(size).unwrap_or(1))).collect();
        if metering == Metering::Seconds {
            pieces.push((Duration::from_millis(msat + 1_000), 1));
        }
        let tokens = (metering == Metering::Tokens).then_some(MOST_TOKENS);
        Self { pieces, tokens, is_broken: false }
    }

    pub(crate) fn response(&self) -> Response<Body> {
        let mut frames: Vec<_> = self.pieces.iter().map(|(pause, size)| (*pause, Ok(blank(*size)))).collect();
        if let Some(tokens) = self.tokens {
            let usage = format!("data: {{\"usage\": {{\"prompt_tokens\": 0, \"completion_tokens\": {tokens}}}}}\n\n");
            frames.push((Duration::ZERO, Ok(Bytes::from(usage))));
            frames.push((Duration::ZERO, Ok(Bytes::from_static(b"data: [DONE]\n\n"))));
        }
        if self.is_broken {
            let at = frames.len() / 2;
            frames.truncate(at);
            frames.push((Duration::ZERO, Err("broken off")));
        }
        let frames = stream::iter(frames);
        let paced = futures_util::StreamExt::then(frames, |(pause, frame)| async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            frame.map(Frame::data)
        });
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(StreamBody::new(paced).boxed()).expect("this is a head")
    }
}

/// Lines that say nothing.
fn blank(size: usize) -> Bytes {
    static LINES: [u8; 1 << PIECE_BITS] = [b'\n'; 1 << PIECE_BITS];
    Bytes::from_static(&LINES).slice(..size.min(LINES.len()))
}

const PIECE: u64 = 1 << PIECE_BITS;
const PIECE_BITS: u32 = 19;

/// What a client has of a response.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Had {
    pub(crate) bytes: u64,
    /// When a head of the upstream came.
    pub(crate) head: Option<Instant>,
    /// When the last bytes came.
    pub(crate) last: Option<Instant>,
    /// When it ended, or the client went.
    pub(crate) end: Option<Instant>,
    /// Whether it ended as the upstream ended it.
    pub(crate) is_whole: bool,
}

/// What a client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Of a response of the upstream, or of the gateway's own.
    Head {
        is_own: bool,
    },
    Bytes(u64),
    End,
    BreakOff,
}

impl Had {
    pub(crate) fn take(&mut self, read: Read) {
        let now = Instant::now();
        match read {
            Read::Head { is_own } => self.head = (!is_own).then_some(now),
            Read::Bytes(bytes) => (self.bytes, self.last) = (self.bytes + bytes, Some(now)),
            Read::End => (self.is_whole, self.end) = (true, Some(now)),
            Read::BreakOff => self.end = Some(now),
        }
    }
}

/// The milliseconds between two moments.
pub(crate) fn millis(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(u64::MAX)
}
