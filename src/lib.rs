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
//! | `model` | `proto` (its plain types) | anything impure |
//! | `proto`, `env` | nothing of ours | tokio, sockets, clocks, randomness (`env` alone may), each other |
//! | `config`, `render`, `connector` | `model` | anything impure |
//! | `inference` | `model`, `proto` (its pure judges: selection, NAT behaviour), `connector` (its tables) | anything impure |
//! | `checks` | `model`, `inference`, `proto`, `connector` (its tables) | anything impure |
//! | `diagnosis` | `model` | anything impure |
//! | `probes` | `model`, `proto`, `env`, `config`, `connector` | `checks`, `render` |
//! | `lab` | `proto`, `env`, `model` (the causes that a scenario is to show) | `probes`, `checks` (so that a codec bug cannot hide on both sides) |
//! | `pipeline` | `model`, `config`, `env`, `probes`, `inference`, `checks`, `diagnosis` | `render` |
//! | `watch` | `model`, `config`, `env`, `pipeline`, `render` | `probes` |
//! | `cli` | all; nothing imports `cli` | |
//!
//! `tests/architecture.rs` enforces the table.

pub mod checks;
pub mod cli;
pub mod config;
pub mod connector;
pub mod diagnosis;
pub mod env;
pub mod inference;
pub mod lab;
pub mod model;
pub mod pipeline;
pub mod probes;
pub mod proto;
pub mod render;
pub mod watch;
