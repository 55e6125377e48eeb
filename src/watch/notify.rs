//! Tells systemd that the watch is ready, lives and ends (`sd_notify(3)`): a datagram to the socket that it names.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::env::Env;

/// Whoever started the watch, where it wants to be told.
#[derive(Debug)]
pub struct Notifier {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants a sign of life.
    every: Option<Duration>,
}

impl Notifier {
    /// By `NOTIFY_SOCKET` and `WATCHDOG_USEC`; nobody where these are not set.
    pub fn of(env: &Env) -> Self {
        let to = env.var("NOTIFY_SOCKET").and_then(|name| {
            let address = match name.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name),
                None if name.starts_with('/') => SocketAddr::from_pathname(name),
                None => return None,
            };
            let socket = UnixDatagram::unbound().ok()?;
            // Nobody waits for whoever does not read.
            socket.set_nonblocking(true).ok()?;
            Some((socket, address.ok()?))
        });
        let wanted = env.var("WATCHDOG_USEC").and_then(|text| text.parse().ok()).filter(|us: &u64| *us > 0);
        // Half of it, as sd_watchdog_enabled(3) advises.
        Self { every: wanted.filter(|_| to.is_some()).map(|us| Duration::from_micros(us) / 2), to }
    }

    /// Everything is set up.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// It ends, and writes what it has.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Gives signs of life for as long as the caller's runtime goes on; never ends.
    pub async fn keep_alive(&self) {
        let Some(every) = self.every else { return std::future::pending().await };
        loop {
            self.tell("WATCHDOG=1");
            tokio::time::sleep(every).await;
        }
    }

    /// Best effort: who is not told will say so.
    fn tell(&self, state: &str) {
        if let Some((socket, to)) = &self.to {
            let _ = socket.send_to_addr(state.as_bytes(), to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_told_arrives_and_nobody_is_told_nothing() {
        let path = std::env::temp_dir().join(format!("cdr-notify-{}", std::process::id()));
        let systemd = UnixDatagram::bind(&path).unwrap();
        let var = |name: &str, value: String| (name.to_owned(), value);
        let vars =
            [var("NOTIFY_SOCKET", path.display().to_string()), var("WATCHDOG_USEC", "60000000".to_owned())];
        let notifier = Notifier::of(&Env::frozen(0, 0).with_vars(vars));
        notifier.ready();
        let alive = tokio::time::timeout(Duration::from_millis(10), notifier.keep_alive()).await;
        assert!(alive.is_err(), "it goes on");
        notifier.stopping();
        for expected in ["READY=1", "WATCHDOG=1", "STOPPING=1"] {
            let mut bytes = [0; 64];
            let n = systemd.recv(&mut bytes).unwrap();
            assert_eq!(std::str::from_utf8(&bytes[..n]), Ok(expected));
        }
        std::fs::remove_file(&path).unwrap();
        notifier.ready();
        Notifier::of(&Env::frozen(0, 0)).ready();
    }
}
