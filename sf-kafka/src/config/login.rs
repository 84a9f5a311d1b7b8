//! How to log in: which keys a grant needs, and where a private key comes from.

use std::path::PathBuf;
use std::time::Duration;

use sf_auth::{ErrorKind, KeyStore, PrivateKey};
use sf_core::auth::Secret;
use url::Url;

use super::parse::Reader;
use super::table::login::{BY_REFRESH_TOKEN, DEFAULT_INSTANCE, GRANTS};

/// A login, by its grant. `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Auth {
    /// Username and password.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: Secret,
        /// The security token that is appended to the password.
        security_token: Option<Secret>,
        /// The app's consumer key.
        consumer_key: Secret,
        /// The app's consumer secret.
        consumer_secret: Secret,
    },
    /// A token signed by the connector.
    JwtBearer {
        /// The user.
        username: String,
        /// The app's consumer key.
        consumer_key: Secret,
        /// The private key.
        private_key: PrivateKey,
    },
    /// A token that a person's consent once brought.
    RefreshToken {
        /// The app's consumer key.
        consumer_key: Secret,
        /// The app's consumer secret, where it asks for one.
        consumer_secret: Option<Secret>,
        /// The refresh token.
        refresh_token: Secret,
        /// Where the next token is kept, in an app that rotates them.
        file: Option<PathBuf>,
    },
    /// The app itself.
    ClientCredentials {
        /// The app's consumer key.
        consumer_key: Secret,
        /// The app's consumer secret.
        consumer_secret: Secret,
    },
}

const USERNAME: &str = "salesforce.username";
const PASSWORD: &str = "salesforce.password";
const TOKEN: &str = "salesforce.password.token";
const CONSUMER_KEY: &str = "salesforce.consumer.key";
const CONSUMER_SECRET: &str = "salesforce.consumer.secret";
const PRIVATE_KEY: &str = "salesforce.jwt.private.key";
const KEYSTORE_FILE: &str = "salesforce.jwt.keystore.file";
const KEYSTORE_PATH: &str = "salesforce.jwt.keystore.path";
const KEYSTORE_PASSWORD: &str = "salesforce.jwt.keystore.password";
const KEYSTORE_ALIAS: &str = "salesforce.jwt.keystore.alias";
const REFRESH_TOKEN: &str = "oauth.refresh.token";
const REFRESH_FILE: &str = "salesforce.refresh.token.file";
const INSTANCE: &str = "salesforce.instance";
const PROXY: &str = "http.proxy";
const PROXY_SCHEME: &str = "http.proxy.auth.scheme";
const PROXY_USER: &str = "http.proxy.user";
const PROXY_PASSWORD: &str = "http.proxy.password";
const LOGIN_BUDGET: &str = "salesforce.auth.retries.time.ms";
const ALL: [&str; 12] = [
    USERNAME,
    PASSWORD,
    TOKEN,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    PRIVATE_KEY,
    KEYSTORE_FILE,
    KEYSTORE_PATH,
    KEYSTORE_PASSWORD,
    KEYSTORE_ALIAS,
    REFRESH_TOKEN,
    REFRESH_FILE,
];

/// How long a login is tried, where that is not the same as for every other request.
pub(super) fn budget(reader: &Reader<'_>) -> Option<Duration> {
    reader.given(LOGIN_BUDGET).then(|| Duration::from_millis(reader.number(LOGIN_BUDGET)))
}

/// The proxy as a URL, with its user where it asks for one.
pub(super) fn proxy(reader: &mut Reader<'_>) -> Option<Secret> {
    let with_user = reader.text(PROXY_SCHEME).is_some_and(|scheme| scheme.eq_ignore_ascii_case("BASIC"));
    let Some(host) = reader.text(PROXY) else {
        for name in [PROXY_USER, PROXY_PASSWORD] {
            if reader.given(name) {
                reader.note(name, format!("not used: there is no {PROXY}"));
            }
        }
        return None;
    };
    let mut url = Url::parse(&format!("http://{host}")).ok()?;
    if with_user {
        let user = reader
            .required(PROXY_USER, "the user of the proxy, which http.proxy.auth.scheme = BASIC needs")
            .to_owned();
        url.set_username(&user).ok()?;
        url.set_password(reader.secret(PROXY_PASSWORD).as_ref().map(Secret::expose)).ok()?;
    } else {
        for name in [PROXY_USER, PROXY_PASSWORD] {
            if reader.given(name) {
                reader.note(name, format!("not used: {PROXY_SCHEME} is NONE"));
            }
        }
    }
    Some(Secret::new(url))
}

pub(super) fn instance(reader: &Reader<'_>) -> Option<Url> {
    Url::parse(reader.text(INSTANCE)?).ok()
}

/// Only the keys that the grant uses are asked for; others get a note.
pub(super) fn auth(reader: &mut Reader<'_>) -> Option<Auth> {
    let given = reader.text("salesforce.grant.type")?;
    let grant = GRANTS.iter().find(|grant| grant.eq_ignore_ascii_case(given)).copied()?;
    let used: &[&str] = match grant {
        "PASSWORD" => &[USERNAME, PASSWORD, TOKEN, CONSUMER_KEY, CONSUMER_SECRET],
        "JWT_BEARER" => &[
            USERNAME,
            CONSUMER_KEY,
            PRIVATE_KEY,
            KEYSTORE_FILE,
            KEYSTORE_PATH,
            KEYSTORE_PASSWORD,
            KEYSTORE_ALIAS,
        ],
        BY_REFRESH_TOKEN => &[CONSUMER_KEY, CONSUMER_SECRET, REFRESH_TOKEN, REFRESH_FILE],
        _ => &[CONSUMER_KEY, CONSUMER_SECRET],
    };
    for name in ALL.into_iter().filter(|name| !used.contains(name)) {
        if reader.given(name) {
            reader.note(name, format!("not used: salesforce.grant.type is {grant}"));
        }
    }
    let needs = |what: &str| format!("{what}, which salesforce.grant.type = {grant} needs");
    let consumer_key =
        Secret::new(reader.required(CONSUMER_KEY, &needs("the app's consumer key (client id)")));
    let auth = match grant {
        "PASSWORD" => Auth::Password {
            username: reader.required(USERNAME, &needs("the user to log in as")).to_owned(),
            password: Secret::new(reader.required(PASSWORD, &needs("the user's password"))),
            security_token: reader.secret(TOKEN),
            consumer_key,
            consumer_secret: Secret::new(
                reader.required(CONSUMER_SECRET, &needs("the app's consumer secret")),
            ),
        },
        "JWT_BEARER" => Auth::JwtBearer {
            username: reader.required(USERNAME, &needs("the user to log in as")).to_owned(),
            consumer_key,
            private_key: private_key(reader, &needs("the private key as PEM text or a file's path"))?,
        },
        BY_REFRESH_TOKEN => Auth::RefreshToken {
            consumer_key,
            consumer_secret: reader.secret(CONSUMER_SECRET),
            refresh_token: Secret::new(
                reader.required(REFRESH_TOKEN, &needs("a refresh token that the app was given")),
            ),
            file: reader.text(REFRESH_FILE).map(|path| reader.beside(path)),
        },
        _ => {
            my_domain(reader);
            Auth::ClientCredentials {
                consumer_key,
                consumer_secret: Secret::new(
                    reader.required(CONSUMER_SECRET, &needs("the app's consumer secret")),
                ),
            }
        }
    };
    Some(auth)
}

/// Salesforce answers this grant at the org's own host only.
fn my_domain(reader: &mut Reader<'_>) {
    let Some(url) = instance(reader) else { return };
    if !matches!(url.host_str(), Some("login.salesforce.com" | "test.salesforce.com")) {
        return;
    }
    let what =
        "the org's My Domain URL, which CLIENT_CREDENTIALS needs, for example https://acme.my.salesforce.com";
    if reader.given(INSTANCE) {
        reader.problem(INSTANCE, format!("must be {what}"));
    } else {
        reader.required(INSTANCE, &format!("{what}; the default {DEFAULT_INSTANCE} does not answer it"));
    }
}

/// The key from wherever it is given.
fn private_key(reader: &mut Reader<'_>, what: &str) -> Option<PrivateKey> {
    let sources = [PRIVATE_KEY, KEYSTORE_FILE, KEYSTORE_PATH];
    let Some(source) = sources.into_iter().find(|source| reader.given(source)) else {
        reader.required(PRIVATE_KEY, what);
        return None;
    };
    for other in sources.into_iter().filter(|other| *other != source) {
        if reader.given(other) {
            reader.note(other, format!("not used: {source} has the key"));
        }
    }
    let value = reader.text(source)?;
    let store = match source {
        KEYSTORE_FILE => carried(value),
        KEYSTORE_PATH => KeyStore::from_file(value),
        _ if value.contains("-----BEGIN") => Ok(KeyStore::from_bytes(value)),
        _ => KeyStore::from_file(value),
    };
    let key = store.and_then(|mut store| {
        if let Some(password) = reader.secret(KEYSTORE_PASSWORD) {
            store = store.password(password);
        }
        if let Some(alias) = reader.text(KEYSTORE_ALIAS) {
            store = store.alias(alias);
        }
        store.key()
    });
    key.map_err(|error| blame(reader, source, value, &error)).ok()
}

/// `data:text/plain;base64,…` (seen also with a colon before `base64`), bare base64, or the text itself.
fn carried(value: &str) -> sf_auth::Result<KeyStore> {
    if value.contains("-----BEGIN") {
        Ok(KeyStore::from_bytes(value))
    } else if value.starts_with("data:") {
        KeyStore::from_data_uri(value)
    } else {
        KeyStore::from_base64(value)
    }
}

/// Says what is wrong with the key, at the key of the configuration that can mend it.
fn blame(reader: &mut Reader<'_>, source: &'static str, value: &str, error: &sf_auth::Error) {
    // What was meant as a PEM text and is taken for a path must not show.
    let text = if source == PRIVATE_KEY {
        error.to_string().replace(&format!("the key store {value}"), "it is no PEM text, and as a file it")
    } else {
        error.to_string()
    };
    let said = text.lines().next().unwrap_or_default();
    let (key, way) = match error.kind() {
        ErrorKind::WrongKeyPassword if reader.given(KEYSTORE_PASSWORD) => (KEYSTORE_PASSWORD, ""),
        ErrorKind::WrongKeyPassword => (source, "; set salesforce.jwt.keystore.password"),
        ErrorKind::UnknownAlias => (KEYSTORE_ALIAS, ""),
        ErrorKind::SeveralKeys => (source, "; set salesforce.jwt.keystore.alias"),
        ErrorKind::InvalidKey if text.contains("encrypted with a passphrase") => {
            return reader
                .problem(source, format!("is not usable: {said}; set salesforce.jwt.keystore.password"));
        }
        _ => (source, ""),
    };
    let hint = error.hint().map_or_else(String::new, |hint| format!(". {}", hint.trim_end_matches('.')));
    reader.problem(key, format!("is not usable: {said}{way}{hint}"));
}
