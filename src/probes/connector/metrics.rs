//! The Connector's own metrics on loopback, where its configuration names their port: one small request, bounded.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::connector::metrics;
use crate::env::Env;
use crate::model::facts::{Connector, ConnectorProcess, OwnMetrics};

/// Most bytes of an answer, and the longest that it may take: it comes from this host.
const MOST: u64 = 256 * 1024;
const PATIENCE: Duration = Duration::from_millis(500);
const REQUEST: &[u8] = b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n";

/// Where they are asked for: of a process in this run's own network alone.
pub(crate) fn address(process: &ConnectorProcess, connector: &Connector) -> Option<SocketAddr> {
    let native = process.deployment.kind.native();
    let sources = process.settings.iter().chain(connector.file.iter().filter(|_| native));
    let port = sources.into_iter().find_map(|settings| settings.metrics_port)?;
    let here = process.runs() && process.view.same_network == Some(true);
    here.then(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Asks all of them, one after the other.
pub(in crate::probes) async fn read(env: &Env, connector: &mut Connector) {
    let wanted: Vec<Option<SocketAddr>> =
        connector.processes.iter().map(|process| address(process, connector)).collect();
    for (process, at) in connector.processes.iter_mut().zip(wanted) {
        let Some(at) = at else { continue };
        let begun = env.elapsed();
        let text = tokio::time::timeout(PATIENCE, ask(at)).await.ok().and_then(Result::ok);
        let read = text.and_then(|text| metrics::read(&text));
        process.metrics = Some(OwnMetrics {
            took_us: crate::probes::since_us(env, begun),
            read: read.is_some(),
            ..read.unwrap_or_default()
        });
    }
}

async fn ask(at: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(at).await?;
    stream.write_all(REQUEST).await?;
    let mut bytes = Vec::new();
    stream.take(MOST).read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{DeploymentKind, Settings, View};

    fn connector(port: u16, same_network: Option<bool>) -> Connector {
        let mut process = ConnectorProcess {
            settings: vec![Settings { metrics_port: Some(port), ..Settings::default() }],
            view: View { same_network, ..View::default() },
            ..ConnectorProcess::default()
        };
        process.deployment.kind = DeploymentKind::Docker;
        Connector { processes: vec![process], ..Connector::default() }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn they_are_asked_for_on_loopback_and_only_in_this_network() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; REQUEST.len()];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\ntwingate_connector_uptime_seconds 90\n").await.unwrap();
        });
        let env = Env::system();
        let mut asked = connector(port, Some(true));
        read(&env, &mut asked).await;
        server.await.unwrap();
        let metrics = asked.processes[0].metrics.as_ref().expect("asked");
        assert_eq!((metrics.read, metrics.uptime_s), (true, Some(90)));
        // Nobody listens there any more.
        read(&env, &mut asked).await;
        assert!(asked.processes[0].metrics.as_ref().is_some_and(|metrics| !metrics.read));
        for other in [Some(false), None] {
            let mut elsewhere = connector(port, other);
            read(&env, &mut elsewhere).await;
            assert_eq!(elsewhere.processes[0].metrics, None);
        }
    }
}
