//! What a person's consent leads to: a token now, and a refresh token for later.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use sf_core::auth::{Exchange, Secret, Token};
use sf_core::http::HttpService;
use sf_core::retry::RetryPolicy;

use crate::login::connect_methods;
use crate::refresh_token::RefreshToken;
use crate::store::TokenStore;
use crate::token::Granted;
use crate::{Error, ErrorKind, Grant, Result};

/// A login that a person made, by [`WebServer`](crate::WebServer) or [`Device`](crate::Device). It connects
/// with the token that came, and renews it with the refresh token where the scope brought one.
#[derive(Debug, Clone)]
#[must_use]
pub struct Authorized {
    token: Token,
    /// Handed out once; whoever comes again was refused with it.
    first: Arc<Mutex<Option<Token>>>,
    refresh_token: Option<Secret>,
    refresh: Option<RefreshToken>,
}

impl Authorized {
    pub(crate) fn new(granted: Granted, login_url: &str, client_id: &str, client_secret: &Secret) -> Self {
        let refresh = granted.refresh_token.as_ref().map(|token| {
            RefreshToken::new(login_url, client_id, token.clone()).client_secret(client_secret.clone())
        });
        Self {
            first: Arc::new(Mutex::new(Some(granted.token.clone()))),
            token: granted.token,
            refresh_token: granted.refresh_token,
            refresh,
        }
    }

    /// The access token that came with the consent.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The refresh token, where the scope `refresh_token` or `offline_access` brought one.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.refresh_token.as_ref()
    }

    /// Keeps the refresh token in a store, now and after each rotation.
    /// [`RefreshToken::stored`] goes on from there in a later process.
    ///
    /// # Errors
    /// [`ErrorKind::TokenStore`]; [`ErrorKind::InvalidInput`] where no refresh token came.
    pub async fn keep(mut self, store: impl TokenStore) -> Result<Self> {
        let refresh = self.refresh.take().ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "there is no refresh token to keep").with_hint(NO_REFRESH)
        })?;
        let refresh = refresh.store(store);
        refresh.put().await?;
        self.refresh = Some(refresh);
        Ok(self)
    }
}

const NO_REFRESH: &str = "Ask for the scope refresh_token, and select \"Perform requests at any time (refresh_token, \
                          offline_access)\" in the app's OAuth scopes.";

connect_methods!(Authorized);

impl Grant for Authorized {
    fn check(&self) -> Result<()> {
        self.refresh.as_ref().map_or(Ok(()), Grant::check)
    }
}

impl Exchange for Authorized {
    fn exchange<'a>(
        &'a self,
        http: &'a dyn HttpService,
        retry: &'a RetryPolicy,
    ) -> BoxFuture<'a, sf_core::Result<Token>> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (first, &self.refresh) {
            (Some(token), _) => Box::pin(async { Ok(token) }),
            (None, Some(refresh)) => refresh.exchange(http, retry),
            (None, None) => Box::pin(async {
                Err(Error::new(
                    ErrorKind::SessionExpired,
                    "the session has ended, and there is no refresh token for another",
                )
                .with_hint(NO_REFRESH)
                .into())
            }),
        }
    }
}
