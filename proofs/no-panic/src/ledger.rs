//! The ledger: a gateway's attempts, and a store that keeps them in a few places of memory.

use core::hint::black_box;
use l402_core::ledger::{
    Attempt, AttemptId, Attempted, Command, Counted, Course, DoubtRule, Event, Fingerprint, Idempotence,
    IdempotencyKey, Input, Now, Record, Reply, Reserve, Resolution, Safety, Standing, StoreTime, Tally, step,
};
use l402_core::{Counter, CounterKey, Counters, UnixSeconds};

/// A use that is committed, one that is given back, and one in doubt; amounts are the largest there are.
pub(crate) fn keeps() -> bool {
    let mut record = Few { tallies: [None; 4], attempts: [None; 4], next: black_box(0) };
    let now = Now { time: StoreTime::from_millis(black_box(1)), horizon: UnixSeconds::new(black_box(0)) };
    let outcomes = [Attempted::Answered(200), Attempted::NotSent, Attempted::Unanswered];
    let kept = outcomes.into_iter().zip(1_u8..).all(|(attempted, id)| {
        let id = AttemptId::from_bytes([black_box(id); 16]);
        let Some(reserve) = reserve() else { return false };
        let mut course = Course::begin(&reserve);
        let replied = step(&mut record, now, &id, &black_box(Event::Reserve(reserve)));
        let forward = course.next(black_box(Input::Reply(replied)));
        let Command::Ask(event) = course.next(black_box(Input::Attempted(attempted))) else { return false };
        let reply = step(&mut record, now, &id, &black_box(event));
        matches!(forward, Command::Forward { .. })
            && matches!(course.next(black_box(Input::Reply(reply))), Command::PassOn(_))
    });
    let id = AttemptId::from_bytes([black_box(9); 16]);
    let others = [
        Event::Renew,
        Event::Doubt,
        Event::Release(Counted::Yes),
        Event::TakeBack,
        Event::Resolve(Resolution::Used),
        Event::Commit { amount: u64::MAX },
    ];
    kept && others.into_iter().all(|event| step(&mut record, now, &id, &black_box(event)) != Reply::Renewed)
}

fn reserve() -> Option<Reserve> {
    let mut counters = Counters::default();
    counters.add(black_box(Counter { key: CounterKey::SALE, limit: u64::MAX }))?;
    let fingerprint = Some(Fingerprint::from_bytes(black_box([1; 32])));
    Some(Reserve {
        counters,
        amount: black_box(u64::MAX / 4),
        ends_at: UnixSeconds::new(black_box(u64::MAX)),
        safety: Safety::Unsafe,
        idempotence: Idempotence::Once,
        fingerprint,
        key: black_box(None),
        doubt: DoubtRule::Hold,
    })
}

/// A record with four places for counters and four for attempts.
struct Few {
    tallies: [Option<(CounterKey, Tally)>; 4],
    attempts: [Option<(AttemptId, Attempt)>; 4],
    next: u32,
}

impl Few {
    fn find(&self, is_it: impl Fn(&Attempt) -> bool) -> Option<(AttemptId, Attempt)> {
        self.attempts.iter().flatten().find(|(_, attempt)| is_it(attempt)).copied()
    }
}

impl Record for Few {
    fn tally(&self, key: &CounterKey) -> Option<Tally> {
        self.tallies.iter().flatten().find(|(other, _)| other == key).map(|(_, tally)| *tally)
    }

    fn set_tally(&mut self, key: &CounterKey, tally: Tally) {
        set(&mut self.tallies, *key, tally);
    }

    fn branches(&self) -> usize {
        self.tallies.iter().flatten().filter(|(key, _)| *key != CounterKey::SALE).count()
    }

    fn attempt(&self, id: &AttemptId) -> Option<Attempt> {
        self.attempts.iter().flatten().find(|(other, _)| other == id).map(|(_, attempt)| *attempt)
    }

    fn set_attempt(&mut self, id: &AttemptId, attempt: Attempt) {
        set(&mut self.attempts, *id, attempt);
    }

    fn remove_attempt(&mut self, id: &AttemptId) {
        self.attempts
            .iter_mut()
            .filter(|place| place.is_some_and(|(other, _)| other == *id))
            .for_each(|place| *place = None);
    }

    fn holder(&self, key: &IdempotencyKey) -> Option<(AttemptId, Attempt)> {
        self.find(|attempt| {
            !matches!(attempt.standing, Standing::Cancelled { .. }) && attempt.key.as_ref() == Some(key)
        })
    }

    fn doubtful(&self, fingerprint: &Fingerprint) -> Option<(AttemptId, Attempt)> {
        let in_doubt = |attempt: &Attempt| matches!(attempt.standing, Standing::InDoubt { .. });
        self.find(|attempt| in_doubt(attempt) && attempt.fingerprint.as_ref() == Some(fingerprint))
    }

    fn due(&self, _: StoreTime) -> Option<(AttemptId, Attempt)> {
        None // time stands still
    }

    fn take_number(&mut self) -> u32 {
        self.next = self.next.saturating_add(1);
        self.next
    }

    fn return_number(&mut self, _: u32) {}
}

fn set<K: PartialEq, V>(places: &mut [Option<(K, V)>], key: K, value: V) {
    let place = places.iter_mut().find(|place| place.as_ref().is_none_or(|(other, _)| *other == key));
    if let Some(place) = place {
        *place = Some((key, value));
    }
}
