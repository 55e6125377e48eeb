//! What the gateway says of its outer address, where the user asked for that (`--ask-gateway`): NAT-PMP (RFC 6886) and `UPnP` IGD.
//! Both are read-only questions; PCP (RFC 6887) tells its address only to who opens a port, which this tool never does.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crab_nat::{TimeoutConfig, natpmp};
use igd_next::{SearchOptions, search_gateway};

use crate::env::Env;
use crate::model::facts::GatewayWord;
use crate::model::observation::{FailureKind, Observation, Outcome, Phase, ProbeFailure};
use crate::model::text::{clean, without_urls};
use crate::probes::aside::aside;
use crate::probes::micros;

/// A gateway on the same link answers at once or not at all.
const PATIENCE: Duration = Duration::from_millis(1500);
const NAT_PMP: u16 = 5351;
const SSDP: u16 = 1900;

/// Asks by NAT-PMP.
pub async fn nat_pmp(env: &Env, gateway: IpAddr, left: Duration) -> Observation<GatewayWord> {
    let config = TimeoutConfig {
        initial_timeout: Duration::from_millis(250),
        max_retries: 2,
        max_retry_timeout: Some(PATIENCE),
    };
    let work = async {
        match natpmp::external_address(gateway.into(), Some(config)).await {
            Ok(ip) => Ok(Some(IpAddr::V4(ip)).filter(|ip| !ip.is_unspecified())),
            Err(natpmp::Failure::NetworkFailure) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    };
    observe(env, "nat-pmp", (gateway, NAT_PMP).into(), left, work).await
}

/// Asks by `UPnP`: the gateway alone, not whoever answers a multicast.
pub async fn upnp(env: &Env, gateway: IpAddr, left: Duration) -> Observation<GatewayWord> {
    let mut options = SearchOptions::default();
    options.broadcast_address = (gateway, SSDP).into();
    options.timeout = Some(PATIENCE);
    options.single_search_timeout = Some(PATIENCE);
    let work = async move {
        let asked = aside(move || {
            let found = search_gateway(options).map_err(|e| e.to_string())?;
            found.get_external_ip().map(Some).map_err(|e| e.to_string())
        });
        asked.await.unwrap_or_else(|_| Err("broke off".to_owned()))
    };
    observe(env, "upnp", (gateway, SSDP).into(), left, work).await
}

async fn observe(
    env: &Env,
    protocol: &str,
    address: SocketAddr,
    left: Duration,
    work: impl Future<Output = Result<Option<IpAddr>, String>>,
) -> Observation<GatewayWord> {
    let at = env.elapsed();
    let outcome = match tokio::time::timeout(left.min(PATIENCE * 2), work).await {
        Ok(Ok(external)) => Outcome::Seen(GatewayWord { protocol: protocol.to_owned(), external }),
        Ok(Err(why)) => Outcome::Failed(ProbeFailure::new(
            Phase::Receive,
            FailureKind::Rejected,
            clean(&without_urls(&why), 120),
        )),
        Err(_) => Outcome::Failed(ProbeFailure::new(Phase::Receive, FailureKind::Timeout, "no answer")),
    };
    Observation {
        target: format!("gateway, {protocol}"),
        address: Some(address),
        at_us: micros(at),
        took_us: micros(env.elapsed().saturating_sub(at)),
        outcome,
    }
}
