//! The upstream: five small routes, of which the gateway sells four.
//!
//! | route | answer |
//! |---|---|
//! | `GET /status` | `OK` |
//! | `GET /v1/demo` | `{"result":"verified"}` |
//! | `GET /v1/data` | `{"message":"Access granted to protected Plannt data."}` |
//! | `GET /v1/tips` | `{"tip":"Water in the morning."}` |
//! | `POST /v1/generate` with `{"prompt": …}` | `{"response": …}`, by a language model |
//!
//! The upstream has no key for the model: it passes on the `Authorization` that the gateway adds.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, serve as serve_axum};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io;
use tokio::net::TcpListener;

use crate::model::Model;

/// Serves the API until the task is dropped; `model` answers prompts.
///
/// # Errors
/// [`io::Error`] when the listener fails for good.
pub async fn serve(listener: TcpListener, model: Model) -> io::Result<()> {
    serve_axum(listener, router(model)).await
}

/// Returns the routes.
pub fn router(model: Model) -> Router {
    Router::new()
        .route("/status", get(async || "OK"))
        .route("/v1/demo", get(async || Json(json!({ "result": "verified" }))))
        .route("/v1/data", get(async || Json(json!({ "message": "Access granted to protected Plannt data." }))))
        .route("/v1/tips", get(async || Json(json!({ "tip": "Water in the morning." }))))
        .route("/v1/generate", post(generate))
        .with_state(model)
}

#[derive(Deserialize)]
struct Prompt {
    prompt: String,
}

#[derive(Serialize)]
struct Generated {
    response: String,
}

async fn generate(
    State(model): State<Model>,
    fields: HeaderMap,
    prompt: Result<Json<Prompt>, JsonRejection>,
) -> Response {
    let Ok(Json(Prompt { prompt })) = prompt else {
        return failure(StatusCode::BAD_REQUEST, "send JSON with a `prompt`");
    };
    match model.complete(&prompt, fields.get(AUTHORIZATION)).await {
        Ok(response) => Json(Generated { response }).into_response(),
        Err(_) => failure(StatusCode::BAD_GATEWAY, "the model gave no answer"),
    }
}

fn failure(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
