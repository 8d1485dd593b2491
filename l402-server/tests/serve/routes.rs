//! Several services with several routes.

use crate::support::{Echo, Gateway};

async fn two_services() -> (Echo, Echo, Gateway) {
    let (weather, maps) = (Echo::start().await, Echo::start().await);
    let gateway = Gateway::start(&format!(
        r#"
        [[service]]
        name = "weather"
        upstream = {:?}
        free = ["/status"]
        headers = {{ Authorization = {{ env = "UPSTREAM_KEY", prefix = "Bearer " }}, X-From = "weather" }}

        [[service.route]]
        methods = ["GET"]
        path = "/v1/now"
        price = "1 sat"

        [[service.route]]
        methods = ["POST"]
        path = "/v1/now"
        price = "2 sat"

        [[service.route]]
        path = "/v1/past/*"
        price = "1 sat"

        [[service]]
        name = "maps"
        upstream = {:?}
        headers = {{ X-From = "maps" }}
        price = "1 sat"

        [[service.route]]
        path = "/tile/{{x}}/{{y}}"
        "#,
        weather.url, maps.url
    ));
    (weather, maps, gateway)
}

const ROUTES: [(&str, &str); 4] =
    [("GET", "/v1/now"), ("POST", "/v1/now"), ("GET", "/v1/past/2024"), ("GET", "/tile/1/2")];

#[tokio::test]
async fn t3_token_for_one_route_opens_no_other() {
    let (_weather, _maps, gateway) = two_services().await;
    for bought in ROUTES {
        let credential = gateway.buy(bought.0, bought.1).await;
        for opened in ROUTES {
            let answer = gateway.ask(opened.0, opened.1, &[("Authorization", &credential)]).await;
            let expected = if bought == opened { 200 } else { 402 };
            assert_eq!(answer.status, expected, "a token for {bought:?} at {opened:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn each_service_has_its_upstream_and_its_fields() {
    let (_weather, _maps, gateway) = two_services().await;
    let status = gateway.ask("GET", "/status", &[]).await;
    assert!(status.body().contains("x-from: weather\r\n"), "{}", status.text);
    assert!(status.body().contains("authorization: bearer upstream-canary\r\n"), "{}", status.text);
    let credential = gateway.buy("GET", "/tile/1/2").await;
    let tile = gateway.ask("GET", "/tile/1/2", &[("Authorization", &credential)]).await;
    assert!(tile.body().contains("x-from: maps\r\n") && !tile.body().contains("canary"), "{}", tile.text);
}

#[tokio::test]
async fn what_is_neither_sold_nor_free_is_not_there() {
    let (_weather, _maps, gateway) = two_services().await;
    assert_eq!(gateway.ask("GET", "/", &[]).await.status, 404);
    assert_eq!(gateway.ask("GET", "/status/more", &[]).await.status, 404);
    let wrong_method = gateway.ask("DELETE", "/v1/now", &[]).await;
    assert_eq!((wrong_method.status, wrong_method.fields("allow")), (405, vec!["GET, POST, HEAD"]));
}
