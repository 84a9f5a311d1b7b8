//! The client credentials flow: an app logs in as itself.

use sf_core::auth::Secret;

use crate::hint::{self, Flow};
use crate::login::{form_grant, required};
use crate::login_url::GivenUrl;
use crate::token::{Form, FormGrant};
use crate::{Error, ErrorKind, Host, LoginUrl, Result};

/// The client credentials flow: an app logs in with its own key and secret and acts as the user that its
/// administrator chose under "Run As".
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(id: String, secret: String) -> sf_auth::Result<()> {
/// let org = sf_auth::ClientCredentials::new("https://acme.my.salesforce.com", id, secret).connect().await?;
/// # Ok(()) }
/// ```
///
/// It exists on an org's My Domain only, so `login.salesforce.com` and `test.salesforce.com` are refused
/// before anything is sent (Salesforce help, "OAuth 2.0 Client Credentials Flow").
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientCredentials {
    login_url: GivenUrl,
    id: String,
    secret: Secret,
}

impl ClientCredentials {
    /// The org's My Domain, and the app's consumer key and consumer secret. Nothing is checked before
    /// [`connect`](Self::connect).
    pub fn new(login_url: impl Into<String>, id: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { login_url: GivenUrl::new(login_url), id: id.into(), secret: secret.into() }
    }
}

form_grant!(ClientCredentials);

impl FormGrant for ClientCredentials {
    const FLOW: Flow = Flow::ClientCredentials;

    fn checked(&self) -> Result<LoginUrl> {
        let login: LoginUrl = self.login_url.parse()?;
        if matches!(login.host(), Host::Production | Host::Sandbox) {
            return Err(Error::new(
                ErrorKind::HostRefused,
                format!("client credentials cannot be used at {login}: an app's own login exists on its org's My Domain only"),
            )
            .with_hint(hint::my_domain(&login)));
        }
        required("consumer key", &self.id)?;
        required("consumer secret", self.secret.expose())?;
        Ok(login)
    }

    fn form(&self, _login: &LoginUrl) -> Result<Form> {
        Ok(vec![
            ("grant_type", "client_credentials".into()),
            ("client_id", self.id.trim().into()),
            ("client_secret", self.secret.expose().trim().into()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Grant as _;

    #[test]
    fn a_login_host_that_all_orgs_share_is_refused_before_the_call() {
        for (host, example) in [
            ("https://login.salesforce.com", "https://acme.my.salesforce.com"),
            ("test.salesforce.com", "https://acme--sandbox.sandbox.my.salesforce.com"),
        ] {
            let error = ClientCredentials::new(host, "id", "secret").check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HostRefused);
            assert!(error.hint().unwrap().contains(example), "{error}");
        }
    }

    #[test]
    fn what_was_left_empty_is_named() {
        let url = "https://acme.my.salesforce.com";
        let of =
            |id: &str, secret: &str| ClientCredentials::new(url, id, secret).check().unwrap_err().to_string();
        assert_eq!(of(" ", "s"), "the consumer key is empty");
        assert_eq!(of("id", ""), "the consumer secret is empty");
    }
}
