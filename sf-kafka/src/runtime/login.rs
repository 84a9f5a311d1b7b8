//! From a configuration to a client of the org.

use std::sync::Arc;
use std::time::Duration;

use sf_auth::{ClientCredentials, FileStore, JwtBearer, RefreshToken, UsernamePassword};
use sf_core::Client;
use sf_core::auth::TokenCache;
use sf_core::http::{HttpService, ReqwestService};
use sf_core::retry::RetryPolicy;

use super::proxy::Proxied;
use crate::config::{Auth, BulkQuerySource};
use crate::{Error, Outlook, Result};

/// Makes the client of a source. Nothing is sent before its first call, so an org that is away for a while
/// is no reason to fail.
///
/// # Errors
/// A grant or a proxy that cannot work as configured.
pub fn connect(config: &BulkQuerySource, http: Arc<dyn HttpService>) -> Result<Client> {
    let instance = config.instance.as_str();
    let http: Arc<dyn HttpService> = match &config.proxy {
        Some(proxy) => Arc::new(ReqwestService::builder().proxy(proxy.expose()).build()?),
        None => http,
    };
    let http: Arc<dyn HttpService> = Arc::new(Proxied::new(http, config));
    let login_retry = retry(config.login_budget.unwrap_or(config.retry_budget));
    let retry = retry(config.retry_budget);
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
            cache(grant, &http, login_retry)?
        }
        Auth::JwtBearer { username, consumer_key, private_key } => {
            let grant = JwtBearer::with_key(instance, consumer_key.expose(), username, private_key.clone());
            cache(grant, &http, login_retry)?
        }
        Auth::ClientCredentials { consumer_key, consumer_secret } => {
            let grant = ClientCredentials::new(instance, consumer_key.expose(), consumer_secret.clone());
            cache(grant, &http, login_retry)?
        }
        Auth::RefreshToken { consumer_key, consumer_secret, refresh_token, file } => {
            let mut grant = RefreshToken::new(instance, consumer_key.expose(), refresh_token.clone());
            if let Some(secret) = consumer_secret {
                grant = grant.client_secret(secret.clone());
            }
            if let Some(file) = file {
                grant = grant.store(FileStore::new(file));
            }
            cache(grant, &http, login_retry)?
        }
    };
    build(tokens, http)
}

fn cache(grant: impl sf_auth::Grant, http: &Arc<dyn HttpService>, retry: RetryPolicy) -> Result<TokenCache> {
    grant.check().map_err(|e| {
        let hint = e.hint().map(str::to_owned);
        Error::new(Outlook::Final, "the login cannot work as configured").with_source(e).with_hint(hint)
    })?;
    Ok(TokenCache::new(grant, Arc::clone(http), retry))
}

/// `request.max.retries.time.ms` bounds the time, and nothing else does.
fn retry(budget: Duration) -> RetryPolicy {
    RetryPolicy::default().with_max_attempts(u32::MAX).with_budget(budget)
}
