//! What a gateway does next, whatever reply is lost: the table of outcomes, and [`Course`].

use l402_core::ledger::{
    Attempted, Command, Counted, Course, DoubtRule, Event, Idempotence, Input, Passed, Refused, Reply, Reserve, Safety,
    Transition, transition,
};
use l402_core::{Counters, UnixSeconds};

const COMMIT: Transition = Transition::Commit;
const FREE: Transition = Transition::Release(Counted::No);
const TRY: Transition = Transition::Release(Counted::Yes);
const DOUBT: Transition = Transition::Doubt;

/// Each row: outcomes, what they do to a safe request, to an unsafe one, and to an unsafe one of an idempotent route.
#[test]
fn every_outcome_has_its_row() {
    use Attempted::{Answered, ClientGone, GrpcMessage, GrpcStatus, NotSent, RedirectedHere, Unanswered};
    let statuses = |range: core::ops::RangeInclusive<u16>| range.map(Answered).collect::<Vec<_>>();
    let grpc = |codes: &[u32]| codes.iter().copied().map(GrpcStatus).collect::<Vec<_>>();
    let but = |all: Vec<Attempted>, not: &[u16]| {
        all.into_iter().filter(|one| !not.iter().any(|status| *one == Answered(*status))).collect::<Vec<_>>()
    };
    let rows = [
        (vec![NotSent], [FREE, FREE, FREE]),
        (vec![Answered(503), Answered(429)], [FREE, FREE, FREE]),
        (but(statuses(500..=999), &[503]), [FREE, DOUBT, FREE]),
        (vec![Unanswered], [FREE, DOUBT, FREE]),
        (vec![RedirectedHere, ClientGone], [TRY, TRY, TRY]),
        (but(statuses(400..=499), &[429]), [TRY, TRY, TRY]),
        (statuses(100..=399), [COMMIT, COMMIT, COMMIT]),
        (grpc(&[14, 8]), [FREE, FREE, FREE]),
        (grpc(&[1, 2, 4, 13, 15]), [FREE, DOUBT, FREE]),
        (grpc(&[3, 5, 6, 7, 9, 10, 11, 12, 16, 17, u32::MAX]), [TRY, TRY, TRY]),
        (vec![GrpcStatus(0), GrpcMessage], [COMMIT, COMMIT, COMMIT]),
    ];
    for (outcomes, expected) in rows {
        for attempted in outcomes {
            let found = [
                transition(attempted, Safety::Safe, Idempotence::Once),
                transition(attempted, Safety::Unsafe, Idempotence::Once),
                transition(attempted, Safety::Unsafe, Idempotence::Repeatable),
            ];
            assert_eq!(found, expected, "{attempted:?}");
        }
    }
}

fn begun(safety: Safety) -> Course {
    let idempotence = Idempotence::Once;
    let (counters, ends_at, doubt) = (Counters::default(), UnixSeconds::new(1), DoubtRule::Hold);
    Course::begin(&Reserve { counters, amount: 1, ends_at, safety, idempotence, fingerprint: None, key: None, doubt })
}

fn forwarding(safety: Safety) -> Course {
    let mut course = begun(safety);
    let granted = course.next(Input::Reply(Reply::Reserved { number: 4, remaining: 0 }));
    assert_eq!(granted, Command::Forward { number: 4 });
    course
}

fn settling(safety: Safety, attempted: Attempted, asked: Event) -> Course {
    let mut course = forwarding(safety);
    assert_eq!(course.next(Input::Attempted(attempted)), Command::Ask(asked));
    course
}

const OK: Attempted = Attempted::Answered(200);
const COMMITS: Event = Event::Commit { amount: 1 };
const RELEASES: Event = Event::Release(Counted::No);

#[test]
fn s1_nothing_is_forwarded_without_a_grant() {
    for refused in [Refused::Spent, Refused::Busy, Refused::InDoubt, Refused::KeyHeld, Refused::Ended] {
        let mut course = begun(Safety::Unsafe);
        assert_eq!(course.next(Input::Reply(Reply::Refused(refused))), Command::Refuse(refused));
        assert_eq!((course.owes(), course.dropped()), (None, None));
    }
    // It may have been granted, so that it is given back.
    for input in [Input::NoReply, Input::Deadline, Input::LeaseEnds, Input::Reply(Reply::Lost)] {
        let mut course = begun(Safety::Unsafe);
        assert_eq!((course.next(input), course.owes()), (Command::Unavailable, Some(RELEASES)));
    }
    let mut course = begun(Safety::Safe);
    assert_eq!(course.dropped(), Some(RELEASES));
}

#[test]
fn what_is_owed_is_asked_for_until_there_is_a_reply() {
    let mut course = begun(Safety::Safe);
    course.next(Input::NoReply);
    for input in [Input::NoReply, Input::Deadline, Input::LeaseEnds, Input::ClientGone, Input::Attempted(OK)] {
        assert_eq!((course.next(input), course.owes()), (Command::Stop, Some(RELEASES)));
    }
    course.next(Input::Reply(Reply::Released { cost_a_use: false, remaining: 1 }));
    assert_eq!((course.owes(), course.next(Input::NoReply)), (None, Command::Stop));
}

#[test]
fn a_commit_without_a_reply_is_asked_for_until_the_deadline_and_then_taken_back() {
    for (end, said) in [
        (Input::Deadline, Command::Unavailable),
        (Input::LeaseEnds, Command::Unavailable),
        (Input::ClientGone, Command::Stop),
    ] {
        let mut course = settling(Safety::Safe, OK, COMMITS);
        for _ in 0..3 {
            assert_eq!((course.next(Input::NoReply), course.owes()), (Command::Ask(COMMITS), None));
        }
        assert_eq!((course.next(end), course.owes()), (said, Some(Event::TakeBack)));
    }
}

#[test]
fn s3_who_lost_its_use_passes_nothing_on() {
    let mut course = settling(Safety::Unsafe, OK, COMMITS);
    assert_eq!((course.next(Input::Reply(Reply::Lost)), course.owes()), (Command::Lost, None));
    let mut course = settling(Safety::Unsafe, OK, COMMITS);
    let reply = Reply::Committed { remaining: 2, is_spent: false };
    let passed = Command::PassOn(Passed::Committed { remaining: 2, is_spent: false });
    assert_eq!((course.next(Input::Reply(reply)), course.owes()), (passed, None));
}

#[test]
fn what_was_used_is_what_is_committed() {
    let mut course = forwarding(Safety::Safe);
    course.used(7);
    assert_eq!(course.next(Input::Attempted(OK)), Command::Ask(Event::Commit { amount: 7 }));
    assert_eq!(course.next(Input::NoReply), Command::Ask(Event::Commit { amount: 7 }));
}

/// The response needs no use, so that it does not wait for the store.
#[test]
fn a_response_without_a_commit_is_passed_on_at_the_deadline() {
    let not_found = Attempted::Answered(404);
    for (attempted, asked) in [(not_found, Event::Release(Counted::Yes)), (Attempted::Unanswered, Event::Doubt)] {
        let mut course = settling(Safety::Unsafe, attempted, asked);
        assert_eq!(course.next(Input::NoReply), Command::Ask(asked));
        let said = course.next(Input::Deadline);
        assert_eq!((said, course.owes()), (Command::PassOn(Passed::Unconfirmed), Some(asked)));
    }
    let mut course = settling(Safety::Safe, not_found, Event::Release(Counted::Yes));
    let reply = Reply::Released { cost_a_use: true, remaining: 0 };
    let passed = Command::PassOn(Passed::Released { cost_a_use: true, remaining: 0 });
    assert_eq!((course.next(Input::Reply(reply)), course.owes()), (passed, None));
    let mut course = settling(Safety::Unsafe, Attempted::Unanswered, Event::Doubt);
    assert_eq!(course.next(Input::Reply(Reply::InDoubt)), Command::PassOn(Passed::InDoubt));
}

#[test]
fn a_lease_that_ends_stops_the_request() {
    for input in [Input::LeaseEnds, Input::Deadline] {
        for (safety, owed) in [(Safety::Safe, RELEASES), (Safety::Unsafe, Event::Doubt)] {
            let mut course = forwarding(safety);
            assert_eq!(course.next(Input::Reply(Reply::Renewed)), Command::Stop, "of a renewal");
            assert_eq!(course.next(Input::NoReply), Command::Stop, "of a renewal");
            assert_eq!((course.next(input), course.owes()), (Command::Unavailable, Some(owed)));
        }
    }
}

#[test]
fn an_unsafe_request_runs_on_without_its_client() {
    let mut course = forwarding(Safety::Safe);
    assert_eq!((course.next(Input::ClientGone), course.owes()), (Command::Stop, Some(Event::Release(Counted::Yes))));
    let mut course = forwarding(Safety::Unsafe);
    assert_eq!((course.next(Input::ClientGone), course.owes()), (Command::RunOn, None));
    assert_eq!(course.next(Input::Attempted(OK)), Command::Ask(COMMITS));
}

#[test]
fn a_request_that_is_dropped_leaves_what_is_known() {
    assert_eq!(forwarding(Safety::Safe).dropped(), Some(Event::Release(Counted::Yes)));
    assert_eq!(forwarding(Safety::Unsafe).dropped(), Some(Event::Doubt));
    assert_eq!(settling(Safety::Unsafe, OK, COMMITS).dropped(), Some(Event::TakeBack));
    assert_eq!(settling(Safety::Unsafe, Attempted::NotSent, RELEASES).dropped(), Some(RELEASES));
    let mut over = settling(Safety::Safe, OK, COMMITS);
    over.next(Input::Reply(Reply::Committed { remaining: 0, is_spent: true }));
    assert_eq!(over.dropped(), None);
}
