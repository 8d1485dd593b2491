//! What a seed determines: what is sold, who asks for it, and what goes wrong.

use crate::answer::Answer;
use crate::chance::Chance;
use crate::meter::Metering;
use core::time::Duration;
use l402_core::ledger::{DoubtRule, Resolution};

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the store can lose.
    pub store: StoreKind,
    /// How many gateways there are.
    pub gateways: usize,
    /// How many uses were sold, where the sale is not metered.
    pub uses: u32,
    /// What it is metered by: then it bought a balance.
    pub meter: Option<Metering>,
    /// How many of them a holder passed on.
    pub branch: Option<u32>,
    /// What routes do with doubts.
    pub doubt: DoubtRule,
    /// What happens to messages, in a thousand.
    pub faults: Faults,
    /// After how many steps gateways crash; the number of the gateway comes first.
    pub crashes: Vec<(u64, u64)>,
    /// When the store is away, for how long, and whether it says so or is silent.
    pub outages: Vec<(Duration, Duration, bool)>,
    /// When a person decides about doubts, and how.
    pub decisions: Vec<(Duration, Resolution)>,
    /// Those who ask.
    pub callers: Vec<Caller>,
    /// Whether the record is deleted in the end, and the clocks are then put back.
    pub is_swept: bool,
    /// Where all further numbers come from.
    pub chance: Chance,
}

/// What a store can lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// A part of the one gateway: it crashes with it, and loses what is not on the disk.
    Embedded,
    /// A server of its own, which loses nothing, behind a network that does.
    Shared,
}

/// What happens to messages between gateways and the store, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// They do not arrive.
    pub lost: u64,
    /// Their replies do not.
    pub unheard: u64,
    /// They arrive much later.
    pub late: u64,
    /// They arrive once more, later.
    pub doubled: u64,
}

/// One who asks.
#[derive(Debug, Clone)]
pub struct Caller {
    /// When it begins.
    pub at: Duration,
    /// What it asks for.
    pub what: What,
    /// Which request this is: callers with the same number send the same one.
    pub number: u64,
    /// Whether it names it with an `Idempotency-Key`.
    pub has_key: bool,
    /// Whether it presents the token that was passed on.
    pub is_delegate: bool,
    /// How its first attempt ends.
    pub end: End,
    /// What its response costs, where the sale is metered and it is not left to chance.
    pub costs: Option<u64>,
    /// How often it asks at most, until it is served, and what the upstream answers each time.
    pub answers: Vec<(Duration, Answer)>,
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// To read something.
    Read,
    /// To read a head, which takes no use.
    Look,
    /// To do something.
    Do,
    /// To do something that can be done again.
    Redo,
    /// To read something that has an effect.
    ReadAndDo,
}

/// How an attempt of a caller ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the response.
    Response,
    /// After so many polls.
    Polls(u64),
    /// After so long.
    Time(Duration),
}

impl Plan {
    /// Draws the plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let store = if chance.happens(350) { StoreKind::Embedded } else { StoreKind::Shared };
        let gateways = if store == StoreKind::Embedded { 1 } else { chance.among(&[1, 2, 3]) };
        let uses: u32 = chance.among(&[1, 1, 2, 3, 4]);
        let meters = [Metering::Bytes, Metering::Seconds, Metering::Tokens];
        let meter = chance.happens(400).then(|| chance.among(&meters));
        let branch = (meter.is_none() && chance.happens(400)).then(|| chance.among(&[1, uses.div_ceil(2), uses]));
        let is_calm = chance.happens(100);
        let often = |chance: &mut Chance| if is_calm { 0 } else { chance.among(&[0, 0, 20, 100, 300]) };
        let faults = Faults {
            lost: often(&mut chance),
            unheard: often(&mut chance),
            late: often(&mut chance),
            doubled: often(&mut chance),
        };
        let count = |chance: &mut Chance, most: u64| if is_calm { 0 } else { chance.below(most + 1) };
        let crashes = (0..count(&mut chance, 2)).map(|_| (chance.below(gateways as u64), chance.below(40)));
        let crashes = crashes.collect();
        let outages = (0..count(&mut chance, 2)).map(|_| outage(&mut chance)).collect();
        let decisions = (0..count(&mut chance, 2)).map(|_| decision(&mut chance)).collect();
        let is_clumsy = chance.happens(150);
        let callers = (0..2 + chance.below(9)).map(|_| caller(&mut chance, is_clumsy)).collect();
        let (doubt, is_swept, chance) = (doubt(&mut chance), chance.happens(250), chance.fork());
        Self {
            store,
            gateways,
            uses,
            meter,
            branch,
            doubt,
            faults,
            crashes,
            outages,
            decisions,
            callers,
            is_swept,
            chance,
        }
    }
}

fn doubt(chance: &mut Chance) -> DoubtRule {
    let after = chance.millis(1_000, 120_000);
    let holds = [DoubtRule::Hold, DoubtRule::Hold];
    let [one, other] = [Resolution::Used, Resolution::Unused].map(|how| DoubtRule::After(after, how));
    chance.among(&[holds[0], holds[1], one, other])
}

fn outage(chance: &mut Chance) -> (Duration, Duration, bool) {
    (chance.millis(0, 60_000), chance.millis(100, 60_000), chance.happens(500))
}

fn decision(chance: &mut Chance) -> (Duration, Resolution) {
    (chance.millis(1_000, 150_000), chance.among(&[Resolution::Used, Resolution::Unused]))
}

/// Draws a caller; a clumsy one asks for what is not there.
fn caller(chance: &mut Chance, is_clumsy: bool) -> Caller {
    let end = match chance.below(10) {
        0..6 => End::Response,
        6..8 => End::Polls(chance.below(12)),
        _ => End::Time(chance.millis(0, 3_000)),
    };
    let tries = 1 + chance.below(4);
    let at = if chance.happens(500) { chance.millis(0, 50) } else { chance.millis(0, 60_000) };
    Caller {
        at,
        what: chance.among(&[What::Read, What::Read, What::Do, What::Do, What::Redo, What::ReadAndDo, What::Look]),
        number: chance.below(6),
        has_key: chance.happens(300),
        is_delegate: chance.happens(500),
        end,
        costs: None,
        answers: (0..tries).map(|_| answer(chance, is_clumsy)).collect(),
    }
}

fn answer(chance: &mut Chance, is_clumsy: bool) -> (Duration, Answer) {
    let answer = if is_clumsy && chance.happens(800) { Answer::Status(404) } else { Answer::draw(chance) };
    (delay(chance), answer)
}

/// How long the upstream takes: seldom so long that a lease has to be renewed.
fn delay(chance: &mut Chance) -> Duration {
    match chance.below(10) {
        0 => Duration::ZERO,
        1..8 => chance.millis(1, 500),
        8 => chance.millis(5_000, 20_000),
        _ => chance.millis(20_000, 100_000),
    }
}
