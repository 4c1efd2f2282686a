//! antiphon over HTTP: every model that a [`Client`](antiphon::Client) finds, behind the faces of OpenAI,
//! Anthropic and LLM Engine.
//!
//! ```no_run
//! # async fn example() -> antiphon::Result<()> {
//! use antiphon_server::{Options, Server};
//!
//! let server = Server::bind(Options::default()).await?;
//! println!("{}", server.url());
//! let handle = server.handle();
//! tokio::spawn(async move { handle.shutdown() });
//! server.run().await;
//! # Ok(())
//! # }
//! ```
//!
//! A request goes through `gate` (who asks, and how much), `routes` (the one table of what there is) and a
//! handler under `faces/`; those that ask a model go on through `answer`. A new face is a file there and a
//! line in the table.
#![forbid(unsafe_code)]

mod answer;
mod app;
mod auth;
mod body;
mod calls;
mod engines;
mod event_body;
mod face;
mod faces;
mod gate;
mod jobs;
mod kept;
mod keys;
mod listen;
mod metrics;
mod models;
mod openapi;
mod outcome;
mod routes;
mod server;
mod settings;
mod store;
mod ticket;
mod tls;
mod workers;

pub use server::{Handle, Server};
pub use settings::{Check, DEFAULT_PORT, KeySettings, Options, Settings};
