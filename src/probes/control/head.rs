//! One question over a stream that stands: the head of `/`.

use hyper::Method;

use super::plane::{Peer, Plane};
use crate::model::observation::ProbeFailure;
use crate::probes::http::{Answered, Client};

/// Asks for the head of `/`; where `insist`, an error of the server's is asked for again with GET.
pub(super) async fn head<S>(
    plane: &Plane,
    peer: &Peer,
    stream: S,
    usual_port: u16,
    insist: bool,
) -> Result<(Client, Answered), ProbeFailure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let port = peer.address.port();
    let bare = if peer.host.contains(':') { format!("[{}]", peer.host) } else { peer.host.clone() };
    let host = if port == usual_port { bare } else { format!("{bare}:{port}") };
    let mut client = Client::over(&plane.env, stream, &host).await?;
    let answered = client.ask(Method::HEAD, plane.step()).await?;
    if insist && answered.answer.status >= 500 {
        // Some servers know GET alone. If that fails, too, the first answer stands.
        if let Ok(again) = client.ask(Method::GET, plane.step()).await {
            return Ok((client, again));
        }
    }
    Ok((client, answered))
}
