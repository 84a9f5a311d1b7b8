//! Credentials of an org, from `SF_*` variables.

use sf_auth::{ClientCredentials, JwtBearer, UsernamePassword};
use sf_core::Client;
use sf_core::auth::Secret;

use crate::Result;

/// The variables that say which org to use, and as whom. With any of them set no org is emulated.
const VARIABLES: [&str; 7] = [
    "SF_LOGIN_URL",
    "SF_CLIENT_ID",
    "SF_CLIENT_SECRET",
    "SF_USERNAME",
    "SF_PASSWORD",
    "SF_SECURITY_TOKEN",
    "SF_JWT_KEY",
];

/// Where to log in, and how.
#[derive(Clone, Debug)]
pub struct Login {
    url: String,
    client_id: String,
    grant: Grant,
}

#[derive(Clone, Debug)]
enum Grant {
    ClientCredentials { secret: Secret },
    JwtBearer { username: String, pem: Secret },
    Password { username: String, password: Secret, token: Option<Secret>, secret: Secret },
}

impl Login {
    /// An app's own login.
    pub fn client_credentials(
        url: impl Into<String>,
        id: impl Into<String>,
        secret: impl Into<Secret>,
    ) -> Self {
        let grant = Grant::ClientCredentials { secret: secret.into() };
        Self { url: url.into(), client_id: id.into(), grant }
    }

    /// The login that the environment names; none where it names nothing of one.
    ///
    /// `SF_JWT_KEY` (a private key's PEM, or its path) makes it a JWT login, `SF_PASSWORD` one by password; else
    /// the app logs in as itself.
    ///
    /// # Errors
    /// Variables that are missing beside those that are set.
    pub fn from_environment() -> Result<Option<Self>> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let get = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        if !VARIABLES.iter().any(|name| get(name).is_some()) {
            return Ok(None);
        }
        let (jwt, password) = (get("SF_JWT_KEY"), get("SF_PASSWORD"));
        let mut needed = vec!["SF_LOGIN_URL", "SF_CLIENT_ID"];
        if jwt.is_some() || password.is_some() {
            needed.push("SF_USERNAME");
        }
        if jwt.is_none() {
            needed.push("SF_CLIENT_SECRET");
        }
        let missing: Vec<_> = needed.into_iter().filter(|name| get(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(format!("SF_* variables name an org, but {} is missing", missing.join(", ")).into());
        }
        let text = |name: &str| get(name).unwrap_or_default();
        let secret = Secret::new(text("SF_CLIENT_SECRET"));
        let grant = match (jwt, password) {
            (Some(key), _) => Grant::JwtBearer { username: text("SF_USERNAME"), pem: pem(key)? },
            (None, Some(password)) => Grant::Password {
                username: text("SF_USERNAME"),
                password: password.into(),
                token: get("SF_SECURITY_TOKEN").map(Secret::new),
                secret,
            },
            (None, None) => Grant::ClientCredentials { secret },
        };
        Ok(Some(Self { url: text("SF_LOGIN_URL"), client_id: text("SF_CLIENT_ID"), grant }))
    }

    /// Where to log in.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Logs in.
    ///
    /// # Errors
    /// What the org said, with what to do about it.
    pub async fn connect(&self) -> Result<Client> {
        let (url, id) = (&self.url, &self.client_id);
        Ok(match self.grant.clone() {
            Grant::ClientCredentials { secret } => ClientCredentials::new(url, id, secret).connect().await?,
            Grant::JwtBearer { username, pem } => JwtBearer::new(url, id, username, pem).connect().await?,
            Grant::Password { username, password, token, secret } => {
                let grant = UsernamePassword::new(url, id, secret, username, password);
                grant.security_token(token.unwrap_or_default()).connect().await?
            }
        })
    }

    /// The same login as keys of a connector's configuration.
    pub fn connector_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = vec![
            ("salesforce.instance", self.url.clone()),
            ("salesforce.consumer.key", self.client_id.clone()),
        ];
        let mut add = |key, value: &str| keys.push((key, value.to_owned()));
        match &self.grant {
            Grant::ClientCredentials { secret } => {
                add("salesforce.grant.type", "CLIENT_CREDENTIALS");
                add("salesforce.consumer.secret", secret.expose());
            }
            Grant::JwtBearer { username, pem } => {
                add("salesforce.grant.type", "JWT_BEARER");
                add("salesforce.username", username);
                add("salesforce.jwt.private.key", pem.expose());
            }
            Grant::Password { username, password, token, secret } => {
                add("salesforce.grant.type", "PASSWORD");
                add("salesforce.username", username);
                add("salesforce.password", password.expose());
                add("salesforce.consumer.secret", secret.expose());
                if let Some(token) = token {
                    add("salesforce.password.token", token.expose());
                }
            }
        }
        keys
    }
}

fn pem(key: String) -> Result<Secret> {
    if key.contains("-----BEGIN") {
        return Ok(key.into());
    }
    let text = std::fs::read_to_string(&key)
        .map_err(|error| format!("SF_JWT_KEY is neither PEM nor a file that can be read: {error}"))?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Login>> {
        let find =
            |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        Login::read(find)
    }

    const APP: [(&str, &str); 2] =
        [("SF_LOGIN_URL", "https://acme.my.salesforce.com"), ("SF_CLIENT_ID", "key")];

    fn grant(more: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let login = read(&[&APP, more].concat()).unwrap().unwrap();
        login.connector_keys().into_iter().skip(2).collect()
    }

    #[test]
    fn without_variables_of_an_org_there_is_no_login() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[("SF_OBJECTS", "Lead"), ("SF_LOGIN_URL", " ")]).unwrap().is_none());
    }

    #[test]
    fn what_is_missing_is_named_all_at_once() {
        let said = |variables: &[(&str, &str)]| read(variables).unwrap_err().to_string();
        assert_eq!(said(&APP), "SF_* variables name an org, but SF_CLIENT_SECRET is missing");
        assert_eq!(
            said(&[("SF_PASSWORD", "p")]),
            "SF_* variables name an org, but SF_LOGIN_URL, SF_CLIENT_ID, SF_USERNAME, SF_CLIENT_SECRET is missing"
        );
    }

    #[test]
    fn the_variables_that_are_there_decide_the_grant() {
        let secret = ("SF_CLIENT_SECRET", "s");
        let kind = |more: &[(&str, &str)]| grant(more).remove(0).1;
        assert_eq!(kind(&[secret]), "CLIENT_CREDENTIALS");
        assert_eq!(kind(&[secret, ("SF_USERNAME", "u"), ("SF_PASSWORD", "p")]), "PASSWORD");
        assert_eq!(
            kind(&[("SF_USERNAME", "u"), ("SF_JWT_KEY", "-----BEGIN PRIVATE KEY-----")]),
            "JWT_BEARER"
        );
    }

    #[test]
    fn a_login_shows_no_secret() {
        let login = Login::client_credentials("https://acme.my.salesforce.com", "key", "hidden");
        assert!(!format!("{login:?}").contains("hidden"));
    }
}
