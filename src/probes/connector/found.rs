//! What is being found of Connectors: the kept ones, places that stay closed, and tokens while they are compared.

use std::io;

use crate::connector::Tokens;
use crate::model::facts::{Deployment, KeptConnector};

/// Most Connectors that are kept.
const MOST: usize = 16;
/// Most places that are told.
const PLACES: usize = 8;

/// A holder of tokens.
pub(super) struct Holder {
    /// In words: `process 812`, a file.
    pub(super) name: String,
    /// Which Connector it is of.
    pub(super) deployment: Deployment,
    /// Its process, and that one's parent.
    pub(super) pids: Option<(u32, u32)>,
    /// Something starts it sooner or later, where it does not run.
    pub(super) starts: bool,
    pub(super) tokens: Tokens,
}

/// What is found until now.
#[derive(Default)]
pub(super) struct Found {
    pub(super) kept: Vec<KeptConnector>,
    pub(super) unread: Vec<String>,
    pub(super) holders: Vec<Holder>,
}

impl Found {
    /// Adds a Connector, and what it is configured with.
    pub(super) fn add(&mut self, kept: KeptConnector, tokens: Option<Tokens>) {
        if self.kept.len() >= MOST {
            return;
        }
        if let Some(tokens) = tokens {
            self.holders.push(Holder {
                name: kept.place.clone(),
                deployment: kept.deployment.clone(),
                pids: None,
                starts: kept.restarts_itself == Some(true) && !kept.stopped_by_hand,
                tokens,
            });
        }
        self.kept.push(kept);
    }

    /// Notes a place that is there and stays closed.
    pub(super) fn closed(&mut self, place: &str, why: &io::Error) {
        if why.kind() == io::ErrorKind::PermissionDenied && self.unread.len() < PLACES {
            self.unread.push(format!("{place}: {}", why.kind()));
        }
    }
}
