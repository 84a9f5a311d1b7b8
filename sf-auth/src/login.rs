//! From a grant to a client: the settings that all grants share.

use std::sync::Arc;

use sf_core::auth::{Exchange, TokenCache};
use sf_core::http::HttpService;
use sf_core::retry::RetryPolicy;
use sf_core::{ApiVersion, Client};

use crate::{Error, ErrorKind, Result};

/// A way to log in: an [`Exchange`] that can be checked before anything is sent.
pub trait Grant: Exchange {
    /// Finds what is wrong without calling the org: the login URL, the host for this grant, the key,
    /// values left empty.
    ///
    /// # Errors
    /// The first thing wrong, with what to change.
    fn check(&self) -> Result<()>;
}

/// Settings of a login that are not the grant's own.
///
/// ```no_run
/// # async fn example() -> sf_auth::Result<()> {
/// use sf_auth::{JwtBearer, Login};
/// use sf_core::retry::RetryPolicy;
///
/// let grant = JwtBearer::new("https://acme.my.salesforce.com", "consumer key", "ann@acme.example", "-----BEGIN …");
/// let org = Login::new().retry(RetryPolicy::default().with_max_attempts(3)).connect(grant).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Login {
    http: Option<Arc<dyn HttpService>>,
    api_version: ApiVersion,
    retry: RetryPolicy,
}

impl Login {
    /// The defaults: reqwest (with feature `reqwest`), the newest API version, the default retry policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// The HTTP service of the login and of the client.
    pub fn http(mut self, http: Arc<dyn HttpService>) -> Self {
        self.http = Some(http);
        self
    }

    /// The API version of the client's calls.
    pub fn api_version(mut self, version: ApiVersion) -> Self {
        self.api_version = version;
        self
    }

    /// How hard to try, at the login and at the client's calls.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Logs in once, so that wrong credentials show at once, and makes a client that renews its token
    /// when the org refuses it.
    ///
    /// # Errors
    /// What [`Grant::check`] finds, then what the org or the way to it said.
    pub async fn connect(self, grant: impl Grant) -> Result<Client> {
        grant.check()?;
        let http = self.service()?;
        let tokens = TokenCache::new(grant, Arc::clone(&http), self.retry);
        let client =
            Client::builder(tokens).http(http).api_version(self.api_version).retry(self.retry).build()?;
        client.token().await?;
        Ok(client)
    }

    /// The HTTP service, the default one where none was given.
    pub(crate) fn service(&self) -> Result<Arc<dyn HttpService>> {
        self.http.as_ref().map_or_else(default_http, |http| Ok(Arc::clone(http)))
    }

    pub(crate) fn policy(&self) -> &RetryPolicy {
        &self.retry
    }
}

#[cfg(feature = "reqwest")]
fn default_http() -> Result<Arc<dyn HttpService>> {
    Ok(Arc::new(sf_core::http::ReqwestService::new()?))
}

#[cfg(not(feature = "reqwest"))]
fn default_http() -> Result<Arc<dyn HttpService>> {
    Err(Error::new(ErrorKind::InvalidInput, "there is no HTTP service to log in with")
        .with_hint("Give one with `Login::http`, or use the crate's feature `reqwest`."))
}

/// What a value that must not be empty is called, in the words of Salesforce's pages.
pub(crate) fn required(name: &str, value: &str) -> Result<()> {
    if value.trim().is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, format!("the {name} is empty")));
    }
    Ok(())
}

/// The methods that every grant has, so that no trait has to be imported to log in.
macro_rules! connect_methods {
    ($grant:ty) => {
        impl $grant {
            /// Logs in with the defaults of [`Login`](crate::Login) and makes a client that renews its own
            /// token.
            ///
            /// # Errors
            /// As [`Login::connect`](crate::Login::connect).
            #[cfg(feature = "reqwest")]
            pub async fn connect(self) -> crate::Result<sf_core::Client> {
                crate::Login::new().connect(self).await
            }

            /// As `connect`, over an HTTP service of one's own.
            ///
            /// # Errors
            /// As [`Login::connect`](crate::Login::connect).
            pub async fn connect_with(
                self,
                http: std::sync::Arc<dyn sf_core::http::HttpService>,
            ) -> crate::Result<sf_core::Client> {
                crate::Login::new().http(http).connect(self).await
            }
        }
    };
}

/// The same for grants that are one form: how the pieces of this crate come together.
macro_rules! form_grant {
    ($grant:ty) => {
        crate::login::connect_methods!($grant);

        impl crate::Grant for $grant {
            fn check(&self) -> crate::Result<()> {
                crate::token::FormGrant::checked(self).map(drop)
            }
        }

        impl sf_core::auth::Exchange for $grant {
            fn exchange<'a>(
                &'a self,
                http: &'a dyn sf_core::http::HttpService,
                retry: &'a sf_core::retry::RetryPolicy,
            ) -> futures_util::future::BoxFuture<'a, sf_core::Result<sf_core::auth::Token>> {
                Box::pin(async move { Ok(crate::token::exchange(self, http, retry).await?) })
            }
        }
    };
}

pub(crate) use {connect_methods, form_grant};
