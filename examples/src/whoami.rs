//! Who is logged in, where, and what is left of the org's allowances.

use std::fmt;

use sf_auth::{ErrorKind, UserInfo, userinfo};
use sf_core::auth::Token;
use sf_core::limits::names;
use sf_core::{ApiVersion, Client};

use crate::Result;
use crate::text::thousands;

/// Those that are shown, and what they are.
const SHOWN: [(&str, &str); 8] = [
    (names::API_REQUESTS, "API calls today"),
    (names::BULK_QUERY_JOBS, "Bulk API 2.0 query jobs today"),
    (names::BULK_QUERY_MEGABYTES, "MB of Bulk API 2.0 results today"),
    (names::BULK_API_BATCHES, "Bulk API batches today"),
    (names::PUBLISHED_EVENTS, "platform events published this hour"),
    (names::DELIVERED_EVENTS, "platform events delivered today"),
    (names::DATA_STORAGE_MEGABYTES, "MB of data"),
    (names::FILE_STORAGE_MEGABYTES, "MB of files"),
];

/// What is left of one allowance.
#[derive(Debug)]
struct Left {
    name: &'static str,
    words: &'static str,
    remaining: i64,
    max: i64,
}

/// What an org tells about a login.
#[derive(Debug)]
pub struct Whoami {
    user: std::result::Result<UserInfo, String>,
    token: std::sync::Arc<Token>,
    version: ApiVersion,
    /// Or why this user may not read them.
    limits: std::result::Result<Vec<Left>, String>,
}

impl Whoami {
    /// Asks the org: two calls.
    ///
    /// # Errors
    /// What the org said.
    pub async fn ask(org: &Client) -> Result<Self> {
        let user = match userinfo(org).await {
            Ok(user) => Ok(user),
            // An app may lack the scope for this and be good for everything else.
            Err(error) if error.kind() == ErrorKind::InvalidToken => {
                Err(error.hint().unwrap_or_default().to_owned())
            }
            Err(error) => return Err(error.into()),
        };
        let limits = match org.limits().await {
            Ok(all) => Ok(SHOWN
                .into_iter()
                .filter_map(|(name, words)| {
                    let limit = all.get(name)?;
                    Some(Left { name, words, remaining: limit.remaining, max: limit.max })
                })
                .collect()),
            Err(error) if error.kind() == sf_core::ErrorKind::Refused => Err(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { user, token: org.token().await?, version: org.api_version(), limits })
    }

    /// What is left of the day's calls and a few other allowances, a line each.
    pub fn left(&self) -> String {
        let limits = match &self.limits {
            Ok(limits) => limits,
            Err(why) => return format!("What is left of the org's allowances is not told: {why}\n"),
        };
        let width = SHOWN.iter().map(|(_, words)| words.len()).max().unwrap_or_default();
        let lines = limits.iter().map(|Left { words, remaining, max, .. }| {
            format!("  {words:width$}  {:>11} of {:>11}\n", number(*remaining), number(*max))
        });
        std::iter::once("Left of the org's allowances\n".to_owned()).chain(lines).collect()
    }
}

impl fmt::Display for Whoami {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |id: Option<sf_core::Id>| id.map_or_else(|| "not told".to_owned(), |id| id.to_string());
        let (user, org) = match &self.user {
            Ok(user) => {
                let (name, known) = (user.name.as_deref(), user.preferred_username.as_deref());
                writeln!(
                    f,
                    "Logged in as {} ({})",
                    name.unwrap_or("a user"),
                    known.unwrap_or("user name not told")
                )?;
                (Some(user.user_id), Some(user.organization_id))
            }
            Err(why) => {
                writeln!(f, "Logged in; the org does not tell as whom. {why}")?;
                (self.token.user_id, self.token.org_id)
            }
        };
        writeln!(f, "  user      {}", id(user))?;
        writeln!(f, "  org       {}", id(org))?;
        writeln!(f, "  instance  {}", self.token.instance_url.as_str().trim_end_matches('/'))?;
        write!(f, "  API       {}", self.version)?;
        match self.limits.iter().flatten().find(|left| left.name == names::API_REQUESTS) {
            Some(Left { remaining, max, .. }) => {
                write!(f, ", {} of {} calls left today", number(*remaining), number(*max))
            }
            None => Ok(()),
        }
    }
}

/// An org that is above its allowance has less than none left.
fn number(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", thousands(number.unsigned_abs()))
}
