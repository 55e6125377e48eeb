//! What a Connector is configured with. No secret is among it: of tokens presence, form, flaws, and a JWT's times alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::origin::SettingsSource;

/// What one source says of a Connector's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// Which source.
    pub source: SettingsSource,
    /// Permission bits of the file.
    pub mode: Option<u32>,
    /// The user that the file belongs to, where it lies below another process's root.
    pub owner: Option<u32>,
    /// The network's name, from either form.
    pub network: Option<String>,
    /// The Controller's URL, where one is given, without anything but host and port.
    pub url: Option<String>,
    /// The access token, where the variable is set at all.
    pub access_token: Option<Token>,
    /// The refresh token, where the variable is set at all.
    pub refresh_token: Option<Token>,
    /// Resolvers that it uses in place of the system's.
    pub dns: Vec<String>,
    /// -1 to 7.
    pub log_level: Option<i8>,
    /// The port of its own metrics.
    pub metrics_port: Option<u16>,
    /// What is wrong with what is written there.
    pub faults: Vec<SettingsFault>,
}

/// What is known of a token: never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// The variable that holds it.
    pub variable: String,
    /// Its form.
    pub form: TokenForm,
    /// A JWT's time of issue, seconds since 1970.
    #[serde(default)]
    pub issued_s: Option<i64>,
    /// A JWT's expiry, seconds since 1970.
    #[serde(default)]
    pub expires_s: Option<i64>,
    /// What is wrong with its form.
    #[serde(default)]
    pub flaws: Vec<TokenFlaw>,
}

/// What is wrong with a token's form, so that no Controller takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFlaw {
    /// A line feed at its end.
    Newline,
    /// A carriage return at its end, as Windows' editors leave it.
    CarriageReturn,
    /// Blanks around it.
    Blanks,
    /// Quotes around it that became part of it.
    Quotes,
    /// `Bearer ` before it.
    Bearer,
    /// A variable's name, or another assignment, within it: two lines grown together, or a name pasted with its value.
    NameInside,
    /// Lines, blanks or signs within it that no token has.
    Inside,
    /// Encoded in base64 once more.
    EncodedTwice,
    /// A JWT whose end or whose parts are missing.
    Cut,
    /// The path of a file in the place of what the file holds.
    Path,
    /// The other one of the two stands in its place.
    Swapped,
}

/// The form of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenForm {
    /// Nothing.
    Empty,
    /// Words that stand for a token, of an example that was not filled in.
    Placeholder,
    /// A JSON Web Token (RFC 7519).
    Jwt,
    /// Anything else.
    Opaque,
}

/// A fault of a configuration's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "fault")]
pub enum SettingsFault {
    /// The value is neither a network's name nor a URL.
    NotANetwork {
        /// The variable.
        variable: String,
    },
    /// A URL, or a host's name, where a network's name belongs.
    UrlForName {
        /// The variable.
        variable: String,
    },
    /// A name where a URL belongs, or a URL that is not `https://HOST`.
    NotAUrl {
        /// The variable.
        variable: String,
    },
    /// A host's name without `https://` where a URL belongs.
    NoScheme {
        /// The variable.
        variable: String,
    },
    /// The name that this variable had in older versions.
    OldName {
        /// The variable.
        variable: String,
    },
    /// A variable of no known name, so it does nothing; the nearest known one.
    Unknown {
        /// The variable.
        variable: String,
        /// The nearest known one.
        nearest: String,
    },
    /// A line that is no `NAME=VALUE`.
    Malformed {
        /// Counted from 1.
        line: u32,
    },
    /// Set several times with different values; the last one counts.
    Twice {
        /// The variable.
        variable: String,
    },
    /// Both tokens have the same value.
    SameTokens,
    /// A quote that is never closed: all that follows became part of the value.
    UnclosedQuote {
        /// The variable.
        variable: String,
    },
    /// A variable that names a file: the Connector does not read it.
    FileVariable {
        /// The variable.
        variable: String,
    },
    /// The network's name and the URL name different networks.
    TwoNetworks {
        /// By the name.
        network: String,
        /// By the URL.
        other: String,
    },
    /// The access token was made for another network than the one that is set.
    OtherAudience {
        /// That is set.
        network: String,
        /// In the token.
        other: String,
    },
    /// The file begins with a byte order mark, so that its first line names another variable.
    ByteOrderMark,
    /// The file is no UTF-8: systemd refuses it whole.
    NotText,
}
