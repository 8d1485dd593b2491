//! Bodies pass in both directions while they come, connections are kept, and no body piles up in memory.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Frame;
use l402_http::proxy::Upstream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::support::{
    Body, client, echo, exchange, gateway, get, header, listen, origin, raw_upstream, read_until, respond, text,
    upstream, whole,
};

const MEGABYTE: u64 = 1 << 20;

/// A body whose frames are sent by hand.
fn channel() -> (mpsc::Sender<Frame<Bytes>>, Body) {
    let (sender, mut receiver) = mpsc::channel(1);
    let frames = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|frame| frame.map(Ok)));
    (sender, BodyExt::boxed(StreamBody::new(frames)))
}

#[tokio::test]
async fn both_bodies_stream_while_the_other_is_open() {
    let (address, _) =
        upstream(|request| async move { Response::new(request.into_body().map_err(Into::into).boxed()) }).await;
    let mut client = client(gateway(origin(address)).await).await;
    let (frames, body) = channel();
    let request = Request::post("/").header("host", "a").body(body).unwrap();
    let mut answer = client.send_request(request).await.unwrap().into_body();
    for word in ["first", "second", "last"] {
        frames.send(Frame::data(Bytes::from(word))).await.unwrap();
        let frame = tokio::time::timeout(crate::support::PATIENCE, answer.frame()).await.expect("a frame in time");
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), word);
    }
    drop(frames);
    assert!(answer.frame().await.is_none());
}

#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let (address, _) = upstream(|request| async move {
        let announced = request.headers().get("trailer").cloned();
        let collected = request.into_body().collect().await.unwrap();
        let seen = collected.trailers().and_then(|trailers| trailers.get("x-sum")).cloned();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-seen", seen.unwrap_or(HeaderValue::from_static("none")));
        let frames = [Frame::data(Bytes::from("body")), Frame::trailers(trailers)].map(Ok);
        let mut response = Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames))));
        response.headers_mut().insert("trailer", HeaderValue::from_static("x-seen"));
        response.headers_mut().insert("x-announced", announced.unwrap());
        response
    })
    .await;
    let request = "POST / HTTP/1.1\r\nhost: a\r\nconnection: te, close\r\nte: trailers\r\ntrailer: x-sum\r\n\
        transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 42\r\n\r\n";
    let answer = exchange(gateway(origin(address)).await, request).await;
    assert!(answer.contains("x-announced: x-sum\r\n"), "{answer}");
    assert!(answer.ends_with("4\r\nbody\r\n0\r\nx-seen: 42\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn responses_without_a_body_are_passed_on_without() {
    let (address, _) = upstream(|request| async move {
        let status = request.uri().path().trim_start_matches('/').parse().unwrap();
        match (request.method(), status) {
            (&Method::HEAD, _) => {
                let mut response = respond(status, "");
                response.headers_mut().insert("content-length", HeaderValue::from_static("1234"));
                response
            }
            _ => respond(status, ""),
        }
    })
    .await;
    let gateway = gateway(origin(address)).await;
    let cases = [
        ("HEAD /200", "HTTP/1.1 200 OK\r\n", Some("content-length: 1234\r\n")),
        ("GET /204", "HTTP/1.1 204 No Content\r\n", None),
        ("GET /304", "HTTP/1.1 304 Not Modified\r\n", None),
        ("POST /200", "HTTP/1.1 200 OK\r\n", Some("content-length: 0\r\n")),
    ];
    for (line, status, length) in cases {
        let answer = exchange(gateway, &format!("{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with(status) && answer.ends_with("\r\n\r\n"), "{line}: {answer}");
        match length {
            Some(length) => assert!(answer.contains(length), "{line}: {answer}"),
            None => assert!(!answer.contains("transfer-encoding"), "{line}: {answer}"),
        }
    }
}

#[tokio::test]
async fn expect_continue_is_answered_before_the_body_is_sent() {
    let (address, _) = echo().await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(b"hello").await.unwrap();
    read_until(&mut stream, "[5 bytes]\n").await;
}

#[tokio::test]
async fn an_upstreams_interim_responses_do_not_count_as_its_answer() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        stream
            .write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            .await
            .unwrap();
    })
    .await;
    let answer = get(gateway(origin(address)).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn connections_to_the_upstream_are_kept() {
    let (address, connections) = echo().await;
    let gateway = gateway(origin(address)).await;
    let mut client = client::<Full<Bytes>>(gateway).await;
    for round in 0..50 {
        let body = Full::new(Bytes::from(vec![b'x'; round]));
        let request = Request::post("/").header("host", "a").body(body).unwrap();
        let answer = text(client.send_request(request).await.unwrap().into_body()).await;
        assert!(answer.ends_with(&format!("[{round} bytes]\n")), "{answer}");
        client.ready().await.unwrap();
    }
    // The task of a connection may see the end of a body after the next request has come.
    assert!(connections.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn the_pool_keeps_no_more_than_its_limit_and_nothing_for_too_long() {
    let (address, connections) = echo().await;
    let mut timeouts = l402_http::proxy::Timeouts::default();
    timeouts.keep_alive = Duration::from_millis(50);
    let gateway = gateway(origin(address).timeouts(timeouts)).await;
    get(gateway, "").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    get(gateway, "").await;
    assert_eq!(connections.load(Ordering::SeqCst), 2, "the first was too old");

    let (address, connections) = echo().await;
    let gateway = crate::support::gateway(origin(address).max_idle(0)).await;
    get(gateway, "").await;
    get(gateway, "").await;
    assert_eq!(connections.load(Ordering::SeqCst), 2, "none may be kept");
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_is_not_used_again() {
    let (closed, mut closing) = mpsc::channel(1);
    let address = raw_upstream(move |mut stream| {
        let closed = closed.clone();
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            drop(stream);
            closed.send(()).await.unwrap();
        }
    })
    .await;
    let gateway = gateway(origin(address)).await;
    for _ in 0..20 {
        assert!(get(gateway, "").await.ends_with("ok"));
        closing.recv().await.unwrap();
    }
}

/// The idle connection dies after the request was given to it and before it took the request.
#[test]
fn a_request_that_was_not_sent_goes_out_on_a_new_connection() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (serving, first, second) = (runtime(), runtime(), runtime());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (address, connections) = serving.block_on(echo());
    let server = std::thread::spawn(move || serving.block_on(stopped));

    let upstream = Upstream::<Full<Bytes>>::new(&origin(address)).unwrap();
    let request = || Request::post("/").header("host", "a").body(Full::new(Bytes::from("body"))).unwrap();
    let once = async { text(upstream.forward(request()).await.into_body()).await };
    assert!(first.block_on(once).ends_with("[4 bytes]\n"));

    let mut again = Box::pin(upstream.forward(request()));
    let answer = second.block_on(async {
        assert!(again.as_mut().now_or_never().is_none());
        // The connection's task ends with its runtime, while the request waits for it.
        first.shutdown_background();
        text(again.await.into_body()).await
    });
    assert!(answer.ends_with("[4 bytes]\n"), "{answer}");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    drop(stop);
    server.join().unwrap().unwrap_err();
}

#[tokio::test]
async fn a_large_download_waits_for_a_slow_client() {
    const SIZE: u64 = 100 * MEGABYTE;
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let address = raw_upstream(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n").as_bytes()).await.unwrap();
            write_counted(&mut stream, SIZE, &counter).await;
        }
    })
    .await;
    let mut client = client::<Empty<Bytes>>(gateway(origin(address)).await).await;
    let request = Request::get("/").header("host", "a").body(Empty::new()).unwrap();
    let mut body = client.send_request(request).await.unwrap().into_body();
    assert!(settled(&sent).await < 30 * MEGABYTE, "socket buffers, and little more");
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        received += frame.unwrap().into_data().map_or(0, |data| data.len() as u64);
    }
    assert_eq!(received, SIZE);
}

#[tokio::test]
async fn a_large_upload_waits_for_a_slow_upstream() {
    const SIZE: u64 = 100 * MEGABYTE;
    let (listener, address) = listen().await;
    let gateway = gateway(origin(address)).await;
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let client = tokio::spawn(async move {
        let mut stream = TcpStream::connect(gateway).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {SIZE}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        write_counted(&mut stream, SIZE, &counter).await;
        read_until(&mut stream, "\r\n\r\nok").await
    });
    let (mut upstream, _) = listener.accept().await.unwrap();
    assert!(settled(&sent).await < 30 * MEGABYTE, "socket buffers, and little more");
    read_until(&mut upstream, "\r\n\r\n").await;
    let mut buffer = vec![0; 1 << 20];
    while sent.load(Ordering::SeqCst) < SIZE {
        assert_ne!(upstream.read(&mut buffer).await.unwrap(), 0);
    }
    upstream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await.unwrap();
    let drain = async { while upstream.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
    let (answer, ()) = tokio::join!(client, drain);
    assert!(answer.unwrap().starts_with("HTTP/1.1 200 "));
}

async fn write_counted(stream: &mut TcpStream, size: u64, counter: &AtomicU64) {
    let chunk = vec![b'x'; 64 * 1024];
    while counter.load(Ordering::SeqCst) < size {
        stream.write_all(&chunk).await.unwrap();
        counter.fetch_add(chunk.len() as u64, Ordering::SeqCst);
    }
}

/// The count once it has stopped growing.
async fn settled(counter: &AtomicU64) -> u64 {
    loop {
        let before = counter.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(150)).await;
        if counter.load(Ordering::SeqCst) == before && before > 0 {
            return before;
        }
    }
}

#[tokio::test]
async fn the_length_of_a_body_is_passed_on() {
    let (address, _) = upstream(|_| async { Response::new(whole("twelve bytes")) }).await;
    let mut client = client::<Empty<Bytes>>(gateway(origin(address)).await).await;
    let request = Request::get("/").header("host", "a").body(Empty::new()).unwrap();
    let answer = client.send_request(request).await.unwrap();
    assert_eq!(header(answer.headers(), "content-length"), Some("12"));
}
