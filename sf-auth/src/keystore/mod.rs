//! Private keys, as their owners keep them: PEM texts and key stores, from a file, bytes, base64 or a data URI.

mod der;
mod jks;
pub(crate) mod pem;
mod pkcs12;

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonwebtoken::EncodingKey;
use sf_core::auth::Secret;

use crate::{Error, ErrorKind, Result};

/// Key stores hold a few thousand bytes a key. More than this is another file.
const LARGEST: u64 = 4 * 1024 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const RSA_ONLY: &str = "Salesforce verifies RS256, so the key must be RSA: openssl genpkey -algorithm RSA -pkeyopt \
                        rsa_keygen_bits:2048.";

/// An RSA private key that can sign.
#[derive(Clone)]
pub struct PrivateKey(EncodingKey);

impl PrivateKey {
    /// The first RSA key in a PEM text, PKCS#8 or PKCS#1, which may hold certificates beside it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`] says what the text is instead.
    pub fn from_pem(text: &str) -> Result<Self> {
        pem::rsa_private_key(text).map(Self)
    }

    /// The same where the key may be locked by a passphrase (`BEGIN ENCRYPTED PRIVATE KEY`, PBES2).
    ///
    /// # Errors
    /// [`ErrorKind::WrongKeyPassword`] where the passphrase does not open it, and as
    /// [`from_pem`](Self::from_pem).
    pub fn from_encrypted_pem(text: &str, passphrase: impl Into<Secret>) -> Result<Self> {
        pem::unlocked_rsa_private_key(text, Some(&passphrase.into())).map(Self)
    }

    /// From PKCS#8. jsonwebtoken takes this form as PEM alone.
    fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let text =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(der));
        EncodingKey::from_rsa_pem(text.as_bytes())
            .map(Self)
            .map_err(|e| damaged("the RSA key in it is damaged").with_source(e))
    }

    pub(crate) fn signing(&self) -> &EncodingKey {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(***)")
    }
}

/// A key store as it was given: PKCS#12 (`.p12`, `.pfx`), JKS, or a PEM text in its place.
///
/// ```no_run
/// # fn example(password: &str) -> sf_auth::Result<()> {
/// let key = sf_auth::KeyStore::from_file("server.jks")?.password(password).key()?;
/// let grant = sf_auth::JwtBearer::with_key("https://acme.my.salesforce.com", "consumer key", "ann@acme.example", key);
/// # Ok(()) }
/// ```
///
/// Read are PKCS#12 as OpenSSL 1.1 to 3 and Java's keytool write it, locked by AES (PBES2) or by the older
/// 3DES and RC2, and JKS. What else Java has (JCEKS, BKS) is refused with the command that converts it.
#[derive(Clone)]
#[must_use]
pub struct KeyStore {
    bytes: Vec<u8>,
    password: Secret,
    key_password: Option<Secret>,
    alias: Option<String>,
}

impl KeyStore {
    /// From the file's content.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), password: Secret::default(), key_password: None, alias: None }
    }

    /// From a file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the file cannot be read or is larger than any key store.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |e: std::io::Error| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("the key store {} cannot be read: {e}", path.display()),
            )
        };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LARGEST {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{} is no key store: it has more than {} MiB", path.display(), LARGEST >> 20),
            ));
        }
        Ok(Self::from_bytes(bytes))
    }

    /// From the file's content in base64; white space and missing padding do not matter.
    ///
    /// # Errors
    /// [`ErrorKind::DamagedKeyStore`] where it is not base64.
    pub fn from_base64(text: &str) -> Result<Self> {
        let text: String = text.split_whitespace().collect();
        BASE64.decode(text).map(Self::from_bytes).map_err(|e| {
            let at = match e {
                base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => {
                    format!("character {} is none of it", at + 1)
                }
                _ => "it is cut".to_owned(),
            };
            damaged(format!("the key store is not base64: {at}")).with_hint("base64 -w0 server.jks makes it.")
        })
    }

    /// From a data URI, as the configuration of Confluent's connectors carries it:
    /// `data:text/plain;base64,…` or, in the other spelling of its documentation, `data:text/plain:base64,…`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where it is no such URI, and as [`from_base64`](Self::from_base64).
    pub fn from_data_uri(uri: &str) -> Result<Self> {
        let uri = uri.trim();
        let header =
            uri.split_once(',').filter(|_| uri.get(..5).is_some_and(|s| s.eq_ignore_ascii_case("data:")));
        match header {
            Some((header, data)) if header.rsplit([';', ':']).next() == Some("base64") => {
                Self::from_base64(data)
            }
            _ => Err(Error::new(ErrorKind::InvalidInput, "the key store is no data URI in base64")
                .with_hint(
                    "It is data:text/plain;base64, and then the file in base64 (base64 -w0 server.jks).",
                )),
        }
    }

    /// The password of the key store, or the passphrase of an encrypted PEM key.
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.password = password.into();
        self
    }

    /// The password of the key itself, where a JKS has another one for it.
    pub fn key_password(mut self, password: impl Into<Secret>) -> Self {
        self.key_password = Some(password.into());
        self
    }

    /// The alias (PKCS#12: the friendly name) of the key, where there are several. Case does not matter,
    /// as in Java. Keys without a name are `#1`, `#2` and so on.
    pub fn alias(mut self, alias: impl Into<String>) -> Self {
        self.alias = Some(alias.into());
        self
    }

    /// The private key.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKeyPassword`], [`ErrorKind::NoRsaKey`], [`ErrorKind::SeveralKeys`] (with their
    /// aliases), [`ErrorKind::UnknownAlias`], [`ErrorKind::DamagedKeyStore`], or [`ErrorKind::InvalidKey`]
    /// where it is of another kind.
    pub fn key(&self) -> Result<PrivateKey> {
        match &self.bytes[..] {
            [0xFE, 0xED, 0xFE, 0xED, ..] => self.jks(),
            [0xCE, 0xCE, 0xCE, 0xCE, ..] => Err(Error::new(ErrorKind::InvalidKey, "the key store is a JCEKS").with_hint(
                "Convert it: keytool -importkeystore -srckeystore FILE -srcstoretype JCEKS -destkeystore server.p12 \
                 -deststoretype PKCS12.",
            )),
            [] => Err(damaged("the key store is empty")),
            bytes => match std::str::from_utf8(bytes) {
                Ok(text) if text.contains("-----BEGIN ") => {
                    let passphrase = Some(&self.password).filter(|p| !p.is_empty());
                    pem::unlocked_rsa_private_key(text, passphrase).map(PrivateKey)
                }
                _ if bytes[0] == 0x30 => self.chosen(pkcs12::keys(bytes, &self.password)?).and_then(Entry::key),
                _ => Err(damaged("the file is no key store: neither PKCS#12 nor JKS nor PEM")),
            },
        }
    }

    fn jks(&self) -> Result<PrivateKey> {
        if self.password.is_empty() {
            return Err(wrong_password("the key store is locked, and no password was given"));
        }
        let entries = jks::entries(&self.bytes, &self.password)?;
        // Of what kind a key is shows when it is unlocked, so a key with a password of its own may stay
        // locked as long as another one was asked for.
        let unlock = |entry: jks::Locked<'_>| {
            let password = self.key_password.as_ref().unwrap_or(&self.password);
            Entry { alias: entry.alias.clone(), der: entry.unlock(password) }
        };
        let keys = entries.into_iter().map(unlock).collect();
        self.chosen(keys).and_then(Entry::key)
    }

    /// The key of the alias, or the only one.
    fn chosen(&self, entries: Vec<Entry>) -> Result<Entry> {
        let named = |alias: &str| entries.iter().any(|e| e.alias.eq_ignore_ascii_case(alias));
        if let Some(alias) = self.alias.as_deref()
            && !named(alias)
        {
            return Err(Error::new(ErrorKind::UnknownAlias, format!("the key store has no key {alias:?}"))
                .with_hint(match entries.len() {
                    0 => "It holds no private key at all, only certificates.".to_owned(),
                    _ => format!("It has {}.", names(&entries)),
                }));
        }
        let mut fitting: Vec<_> = entries
            .into_iter()
            .filter(|e| self.alias.as_deref().is_none_or(|alias| e.alias.eq_ignore_ascii_case(alias)))
            .filter(|e| e.der.as_ref().map_or_else(|_| true, |der| der::is_rsa(der)))
            .collect();
        if fitting.len() > 1 {
            return Err(Error::new(
                ErrorKind::SeveralKeys,
                format!("the key store has {} keys", fitting.len()),
            )
            .with_hint(format!("Choose one by its alias: {}.", names(&fitting))));
        }
        fitting.pop().ok_or_else(|| {
            let of =
                self.alias.as_ref().map_or_else(String::new, |alias| format!(" under the alias {alias:?}"));
            Error::new(ErrorKind::NoRsaKey, format!("the key store has no private RSA key{of}"))
                .with_hint(RSA_ONLY)
        })
    }
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore")
            .field("bytes", &self.bytes.len())
            .field("alias", &self.alias)
            .finish_non_exhaustive()
    }
}

/// A private key of a key store, as PKCS#8, or why it stays locked.
struct Entry {
    alias: String,
    der: Result<Vec<u8>>,
}

impl Entry {
    fn key(self) -> Result<PrivateKey> {
        PrivateKey::from_pkcs8(&self.der?)
    }
}

fn names(entries: &[Entry]) -> String {
    const SHOWN: usize = 10;
    let mut names: Vec<_> = entries.iter().take(SHOWN).map(|e| format!("{:?}", e.alias)).collect();
    if entries.len() > SHOWN {
        names.push(format!("and {} more", entries.len() - SHOWN));
    }
    names.join(", ")
}

fn damaged(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::DamagedKeyStore, message)
}

fn wrong_password(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::WrongKeyPassword, message)
}

#[cfg(test)]
mod tests;
