//! What a person's consent leads to: a token now, and a refresh token for later.

use std::sync::{Mutex, PoisonError};

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
#[derive(Debug)]
#[must_use]
pub struct Authorized {
    token: Token,
    /// Handed out once; whoever comes again was refused with it.
    first: Mutex<Option<Token>>,
    refresh_token: Option<Secret>,
    refresh: Option<RefreshToken>,
}

impl Clone for Authorized {
    /// Each begins with the token that came. What is renewed from then on, they share.
    fn clone(&self) -> Self {
        Self {
            token: self.token.clone(),
            first: Mutex::new(Some(self.token.clone())),
            refresh_token: self.refresh_token.clone(),
            refresh: self.refresh.clone(),
        }
    }
}

impl Authorized {
    pub(crate) fn new(granted: Granted, login_url: &str, client_id: &str, client_secret: &Secret) -> Self {
        let refresh = granted.refresh_token.as_ref().map(|token| {
            RefreshToken::new(login_url, client_id, token.clone()).client_secret(client_secret.clone())
        });
        Self {
            first: Mutex::new(Some(granted.token.clone())),
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

#[cfg(test)]
mod tests {
    use sf_core::http::{Response, TransportError, TransportErrorKind};

    use super::*;

    #[derive(Debug)]
    struct Nowhere;

    impl HttpService for Nowhere {
        fn call(
            &self,
            _: http::Request<bytes::Bytes>,
        ) -> BoxFuture<'static, std::result::Result<Response, TransportError>> {
            Box::pin(async { Err(TransportError::new(TransportErrorKind::Connect, "nowhere")) })
        }
    }

    #[tokio::test]
    async fn each_clone_begins_with_the_token_that_came() {
        let token = Token::new("00D-S3CRET", "https://acme.my.salesforce.com".parse().unwrap()).unwrap();
        let granted = Granted { token, refresh_token: None };
        let one = Authorized::new(granted, "https://acme.my.salesforce.com", "key", &Secret::default());
        let other = one.clone();
        let retry = RetryPolicy::none();
        assert!(one.exchange(&Nowhere, &retry).await.is_ok());
        let later = one.clone();
        for org in [&other, &later] {
            assert_eq!(org.exchange(&Nowhere, &retry).await.unwrap().access_token.expose(), "00D-S3CRET");
        }
        for org in [&one, &other, &later] {
            let error = org.exchange(&Nowhere, &retry).await.unwrap_err();
            assert_eq!(error.kind(), sf_core::ErrorKind::SessionExpired);
        }
    }
}
