//! The upstream as the gateway meets it, and the prices that the example puts on it.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use l402_server::config::Config;
use plannt::model::Model;
use plannt::{stand_in_model, upstream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

async fn stand_in() -> Model {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(stand_in_model::serve(listener));
    Model::new(&base, "stand-in").expect("a model")
}

async fn ask(model: Model, request: Request<Body>) -> (StatusCode, String) {
    let response = upstream::router(model).oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

fn generate(body: &str, key: Option<&str>) -> Request<Body> {
    let mut request = Request::post("/v1/generate").header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    request.body(Body::from(body.to_owned())).expect("a request")
}

#[tokio::test]
async fn the_routes_answer_as_promised() {
    let model = stand_in().await;
    for (path, expected) in [
        ("/status", "OK"),
        ("/v1/demo", r#"{"result":"verified"}"#),
        ("/v1/data", r#"{"message":"Access granted to protected Plannt data."}"#),
        ("/v1/tips", r#"{"tip":"Water in the morning."}"#),
    ] {
        assert_eq!(ask(model.clone(), get(path)).await, (StatusCode::OK, expected.to_owned()));
    }
}

#[tokio::test]
async fn the_stand_in_model_identifies_itself() {
    let (status, body) = ask(stand_in().await, generate(r#"{"prompt":"two words"}"#, Some("key"))).await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let expected = json!({ "response": "This is the stand-in model. Your prompt has 2 words: two words" });
    assert_eq!((status, body), (StatusCode::OK, expected));
}

#[tokio::test]
async fn errors_are_reported_without_details() {
    let model = stand_in().await;
    let (status, _) = ask(model.clone(), generate("no JSON", Some("key"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, body) = ask(model, generate(r#"{"prompt":"x"}"#, None)).await;
    assert_eq!((status, body.as_str()), (StatusCode::BAD_GATEWAY, r#"{"error":"the model gave no answer"}"#));
}

#[test]
fn the_prices_are_those_of_the_api() {
    let environment = |name: &str| match name {
        "OPENAI_KEY" => Some("key".to_owned()),
        "L402_SERVER_DATA_DIR" => Some("data".to_owned()),
        _ => None,
    };
    let config = Config::from_text(include_str!("../plannt.toml"), &environment).expect("a configuration");
    let routes = config.settings.services().iter().flat_map(|service| &service.routes);
    let prices: Vec<_> =
        routes.map(|route| (route.methods.clone(), route.path.as_str(), route.offer.price_msat.get())).collect();
    let expected = [
        (vec![Method::GET], "/v1/demo", 21_000),
        (vec![Method::GET], "/v1/data", 100_000),
        (vec![Method::GET], "/v1/tips", 50_000),
        (vec![Method::POST], "/v1/generate", 250_000),
    ];
    assert_eq!(prices, expected);
    assert_eq!(config.settings.services()[0].free, ["/status"]);
}
