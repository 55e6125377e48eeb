//! The kinds of Resources, a row each: at which ports they are guessed, what is sent, who reads what comes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recognise::recognise;
use super::reply::{MAX_WORDS, Read, Reading, Reply, printable};
use super::{http, ldap, line, mysql, postgresql, rdp, smb, ssh};

/// What a Resource speaks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Anything over TCP: a connection that stands is all that is asked.
    #[default]
    Tcp,
    /// TLS, whatever is inside it.
    Tls,
    /// HTTP in plain text.
    Http,
    /// HTTP over TLS.
    Https,
    /// SSH.
    Ssh,
    /// Remote Desktop.
    Rdp,
    /// PostgreSQL.
    Postgresql,
    /// MySQL, MariaDB.
    Mysql,
    /// LDAP.
    Ldap,
    /// Windows' file sharing.
    Smb,
    /// Mail.
    Smtp,
    /// Files.
    Ftp,
    /// A name server.
    Dns,
    /// Redis: a connection is all that is asked.
    Redis,
    /// An ICMP echo.
    Icmp,
    /// UDP without a protocol: not testable.
    Udp,
}

/// How a conversation begins.
#[derive(Clone, Copy, Debug)]
pub enum Opening {
    /// A connection that stands is enough; nothing is sent, nothing awaited.
    Connect,
    /// The server speaks first; nothing is sent.
    Listen,
    /// The client speaks first: these bytes.
    Say(fn(&str) -> Vec<u8>),
    /// A TLS handshake, whose certificate is looked at.
    Tls,
    /// A TLS handshake, and these bytes inside it.
    TlsSay(fn(&str) -> Vec<u8>),
    /// One question over UDP, and the same over TCP.
    Dns,
    /// An echo request.
    Echo,
    /// Nothing can be asked.
    Untestable,
}

/// One kind, and how it is greeted.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// Its word in configurations and reports.
    pub word: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// Ports at which it is guessed where no kind is named; the first is the usual one.
    pub ports: &'static [u16],
    /// How the conversation begins.
    pub opening: Opening,
    /// Reads what comes.
    read: fn(&[u8]) -> Read,
    /// Bytes of a reply that are read; what is longer is no greeting.
    pub most: usize,
    /// What is sent, in words, for `plan` and the pages.
    pub sends: &'static str,
    /// What its server logs of us.
    pub logs: &'static str,
    /// How an unfinished greeting counts against a client, where it does.
    pub counts: Option<&'static str>,
}

/// Bytes that do not tell what they are by then are not going to.
pub(super) const UNDECIDED: usize = 256;

const NEVER: fn(&[u8]) -> Read = |_| Read::Not;

/// Every kind. What is sent is the least that the protocol allows.
pub const ROWS: &[Row] = &[
    Row {
        kind: Kind::Tcp,
        word: "tcp",
        title: "TCP",
        ports: &[],
        opening: Opening::Connect,
        read: NEVER,
        most: 0,
        sends: "a TCP connection, no bytes",
        logs: "nothing, or a connection that ended without a byte",
        counts: None,
    },
    Row {
        kind: Kind::Tls,
        word: "tls",
        title: "TLS",
        ports: &[636, 465, 853, 990, 993, 995, 5671, 6514, 8883],
        opening: Opening::Tls,
        read: NEVER,
        most: 0,
        sends: "a TLS handshake",
        logs: "a handshake after which no request came; at its usual level nothing",
        counts: None,
    },
    Row {
        kind: Kind::Http,
        word: "http",
        title: "HTTP",
        ports: &[80, 8080, 8000, 8008, 5985],
        opening: Opening::Say(http::request),
        read: http::read,
        most: 16 * 1024,
        sends: "GET / without cookies or credentials",
        logs: "one request: GET /, user agent connector-doctor",
        counts: None,
    },
    Row {
        kind: Kind::Https,
        word: "https",
        title: "HTTPS",
        ports: &[443, 8443, 5986, 6443],
        opening: Opening::TlsSay(http::request),
        read: http::read,
        most: 16 * 1024,
        sends: "a TLS handshake, then GET / without cookies or credentials",
        logs: "one request: GET /, user agent connector-doctor",
        counts: None,
    },
    Row {
        kind: Kind::Ssh,
        word: "ssh",
        title: "SSH",
        ports: &[22, 2222],
        opening: Opening::Listen,
        read: ssh_or_another,
        most: 8 * 1024,
        sends: "no bytes; the server's version line is read",
        logs: "sshd: Connection closed by ADDRESS [preauth], or kex_exchange_identification: Connection closed by remote host",
        counts: Some(
            "OpenSSH 9.8 and later counts a client that hangs up before it logs in (PerSourcePenalties noauth, 1 s each; refused from 15 s on)",
        ),
    },
    Row {
        kind: Kind::Rdp,
        word: "rdp",
        title: "RDP",
        ports: &[3389],
        opening: Opening::Say(rdp::request),
        read: rdp::read,
        most: 1024,
        sends: "an X.224 connection request with RDP negotiation, without a user's name (19 bytes)",
        logs: "Windows: event 131 of RemoteDesktopServices-RdpCoreTS; xrdp: a connection that closed before it logged in",
        counts: None,
    },
    Row {
        kind: Kind::Postgresql,
        word: "postgresql",
        title: "PostgreSQL",
        ports: &[5432, 5433, 6432],
        opening: Opening::Say(postgresql::request),
        read: postgresql::read,
        most: 1024,
        sends: "SSLRequest (8 bytes)",
        logs: "nothing where it has no TLS; with TLS: could not accept SSL connection: EOF detected",
        counts: None,
    },
    Row {
        kind: Kind::Mysql,
        word: "mysql",
        title: "MySQL",
        ports: &[3306],
        opening: Opening::Listen,
        read: mysql::read,
        most: 1024,
        sends: "no bytes; the server's greeting is read",
        logs: "MariaDB at log_warnings 4 and above: Aborted connection to unauthenticated user; Aborted_connects grows by one",
        counts: Some(
            "an unfinished handshake counts towards max_connect_errors of this host (100 in a row block it; a login resets the count)",
        ),
    },
    Row {
        kind: Kind::Ldap,
        word: "ldap",
        title: "LDAP",
        ports: &[389, 3268],
        opening: Opening::Say(ldap::request),
        read: ldap::read,
        most: 4 * 1024,
        sends: "a StartTLS request (31 bytes), no bind",
        logs: "slapd at loglevel stats: one connection with a STARTTLS operation",
        counts: None,
    },
    Row {
        kind: Kind::Smb,
        word: "smb",
        title: "SMB",
        ports: &[445],
        opening: Opening::Say(smb::request),
        read: smb::read,
        most: 1024,
        sends: "an SMB 2 NEGOTIATE request, no session",
        logs: "nothing at the usual level",
        counts: None,
    },
    Row {
        kind: Kind::Smtp,
        word: "smtp",
        title: "SMTP",
        ports: &[25, 587],
        opening: Opening::Listen,
        read: line::smtp,
        most: 4 * 1024,
        sends: "no bytes; the server's greeting is read",
        logs: "Postfix: connect from, lost connection after CONNECT",
        counts: None,
    },
    Row {
        kind: Kind::Ftp,
        word: "ftp",
        title: "FTP",
        ports: &[21],
        opening: Opening::Listen,
        read: line::ftp,
        most: 4 * 1024,
        sends: "no bytes; the server's greeting is read",
        logs: "vsftpd: CONNECT: Client",
        counts: None,
    },
    Row {
        kind: Kind::Dns,
        word: "dns",
        title: "DNS",
        ports: &[53],
        opening: Opening::Dns,
        read: NEVER,
        most: 4 * 1024,
        sends: "one question for the root's name servers over UDP, and the same over TCP, recursion not desired",
        logs: "nothing unless queries are logged",
        counts: None,
    },
    Row {
        kind: Kind::Redis,
        word: "redis",
        title: "Redis",
        ports: &[6379],
        opening: Opening::Connect,
        read: NEVER,
        most: 0,
        sends: "a TCP connection, no bytes",
        logs: "nothing at the usual level (verbose: Accepted, Client closed connection)",
        counts: None,
    },
    Row {
        kind: Kind::Icmp,
        word: "icmp",
        title: "ICMP",
        ports: &[],
        opening: Opening::Echo,
        read: NEVER,
        most: 0,
        sends: "ICMP echo requests, at most 3",
        logs: "nothing",
        counts: None,
    },
    Row {
        kind: Kind::Udp,
        word: "udp",
        title: "UDP",
        ports: &[],
        opening: Opening::Untestable,
        read: NEVER,
        most: 0,
        sends: "nothing: what it speaks is not known",
        logs: "nothing",
        counts: None,
    },
];

impl Kind {
    /// Its row.
    pub fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.kind == self).unwrap_or(&ROWS[0])
    }

    /// Its word: `postgresql`.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// The kind of this word, in small letters.
    pub fn parse(word: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.word == word).map(|row| row.kind)
    }

    /// What most likely listens at a port; TCP alone where nothing tells.
    pub fn of_port(port: u16) -> Self {
        ROWS.iter().find(|row| row.ports.contains(&port)).map_or(Self::Tcp, |row| row.kind)
    }

    /// Whether it is reached over TCP.
    pub fn over_tcp(self) -> bool {
        !matches!(self, Self::Icmp | Self::Udp)
    }

    /// Whether a TLS handshake is made.
    pub fn over_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Https)
    }
}

impl Row {
    /// What all bytes so far show; `ended`: no more will come.
    pub fn read(&self, bytes: &[u8], ended: bool) -> Reading {
        let full = bytes.len() >= self.most.max(1);
        match (self.read)(bytes) {
            Read::Is(reply) => return Reading::Reply(reply),
            Read::More if !ended && !full => return Reading::More,
            Read::More | Read::Not => {}
        }
        match recognise(bytes, ended || full) {
            Some(reply) => Reading::Reply(reply),
            None if ended || full || bytes.len() >= UNDECIDED => {
                Reading::Unknown(printable(bytes, MAX_WORDS))
            }
            None => Reading::More,
        }
    }
}

impl Reply {
    /// The protocol's name for people.
    pub fn title(&self) -> &str {
        let row = ROWS.iter().find(|row| row.word == self.protocol);
        row.map_or(self.protocol.as_str(), |row| row.title)
    }
}

/// What another protocol says first is no line before SSH's version.
fn ssh_or_another(bytes: &[u8]) -> Read {
    match ssh::read(bytes) {
        Read::More if recognise(bytes, false).is_some() => Read::Not,
        read => read,
    }
}
