//! From a configuration to a client of the org.

use std::sync::Arc;
use std::time::Duration;

use sf_auth::{ClientCredentials, JwtBearer, UsernamePassword};
use sf_core::Client;
use sf_core::auth::TokenCache;
use sf_core::http::HttpService;
use sf_core::retry::RetryPolicy;

use crate::config::{Auth, BulkQuerySource};
use crate::{Error, Outlook, Result};

/// Makes the client of a source. Nothing is sent before its first call, so an org that is away for a while
/// is no reason to fail.
///
/// # Errors
/// A grant that cannot work as configured.
pub fn connect(config: &BulkQuerySource, http: Arc<dyn HttpService>) -> Result<Client> {
    let instance = config.instance.as_str();
    let (http, retry) = (http, retry(config.retry_budget));
    let build = |tokens: TokenCache, http: Arc<dyn HttpService>| {
        let mut builder = Client::builder(tokens).http(http).retry(retry);
        builder = builder.user_agent(concat!("sf-kafka/", env!("CARGO_PKG_VERSION")));
        if let Some(version) = config.api_version {
            builder = builder.api_version(version);
        }
        builder.build().map_err(Error::from)
    };
    let tokens = match &config.auth {
        Auth::Password { username, password, security_token, consumer_key, consumer_secret } => {
            let mut grant = UsernamePassword::new(
                instance,
                consumer_key.expose(),
                consumer_secret.clone(),
                username,
                password.clone(),
            );
            if let Some(token) = security_token {
                grant = grant.security_token(token.clone());
            }
            cache(grant, &http, retry)?
        }
        Auth::JwtBearer { username, consumer_key, private_key } => {
            let grant = JwtBearer::new(instance, consumer_key.expose(), username, private_key.clone());
            cache(grant, &http, retry)?
        }
        Auth::ClientCredentials { consumer_key, consumer_secret } => {
            let grant = ClientCredentials::new(instance, consumer_key.expose(), consumer_secret.clone());
            cache(grant, &http, retry)?
        }
    };
    build(tokens, http)
}

fn cache(grant: impl sf_auth::Grant, http: &Arc<dyn HttpService>, retry: RetryPolicy) -> Result<TokenCache> {
    grant
        .check()
        .map_err(|e| Error::new(Outlook::Final, "the login cannot work as configured").with_source(e))?;
    Ok(TokenCache::new(grant, Arc::clone(http), retry))
}

/// `request.max.retries.time.ms` bounds the time, and nothing else does.
fn retry(budget: Duration) -> RetryPolicy {
    RetryPolicy::default().with_max_attempts(u32::MAX).with_budget(budget)
}
