//! The Plannt upstream as a program.
//!
//! `PLANNT_LISTEN` is where it listens, `127.0.0.1:3402` unless set. `MODEL_URL` and `MODEL_NAME` name a model that speaks
//! the OpenAI interface; without `MODEL_URL` the stand-in answers.

use core::error::Error;
use plannt::model::Model;
use plannt::{stand_in_model, upstream};
use std::env;

use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("PLANNT_LISTEN").unwrap_or_else(|_| "127.0.0.1:3402".to_owned());
    let listener = TcpListener::bind(&listen).await?;
    let model = model().await?;
    eprintln!("plannt-upstream: listening on {}", listener.local_addr()?);
    tokio::select! {
        ended = upstream::serve(listener, model) => ended?,
        stopped = tokio::signal::ctrl_c() => stopped?,
    }
    Ok(())
}

async fn model() -> Result<Model, Box<dyn Error>> {
    if let Ok(base) = env::var("MODEL_URL") {
        let name = env::var("MODEL_NAME").map_err(|_| "MODEL_URL needs a MODEL_NAME")?;
        return Ok(Model::new(&base, &name)?);
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(stand_in_model::serve(listener));
    eprintln!("plannt-upstream: MODEL_URL is not set, using the stand-in model");
    Ok(Model::new(&base, "stand-in")?)
}
