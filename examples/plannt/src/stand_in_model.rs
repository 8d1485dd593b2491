//! A stand-in for a language model: no model at all. It answers each prompt in the same way and says what it is.
//!
//! It speaks just enough of the OpenAI interface for the example to run without an account, and like the real one it wants
//! a bearer key.

use axum::extract::Json;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, serve as serve_axum};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::io;
use tokio::net::TcpListener;

/// Serves the stand-in until the task is dropped.
///
/// # Errors
/// [`io::Error`] when the listener fails for good.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    serve_axum(listener, Router::new().route("/v1/chat/completions", post(complete))).await
}

#[derive(Deserialize)]
struct Question {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

async fn complete(fields: HeaderMap, Json(question): Json<Question>) -> Response {
    let key =
        fields.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    if key.is_none_or(str::is_empty) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": { "message": "no key" } }))).into_response();
    }
    let prompt = question.messages.last().map_or("", |message| message.content.as_str());
    let words = prompt.split_whitespace().count();
    let content = format!("This is the stand-in model. Your prompt has {words} words: {prompt}");
    let message = json!({ "role": "assistant", "content": content });
    Json(json!({ "object": "chat.completion", "choices": [{ "index": 0, "message": message }] })).into_response()
}
