//! How to log in: which keys a grant needs, and where a private key comes from.

use std::fs::File;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sf_core::auth::Secret;
use url::Url;

use super::parse::Reader;
use super::table::login::{DEFAULT_INSTANCE, GRANTS};

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
        /// The private key as PEM.
        private_key: Secret,
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
const INSTANCE: &str = "salesforce.instance";
const ALL: [&str; 9] = [
    USERNAME,
    PASSWORD,
    TOKEN,
    CONSUMER_KEY,
    CONSUMER_SECRET,
    PRIVATE_KEY,
    KEYSTORE_FILE,
    KEYSTORE_PATH,
    KEYSTORE_PASSWORD,
];

pub(super) fn instance(reader: &Reader<'_>) -> Option<Url> {
    Url::parse(reader.text(INSTANCE)?).ok()
}

/// Only the keys that the grant uses are asked for; others get a note.
pub(super) fn auth(reader: &mut Reader<'_>) -> Option<Auth> {
    let given = reader.text("salesforce.grant.type")?;
    let grant = GRANTS.iter().find(|grant| grant.eq_ignore_ascii_case(given)).copied()?;
    let used: &[&str] = match grant {
        "PASSWORD" => &[USERNAME, PASSWORD, TOKEN, CONSUMER_KEY, CONSUMER_SECRET],
        "JWT_BEARER" => {
            &[USERNAME, CONSUMER_KEY, PRIVATE_KEY, KEYSTORE_FILE, KEYSTORE_PATH, KEYSTORE_PASSWORD]
        }
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
fn private_key(reader: &mut Reader<'_>, what: &str) -> Option<Secret> {
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
    let bytes = match source {
        KEYSTORE_FILE => keystore_text(value),
        KEYSTORE_PATH => read(value),
        _ if value.contains("-----BEGIN") => Ok(value.as_bytes().to_vec()),
        _ => read(value).map_err(|error| format!("is neither PEM text nor a file that can be read: {error}")),
    };
    match bytes.and_then(|bytes| pem(&bytes)) {
        Ok(key) => Some(key),
        Err(message) => {
            reader.problem(source, message);
            None
        }
    }
}

/// `data:text/plain;base64,…` (seen also with a colon before `base64`), bare base64, or the text itself.
fn keystore_text(value: &str) -> Result<Vec<u8>, String> {
    if value.contains("-----BEGIN") {
        return Ok(value.as_bytes().to_vec());
    }
    let data = match value.strip_prefix("data:") {
        Some(rest) => rest.split_once(',').map_or("", |(_, data)| data),
        None => value,
    };
    let data: String = data.split_whitespace().collect();
    STANDARD
        .decode(data)
        .map_err(|_| "must be data:text/plain;base64, and then the file in base64".to_owned())
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    /// Keys and keystores have a few thousand bytes.
    const LARGEST: u64 = 256 * 1024;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// An unencrypted private key as PEM, or what it is instead.
fn pem(bytes: &[u8]) -> Result<Secret, String> {
    const BEGINS: [&str; 2] = ["-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"];
    const USE_PEM: &str = "not supported yet; use salesforce.jwt.private.key with a PEM key \
                           (openssl pkcs12 -in FILE -nocerts -nodes)";
    if let Ok(text) = std::str::from_utf8(bytes) {
        // Environment variables and doubly escaped JSON bring line ends as two characters.
        let text = text.replace("\\n", "\n");
        if text.contains("ENCRYPTED") {
            return Err("is an encrypted key; decrypt it with: openssl pkey -in FILE -out NEWFILE".to_owned());
        }
        if BEGINS.iter().any(|begin| text.contains(begin)) {
            return Ok(Secret::new(text));
        }
        if text.contains("-----BEGIN CERTIFICATE") || text.contains("-----BEGIN PUBLIC KEY") {
            return Err("is a certificate or public key; the private key is needed".to_owned());
        }
    }
    match bytes {
        [0xFE, 0xED, 0xFE, 0xED, ..] | [0xCE, 0xCE, 0xCE, 0xCE, ..] => {
            Err(format!("is a Java keystore: {USE_PEM}"))
        }
        [0x30, 0x80..=0x84, ..] => Err(format!("is a PKCS#12 keystore: {USE_PEM}")),
        _ => Err("is no private key in PEM: it must hold -----BEGIN PRIVATE KEY-----".to_owned()),
    }
}
