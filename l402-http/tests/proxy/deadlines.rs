//! P6: deadlines that run whether or not a peer polls, sends or reads, and a bound on connections.

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Frame;
use l402_http::proxy::{ConnectionLimit, ProxyBodyError, Timeouts, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::support::{Body, PATIENCE, echo, gateway, origin, raw_upstream, read_until, text};

const SHORT: Duration = Duration::from_millis(200);

fn short_idle() -> Timeouts {
    let mut timeouts = Timeouts::default();
    timeouts.idle = SHORT;
    timeouts
}

fn ask() -> Request<Empty<Bytes>> {
    Request::get("/").header("host", "a").body(Empty::new()).unwrap()
}

/// Reads and forgets until the other side has gone.
async fn gone(stream: &mut TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

#[tokio::test]
async fn p6_an_unread_body_does_not_hold_the_upstream() {
    let closed = Arc::new(Notify::new());
    let told = Arc::clone(&closed);
    let address = raw_upstream(move |mut stream| {
        let told = Arc::clone(&told);
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun").await.unwrap();
            gone(&mut stream).await;
            told.notify_one();
        }
    })
    .await;
    let upstream = Upstream::new(&origin(address).timeouts(short_idle())).unwrap();
    let mut unread = upstream.forward(ask()).await.into_body();
    timeout(PATIENCE, closed.notified()).await.expect("the upstream is let go, though the body is not polled");
    let error = unread.frame().await.expect("not the end").expect_err("not whole");
    assert!(matches!(error, ProxyBodyError::Idle | ProxyBodyError::Unread), "{error:?}");
    assert!(unread.frame().await.is_none());

    let mut begun = upstream.forward(ask()).await.into_body();
    assert_eq!(begun.frame().await.unwrap().unwrap().into_data().unwrap(), "begun");
    timeout(PATIENCE, closed.notified()).await.expect("the upstream is let go after a frame too");
    let error = begun.frame().await.expect("not the end").expect_err("not whole");
    assert!(matches!(error, ProxyBodyError::Unread), "{error:?}");
}

#[tokio::test]
async fn p6_a_byte_now_and_then_does_not_hold_the_upstream() {
    let (closed, mut closing) = mpsc::channel(1);
    let address = raw_upstream(move |mut stream| {
        let closed = closed.clone();
        async move {
            gone(&mut stream).await;
            closed.send(()).await.unwrap();
        }
    })
    .await;
    let mut timeouts = short_idle();
    timeouts.idle = Duration::from_secs(1); // as the rate counts whole seconds
    timeouts.response = SHORT;
    let gateway = gateway(origin(address).timeouts(timeouts).slowest_upload(1000)).await;
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n").await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let trickle = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 4).await;
        }
        core::future::pending::<()>().await;
    };
    let mut answer = vec![0; 12];
    let answered = async {
        reading.read_exact(&mut answer).await.expect("an answer");
        closing.recv().await.expect("the upstream is let go");
    };
    tokio::select! {
        () = trickle => {}
        done = timeout(PATIENCE, answered) => done.expect("in time"),
    }
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_call_of_grpc_may_send_a_byte_now_and_then() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "xxxxxxxxxx").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    })
    .await;
    let mut timeouts = Timeouts::default();
    timeouts.idle = Duration::from_secs(3);
    let gateway = gateway(origin(address).timeouts(timeouts).slowest_upload(1000)).await;
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc+proto\r\ncontent-length: 10\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(500)).await; // together longer than the idle time
        stream.write_all(b"x").await.unwrap();
    }
    assert!(read_until(&mut stream, "\r\n\r\nok").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn p6_an_upload_ends_after_the_response() {
    let (closed, mut closing) = mpsc::channel(1);
    let address = raw_upstream(move |mut stream| {
        let closed = closed.clone();
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            gone(&mut stream).await;
            closed.send(()).await.unwrap();
        }
    })
    .await;
    let (sender, mut receiver) = mpsc::channel::<Frame<Bytes>>(1);
    let frames = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|frame| frame.map(Ok)));
    let body: Body = BodyExt::boxed(StreamBody::new(frames));
    let upstream = Upstream::new(&origin(address).timeouts(short_idle())).unwrap();
    let answer = upstream.forward(Request::post("/").header("host", "a").body(body).unwrap()).await;
    assert_eq!(text(answer.into_body()).await, "ok");
    timeout(PATIENCE, closing.recv()).await.expect("the upstream is let go").unwrap();
    drop(sender);
}

#[tokio::test]
async fn p6_connections_to_upstreams_are_bounded_and_the_next_waits_its_turn() {
    let (arrived, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (Arc::clone(&arrived), Arc::clone(&release));
    let slow = raw_upstream(move |mut stream| {
        let (told, wait) = (Arc::clone(&told), Arc::clone(&wait));
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            told.notify_one();
            wait.notified().await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            gone(&mut stream).await;
        }
    })
    .await;
    let (quick, _) = echo().await;
    let limit = ConnectionLimit::new(1);
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_millis(500);
    timeouts.keep_alive = Duration::from_mins(1);
    let upstream =
        |address, timeouts| Upstream::new(&origin(address).timeouts(timeouts).connection_limit(limit.clone())).unwrap();
    let mut patience = timeouts;
    patience.connect = PATIENCE;
    let (slow, quick, patient) = (upstream(slow, timeouts), upstream(quick, timeouts), upstream(quick, patience));

    let under_way = tokio::spawn({
        let slow = slow.clone();
        async move { text(slow.forward(ask()).await.into_body()).await }
    });
    arrived.notified().await;
    let refused = quick.forward(ask()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    let waiting = tokio::spawn(async move { patient.forward(ask()).await.status() });
    release.notify_one();
    assert_eq!(under_way.await.unwrap(), "ok");
    // The first connection would be kept for a minute, if no request waited for its room.
    assert_eq!(waiting.await.unwrap(), StatusCode::OK);
}

#[tokio::test]
async fn p6_connections_that_stand_idle_make_room_for_another_upstream() {
    let ((first, _), (second, _)) = (echo().await, echo().await);
    let limit = ConnectionLimit::new(1);
    let mut timeouts = Timeouts::default();
    (timeouts.connect, timeouts.keep_alive) = (PATIENCE, Duration::from_hours(1));
    let upstream =
        |address| Upstream::new(&origin(address).timeouts(timeouts).connection_limit(limit.clone())).unwrap();
    let (first, second) = (upstream(first), upstream(second));
    for upstream in [&first, &second, &first, &second] {
        let answer = upstream.forward(ask()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        text(answer.into_body()).await;
    }
}

#[tokio::test]
async fn p6_an_idle_connection_does_not_keep_its_room_for_longer_than_it_may() {
    let ((first, _), (second, _)) = (echo().await, echo().await);
    let limit = ConnectionLimit::new(1);
    let mut timeouts = Timeouts::default();
    timeouts.keep_alive = SHORT;
    for address in [first, second, first] {
        let upstream = Upstream::new(&origin(address).timeouts(timeouts).connection_limit(limit.clone())).unwrap();
        let answer = upstream.forward(ask()).await;
        assert_eq!(answer.status(), StatusCode::OK);
        text(answer.into_body()).await;
        core::mem::forget(upstream); // as one that is not used again, and never dropped
    }
}
