//! Kept connections that turn out to be closed, and answers that come before the request has ended.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Poll;
use core::time::Duration;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use l402_http::proxy::Upstream;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{Body, PATIENCE, exchange, gateway, origin, raw_upstream, read_until, text};

/// Serves one request on each connection and keeps it open; at the next one on it, says `last` and closes. Notes the first line
/// of each request with the number of its connection.
async fn forgetful(last: &'static str) -> (core::net::SocketAddr, Arc<Mutex<Vec<String>>>) {
    let (seen, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let notes: Arc<Mutex<Vec<String>>> = Arc::clone(&seen);
    let address = raw_upstream(move |mut stream| {
        let (notes, number) = (Arc::clone(&notes), connections.fetch_add(1, Ordering::SeqCst));
        async move {
            for answer in ["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", last] {
                let request = read_until(&mut stream, "\r\n\r\n").await;
                let line = request.lines().next().unwrap_or_default();
                notes.lock().unwrap().push(format!("{number} {line}"));
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    })
    .await;
    (address, seen)
}

/// Sends two requests through one gateway, one after the other, and returns the second answer and what the upstream saw.
async fn second(method: &Method, fields: &str, last: &'static str) -> (String, Vec<String>) {
    let (address, seen) = forgetful(last).await;
    let gateway = gateway(origin(address)).await;
    let close = "host: a\r\nconnection: close\r\n";
    let first = exchange(gateway, &format!("GET /first HTTP/1.1\r\n{close}\r\n")).await;
    assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
    tokio::time::sleep(Duration::from_millis(50)).await; // the connection goes back to its pool when the answer has gone out
    let answer = exchange(gateway, &format!("{method} /second HTTP/1.1\r\n{close}{fields}")).await;
    let seen = seen.lock().unwrap().clone();
    (answer, seen)
}

#[tokio::test]
async fn an_idempotent_request_on_a_kept_connection_that_had_closed_is_sent_again() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE, Method::PUT] {
        let (answer, seen) = second(&method, "\r\n", "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{method}: {answer}");
        let line = format!("{method} /second HTTP/1.1");
        assert_eq!(seen, ["0 GET /first HTTP/1.1", &format!("0 {line}"), &format!("1 {line}")], "{method}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_already_is_not_sent_again() {
    for (method, fields, last, reason) in [
        (Method::POST, "\r\n", "", "upstream-reset"),
        (Method::POST, "content-length: 0\r\n\r\n", "", "upstream-reset"),
        (Method::PATCH, "\r\n", "", "upstream-reset"),
        (Method::PUT, "content-length: 1\r\n\r\nx", "", "upstream-reset"),
        (Method::GET, "\r\n", "H", "upstream-reset"),
        (Method::GET, "\r\n", "\x15\x03 oops\r\n\r\n", "upstream-malformed"),
    ] {
        let (answer, seen) = second(&method, fields, last).await;
        assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains(reason), "{method} {last}: {answer}");
        assert_eq!(seen.len(), 2, "{method} {last}: {seen:?}");
    }
}

/// The upstream answers and closes with a reset while the body is being sent; the body goes on only when that is done, so that
/// the next write fails before the answer has been read.
#[tokio::test]
async fn an_early_answer_is_passed_on_though_the_upstream_takes_no_more() {
    for status in [413, 401] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (closed, is_closed) = mpsc::channel();
        let is_closed = Mutex::new(is_closed);
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 64]).unwrap(); // what is not read makes the system send a reset
            write!(stream, "HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-length: 100000\r\n\r\n").unwrap();
            stream.write_all(&vec![b'x'; 100_000]).unwrap();
            drop(stream);
            closed.send(()).unwrap();
        });
        let mut asked = 0;
        let frames = futures_util::stream::poll_fn(move |context| {
            asked += 1;
            if asked == 2 {
                context.waker().wake_by_ref(); // the beginning is written first
                return Poll::Pending;
            }
            if asked == 3 {
                is_closed.lock().unwrap().recv_timeout(PATIENCE).unwrap();
                std::thread::park_timeout(Duration::from_millis(50)); // so that the reset has come
            }
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'y'; 16 * 1024])))))
        });
        let body: Body = BodyExt::boxed(StreamBody::new(frames));
        let request = Request::post("/").header("host", "a").body(body).unwrap();
        let upstream = Upstream::<Body>::new(&origin(address)).unwrap();
        let response = tokio::time::timeout(PATIENCE, upstream.forward(request)).await.expect("an answer in time");
        let got = response.status();
        let text = text(response.into_body()).await;
        assert_eq!(got, StatusCode::from_u16(status).unwrap(), "{text}");
        assert_eq!(text.len(), 100_000);
    }
}

/// A client that is still sending sees the early answer.
#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
        // Open, and unread, until the gateway closes it.
        tokio::time::sleep(PATIENCE).await;
    })
    .await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nthe beginning").await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\nno").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

const EXPECTING: &str =
    "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\nconnection: close\r\n\r\n";

/// The client is asked for the body no earlier than the upstream asks.
#[tokio::test]
async fn expect_waits_for_the_upstream() {
    let (asked, mut is_asked) = tokio::sync::mpsc::channel(1);
    let address = raw_upstream(move |mut stream| {
        let asked = asked.clone();
        async move {
            let head = read_until(&mut stream, "\r\n\r\n").await;
            assert!(head.contains("expect: 100-continue\r\n") && head.ends_with("\r\n\r\n"), "{head}");
            tokio::time::sleep(Duration::from_millis(200)).await;
            asked.send(()).await.unwrap();
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
            read_until(&mut stream, "hello").await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    })
    .await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    stream.write_all(EXPECTING.as_bytes()).await.unwrap();
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    assert!(is_asked.try_recv().is_ok(), "the upstream had not asked");
    stream.write_all(b"hello").await.unwrap();
    assert!(read_until(&mut stream, "\r\n\r\nok").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_that_the_upstream_does_not_want_is_not_asked_for() {
    let (rest, mut is_closed) = tokio::sync::mpsc::channel(1);
    let address = raw_upstream(move |mut stream| {
        let rest = rest.clone();
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
            let mut left = Vec::new();
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut left).await;
            rest.send(left).await.unwrap();
        }
    })
    .await;
    let answer = exchange(gateway(origin(address)).await, EXPECTING).await;
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.ends_with("\r\n\r\nno"), "{answer}");
    let left = tokio::time::timeout(PATIENCE, is_closed.recv()).await.expect("the connection is closed");
    assert_eq!(left.unwrap(), b"", "nothing of a body was sent");
}

#[tokio::test]
async fn an_upstream_that_does_not_know_expect_gets_the_body_after_a_while() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "hello").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    })
    .await;
    let mut stream = TcpStream::connect(gateway(origin(address)).await).await.unwrap();
    stream.write_all(EXPECTING.as_bytes()).await.unwrap();
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(b"hello").await.unwrap();
    assert!(read_until(&mut stream, "\r\n\r\nok").await.starts_with("HTTP/1.1 200 "));
}
