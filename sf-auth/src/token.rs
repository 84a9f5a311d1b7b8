//! One exchange of a grant for a token: the form, the attempts, and what the login host answers.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, StatusCode, header};
use serde::Deserialize;
use sf_core::auth::{Secret, Token, may_carry_token};
use sf_core::http::{HttpService, Response, TransportError, TransportErrorKind, decoded};
use sf_core::retry::RetryPolicy;
use sf_core::{ApiError, Id, time};
use url::Url;

use crate::hint::{self, Context, Flow};
use crate::{Error, ErrorKind, LoginUrl, OAuthError, Result};

/// A token answer holds a few hundred bytes; a page of a proxy may hold anything.
const BODY_LIMIT: usize = 1024 * 1024;
/// What is shown of a sentence of the org.
const SHOWN: usize = 300;

/// One attempt's parameters of the token endpoint.
pub(crate) type Form = Vec<(&'static str, Secret)>;

/// Parameters whose values must not show, should an answer repeat them.
const SECRETS: &[&str] = &[
    "client_secret",
    "password",
    "assertion",
    "refresh_token",
    "code",
    "code_verifier",
    "subject_token",
    "token",
];

/// A grant that is one form posted to the token endpoint.
pub(crate) trait FormGrant: fmt::Debug + Send + Sync {
    /// Which grant this is.
    const FLOW: Flow;

    /// Whether it may be sent again where nobody knows what became of it. What is left of the first is then
    /// a session that nobody uses.
    const REPEATABLE: bool = true;

    /// The login host, after everything that can be checked without a call has been.
    fn checked(&self) -> Result<LoginUrl>;

    /// The parameters. They are made anew for each attempt: a JWT tells when it ends.
    fn form(&self, login: &LoginUrl) -> Result<Form>;

    /// The audience that the form names.
    fn audience<'a>(&'a self, _login: &'a LoginUrl) -> Option<&'a str> {
        None
    }
}

/// What an org grants: an access token and, under some grants, the refresh token for the next.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) token: Token,
    pub(crate) refresh_token: Option<Secret>,
}

/// As [`granted`], for grants that use the access token alone.
pub(crate) async fn exchange<G: FormGrant>(
    grant: &G,
    http: &dyn HttpService,
    retry: &RetryPolicy,
) -> Result<Token> {
    granted(grant, http, retry).await.map(|granted| granted.token)
}

/// Posts the grant's form until a token comes or the refusal is final.
///
/// After an unknown outcome it is posted again where the grant allows that; a refusal by the org is never
/// repeated.
pub(crate) async fn granted<G: FormGrant>(
    grant: &G,
    http: &dyn HttpService,
    retry: &RetryPolicy,
) -> Result<Granted> {
    let login = grant.checked()?;
    let mut attempts = retry.start();
    let mut unseen = false;
    loop {
        let form = grant.form(&login)?;
        let context = Context { flow: G::FLOW, login: &login, audience: grant.audience(&login), date: None };
        match attempt(&form, context, http).await {
            Ok(granted) => {
                let token = &granted.token;
                tracing::info!(
                    login = %login,
                    instance = %token.instance_url,
                    org = token.org_id.map(tracing::field::display),
                    user = token.user_id.map(tracing::field::display),
                    "logged in"
                );
                return Ok(granted);
            }
            Err(error) => {
                // A host that is not at work (503) has looked at nothing.
                let repeatable = G::REPEATABLE || error.status() == Some(503);
                let again = G::REPEATABLE && !unseen && not_about_the_grant(&error);
                unseen |= again;
                let failure = match again {
                    true => {
                        sf_core::Error::new(sf_core::ErrorKind::Server, "401 to a login, not about its grant")
                    }
                    false => error.clone().into(),
                };
                if attempts.pause_after(failure, repeatable).await.is_err() {
                    return Err(error);
                }
            }
        }
    }
}

/// A login carries no session. A 401 that speaks of one, or of nothing, says nothing about the grant: it is posted once more.
fn not_about_the_grant(error: &Error) -> bool {
    let said = error.oauth().map(|said| said.error.as_str());
    error.status() == Some(401) && matches!(said, None | Some("INVALID_SESSION_ID"))
}

async fn attempt(form: &Form, mut context: Context<'_>, http: &dyn HttpService) -> Result<Granted> {
    let endpoint = context.login.token_endpoint();
    ask(form, &endpoint, &mut context, http).await?.token(&context)
}

/// Posts a form once. What comes back has a good status.
async fn ask<'a>(
    form: &'a Form,
    endpoint: &'a str,
    context: &mut Context<'_>,
    http: &dyn HttpService,
) -> Result<Answer<'a>> {
    let response = http.call(request(form, endpoint)?).await.map_err(|e| no_answer(endpoint, e))?;
    context.date = response.header("date").and_then(time::parse_http_date);
    let answer = Answer::read(response, form, endpoint).await?;
    if answer.status.is_success() { Ok(answer) } else { Err(answer.refusal(context)) }
}

/// Posts a form that asks for something else than a token, until the answer comes or the refusal is final.
/// Repeating it after an unknown outcome must be harmless; `done` tells of a refusal that comes then whether
/// it is what a repetition of what was already done gets.
pub(crate) async fn posted<T>(
    form: &Form,
    endpoint: &str,
    context: &Context<'_>,
    http: &dyn HttpService,
    retry: &RetryPolicy,
    read: impl Fn(&[u8]) -> Option<T>,
    done: impl Fn(&Error) -> Option<T>,
) -> Result<T> {
    let mut attempts = retry.start();
    let mut unknown = false;
    loop {
        match ask(form, endpoint, &mut context.clone(), http).await {
            Ok(answer) => return read(&answer.body).ok_or_else(|| answer.nonsense(&answer.what_came())),
            Err(error) => {
                if let Some(outcome) = done(&error).filter(|_| unknown) {
                    return Ok(outcome);
                }
                unknown |= matches!(error.kind(), ErrorKind::Server | ErrorKind::Timeout | ErrorKind::Broken);
                if attempts.pause_after(error.clone().into(), true).await.is_err() {
                    return Err(error);
                }
            }
        }
    }
}

fn request(form: &Form, endpoint: &str) -> Result<Request<Bytes>> {
    let pairs: Vec<_> = form.iter().map(|(name, value)| (*name, value.expose())).collect();
    let unsendable = |e: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::InvalidInput, format!("the {} at {endpoint} cannot be sent", what(endpoint)))
            .with_source(e)
    };
    let body = serde_urlencoded::to_string(pairs).map_err(|e| unsendable(e.into()))?;
    Request::post(endpoint)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .header(header::ACCEPT_ENCODING, "gzip")
        .header(header::USER_AGENT, concat!("sf-auth/", env!("CARGO_PKG_VERSION")))
        .body(Bytes::from(body))
        .map_err(|e| unsendable(e.into()))
}

/// What is asked of an endpoint, in the words of its errors.
fn what(endpoint: &str) -> &'static str {
    if endpoint.ends_with("/revoke") { "revocation" } else { "login" }
}

/// A failure below HTTP, told by what it means for a login.
pub(crate) fn no_answer(endpoint: &str, error: TransportError) -> Error {
    let (kind, message) = match error.kind() {
        TransportErrorKind::Connect => {
            (ErrorKind::Connect, format!("no connection to {endpoint} could be made"))
        }
        TransportErrorKind::Timeout => {
            (ErrorKind::Timeout, format!("{endpoint} went silent during the {}", what(endpoint)))
        }
        TransportErrorKind::Request => {
            (ErrorKind::InvalidInput, format!("the {} at {endpoint} cannot be sent", what(endpoint)))
        }
        TransportErrorKind::TooLarge => (
            ErrorKind::Protocol,
            format!("{endpoint} answered the {} with more than {} KiB", what(endpoint), BODY_LIMIT / 1024),
        ),
        _ => (ErrorKind::Broken, format!("the answer of {endpoint} to the {} broke off", what(endpoint))),
    };
    let built = Error::new(kind, message).with_source(error);
    match kind {
        ErrorKind::Connect => built.with_hint(
            "Check the host in the login URL, and behind a proxy the variables HTTPS_PROXY and NO_PROXY.",
        ),
        ErrorKind::Protocol => built.with_hint(NOT_A_LOGIN_HOST),
        _ => built,
    }
}

const NOT_A_LOGIN_HOST: &str = "This is not how a login host of Salesforce answers: check the login URL, and whether a proxy is in between.";

/// An answer of the token endpoint, read whole.
struct Answer<'a> {
    endpoint: &'a str,
    form: &'a Form,
    status: StatusCode,
    html: bool,
    retry_after: Option<Duration>,
    /// The host of a redirect.
    elsewhere: Option<String>,
    body: Bytes,
}

/// Every field of a token answer that is used, and OAuth's error pair. Others come and go.
#[derive(Deserialize)]
struct Body {
    access_token: Option<Secretly>,
    refresh_token: Option<Secretly>,
    instance_url: Option<String>,
    id: Option<String>,
    token_type: Option<String>,
    scope: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Secretly(String);

impl<'a> Answer<'a> {
    async fn read(response: Response, form: &'a Form, endpoint: &'a str) -> Result<Self> {
        let status = response.status;
        let mut answer = Self {
            endpoint,
            form,
            status,
            html: response.header("content-type").is_some_and(|t| t.contains("html")),
            retry_after: response.header("retry-after").and_then(retry_after),
            elsewhere: response
                .header("location")
                .and_then(|l| Url::parse(endpoint).ok()?.join(l).ok()?.host_str().map(str::to_owned)),
            body: Bytes::new(),
        };
        let body = match decoded(response) {
            Ok(response) => response.collect(BODY_LIMIT).await,
            Err(error) => Err(error),
        };
        match body {
            Ok(body) => answer.body = body,
            Err(error) if status.is_success() => return Err(no_answer(endpoint, error)),
            // The status has already told that there is no token.
            Err(error) => {
                tracing::debug!(%error, status = status.as_u16(), "the body of a refusal broke off")
            }
        }
        Ok(answer)
    }

    fn token(self, context: &Context<'_>) -> Result<Granted> {
        let body: Body = serde_json::from_slice(&self.body).map_err(|e| {
            if e.is_eof() {
                Error::new(
                    ErrorKind::Broken,
                    format!("the answer of {} to the login broke off", self.endpoint),
                )
            } else {
                self.nonsense(&format!("{}, which is no token answer", self.what_came()))
            }
        })?;
        if body.access_token.is_none() && body.error.is_some() {
            return Err(self.refusal(context));
        }
        let Some(Secretly(token)) = body.access_token.filter(|t| !t.0.is_empty()) else {
            return Err(self.nonsense("an answer without a token"));
        };
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(self.nonsense("a token with characters that no header can carry"));
        }
        if let Some(kind) = body.token_type.filter(|t| !t.eq_ignore_ascii_case("bearer")) {
            let kind = shorten(&self.without_secrets(kind));
            return Err(self.nonsense(&format!("a token of type {kind:?} instead of Bearer")));
        }
        let Some(instance) = body.instance_url.filter(|url| !url.is_empty()) else {
            return Err(self.nonsense("an answer without instance_url"));
        };
        let mut token = Token::new(token, self.instance(&instance)?).map_err(Error::from)?;
        (token.org_id, token.user_id) = body.id.as_deref().map(ids).unwrap_or_default();
        token.scope = body.scope.filter(|scope| !scope.is_empty());
        let refresh_token = body.refresh_token.filter(|t| !t.0.is_empty()).map(|Secretly(t)| Secret::new(t));
        Ok(Granted { token, refresh_token })
    }

    /// The instance that the token is for, refused where the token would travel in the clear.
    fn instance(&self, text: &str) -> Result<Url> {
        let url = Url::parse(text).ok().filter(|url| url.username().is_empty() && url.password().is_none());
        let Some(url) = url else {
            return Err(self.nonsense("an instance_url that is no URL"));
        };
        if !may_carry_token(&url) {
            let origin = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
            return Err(self.nonsense(&format!(
                "{origin} as the instance: a token is sent to https, or to loopback, and nowhere else"
            )));
        }
        Ok(url)
    }

    fn refusal(self, context: &Context<'_>) -> Error {
        let status = self.status.as_u16();
        if self.status.is_redirection() {
            return self.redirect();
        }
        let oauth = self.oauth_error();
        let by_status = match status {
            420 | 429 => Some(ErrorKind::RateLimited),
            408 | 500..=599 => Some(ErrorKind::Server),
            _ => None,
        };
        // A refusal that names its cause is final, whatever the status beside it: trying a wrong
        // password again locks a user out.
        let said = oauth.as_ref().map(OAuthError::kind);
        let passing = matches!(
            said,
            None | Some(
                ErrorKind::Server | ErrorKind::SlowDown | ErrorKind::LoginRateExceeded | ErrorKind::Refused
            )
        );
        let kind = match (by_status, said) {
            (Some(kind), _) if passing => kind,
            (_, Some(kind)) => kind,
            (_, None) => ErrorKind::Refused,
        };
        let message = match &oauth {
            Some(oauth) => self.refused(oauth),
            None => self.answered(&format!("{status} and {}", self.what_came())),
        };
        let hint = match (&oauth, status) {
            (None, 407) => {
                Some("The proxy wants a user name and a password: put them in HTTPS_PROXY.".to_owned())
            }
            (None, _) if kind == ErrorKind::Refused => Some(NOT_A_LOGIN_HOST.to_owned()),
            _ => hint::of(kind, context),
        };
        let mut error = Error::new(kind, message).with_status(status).with_retry_after(self.retry_after);
        if let Some(hint) = hint {
            error = error.with_hint(hint);
        }
        match oauth {
            Some(oauth) => error.with_oauth(oauth),
            None => error,
        }
    }

    /// A redirect is not followed: it would carry the secrets of the form to another host.
    fn redirect(self) -> Error {
        let status = self.status.as_u16();
        let to = self.elsewhere.as_deref().unwrap_or("nowhere");
        let hint = match &self.elsewhere {
            Some(host) => format!("If {host} is a login host of the org, log in there: https://{host}."),
            None => NOT_A_LOGIN_HOST.to_owned(),
        };
        Error::new(
            ErrorKind::Protocol,
            format!(
                "{} redirects the {} to {to} ({status}), where nothing secret is sent unasked",
                self.endpoint,
                what(self.endpoint)
            ),
        )
        .with_status(status)
        .with_hint(hint)
    }

    /// OAuth's error pair, or the first entry of the list that the org's gateway sends.
    fn oauth_error(&self) -> Option<OAuthError> {
        if let Ok(Body { error: Some(error), error_description, .. }) = serde_json::from_slice(&self.body) {
            return Some(self.oauth(error, error_description.unwrap_or_default()));
        }
        let list: Vec<ApiError> = serde_json::from_slice(&self.body).ok()?;
        let first = list.into_iter().next()?;
        Some(self.oauth(first.error_code, first.message))
    }

    /// Keeps what the org said, short, on one line, and without a secret that it may have repeated.
    fn oauth(&self, error: String, description: String) -> OAuthError {
        let [error, description] = [error, description].map(|text| shorten(&self.without_secrets(text)));
        OAuthError::new(error, description)
    }

    fn without_secrets(&self, mut text: String) -> String {
        for (_, secret) in self.form.iter().filter(|(name, _)| SECRETS.contains(name)) {
            let encoded = serde_urlencoded::to_string([("", secret.expose())]).unwrap_or_default();
            for spelling in
                [secret.expose(), encoded.trim_start_matches('=')].iter().filter(|s| !s.is_empty())
            {
                text = text.replace(spelling, "***");
            }
        }
        text
    }

    fn refused(&self, oauth: &OAuthError) -> String {
        format!("OAuth refused the {} at {}: {oauth}", what(self.endpoint), self.endpoint)
    }

    fn answered(&self, with: &str) -> String {
        format!("{} answered the {} with {with}", self.endpoint, what(self.endpoint))
    }

    fn nonsense(&self, what: &str) -> Error {
        Error::new(ErrorKind::Protocol, self.answered(what))
            .with_status(self.status.as_u16())
            .with_hint(NOT_A_LOGIN_HOST)
    }

    fn what_came(&self) -> String {
        match (self.html, self.body.len()) {
            (_, 0) => "no body".to_owned(),
            (true, bytes) => format!("an HTML page of {bytes} bytes"),
            (false, bytes) => format!("{bytes} bytes that are not OAuth's JSON"),
        }
    }
}

/// A text from outside, on one line and no longer than a sentence.
pub(crate) fn shorten(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    line.trim().to_owned()
}

/// The org and the user from `https://login.salesforce.com/id/<org>/<user>`.
fn ids(identity: &str) -> (Option<Id>, Option<Id>) {
    let path = identity.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let mut parts = path.rsplit('/');
    let user = parts.next().and_then(|id| id.parse().ok());
    let org = parts.next().and_then(|id| id.parse().ok());
    (org, user)
}

/// Seconds, or a date (RFC 9110, "Retry-After").
fn retry_after(value: &str) -> Option<Duration> {
    match value.trim().parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => until(time::parse_http_date(value)?),
    }
}

fn until(date: DateTime<Utc>) -> Option<Duration> {
    (date - time::now()).to_std().ok()
}

#[cfg(test)]
pub(crate) mod tests;
