//! Keys of the org and the login.

use super::rules;
use crate::config::key::{Group, Key, Kind};

/// Confluent Cloud's word for a login that goes on by a refresh token.
pub(crate) const BY_REFRESH_TOKEN: &str = "OAUTH2_AUTH_CODE_BYOA";
pub(crate) const GRANTS: &[&str] = &["PASSWORD", "JWT_BEARER", "CLIENT_CREDENTIALS", BY_REFRESH_TOKEN];
pub(crate) const DEFAULT_INSTANCE: &str = "https://login.salesforce.com";

const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key::new(name, kind, Group::Salesforce, doc)
}

pub(super) static KEYS: &[Key] = &[
    key(
        "salesforce.grant.type",
        Kind::String,
        "How the connector logs in. PASSWORD needs username, password, consumer key and secret; \
         JWT_BEARER needs username, consumer key and the private key; CLIENT_CREDENTIALS needs consumer \
         key and secret, and the org's My Domain URL as `salesforce.instance`; OAUTH2_AUTH_CODE_BYOA needs \
         consumer key and `oauth.refresh.token`. Salesforce switches PASSWORD off for new orgs.",
    )
    .default("PASSWORD")
    .one_of(GRANTS)
    .high(),
    key(
        "salesforce.instance",
        Kind::String,
        "Where to log in: production, `https://test.salesforce.com` for a sandbox, or the org's My \
         Domain. The address of the org itself comes with the login. Plain http goes to this machine \
         only, for an emulated org.",
    )
    .default(DEFAULT_INSTANCE)
    .rule("an https URL without a path", rules::instance)
    .high(),
    key("salesforce.username", Kind::String, "The user to log in as: PASSWORD and JWT_BEARER.").high(),
    key("salesforce.password", Kind::Password, "The user's password: PASSWORD.").high(),
    key(
        "salesforce.password.token",
        Kind::Password,
        "The user's security token: PASSWORD. May be left out where the org trusts the network that the \
         connector runs in.",
    )
    .high(),
    key("salesforce.consumer.key", Kind::Password, "The app's consumer key, also called client id.").high(),
    key(
        "salesforce.consumer.secret",
        Kind::Password,
        "The app's consumer secret: PASSWORD and CLIENT_CREDENTIALS.",
    ),
    key(
        "salesforce.jwt.private.key",
        Kind::Password,
        "The private key whose certificate the app knows: JWT_BEARER. Either the PEM text itself or the \
         path of a PEM file, relative to the working directory; its passphrase, if it has one, is \
         `salesforce.jwt.keystore.password`.",
    )
    .ours(),
    key(
        "salesforce.jwt.keystore.file",
        Kind::Password,
        "The key store in the value itself, as base64 after `data:text/plain;base64,` (or, in the other \
         spelling, `data:text/plain:base64,`): JKS, PKCS#12, or a PEM key in its place.",
    ),
    key(
        "salesforce.jwt.keystore.path",
        Kind::String,
        "The path of the key store: JKS, PKCS#12, or a PEM key in its place.",
    ),
    key("salesforce.jwt.keystore.password", Kind::Password, "The key store's password, or the PEM key's passphrase."),
    key(
        "salesforce.jwt.keystore.alias",
        Kind::String,
        "The alias of the private key in the key store, where it has several.",
    )
    .ours(),
    key(
        "salesforce.api.version",
        Kind::String,
        "The API version of every request, for example 65.0. Without it, or as `latest`, the newest that \
         this release was made with.",
    )
    .aliases(&["salesforce.version"])
    .rule("47.0 or later, or latest", rules::api_version)
    .low()
    .ours(),
    key(
        "oauth.refresh.token",
        Kind::Password,
        "A refresh token of the app: OAUTH2_AUTH_CODE_BYOA. Confluent Cloud fills it in by itself.",
    ),
    key(
        "salesforce.refresh.token.file",
        Kind::String,
        "A file in which the next refresh token is kept, for an app that rotates them: what it holds wins over \
         `oauth.refresh.token`. A relative path begins beside the configuration's file. Without it the next one \
         is lost when the process ends, and `sf-kafka check` does not log in.",
    )
    .low()
    .ours(),
    key(
        "salesforce.auth.retries.time.ms",
        Kind::Long,
        "How long a failed login is tried again; without it as long as any other request \
         (`request.max.retries.time.ms`). A refused password is never tried again.",
    )
    .between(0, 86_400_000, "milliseconds of trying to log in")
    .low(),
    key(
        "http.proxy",
        Kind::String,
        "A proxy as host:port, in place of the environment variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
    )
    .rule("host:port", proxy)
    .low(),
    key("http.proxy.auth.scheme", Kind::String, "Whether the proxy asks for user and password.")
        .default("NONE")
        .one_of(&["NONE", "BASIC"])
        .low(),
    key("http.proxy.user", Kind::String, "The user of the proxy.").low(),
    key("http.proxy.password", Kind::Password, "The password of the proxy.").low(),
    key("http.proxy.auth.ntlm.domain", Kind::String, "The domain of the proxy's user under NTLM.")
        .ignored("NTLM is not in; a proxy of one's own (cntlm and its like) can speak it")
        .low(),
];

/// A host and a port, which is what a URL of both and nothing else parses to.
fn proxy(text: &str) -> Result<(), String> {
    let whole = format!("http://{text}");
    let parsed = url::Url::parse(&whole).ok();
    let port = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
    let bare =
        parsed.is_some_and(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty());
    if port && bare && !text.contains(['/', '@', '#']) {
        Ok(())
    } else {
        Err("must be host:port, for example proxy.acme.example:3128".into())
    }
}
