//! A gRPC client buys through the gateway from a real gRPC server: every kind of call, with its status and its metadata.
//!
//! The server and the client are tonic's, over HTTP/2 without TLS on both sides. The node is a fake that moves no money.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::convert::Infallible;
use core::net::SocketAddr;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use futures_util::{Stream, StreamExt, stream};
use http::uri::PathAndQuery;
use l402_core::{Challenge, CredentialLine, Msat, ParamValue};
use l402_gateway::{Payee, Server};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource};
use l402_server::config::Config;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

/// What is asked.
#[derive(Clone, PartialEq, prost::Message)]
struct Place {
    #[prost(string, tag = "1")]
    name: String,
}

/// What is answered.
#[derive(Clone, PartialEq, prost::Message)]
struct Report {
    #[prost(string, tag = "1")]
    text: String,
}

type Reports = Pin<Box<dyn Stream<Item = Result<Report, Status>> + Send>>;

fn place(name: &str) -> Place {
    Place { name: name.to_owned() }
}

fn report(text: impl Into<String>) -> Report {
    Report { text: text.into() }
}

/// One call, one answer; or a status with metadata.
async fn now(request: Request<Place>) -> Result<Response<Report>, Status> {
    if request.metadata().get("authorization").is_some() {
        return Err(Status::failed_precondition("the token came along"));
    }
    if request.get_ref().name == "nowhere" {
        let mut status = Status::not_found("no such place: 100 % sure");
        status.metadata_mut().insert("x-detail", MetadataValue::from_static("searched"));
        return Err(status);
    }
    let mut response = Response::new(report(format!("sunny in {}", request.get_ref().name)));
    response.metadata_mut().insert("x-station", MetadataValue::from_static("7"));
    Ok(response)
}

/// One call, many answers, and then a failure.
async fn days(request: Request<Place>) -> Result<Response<Reports>, Status> {
    let name = request.into_inner().name;
    let days = (1..=3).map(move |day| Ok(report(format!("{name} {day}"))));
    let days = days.chain([Err(Status::data_loss("the rest is lost"))]);
    Ok(Response::new(Box::pin(stream::iter(days))))
}

/// Many calls, one answer.
async fn all(request: Request<Streaming<Place>>) -> Result<Response<Report>, Status> {
    let mut places = request.into_inner();
    let mut names = Vec::new();
    while let Some(place) = places.message().await? {
        names.push(place.name);
    }
    Ok(Response::new(report(names.join("+"))))
}

/// Each call is answered before the next.
async fn talk(request: Request<Streaming<Place>>) -> Result<Response<Reports>, Status> {
    let answers = request.into_inner().map(|place| Ok(report(format!("about {}", place?.name))));
    Ok(Response::new(Box::pin(answers)))
}

/// A gRPC server, with the number of calls that have reached it.
async fn serve() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&served);
    let service = service_fn(move |request: http::Request<Body>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            let mut grpc = tonic::server::Grpc::new(ProstCodec::<Report, Place>::default());
            Ok::<_, Infallible>(match request.uri().path() {
                "/weather.Weather/Now" => grpc.unary(service_fn(now), request).await,
                "/weather.Weather/Days" => grpc.server_streaming(service_fn(days), request).await,
                "/weather.Weather/All" => grpc.client_streaming(service_fn(all), request).await,
                "/weather.Weather/Talk" => grpc.streaming(service_fn(talk), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        }
    });
    tokio::spawn(tonic::transport::Server::builder().serve_with_incoming(service, TcpIncoming::from(listener)));
    (address, served)
}

/// A gateway in front of it, and somebody who can pay.
struct Shop {
    server: Server,
    wallet: FakeNode,
    channel: Channel,
    _data: TempDir,
}

impl Shop {
    async fn open(upstream: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        let text = format!(
            "listen = \"127.0.0.1:0\"\nthreads = 2\ndata_dir = \"{}\"\n[[service]]\nname = \"weather\"\n{upstream}\n\
             [[service.route]]\npath = \"/weather.Weather/*\"\nprice = \"21 sat\"\nuses = \"unlimited\"\n",
            data.path().display()
        );
        let config = Config::from_text(&text, &|_| None).unwrap();
        let network = FakeNetwork::new();
        let node = network.node();
        let payee = Payee::new(node.clone(), Network::Regtest).id(node.node_id());
        let server = Server::start(&config.settings, &payee).unwrap();
        let channel = Endpoint::from_shared(format!("http://{}", server.address())).unwrap();
        let channel = channel.timeout(Duration::from_secs(20)).connect().await.unwrap();
        Self { server, wallet: network.node(), channel, _data: data }
    }

    async fn client(&self) -> tonic::client::Grpc<Channel> {
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        client
    }

    /// Pays what a refusal asks for, and returns the value of `authorization`.
    async fn pay(&self, refusal: &Status) -> MetadataValue<tonic::metadata::Ascii> {
        assert_eq!((refusal.code(), refusal.message()), (Code::Internal, "payment required"), "{refusal:?}");
        let lines: Vec<_> = refusal.metadata().get_all("www-authenticate").iter().collect();
        assert_eq!(lines.len(), 2, "{refusal:?}");
        let challenge = Challenge::select(lines.iter().map(|line| line.as_bytes())).unwrap();
        let text = |value: ParamValue<'_>| value.as_str().unwrap().to_owned();
        let invoice = Invoice::parse(&text(challenge.invoice())).unwrap();
        let paid = self.wallet.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
        let token = text(challenge.token());
        let line = CredentialLine { scheme: challenge.scheme(), token: &token, preimage: &paid.preimage };
        line.to_string().parse().unwrap()
    }
}

fn codec() -> ProstCodec<Place, Report> {
    ProstCodec::default()
}

fn method(name: &str) -> PathAndQuery {
    format!("/weather.Weather/{name}").parse().unwrap()
}

fn paid<T>(message: T, credential: &MetadataValue<tonic::metadata::Ascii>) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", credential.clone());
    request
}

#[tokio::test]
async fn a_grpc_client_buys_every_kind_of_call() {
    let (address, served) = serve().await;
    for upstream in [
        format!("upstream = \"h2c://{address}\""),
        format!("upstream = \"http://{address}\"\nupstream_protocol = \"http2\""),
    ] {
        let before = served.load(Ordering::SeqCst);
        let shop = Shop::open(&upstream).await;
        let client = async || shop.client().await;
        let refusal = client().await.unary(Request::new(place("Bern")), method("Now"), codec()).await.unwrap_err();
        let token = shop.pay(&refusal).await;
        assert_eq!(served.load(Ordering::SeqCst), before, "nothing came through unpaid");

        let answer = client().await.unary(paid(place("Bern"), &token), method("Now"), codec()).await.unwrap();
        assert_eq!(answer.get_ref().text, "sunny in Bern");
        assert_eq!(answer.metadata().get("x-station").unwrap(), "7");
        let failed = client().await.unary(paid(place("nowhere"), &token), method("Now"), codec()).await.unwrap_err();
        assert_eq!((failed.code(), failed.message()), (Code::NotFound, "no such place: 100 % sure"));
        assert_eq!(failed.metadata().get("x-detail").unwrap(), "searched");

        let days = client().await.server_streaming(paid(place("Bern"), &token), method("Days"), codec()).await.unwrap();
        let mut days = days.into_inner();
        for day in 1..=3 {
            assert_eq!(days.message().await.unwrap().unwrap().text, format!("Bern {day}"));
        }
        let lost = days.message().await.unwrap_err();
        assert_eq!((lost.code(), lost.message()), (Code::DataLoss, "the rest is lost"), "the trailers tell it");

        let places = stream::iter(["Bern", "Basel", "Chur"].map(place));
        let every = client().await.client_streaming(paid(places, &token), method("All"), codec()).await.unwrap();
        assert_eq!(every.get_ref().text, "Bern+Basel+Chur");

        let (ask, asked) = mpsc::channel::<Place>(1);
        let asked = stream::unfold(asked, |mut asked| async move { Some((asked.recv().await?, asked)) });
        let answers = client().await.streaming(paid(asked, &token), method("Talk"), codec()).await.unwrap();
        let mut answers = answers.into_inner();
        for name in ["Bern", "Basel", "Chur"] {
            ask.send(place(name)).await.unwrap();
            assert_eq!(answers.message().await.unwrap().unwrap().text, format!("about {name}"));
        }
        drop(ask);
        assert_eq!(answers.message().await.unwrap(), None);
        assert_eq!(answers.trailers().await.unwrap().map(|_| ()), Some(()), "the call ended with its status");

        let missing = client().await.unary(paid(place("Bern"), &token), method("Never"), codec()).await.unwrap_err();
        assert_eq!(missing.code(), Code::Unimplemented);
        shop.server.shutdown().await;
    }
}

#[tokio::test]
async fn a_stream_is_asked_to_pay_before_it_begins() {
    let (address, served) = serve().await;
    let shop = Shop::open(&format!("upstream = \"h2c://{address}\"")).await;
    let places = || Request::new(stream::repeat_with(|| place("Bern")));
    let refusal = shop.client().await.client_streaming(places(), method("All"), codec()).await.unwrap_err();
    shop.pay(&refusal).await;
    let refusal = shop.client().await.streaming(places(), method("Talk"), codec()).await.unwrap_err();
    shop.pay(&refusal).await;
    assert_eq!(served.load(Ordering::SeqCst), 0);
}
