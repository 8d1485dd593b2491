//! `AddInvoice` and nothing else: what LND can do at most, by a client that looks at nothing.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use bitcoin::hex::DisplayHex as _;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use l402_regtest::lnd::{LndNode, Macaroon};
use prost::Message;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Request;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic_prost::ProstCodec;

/// A connection to an LND. Clones share it.
#[derive(Clone)]
pub(crate) struct Raw {
    channel: Channel,
    macaroon: MetadataValue<Ascii>,
}

impl Raw {
    pub(crate) async fn connect(lnd: &LndNode) -> Self {
        let provider = Arc::new(ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let (tls, address) = (TlsConnector::from(Arc::new(tls)), lnd.rpc_address());
        let dial = move |_: Uri| {
            let tls = tls.clone();
            async move {
                let tcp = TcpStream::connect(address).await?;
                tcp.set_nodelay(true)?;
                tls.connect(ServerName::from(address.ip()), tcp).await.map(TokioIo::new)
            }
        };
        let endpoint = Endpoint::from_static("http://lnd").buffer_size(1024);
        let channel = endpoint.connect_with_connector(tower::service_fn(dial)).await.unwrap();
        Self { channel, macaroon: hex(&lnd.macaroon(Macaroon::Admin)).parse().unwrap() }
    }

    pub(crate) async fn add_invoice(&self, value_msat: u64, memo: &str, expiry: Duration) {
        let expiry = expiry.as_secs().try_into().unwrap();
        let invoice = Invoice { memo: memo.to_owned(), expiry, value_msat: value_msat.try_into().unwrap() };
        let mut request = Request::new(invoice);
        request.metadata_mut().insert("macaroon", self.macaroon.clone());
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static("/lnrpc.Lightning/AddInvoice");
        let added = grpc.unary(request, path, ProstCodec::<Invoice, Added>::default()).await.unwrap();
        assert!(added.into_inner().payment_request.starts_with("lnbcrt"));
    }
}

/// `lnrpc.Invoice`, as far as it is needed.
#[derive(Clone, PartialEq, Message)]
struct Invoice {
    #[prost(string, tag = "1")]
    memo: String,
    #[prost(int64, tag = "11")]
    expiry: i64,
    #[prost(int64, tag = "23")]
    value_msat: i64,
}

/// `lnrpc.AddInvoiceResponse`, as far as it is needed.
#[derive(Clone, PartialEq, Message)]
struct Added {
    #[prost(string, tag = "2")]
    payment_request: String,
}

fn hex(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap();
    bytes.to_lower_hex_string()
}

/// Takes every server for the one: this is a bench, on one machine.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
