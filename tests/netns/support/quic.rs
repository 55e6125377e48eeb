//! QUIC servers on a node (quinn), and a filter before one that reads the name in the first packet as firewalls do.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use ring::{aead, hkdf};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::node::Node;

/// RFC 9001 5.2: the salt of version 1.
const SALT: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];

/// A server with ALPN `h3` at this address, which ends with the test's process.
pub fn quic_server(node: &Node, at: &str) {
    let at: SocketAddr = at.parse().expect("an address with a port");
    let socket = node.run(move || UdpSocket::bind(at).expect("a port of the node's own"));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let config = EndpointConfig::default();
            let endpoint = Endpoint::new(config, Some(server_config()), socket, Arc::new(TokioRuntime))
                .expect("a socket");
            while let Some(incoming) = endpoint.accept().await {
                tokio::spawn(async move {
                    if let Ok(connection) = incoming.await {
                        connection.closed().await;
                    }
                });
            }
        });
    });
}

fn server_config() -> ServerConfig {
    let made = rcgen::generate_simple_self_signed(vec!["quic.test".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("its own key");
    tls.alpn_protocols = vec![b"h3".to_vec()];
    ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).expect("QUIC's cipher")))
}

/// Stands at `at` before the server at `behind`, and drops what a client sends once its first packet has named `name`.
pub fn name_filter(node: &Node, at: &str, behind: &str, name: &'static str) {
    let (at, behind): (SocketAddr, SocketAddr) =
        (at.parse().expect("an address"), behind.parse().expect("an address"));
    let outside = node.run(move || UdpSocket::bind(at).expect("a port of the node's own"));
    let node_sockets = node.run(move || {
        let inside: Vec<UdpSocket> =
            (0..16).map(|_| UdpSocket::bind((at.ip(), 0)).expect("a port")).collect();
        for socket in &inside {
            socket.connect(behind).expect("the server's address");
            socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
        }
        inside
    });
    std::thread::spawn(move || {
        let mut clients: Vec<(SocketAddr, Option<usize>)> = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = outside.recv_from(&mut buffer) {
            let datagram = &buffer[..length];
            let known = clients.iter().find(|(client, _)| *client == from).map(|(_, to)| *to);
            let to = known.unwrap_or_else(|| {
                let passes = !client_hello(datagram).is_some_and(|hello| find(&hello, name.as_bytes()));
                let used = clients.iter().filter(|(_, to)| to.is_some()).count();
                let to = passes.then_some(used % node_sockets.len());
                clients.push((from, to));
                if let Some(number) = to {
                    let (back, out) = (node_sockets[number].try_clone(), outside.try_clone());
                    let (back, out) = (back.expect("a descriptor"), out.expect("a descriptor"));
                    std::thread::spawn(move || {
                        let mut buffer = [0; 2048];
                        for _ in 0..100 {
                            if let Ok(length) = back.recv(&mut buffer) {
                                let _ = out.send_to(&buffer[..length], from);
                            }
                        }
                    });
                }
                to
            });
            if let Some(number) = to {
                let _ = node_sockets[number].send(datagram);
            }
        }
    });
}

fn find(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What a first packet of version 1 carries, by the keys that everybody can make (RFC 9001 5.2, 5.4).
fn client_hello(datagram: &[u8]) -> Option<Vec<u8>> {
    let first = *datagram.first()?;
    if first & 0xF0 != 0xC0 || datagram.get(1..5)? != [0, 0, 0, 1] {
        return None;
    }
    let length = usize::from(*datagram.get(5)?);
    let id = datagram.get(6..6 + length)?;
    let mut at = 6 + length;
    at += 1 + usize::from(*datagram.get(at)?);
    let (token, next) = varint(datagram, at)?;
    let (rest, number_at) = varint(datagram, next + token as usize)?;
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &SALT).extract(id);
    let client = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &expand(&secret, b"client in", 32));
    let (key, iv, hp) =
        (expand(&client, b"quic key", 16), expand(&client, b"quic iv", 12), expand(&client, b"quic hp", 16));
    let sample = datagram.get(number_at + 4..number_at + 20)?;
    let mask = aead::quic::HeaderProtectionKey::new(&aead::quic::AES_128, &hp).ok()?.new_mask(sample).ok()?;
    let mut header = datagram.get(..number_at + 4)?.to_vec();
    header[0] ^= mask[0] & 0x0F;
    let bytes = usize::from(header[0] & 3) + 1;
    for (byte, mask) in header[number_at..].iter_mut().zip(&mask[1..]).take(bytes) {
        *byte ^= mask;
    }
    header.truncate(number_at + bytes);
    let number = header[number_at..].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    let mut nonce: [u8; 12] = iv.try_into().ok()?;
    for (byte, part) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
        *byte ^= part;
    }
    let mut sealed = datagram.get(number_at + bytes..number_at + rest as usize)?.to_vec();
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).ok()?);
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    key.open_in_place(nonce, aead::Aad::from(header), &mut sealed).ok().map(|plain| plain.to_vec())
}

/// RFC 9000 16: the number, and where it ends.
fn varint(datagram: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *datagram.get(at)?;
    let length = 1 << (first >> 6);
    let rest = datagram.get(at + 1..at + length)?;
    Some((rest.iter().fold(u64::from(first & 0x3F), |all, byte| all << 8 | u64::from(*byte)), at + length))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label (RFC 8446 7.1) without a context.
fn expand(secret: &hkdf::Prk, label: &[u8], length: usize) -> Vec<u8> {
    let label = [b"tls13 ", label].concat();
    let info = [&[0, length as u8, label.len() as u8][..], &label, &[0]].concat();
    let mut out = vec![0; length];
    secret.expand(&[&info], Length(length)).and_then(|okm| okm.fill(&mut out)).expect("a short output");
    out
}
