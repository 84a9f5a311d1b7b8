//! Who is logged in, and how to end it.

use serde::Deserialize;
use sf_core::auth::Secret;
use sf_core::{Client, Id};

use crate::hint::{Context, Flow};
use crate::login::required;
use crate::token::{self, Form};
use crate::{Error, ErrorKind, Login, LoginUrl, Result};

/// Who a client acts as. Fields that an org leaves out are `None`.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct UserInfo {
    /// The user.
    pub user_id: Id,
    /// The org.
    pub organization_id: Id,
    /// The user name that logs in.
    pub preferred_username: Option<String>,
    /// The name to show.
    pub name: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// Whether the user is active.
    pub active: Option<bool>,
    /// For example `STANDARD`.
    pub user_type: Option<String>,
    /// For example `en_US`.
    pub language: Option<String>,
    /// For example `en_US`.
    pub locale: Option<String>,
    /// For example `America/Los_Angeles`.
    pub zoneinfo: Option<String>,
    /// Whether this is a user for integrations, which cannot log in with a browser.
    pub is_salesforce_integration_user: Option<bool>,
}

/// Asks the org who the client acts as. The token needs one of the scopes `openid`, `id` or `profile`; most
/// apps' tokens have `id`.
///
/// # Errors
/// [`ErrorKind::InvalidToken`] where the org does not take the token for this, and as any call.
pub async fn userinfo(org: &Client) -> Result<UserInfo> {
    org.get("/services/oauth2/userinfo").json().await.map_err(|error| {
        let error = Error::from(error);
        // Both an ended token, once it cannot be renewed, and one without the scope come to this.
        if error.status() != Some(403) && error.kind() != ErrorKind::SessionExpired {
            return error;
        }
        let refused = Error::new(ErrorKind::InvalidToken, "the org does not tell this token's user").with_hint(
            "The token has ended, or it has none of the scopes \"Access the identity URL service (id)\", openid and profile: \
             add one to the app, and log in anew.",
        );
        match error.status() {
            Some(status) => refused.with_status(status),
            None => refused,
        }
        .with_source(error)
    })
}

/// Ends a token before its time. Ending a refresh token ends the access tokens that came from it as well;
/// a client over such a token stays refused.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(org: sf_core::Client) -> sf_auth::Result<()> {
/// let token = org.token().await?;
/// sf_auth::revoke("https://acme.my.salesforce.com", token.access_token.clone(), &sf_auth::Login::new()).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidToken`] where the org does not know it: it has ended already.
pub async fn revoke(login_url: &str, token: impl Into<Secret>, login: &Login) -> Result<()> {
    let url: LoginUrl = login_url.parse()?;
    let token = token.into();
    required("token", token.expose())?;
    let form: Form = vec![("token", token.expose().trim().into())];
    let context = Context { flow: Flow::Revocation, login: &url, audience: None, date: None };
    // Behind an answer that was lost, a token that is not known is one that the first request ended.
    let ended = |error: &Error| (error.kind() == ErrorKind::InvalidToken).then_some(());
    let (endpoint, http) = (url.revoke_endpoint(), login.service()?);
    token::posted(&form, &endpoint, &context, &*http, login.policy(), |_| Some(()), ended).await
}
