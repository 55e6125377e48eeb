//! First contact with several servers at once from one socket: routes datagrams to the transaction they answer.

use std::net::SocketAddr;
use std::time::Duration;

use super::message::Message;
use super::transaction::{Outcome, Strays, Transaction, same_endpoint};
use crate::proto::{IcmpKind, Machine, Step};

/// Several [`Transaction`]s that share a socket. One may be added while others run, as names get resolved.
#[derive(Debug, Default)]
pub struct Discovery {
    transactions: Vec<Transaction>,
    strays: Strays,
}

impl Discovery {
    /// Begins one more; its place in [`outcomes`](Self::outcomes).
    pub fn add(&mut self, transaction: Transaction) -> usize {
        self.transactions.push(transaction);
        self.transactions.len() - 1
    }

    /// What each server said, in the order they were added.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.transactions.iter().map(Transaction::outcome).collect()
    }

    /// Datagrams that belong to no transaction; those that do are counted there.
    pub fn strays(&self) -> Strays {
        self.strays
    }
}

impl Machine for Discovery {
    fn handle(&mut self, bytes: &[u8], from: SocketAddr, now: Duration) {
        match Message::decode(bytes) {
            Ok(message) => {
                if let Some(owner) = self.transactions.iter_mut().find(|t| t.owns(&message.id)) {
                    owner.handle_message(message, from, now);
                } else if self.strays.is_response(&message) {
                    self.strays.id += 1;
                }
            }
            // Nothing tells whose it is but where it came from.
            Err(error) => match self.transactions.iter_mut().find(|t| same_endpoint(t.server(), from)) {
                Some(owner) => owner.handle_garbage(error),
                None => self.strays.count(error),
            },
        }
    }

    fn handle_error(&mut self, to: SocketAddr, error: IcmpKind, now: Duration) {
        for transaction in &mut self.transactions {
            transaction.handle_error(to, error, now);
        }
    }

    fn poll(&mut self, now: Duration) -> Step {
        let mut until = None;
        for transaction in &mut self.transactions {
            match transaction.poll(now) {
                Step::Wait(time) => until = Some(until.map_or(time, |u: Duration| u.min(time))),
                Step::Done => {}
                transmit @ Step::Transmit(_) => return transmit,
            }
        }
        until.map_or(Step::Done, Step::Wait)
    }
}
