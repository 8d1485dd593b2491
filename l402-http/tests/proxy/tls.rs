//! P2: the certificate and the name of an https upstream are verified.

use core::convert::Infallible;
use core::net::SocketAddr;
use core::time::Duration;

use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use l402_http::proxy::{Protocol, Spoken, Timeouts, UpstreamConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::support::{gateway, get, listen, raw_upstream, read_until, whole};

/// A certificate for `localhost` that offers these protocols, with the file of the root that vouches for it.
fn localhost(protocols: &[&str]) -> (TlsAcceptor, Root) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let file = Root::write(&root.pem());

    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], private).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), file)
}

/// An https upstream for `localhost` with the file of the root that vouches for it.
async fn https_upstream() -> (SocketAddr, Root) {
    let (acceptor, file) = localhost(&[]);
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
            });
        }
    });
    (address, file)
}

/// A file that goes away with the test.
struct Root(PathBuf);

impl Root {
    fn write(pem: &str) -> Self {
        let name = format!("l402-root-{}-{:x}.pem", std::process::id(), pem.len() ^ pem.as_ptr() as usize);
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, pem).unwrap();
        Self(path)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn https(host: &str, address: SocketAddr) -> UpstreamConfig {
    UpstreamConfig::new(&format!("https://{host}:{}", address.port()).parse().unwrap()).unwrap()
}

#[tokio::test]
async fn p2_an_upstream_of_an_added_root_is_trusted() {
    let (address, root) = https_upstream().await;
    let answer = get(gateway(https("localhost", address).extra_roots(&root.0).unwrap()).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("secret"), "{answer}");
}

#[tokio::test]
async fn p2_an_upstream_of_an_unknown_root_is_not() {
    let (address, _root) = https_upstream().await;
    let answer = get(gateway(https("localhost", address)).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("\"upstream-tls\""), "{answer}");
}

#[tokio::test]
async fn p2_a_certificate_for_another_name_is_not_accepted() {
    let (address, root) = https_upstream().await;
    let answer = get(gateway(https("127.0.0.1", address).extra_roots(&root.0).unwrap()).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("\"upstream-tls\""), "{answer}");
}

#[tokio::test]
async fn p4_a_stalled_handshake_has_a_deadline() {
    let address = raw_upstream(|stream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    })
    .await;
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_millis(100);
    let answer = get(gateway(https("localhost", address).timeouts(timeouts)).await, "").await;
    assert!(answer.starts_with("HTTP/1.1 504 ") && answer.contains("\"upstream-connect-timeout\""), "{answer}");
}

#[tokio::test]
async fn files_that_hold_no_certificate_are_refused() {
    let root = Root::write("no certificate\n");
    assert!(https("localhost", ([127, 0, 0, 1], 1).into()).extra_roots(&root.0).is_err());
    assert!(https("localhost", ([127, 0, 0, 1], 1).into()).extra_roots("missing.pem".as_ref()).is_err());
}

/// An https upstream that serves the version that was negotiated, and says which.
async fn of_both_versions(protocols: &[&str]) -> (SocketAddr, Root) {
    let (acceptor, file) = localhost(protocols);
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(|mut request: Request<Incoming>| async move {
                    let mut response = Response::new(whole(&format!("{:?}", request.version())));
                    if request.headers().contains_key("upgrade") {
                        tokio::spawn(hyper::upgrade::on(&mut request));
                        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                        response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
                        response.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
                    }
                    Ok::<_, Infallible>(response)
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
            });
        }
    });
    (address, file)
}

#[tokio::test]
async fn the_version_is_what_tls_has_negotiated() {
    const BOTH: [&str; 2] = ["h2", "http/1.1"];
    for (offered, protocol, told, spoken) in [
        (&BOTH[..], Protocol::Auto, "HTTP/2.0", Some(Spoken::Http2)),
        (&BOTH[..], Protocol::Http2, "HTTP/2.0", Some(Spoken::Http2)),
        (&BOTH[..], Protocol::Http1, "HTTP/1.1", Some(Spoken::Http11)),
        (&BOTH[1..], Protocol::Auto, "HTTP/1.1", Some(Spoken::Http11)),
        (&[], Protocol::Auto, "HTTP/1.1", Some(Spoken::Http11)),
        (&[], Protocol::Http2, "upstream-protocol", None),
        (&BOTH[1..], Protocol::Http2, "upstream-tls", None),
    ] {
        let (address, root) = of_both_versions(offered).await;
        let config = https("localhost", address).extra_roots(&root.0).unwrap().protocol(protocol);
        assert_eq!(config.probe().await.ok(), spoken, "{offered:?} {protocol:?}");
        let answer = get(gateway(config).await, "").await;
        assert!(answer.contains(told), "{offered:?} {protocol:?}: {answer}");
    }
}

/// There are no upgrades over HTTP/2 here, so that a WebSocket needs a connection of HTTP/1.1.
#[tokio::test]
async fn a_websocket_gets_http1_though_the_upstream_prefers_http2() {
    let (address, root) = of_both_versions(&["h2", "http/1.1"]).await;
    let gateway = gateway(https("localhost", address).extra_roots(&root.0).unwrap()).await;
    assert!(get(gateway, "").await.contains("HTTP/2.0"));
    let mut stream = tokio::net::TcpStream::connect(gateway).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
}

/// An upstream of HTTP/2 alone refuses the handshake of an upgrade, and a client that asks for one must not stop its sales.
#[tokio::test]
async fn p6_a_websocket_that_an_upstream_of_http2_refuses_does_not_mark_it_down() {
    let (address, root) = of_both_versions(&["h2"]).await;
    let config = https("localhost", address).extra_roots(&root.0).unwrap();
    let health = config.health();
    let gateway = gateway(config).await;
    let mut stream = tokio::net::TcpStream::connect(gateway).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert_eq!(health.down(), None);
    assert!(get(gateway, "").await.contains("HTTP/2.0"), "all else is served");
}
