//! A session that someone else began.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, StatusCode, header};
use sf_core::ApiVersion;
use sf_core::auth::{Exchange, Secret, Token};
use sf_core::http::HttpService;
use sf_core::retry::RetryPolicy;

use crate::login::{connect_methods, required};
use crate::login_url::GivenUrl;
use crate::token::no_answer;
use crate::{Error, ErrorKind, Grant, LoginUrl, Result};

/// A ready session: an access token or session id that someone else obtained, and the instance it is for.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(token: &str) -> sf_auth::Result<()> {
/// let org = sf_auth::Session::new("https://acme.my.salesforce.com", token).connect().await?;
/// # Ok(()) }
/// ```
///
/// Connecting asks the org once whether the session is good. A session cannot renew itself: when it ends,
/// the error of the call says so ([`ErrorKind::SessionExpired`]).
#[derive(Debug, Clone)]
#[must_use]
pub struct Session {
    instance_url: GivenUrl,
    access_token: Secret,
}

impl Session {
    /// The org's instance URL, as the login that made the session named it, and its access token.
    pub fn new(instance_url: impl Into<String>, access_token: impl Into<Secret>) -> Self {
        Self { instance_url: GivenUrl::new(instance_url), access_token: access_token.into() }
    }

    fn instance(&self) -> Result<LoginUrl> {
        let instance = self.instance_url.parse()?;
        required("access token", self.access_token.expose())?;
        if !self.access_token.expose().trim().bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the access token holds characters that no header can carry",
            ));
        }
        Ok(instance)
    }

    /// Asks the org whether the session is good.
    ///
    /// A cache comes back here when the org refused the token, and also when the org could not be reached
    /// for a while: only the org's own word says which.
    async fn verify(&self, instance: &LoginUrl, http: &dyn HttpService) -> Result<()> {
        let what = format!("{instance}/services/data/{}/limits", ApiVersion::DEFAULT);
        let mut bearer = http::HeaderValue::try_from(format!("Bearer {}", self.access_token.expose().trim()))
            .map_err(|e| {
                Error::new(ErrorKind::InvalidInput, "the access token cannot be sent").with_source(e)
            })?;
        bearer.set_sensitive(true);
        let request = Request::get(&what)
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(Bytes::new())
            .map_err(|e| {
                Error::new(ErrorKind::InvalidInput, format!("{what} cannot be asked")).with_source(e)
            })?;
        let answer = http.call(request).await.map_err(|e| no_answer(&what, e))?;
        match answer.status {
            StatusCode::UNAUTHORIZED => Err(ended(instance)),
            status if status.is_server_error() => {
                Err(Error::new(ErrorKind::Server, format!("{what} answered {}", status.as_u16()))
                    .with_status(status.as_u16()))
            }
            // Whatever else the org says, it did not refuse the session: the calls themselves will tell.
            _ => Ok(()),
        }
    }
}

fn ended(instance: &LoginUrl) -> Error {
    Error::new(ErrorKind::SessionExpired, format!("{instance} does not accept the session: it has ended, or is another org's"))
        .with_status(401)
        .with_hint(
            "A ready session cannot renew itself. Begin a new one, or log in with client credentials or a JWT, which \
             renew their own tokens.",
        )
}

connect_methods!(Session);

impl Grant for Session {
    fn check(&self) -> Result<()> {
        self.instance().map(drop)
    }
}

impl Exchange for Session {
    fn exchange<'a>(
        &'a self,
        http: &'a dyn HttpService,
        retry: &'a RetryPolicy,
    ) -> BoxFuture<'a, sf_core::Result<Token>> {
        Box::pin(async move {
            let instance = self.instance()?;
            let mut attempts = retry.start();
            while let Err(error) = self.verify(&instance, http).await {
                attempts.pause_after(error.into(), true).await?;
            }
            let url = instance.to_string().parse().map_err(|e| {
                Error::new(ErrorKind::InvalidLoginUrl, "the instance URL is no URL").with_source(e)
            })?;
            Token::new(self.access_token.expose().trim(), url)
        })
    }
}
