//! What ails a zero-trust Connector's host, measured, judged, ranked and explained.
//!
//! One picture: **said → meant → observed → proved → judged → ranked → rendered**. Data flows one way; only
//! [`probes`] (and the responders of [`lab`]) touch the world.
//!
//! ```text
//! cli ──► config ──► pipeline: discover host ──► targets ──► probes ──► Facts ──► inference ──► checks ──► findings ──► diagnosis ──► Report ──► render ──► bytes
//!         said→meant                             resolved     I/O        a file    pure          pure                    pure          verdict     pure
//! ```
//!
//! | layer | may import | never names |
//! | --- | --- | --- |
//! | `proto` | nothing of ours | anything impure: tokio, sockets, files, processes, clocks, randomness |
//! | `model` | `proto` (its plain types) | anything impure |
//! | `env` | nothing of ours | tokio, sockets |
//! | `config` | `model`, `proto` (the kinds of Resources) | anything impure |
//! | `render`, `connector` | `model` | anything impure |
//! | `inference` | `model`, `proto` (its pure judges: selection, NAT behaviour), `connector` (its tables) | anything impure |
//! | `checks` | `model`, `inference`, `proto`, `connector` (its tables) | anything impure |
//! | `diagnosis` | `model` | anything impure |
//! | `probes` | `model`, `proto`, `env`, `config`, `connector` | `checks`, `render` |
//! | `lab` | `proto`, `env`, `model` (the causes that a scenario is to show) | `probes`, `checks` (so that a codec bug cannot hide on both sides) |
//! | `peer` | `model`, `proto`, `env`, `probes` | `inference`, `checks`, `diagnosis`, `render` |
//! | `pipeline` | `model`, `config`, `env`, `probes`, `inference`, `checks`, `diagnosis` | `render` |
//! | `watch` | `model`, `config`, `env`, `pipeline`, `render` | `probes` |
//! | `cli` | all; nothing imports `cli` | |
//!
//! This is the only table of layers: `tests/architecture.rs` reads it here, and enforces it.

pub mod checks;
pub mod cli;
pub mod config;
pub mod connector;
pub mod diagnosis;
pub mod env;
pub mod inference;
pub mod lab;
pub mod model;
pub mod peer;
pub mod pipeline;
pub mod probes;
pub mod proto;
pub mod render;
pub mod watch;
