//! Where a login goes: which hosts there are, which grant may use them, and which audience a JWT names.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use sf_core::auth::{ShownUrl, may_carry_token};
use url::{Host as UrlHost, Url};

use crate::{Error, ErrorKind, Result};

/// The kind of host behind a login URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `login.salesforce.com`: any production org or Developer Edition.
    Production,
    /// `test.salesforce.com`: any sandbox.
    Sandbox,
    /// An org's own `*.my.salesforce.com`, of production or of a sandbox.
    MyDomain,
    /// Anything else: an Experience Cloud site, a proxy, an emulated org.
    Other,
}

/// A login URL that has been checked: where grants are exchanged for tokens.
///
/// Read from what a user may have at hand: a URL, a host alone (`https` is then assumed), or a page
/// copied from the browser. Plain `http` is taken only on loopback (`localhost`, `127.0.0.0/8`, `[::1]`).
///
/// ```
/// use sf_auth::{Host, LoginUrl};
///
/// let url: LoginUrl = "acme.my.salesforce.com/".parse()?;
/// assert_eq!(url.to_string(), "https://acme.my.salesforce.com");
/// assert_eq!(url.host(), Host::MyDomain);
///
/// let error = "https://acme.lightning.force.com".parse::<LoginUrl>().unwrap_err();
/// assert_eq!(error.hint(), Some("Use https://acme.my.salesforce.com instead."));
/// # Ok::<(), sf_auth::Error>(())
/// ```
///
/// On Salesforce's own hosts a path is dropped. Elsewhere it is kept, since an Experience Cloud site's
/// endpoints stand below it, up to a trailing slash or `/services/…`.
///
/// # Errors
///
/// Parsing fails with [`ErrorKind::InvalidLoginUrl`] and says what to write instead.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LoginUrl {
    /// Without trailing slash, query, fragment or credentials.
    base: String,
    host: Host,
}

/// Hosts that serve pages, and the suffix of the same org's host that serves logins.
const PAGES: &[(&str, &str)] =
    &[(".lightning.force.com", ".my.salesforce.com"), (".my.salesforce-setup.com", ".my.salesforce.com")];

/// Hosts that serve pages, and whose names do not tell the org's own.
const PAGES_ONLY: &[&str] =
    &[".vf.force.com", ".visual.force.com", ".visualforce.com", ".content.force.com", ".file.force.com"];

impl LoginUrl {
    /// The login host of every production org.
    pub const PRODUCTION: &'static str = "https://login.salesforce.com";
    /// The login host of every sandbox.
    pub const SANDBOX: &'static str = "https://test.salesforce.com";

    /// What kind of host this is.
    pub fn host(&self) -> Host {
        self.host
    }

    /// Where a grant is exchanged for a token.
    pub fn token_endpoint(&self) -> String {
        format!("{}/services/oauth2/token", self.base)
    }

    /// Where a person is sent to log in with a browser.
    pub fn authorize_endpoint(&self) -> String {
        format!("{}/services/oauth2/authorize", self.base)
    }

    /// Where a token is revoked.
    pub fn revoke_endpoint(&self) -> String {
        format!("{}/services/oauth2/revoke", self.base)
    }

    /// The audience that a JWT names for this host, where the caller names none.
    ///
    /// `https://login.salesforce.com` and `https://test.salesforce.com` for those two hosts. For a My
    /// Domain or a site it is that URL itself: Salesforce takes it in every org, and since Spring '26
    /// some orgs take nothing else there (n8n pull request 29016).
    pub fn audience(&self) -> &str {
        match self.host {
            Host::Production => Self::PRODUCTION,
            Host::Sandbox => Self::SANDBOX,
            Host::MyDomain | Host::Other => &self.base,
        }
    }
}

impl FromStr for LoginUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let url = parse(text)?;
        let host = match url.host() {
            Some(UrlHost::Domain(domain)) => kind_of(domain, &url)?,
            _ => Host::Other,
        };
        let origin = url.origin().ascii_serialization();
        let base = if host == Host::Other { format!("{origin}{}", prefix(url.path())) } else { origin };
        Ok(Self { base, host })
    }
}

impl fmt::Display for LoginUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for LoginUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginUrl({})", self.base)
    }
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidLoginUrl, message)
}

/// Scheme, host and credentials: everything that does not depend on who owns the host.
fn parse(text: &str) -> Result<Url> {
    const HINT: &str = "Write the org's own URL (Setup > My Domain), for example https://acme.my.salesforce.com; \
        https://login.salesforce.com or, for a sandbox, https://test.salesforce.com.";
    let text = text.trim();
    if text.is_empty() {
        return Err(refused("the login URL is empty".into()).with_hint(HINT));
    }
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&with_scheme).map_err(|e| {
        let shown: String = ShownUrl(text).to_string().chars().take(100).collect();
        refused(format!("{shown:?} is not a login URL: {e}")).with_hint(HINT)
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("the login URL holds a user name or a password".into()).with_hint(
            "Leave them out of the URL: they would end up in logs. Each grant takes them as values.",
        ));
    }
    let Some(host) = url.host() else {
        return Err(refused("the login URL names no host".into()).with_hint(HINT));
    };
    // Without path and query: a page copied from the browser may carry a session id in them.
    let shown = format!("{}://{host}", url.scheme());
    match url.scheme() {
        "https" => {}
        "http" if may_carry_token(&url) => {}
        "http" => {
            return Err(refused(format!(
                "the login URL {shown} is plain http, which would show secrets to the network"
            ))
            .with_hint(format!(
                "Write https://{host}. Plain http is taken for localhost, 127.0.0.0/8 and [::1] only."
            )));
        }
        other => {
            return Err(refused(format!("the login URL {shown} has the scheme {other:?}, it must be https"))
                .with_hint(HINT));
        }
    }
    if let UrlHost::Domain(domain) = &host
        && !domain.trim_end_matches('.').contains('.')
        && *domain != "localhost"
    {
        return Err(refused(format!("{domain:?} is not the name of a host")).with_hint(format!(
            "If it is the name of your My Domain, write https://{domain}.my.salesforce.com."
        )));
    }
    Ok(url)
}

/// A URL as it was given, not yet read: it may hold whatever was in a browser's address bar.
#[derive(Clone)]
pub(crate) struct GivenUrl(String);

impl GivenUrl {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Deref for GivenUrl {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GivenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&ShownUrl(&self.0), f)
    }
}

fn kind_of(domain: &str, url: &Url) -> Result<Host> {
    let domain = domain.trim_end_matches('.');
    for (pages, logins) in PAGES {
        if let Some(org) = domain.strip_suffix(pages) {
            return Err(refused(format!("{} serves pages, not logins", url.origin().ascii_serialization()))
                .with_hint(format!("Use https://{org}{logins} instead.")));
        }
    }
    if PAGES_ONLY.iter().any(|pages| domain.ends_with(pages)) {
        return Err(refused(format!("{} serves pages, not logins", url.origin().ascii_serialization()))
            .with_hint(
                "Use the org's My Domain instead (Setup > My Domain): https://<name>.my.salesforce.com.",
            ));
    }
    Ok(match domain {
        "login.salesforce.com" => Host::Production,
        "test.salesforce.com" => Host::Sandbox,
        _ if domain.ends_with(".my.salesforce.com") => Host::MyDomain,
        _ => Host::Other,
    })
}

/// The part of a path below which the endpoints stand.
fn prefix(path: &str) -> &str {
    let end = path.find("/services/").unwrap_or(path.len());
    path[..end].trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Host) {
        let url: LoginUrl = text.parse().unwrap();
        (url.to_string(), url.host())
    }

    fn refusal(text: &str) -> Error {
        let error = text.parse::<LoginUrl>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidLoginUrl, "{text}");
        error
    }

    #[test]
    fn each_kind_of_host_is_told_from_the_others() {
        for (text, host) in [
            ("https://login.salesforce.com", Host::Production),
            ("https://test.salesforce.com", Host::Sandbox),
            ("https://acme.my.salesforce.com", Host::MyDomain),
            ("https://acme--dev.sandbox.my.salesforce.com", Host::MyDomain),
            ("https://acme-dev-ed.develop.my.salesforce.com", Host::MyDomain),
            ("https://acme.my.site.com", Host::Other),
            ("https://na1.salesforce.com", Host::Other),
            ("https://login.salesforce.com.evil.example", Host::Other),
            ("https://my.salesforce.com", Host::Other),
        ] {
            assert_eq!(read(text), (text.to_owned(), host));
        }
    }

    #[test]
    fn what_users_paste_becomes_the_host_alone() {
        for (text, base) in [
            ("  https://acme.my.salesforce.com/  ", "https://acme.my.salesforce.com"),
            ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
            ("ACME.My.Salesforce.com", "https://acme.my.salesforce.com"),
            ("https://acme.my.salesforce.com/home/home.jsp?sid=1#x", "https://acme.my.salesforce.com"),
            ("https://login.salesforce.com/services/oauth2/token", "https://login.salesforce.com"),
            ("https://acme.my.salesforce.com:443", "https://acme.my.salesforce.com"),
            ("https://acme.my.site.com/partners/", "https://acme.my.site.com/partners"),
            ("https://acme.my.site.com/partners/services/oauth2/token", "https://acme.my.site.com/partners"),
            ("localhost:8443", "https://localhost:8443"),
        ] {
            assert_eq!(read(text).0, base, "{text}");
        }
    }

    #[test]
    fn plain_http_is_taken_on_loopback_only() {
        for text in ["http://localhost:8080", "http://127.0.0.1:41873", "http://127.3.2.1", "http://[::1]:9"]
        {
            assert_eq!(read(text), (text.to_owned(), Host::Other));
        }
        for text in [
            "http://acme.my.salesforce.com",
            "http://localhost.evil.example",
            "http://128.0.0.1",
            "http://0.0.0.0",
            "http://[::2]",
            "http://127.0.0.1.nip.io",
            "http://10.0.0.1",
        ] {
            let error = refusal(text);
            assert!(error.to_string().contains("plain http"), "{error}");
            assert!(error.hint().unwrap().contains("Write https://"), "{error}");
        }
    }

    #[test]
    fn hosts_that_serve_pages_are_refused_with_the_one_to_use() {
        for (text, instead) in [
            ("https://acme.lightning.force.com/lightning/page/home", "https://acme.my.salesforce.com"),
            ("acme--dev.sandbox.lightning.force.com", "https://acme--dev.sandbox.my.salesforce.com"),
            ("https://acme.my.salesforce-setup.com", "https://acme.my.salesforce.com"),
        ] {
            assert_eq!(refusal(text).hint().unwrap(), format!("Use {instead} instead."));
        }
        for text in
            ["https://acme--c.vf.force.com/apex/x", "acme--c.na1.visual.force.com", "acme.file.force.com"]
        {
            assert!(refusal(text).hint().unwrap().contains("Setup > My Domain"), "{text}");
        }
    }

    #[test]
    fn what_is_no_login_url_is_refused_with_what_to_write() {
        assert!(refusal("").to_string().starts_with("the login URL is empty"));
        assert_eq!(
            refusal("acme").hint(),
            Some("If it is the name of your My Domain, write https://acme.my.salesforce.com.")
        );
        assert!(refusal("ftp://acme.my.salesforce.com").to_string().contains("must be https"));
        assert!(refusal("https://").hint().is_some());
        assert!(refusal("https://exa mple.com").hint().is_some());
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_shown() {
        for text in
            ["https://ann:hunter2@acme.my.salesforce.com", "ann:hunter2@acme .com", "https://ann:hunter2@"]
        {
            let error = refusal(text);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_page_that_is_refused_does_not_show_its_session() {
        for text in [
            "https://acme.my.salesforce.com:port/secur?sid=00D!AQ",
            "https://acme my.salesforce.com?sid=00D!AQ",
            "https://acme my.salesforce.com#sid=00D!AQ",
            "http://acme.my.salesforce.com?sid=00D!AQ",
            "https://acme.lightning.force.com?sid=00D!AQ",
        ] {
            let error = refusal(text);
            assert!(!format!("{error} {error:?}").contains("!AQ"), "{error}");
        }
    }

    #[test]
    fn the_audience_follows_from_the_host() {
        for (text, audience) in [
            ("https://login.salesforce.com/", "https://login.salesforce.com"),
            ("https://test.salesforce.com", "https://test.salesforce.com"),
            ("https://acme--dev.sandbox.my.salesforce.com", "https://acme--dev.sandbox.my.salesforce.com"),
            ("https://acme.my.site.com/partners", "https://acme.my.site.com/partners"),
        ] {
            assert_eq!(text.parse::<LoginUrl>().unwrap().audience(), audience);
        }
    }
}
