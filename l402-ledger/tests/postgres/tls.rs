//! TLS: the server's certificate must name the host, and an authority that is trusted must have signed it.

use crate::server::{Server, own};
use l402_ledger::postgres::{PostgresConfig, PostgresConfigError, PostgresStore};
use l402_ledger::{LedgerStore, StoreErrorKind};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test]
#[ignore = "needs PostgreSQL: just stores"]
async fn l3_only_the_named_host_with_a_trusted_certificate_is_asked() {
    let mut server = Server::start(&[]);
    let (authority, key) = (authority(), KeyPair::generate().unwrap());
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
        let path = server.data().join(name);
        fs::write(&path, text).unwrap();
        own(&path);
    }
    let plain = server.config();
    server.kill();
    server.set("ssl=on");
    server.restart();

    let named = server.url().replace("127.0.0.1", "localhost") + "?sslmode=verify-full";
    let config = |url: &str| PostgresConfig::from_url(url).unwrap();
    let store =
        PostgresStore::open(&config(&named).with_authorities(authority.pem().as_bytes()).unwrap()).await.unwrap();
    store.now().await.unwrap();
    let by_address = server.url() + "?sslmode=require";
    let other = self::authority().pem();
    for (why, refused) in [
        ("another authority", config(&named).with_authorities(other.as_bytes()).unwrap()),
        ("the public authorities", config(&named)),
        ("another name", config(&by_address).with_authorities(authority.pem().as_bytes()).unwrap()),
    ] {
        let error = PostgresStore::open(&refused).await.expect_err(why);
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{why}");
    }
    // A server that speaks no TLS is not asked without it.
    server.kill();
    server.set("ssl=off");
    server.restart();
    let error = PostgresStore::open(&config(&named).with_authorities(authority.pem().as_bytes()).unwrap()).await;
    assert_eq!(error.expect_err("no TLS").kind(), StoreErrorKind::Unavailable);
    drop(PostgresStore::open(&plain).await.unwrap());
}

#[test]
fn a_file_without_a_certificate_is_no_authority() {
    let config = PostgresConfig::from_url("postgres://u@db.example.com/shop").unwrap();
    for pem in ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n"] {
        assert_eq!(
            config.clone().with_authorities(pem.as_bytes()).unwrap_err(),
            PostgresConfigError::Certificate,
            "{pem}"
        );
    }
}
