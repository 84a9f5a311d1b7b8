//! The device flow: a person consents on another device.

use std::time::Duration;

use serde::Deserialize;
use sf_core::auth::Secret;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::authorized::Authorized;
use crate::hint::{Context, Flow};
use crate::login::required;
use crate::login_url::GivenUrl;
use crate::token::{self, Form, FormGrant};
use crate::{Error, ErrorKind, Login, LoginUrl, Result};

/// The device flow: a program without a browser shows a code, which a person enters on another device.
///
/// ```no_run
/// # #[cfg(feature = "reqwest")]
/// # async fn example(consumer_key: &str) -> sf_auth::Result<()> {
/// use sf_auth::{Device, Login};
///
/// let login = Login::new();
/// let prompt = Device::new("https://acme.my.salesforce.com", consumer_key).begin(&login).await?;
/// println!("open {} and enter {}", prompt.verification_url(), prompt.user_code());
/// let org = prompt.wait(&login).await?.connect().await?;
/// # Ok(()) }
/// ```
///
/// The app needs "Enable for Device Flow". Salesforce has begun to take this flow away (2025): prefer
/// [`WebServer`](crate::WebServer) where there is a browser.
#[derive(Debug, Clone)]
#[must_use]
pub struct Device {
    login_url: GivenUrl,
    client_id: String,
    client_secret: Secret,
    scopes: Vec<String>,
}

impl Device {
    /// The login URL and the app's consumer key.
    pub fn new(login_url: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            login_url: GivenUrl::new(login_url),
            client_id: client_id.into(),
            client_secret: Secret::default(),
            scopes: vec!["api".into(), "refresh_token".into()],
        }
    }

    /// The app's consumer secret, where it requires one to refresh.
    pub fn client_secret(mut self, secret: impl Into<Secret>) -> Self {
        self.client_secret = secret.into();
        self
    }

    /// What the token may do; `api` and `refresh_token` by default.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Asks for a code.
    ///
    /// # Errors
    /// What is wrong here, then what the org or the way to it said.
    pub async fn begin(self, login: &Login) -> Result<DevicePrompt> {
        let url: LoginUrl = self.login_url.parse()?;
        required("consumer key", &self.client_id)?;
        let mut form: Form =
            vec![("response_type", "device_code".into()), ("client_id", self.client_id.trim().into())];
        if !self.scopes.is_empty() {
            form.push(("scope", self.scopes.join(" ").into()));
        }
        let context = Context { flow: Flow::Device, login: &url, audience: None, date: None };
        let read = |body: &[u8]| {
            let codes: Codes = serde_json::from_slice(body).ok()?;
            // The person is sent there, so it must be a page and nothing else.
            let page = Url::parse(&codes.verification_uri)
                .ok()
                .filter(|url| matches!(url.scheme(), "https" | "http"))?;
            Some((codes, page))
        };
        let endpoint = url.token_endpoint();
        let (codes, page) =
            token::posted(&form, &endpoint, &context, &*login.service()?, login.policy(), read, |_| None)
                .await?;
        Ok(DevicePrompt {
            settings: self,
            url,
            device_code: codes.device_code.into(),
            user_code: codes.user_code,
            page,
            interval: Duration::from_secs(codes.interval.clamp(1, 60)),
            patience: Duration::from_secs(codes.expires_in.unwrap_or(600).clamp(1, 3600)),
        })
    }
}

#[derive(Deserialize)]
struct Codes {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default = "five")]
    interval: u64,
    expires_in: Option<u64>,
}

fn five() -> u64 {
    5
}

/// A code that waits for a person.
#[derive(Debug)]
#[must_use]
pub struct DevicePrompt {
    settings: Device,
    url: LoginUrl,
    device_code: Secret,
    user_code: String,
    page: Url,
    interval: Duration,
    patience: Duration,
}

impl DevicePrompt {
    /// What the person enters.
    pub fn user_code(&self) -> &str {
        &self.user_code
    }

    /// Where the person enters it.
    pub fn verification_url(&self) -> &Url {
        &self.page
    }

    /// How long [`wait`](Self::wait) gives the person: ten minutes, unless the org says otherwise.
    pub fn timeout(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks at the org's interval until the person has answered.
    ///
    /// # Errors
    /// [`ErrorKind::AccessDenied`] where the person said no, [`ErrorKind::Timeout`] where nobody came, and
    /// whatever else the org says.
    pub async fn wait(self, login: &Login) -> Result<Authorized> {
        let http = login.service()?;
        let since = Instant::now();
        let mut interval = self.interval;
        loop {
            sleep(interval).await;
            match token::granted(&self, &*http, login.policy()).await {
                Ok(granted) => {
                    let Device { login_url, client_id, client_secret, .. } = &self.settings;
                    return Ok(Authorized::new(granted, login_url, client_id, client_secret));
                }
                // RFC 8628, "Device Access Token Response": five seconds more, for good.
                Err(error) if error.kind() == ErrorKind::SlowDown => interval += Duration::from_secs(5),
                Err(error) if error.kind() == ErrorKind::AuthorizationPending => {}
                Err(error) => return Err(error),
            }
            if since.elapsed() + interval > self.patience {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    format!(
                        "nobody entered the code at {} within {} seconds",
                        self.page,
                        self.patience.as_secs()
                    ),
                )
                .with_hint("Begin again for a new code."));
            }
        }
    }
}

impl FormGrant for DevicePrompt {
    const FLOW: Flow = Flow::Device;

    fn checked(&self) -> Result<LoginUrl> {
        Ok(self.url.clone())
    }

    fn form(&self, _login: &LoginUrl) -> Result<Form> {
        Ok(vec![
            ("grant_type", "device".into()),
            ("client_id", self.settings.client_id.trim().into()),
            ("code", self.device_code.clone()),
        ])
    }
}
