//! Keys of the org and the login.

use super::rules;
use crate::config::key::{Group, Key, Kind};

pub(crate) const GRANTS: &[&str] = &["PASSWORD", "JWT_BEARER", "CLIENT_CREDENTIALS"];
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
         key and secret, and the org's My Domain URL as `salesforce.instance`. Salesforce switches \
         PASSWORD off for new orgs.",
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
         path of a PEM file, relative to the working directory; unencrypted.",
    )
    .ours(),
    key(
        "salesforce.jwt.keystore.file",
        Kind::Password,
        "The private key in the value itself, as base64 after `data:text/plain;base64,`. So far only PEM \
         is read; for a JKS or PKCS#12 keystore use `salesforce.jwt.private.key`.",
    ),
    key(
        "salesforce.jwt.keystore.path",
        Kind::String,
        "The path of the file with the private key. So far only PEM is read; for a JKS or PKCS#12 \
         keystore use `salesforce.jwt.private.key`.",
    ),
    key("salesforce.jwt.keystore.password", Kind::Password, "The keystore's password; PEM needs none."),
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
        "Filled in by Confluent Cloud for its own authorization-code login.",
    )
    .not_yet("logging in by a refresh token is not in yet; use another salesforce.grant.type", &[])
    .low(),
    key("http.proxy", Kind::String, "A proxy as host:port.")
        .not_yet("set the environment variable HTTPS_PROXY instead", &[])
        .low(),
    key("http.proxy.*", Kind::Password, "How to log in to the proxy.")
        .ignored(
            "the proxy comes from the environment variable HTTPS_PROXY, with user and password in its URL",
        )
        .low(),
];
