//! An upstream that speaks HTTP/2: by prior knowledge, or as TLS has negotiated.

use core::convert::Infallible;
use core::fmt::Write;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use l402_http::proxy::{ConnectionLimit, ProbeError, Protocol, Spoken, Timeouts, Upstream, UpstreamConfig};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Barrier, mpsc};

use crate::support::{Body, PATIENCE, exchange, gateway, get, header, listen, raw_upstream, read_until, text, whole};

pub(crate) fn origin(scheme: &str, address: SocketAddr) -> UpstreamConfig {
    UpstreamConfig::new(&format!("{scheme}://{address}").parse().unwrap()).unwrap()
}

/// An upstream that speaks nothing but HTTP/2, with the number of its connections.
async fn http2_upstream<H, F>(handler: H) -> (SocketAddr, Arc<AtomicUsize>)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let (listener, address) = listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(stream, handler.clone()));
        }
    });
    (address, connections)
}

async fn serve<S, H, F>(stream: S, handler: H)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let _ = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(32)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Says what head came.
async fn seen(request: Request<Incoming>) -> Response<Body> {
    let mut text = format!("{} {} {:?}\n", request.method(), request.uri(), request.version());
    for (name, value) in request.headers() {
        writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    Response::new(whole(&text))
}

/// A body whose frames are sent by hand.
fn channel() -> (mpsc::Sender<Frame<Bytes>>, Body) {
    let (sender, mut receiver) = mpsc::channel(1);
    let frames = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|frame| frame.map(Ok)));
    (sender, BodyExt::boxed(StreamBody::new(frames)))
}

pub(crate) async fn forward(
    upstream: &Upstream<Body>,
    request: Request<Body>,
) -> Response<l402_http::proxy::ProxyBody<Body>> {
    let answer = tower::Service::call(&mut upstream.clone(), request);
    tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time").unwrap()
}

#[tokio::test]
async fn the_head_has_the_form_of_http2() {
    let (address, _) = http2_upstream(seen).await;
    let configs = [origin("h2c", address), origin("http", address).protocol(Protocol::Http2)];
    for config in configs {
        let answer = get(gateway(config).await, "te: trailers\r\nx-a: b\r\nupgrade: h2c\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        assert!(body.contains(&format!("GET http://{address}/path?q=1 HTTP/2.0\n")), "{answer}");
        assert!(body.contains("te: trailers\n") && body.contains("x-a: b\n"), "{answer}");
        assert!(body.contains("x-forwarded-host: shop.example\n"), "{answer}");
        for gone in ["\nhost:", "connection:", "upgrade:", "transfer-encoding:"] {
            assert!(!body.contains(gone), "{gone} {answer}");
        }
    }
    let kept = gateway(origin("h2c", address).preserve_host()).await;
    assert!(get(kept, "").await.contains("GET http://shop.example/path?q=1 HTTP/2.0\n"));
}

#[tokio::test]
async fn a_body_of_known_or_unknown_length_arrives() {
    let (address, _) = http2_upstream(|request| async move {
        let length = request.headers().get("content-length").map(|value| value.to_str().unwrap().to_owned());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(whole(&format!("{length:?} {}", body.len())))
    })
    .await;
    let gateway = gateway(origin("h2c", address)).await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    let known = exchange(gateway, &format!("{head}content-length: 5\r\n\r\nhello")).await;
    assert!(known.contains("Some(\"5\") 5"), "{known}");
    let unknown = exchange(gateway, &format!("{head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")).await;
    assert!(unknown.contains("None 5"), "{unknown}");
}

#[tokio::test]
async fn both_bodies_stream_and_trailers_pass_both_ways() {
    let (address, _) = http2_upstream(|request| async move {
        let (frames, body) = channel();
        tokio::spawn(async move {
            let mut asked = request.into_body();
            while let Some(frame) = asked.frame().await {
                let frame = frame.unwrap();
                let back = match frame.into_data() {
                    Ok(data) => Frame::data(data),
                    Err(frame) => {
                        let mut trailers = HeaderMap::new();
                        trailers.insert("grpc-status", HeaderValue::from_static("0"));
                        trailers.insert("x-seen", frame.into_trailers().unwrap()["x-sum"].clone());
                        Frame::trailers(trailers)
                    }
                };
                frames.send(back).await.unwrap();
            }
        });
        Response::new(body)
    })
    .await;
    let upstream = Upstream::<Body>::new(&origin("h2c", address)).unwrap();
    let (frames, body) = channel();
    let mut answer = forward(&upstream, Request::post("/").header("host", "a").body(body).unwrap()).await.into_body();
    for word in ["first", "second", "last"] {
        frames.send(Frame::data(Bytes::from(word))).await.unwrap();
        let frame = tokio::time::timeout(PATIENCE, answer.frame()).await.expect("a frame in time");
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), word);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("42"));
    frames.send(Frame::trailers(trailers)).await.unwrap();
    drop(frames);
    let last = answer.frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!((header(&last, "grpc-status"), header(&last, "x-seen")), (Some("0"), Some("42")));
}

#[tokio::test]
async fn requests_at_the_same_time_share_a_connection() {
    let together = Arc::new(Barrier::new(20));
    let (address, connections) = http2_upstream(move |_| {
        let together = Arc::clone(&together);
        async move {
            together.wait().await;
            Response::new(whole("served"))
        }
    })
    .await;
    let upstream = Upstream::<Body>::new(&origin("h2c", address)).unwrap();
    let asked = (0..20).map(|_| {
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let answer = forward(&upstream, Request::get("/").header("host", "a").body(whole("")).unwrap()).await;
            text(answer.into_body()).await
        })
    });
    for answer in asked.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), "served");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn more_streams_than_one_connection_allows_get_another() {
    let together = Arc::new(Barrier::new(40));
    let (address, connections) = http2_upstream(move |request: Request<Incoming>| {
        let together = Arc::clone(&together);
        async move {
            if request.uri().path() != "/first" {
                together.wait().await;
            }
            Response::new(whole("served"))
        }
    })
    .await;
    let upstream = Upstream::<Body>::new(&origin("h2c", address)).unwrap();
    let ask = |path: &'static str| {
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let answer = forward(&upstream, Request::get(path).header("host", "a").body(whole("")).unwrap()).await;
            text(answer.into_body()).await
        })
    };
    assert_eq!(ask("/first").await.unwrap(), "served"); // after which the upstream's limit is known
    for answer in (0..40).map(|_| ask("/")).collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), "served");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn streams_that_have_ended_leave_room_for_others() {
    let (address, connections) = http2_upstream(seen).await;
    let upstream = Upstream::<Body>::new(&origin("h2c", address)).unwrap();
    for _ in 0..70 {
        // More than twice as many as there may be at once.
        let answer = forward(&upstream, Request::get("/").header("host", "a").body(whole("")).unwrap()).await;
        text(answer.into_body()).await;
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn p6_a_connection_of_http2_takes_room_as_long_as_it_is_used_and_no_longer() {
    let (address, _) = http2_upstream(|_| async {
        let (frames, body) = channel();
        tokio::spawn(async move {
            frames.send(Frame::data(Bytes::from_static(b"begun"))).await.unwrap();
            frames.closed().await;
        });
        Response::new(body)
    })
    .await;
    let (other, _) = http2_upstream(seen).await;
    let limit = ConnectionLimit::new(1);
    let upstream = |address, connect| {
        let mut timeouts = Timeouts::default();
        (timeouts.connect, timeouts.keep_alive) = (connect, Duration::from_hours(1));
        Upstream::<Body>::new(&origin("h2c", address).timeouts(timeouts).connection_limit(limit.clone())).unwrap()
    };
    let ask = || Request::get("/").header("host", "a").body(whole("")).unwrap();
    let first = upstream(address, PATIENCE);
    let mut under_way = forward(&first, ask()).await.into_body();
    assert_eq!(under_way.frame().await.unwrap().unwrap().into_data().unwrap(), "begun");
    let refused = forward(&upstream(other, Duration::from_millis(200)), ask()).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let patient = upstream(other, PATIENCE);
    let waiting = tokio::spawn(async move { forward(&patient, ask()).await.status() });
    tokio::task::yield_now().await; // it waits before the stream ends
    drop(under_way);
    assert_eq!(waiting.await.unwrap(), StatusCode::OK);
    // That one stands idle now, and makes room.
    assert_eq!(forward(&first, ask()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_early_response_is_forwarded() {
    let (address, _) = http2_upstream(|_| async {
        let mut response = Response::new(whole("too much"));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        response
    })
    .await;
    let upstream = Upstream::<Body>::new(&origin("h2c", address)).unwrap();
    let frames = futures_util::stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[0; 16 * 1024]))));
    let body: Body = BodyExt::boxed(StreamBody::new(frames));
    let answer = forward(&upstream, Request::post("/").header("host", "a").body(body).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(text(answer.into_body()).await, "too much");
}

#[tokio::test]
async fn a_connection_that_closes_is_replaced() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            // Each connection serves one request, reads a second, and is gone.
            let (stream, _) = listener.accept().await.unwrap();
            let asked = Arc::new(AtomicUsize::new(0));
            let (gone, mut is_gone) = mpsc::channel(1);
            let handler = move |_| {
                let (number, gone) = (asked.fetch_add(1, Ordering::SeqCst), gone.clone());
                async move {
                    if number > 0 {
                        gone.send(()).await.unwrap();
                        core::future::pending::<()>().await;
                    }
                    Response::new(whole("served"))
                }
            };
            tokio::spawn(async move {
                tokio::select! {
                    () = serve(stream, handler) => {}
                    _ = is_gone.recv() => {}
                }
            });
        }
    });
    let upstream = Upstream::<Body>::new(&origin("h2c", address)).unwrap();
    for (method, status) in [("GET", 200), ("GET", 200), ("POST", 502), ("POST", 200)] {
        let request = Request::builder().method(method).uri("/").header("host", "a").body(whole("")).unwrap();
        let answer = forward(&upstream, request).await;
        let found = answer.status().as_u16();
        let told = text(answer.into_body()).await;
        assert_eq!(found, status, "{method}: {told}");
    }
}

/// What an upstream does to all of its connections, such as after so many requests, is not found out one by one.
#[tokio::test]
async fn a_connection_that_closes_is_not_replaced_by_one_that_is_as_old() {
    let (listener, address) = listen().await;
    let (together, opened) = (Arc::new(Barrier::new(40)), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&opened);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (together, number) = (Arc::clone(&together), counter.fetch_add(1, Ordering::SeqCst));
            let (gone, mut is_gone) = mpsc::channel(1);
            let handler = move |request: Request<Incoming>| {
                let (together, gone) = (Arc::clone(&together), gone.clone());
                async move {
                    match request.uri().path() {
                        "/together" => {
                            together.wait().await;
                        }
                        "/last" if number < 2 => {
                            gone.send(()).await.unwrap();
                            core::future::pending::<()>().await;
                        }
                        _ => {}
                    }
                    Response::new(whole("served"))
                }
            };
            tokio::spawn(async move {
                tokio::select! {
                    () = serve(stream, handler) => {}
                    _ = is_gone.recv() => {}
                }
            });
        }
    });
    let upstream = Upstream::<Body>::new(&origin("h2c", address)).unwrap();
    let ask = |path: &'static str| {
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let answer = forward(&upstream, Request::get(path).header("host", "a").body(whole("")).unwrap()).await;
            text(answer.into_body()).await
        })
    };
    assert_eq!(ask("/first").await.unwrap(), "served"); // after which the upstream's limit is known
    for answer in (0..40).map(|_| ask("/together")).collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap(), "served");
    }
    assert_eq!(opened.load(Ordering::SeqCst), 2);
    assert_eq!(ask("/last").await.unwrap(), "served");
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_upstream_that_does_not_speak_http2_is_a_502() {
    let address = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    })
    .await;
    let answer = get(gateway(origin("h2c", address)).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
}

#[tokio::test]
async fn an_upstream_says_which_version_it_speaks() {
    let (http2, _) = http2_upstream(seen).await;
    let (http1, _) = crate::support::echo().await;
    let old = raw_upstream(|mut stream| async move {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.0 405 No\r\n\r\n").await.unwrap();
    })
    .await;
    assert_eq!(origin("h2c", http2).probe().await.unwrap(), Spoken::Http2);
    assert_eq!(origin("http", http1).probe().await.unwrap(), Spoken::Http11);
    assert_eq!(origin("http", old).probe().await.unwrap(), Spoken::Http10);
    let told = origin("http", http2).probe().await.unwrap_err();
    assert!(told.to_string().contains("h2c://"), "{told}");
    assert!(matches!(origin("h2c", http1).probe().await.unwrap_err(), ProbeError::NotHttp2));
    let (nobody, gone) = listen().await;
    drop(nobody);
    assert!(matches!(origin("http", gone).probe().await.unwrap_err(), ProbeError::Unreachable(_)));
}
