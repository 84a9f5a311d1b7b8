//! An org that the Salesforce CLI is logged in to.

use std::io::Read;
use std::path::Path;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use sf_core::auth::{Exchange, Secret, Token};
use sf_core::http::HttpService;
use sf_core::retry::RetryPolicy;

use crate::login::connect_methods;
use crate::{Error, ErrorKind, Grant, RefreshToken, Result, Session};

const LARGEST: u64 = 1024 * 1024;
const HOW: &str = "It is what this prints: sf org display --verbose --json --target-org NAME.";

/// An org out of the Salesforce CLI's JSON: what `sf org display --json` prints, piped or as a file.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example() -> sf_auth::Result<()> {
/// // sf org display --verbose --json --target-org acme | my-program
/// let org = sf_auth::CliOrg::from_reader(std::io::stdin())?.connect().await?;
/// # Ok(()) }
/// ```
///
/// With `--verbose` the JSON also holds a refresh token (`sfdxAuthUrl`) where the CLI has one: the client then
/// renews its token. Without it, it works until the CLI's session ends.
#[derive(Debug, Clone)]
#[must_use]
pub struct CliOrg {
    username: Option<String>,
    alias: Option<String>,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Session(Session),
    Refresh(RefreshToken),
}

/// What the CLI prints.
#[derive(Deserialize)]
struct Printed {
    result: Option<Displayed>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Displayed {
    access_token: Option<String>,
    instance_url: Option<String>,
    username: Option<String>,
    alias: Option<String>,
    sfdx_auth_url: Option<String>,
}

impl CliOrg {
    /// From the text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it is something else, or the CLI's own failure.
    pub fn from_json(text: &str) -> Result<Self> {
        let wrong = |what: String| Error::new(ErrorKind::InvalidInput, what).with_hint(HOW);
        // The CLI prints its warnings about updates to the same place.
        let text = text.find('{').map_or("", |at| &text[at..]);
        let first = serde_json::Deserializer::from_str(text).into_iter::<Printed>().next();
        let Some(Ok(printed)) = first else {
            return Err(wrong("this is not the Salesforce CLI's JSON".into()));
        };
        let Some(shown) = printed.result else {
            let said = crate::token::shorten(&printed.message.unwrap_or_default());
            return Err(wrong(format!("the Salesforce CLI shows no org: {said}")));
        };
        let way = match (
            shown.sfdx_auth_url.as_deref().filter(|url| !url.is_empty()),
            shown.access_token,
            shown.instance_url,
        ) {
            (Some(url), ..) if url.starts_with("force://") => {
                Way::Refresh(RefreshToken::from_sfdx_auth_url(url)?)
            }
            (_, Some(token), Some(instance)) if !is_placeholder(&token) => {
                Way::Session(Session::new(instance, token))
            }
            (_, Some(_), Some(_)) => {
                return Err(wrong("the Salesforce CLI hides the access token in this JSON".into()));
            }
            _ => return Err(wrong("the Salesforce CLI's JSON has no access token and instance URL".into())),
        };
        Ok(Self { username: shown.username, alias: shown.alias, way })
    }

    /// From a pipe, read to its end.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json), and where it cannot be read.
    pub fn from_reader(reader: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        reader.take(LARGEST).read_to_end(&mut bytes).map_err(|e| {
            Error::new(ErrorKind::InvalidInput, format!("the Salesforce CLI's JSON cannot be read: {e}"))
        })?;
        Self::from_json(&text(&bytes))
    }

    /// From a file.
    ///
    /// # Errors
    /// As [`from_reader`](Self::from_reader).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|e| {
            Error::new(ErrorKind::InvalidInput, format!("{} cannot be read: {e}", path.display()))
        })?;
        Self::from_reader(file)
    }

    /// The user that the CLI is logged in as.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The CLI's name for the org.
    pub fn alias(&self) -> Option<&str> {
        self.alias.as_deref()
    }

    /// Whether a client can renew its token.
    pub fn renews(&self) -> bool {
        matches!(self.way, Way::Refresh(_))
    }

    fn grant(&self) -> &dyn Grant {
        match &self.way {
            Way::Session(session) => session,
            Way::Refresh(refresh) => refresh,
        }
    }
}

/// Whether the CLI says something in the place of a token. A token is a session id or a JWT: one word.
fn is_placeholder(token: &str) -> bool {
    let token = token.trim();
    token.is_empty()
        || token.contains(char::is_whitespace)
        || token.starts_with(['[', '<', '*'])
        || token.eq_ignore_ascii_case("redacted")
        || token.eq_ignore_ascii_case("hidden")
}

/// PowerShell writes files in UTF-16, with a mark at the start.
fn text(bytes: &[u8]) -> String {
    match bytes {
        [0xFF, 0xFE, rest @ ..] => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

impl RefreshToken {
    /// From the Salesforce CLI's URL for an org: `force://<consumer key>:<secret>:<refresh token>@<instance>`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it is something else.
    pub fn from_sfdx_auth_url(url: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::InvalidInput, "this is no auth URL of the Salesforce CLI")
                .with_hint("It is force://<consumer key>:<consumer secret>:<refresh token>@<instance>; the secret may be empty.")
        };
        let (login, instance) =
            url.trim().strip_prefix("force://").and_then(|rest| rest.rsplit_once('@')).ok_or_else(wrong)?;
        let mut parts = login.splitn(3, ':');
        let (Some(key), Some(secret), Some(token)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong());
        };
        if key.is_empty() || token.is_empty() || instance.is_empty() {
            return Err(wrong());
        }
        Ok(Self::new(instance, key, token).client_secret(Secret::new(secret)))
    }
}

connect_methods!(CliOrg);

impl Grant for CliOrg {
    fn check(&self) -> Result<()> {
        self.grant().check()
    }
}

impl Exchange for CliOrg {
    fn exchange<'a>(
        &'a self,
        http: &'a dyn HttpService,
        retry: &'a RetryPolicy,
    ) -> BoxFuture<'a, sf_core::Result<Token>> {
        self.grant().exchange(http, retry)
    }
}
