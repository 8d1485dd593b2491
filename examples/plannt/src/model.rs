//! A client of a language model that speaks the OpenAI interface.

use bytes::Bytes;
use core::fmt;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::uri::InvalidUri;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Where a model is, and what it is called there.
#[derive(Debug, Clone)]
pub struct Model {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    completions: Uri,
    name: Arc<str>,
}

impl Model {
    /// Takes the base of the interface, such as `https://api.openai.com`, and the name of a model.
    ///
    /// # Errors
    /// [`ModelError`] when the base is no URL, or TLS cannot be set up.
    pub fn new(base: &str, name: &str) -> Result<Self, ModelError> {
        let completions = format!("{}/v1/chat/completions", base.trim_end_matches('/'));
        let completions = completions.parse().map_err(ModelError::Base)?;
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls()?).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, completions, name: name.into() })
    }

    /// Asks for an answer to one prompt, with the `Authorization` that the model wants.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn complete(&self, prompt: &str, authorization: Option<&HeaderValue>) -> Result<String, ModelError> {
        let question = json!({ "model": &*self.name, "messages": [{ "role": "user", "content": prompt }] });
        let mut request = Request::post(&self.completions).header(CONTENT_TYPE, "application/json");
        if let Some(key) = authorization {
            request = request.header(AUTHORIZATION, key);
        }
        let request =
            request.body(Full::from(question.to_string())).map_err(|error| ModelError::Exchange(error.into()))?;
        let response = self.client.request(request).await.map_err(|error| ModelError::Exchange(error.into()))?;
        if response.status() != StatusCode::OK {
            return Err(ModelError::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(ModelError::Exchange)?;
        let answer: Completion = serde_json::from_slice(&body.to_bytes()).map_err(ModelError::Answer)?;
        answer.choices.into_iter().next().map(|choice| choice.message.content).ok_or(ModelError::NoChoice)
    }
}

fn tls() -> Result<rustls::ClientConfig, ModelError> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.map_err(ModelError::Tls)?.with_root_certificates(roots).with_no_client_auth())
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

/// Why a model gave no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ModelError {
    /// The base is no URL.
    Base(InvalidUri),
    /// TLS cannot be set up.
    Tls(rustls::Error),
    /// The model cannot be reached, or broke off.
    Exchange(Box<dyn core::error::Error + Send + Sync>),
    /// It refused.
    Status(StatusCode),
    /// Its answer is not of the expected form.
    Answer(serde_json::Error),
    /// Its answer is empty.
    NoChoice,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base(_) => f.write_str("the model's address is no URL"),
            Self::Tls(_) => f.write_str("cannot set up TLS"),
            Self::Exchange(_) => f.write_str("the model cannot be reached"),
            Self::Status(status) => write!(f, "the model refused with {status}"),
            Self::Answer(_) => f.write_str("unexpected response from the model"),
            Self::NoChoice => f.write_str("the model's answer is empty"),
        }
    }
}

impl core::error::Error for ModelError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Base(cause) => Some(cause),
            Self::Tls(cause) => Some(cause),
            Self::Exchange(cause) => Some(&**cause),
            Self::Answer(cause) => Some(cause),
            Self::Status(_) | Self::NoChoice => None,
        }
    }
}

const MAX_ANSWER: usize = 1 << 20;
