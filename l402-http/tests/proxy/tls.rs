//! P2: the certificate and the name of an https upstream are verified.

use core::net::SocketAddr;
use core::time::Duration;

use std::path::PathBuf;
use std::sync::Arc;

use l402_http::proxy::{Timeouts, UpstreamConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::support::{gateway, get, listen, raw_upstream};

/// An https upstream for `localhost` with the file of the root that vouches for it.
async fn https_upstream() -> (SocketAddr, Root) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
    let file = Root::write(&root.pem());

    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], private).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
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
async fn p4_a_handshake_that_stands_still_has_a_deadline() {
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
