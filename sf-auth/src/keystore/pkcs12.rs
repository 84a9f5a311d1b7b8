//! PKCS#12 key stores.

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Refusal;
use sf_core::auth::Secret;

use super::{Entry, damaged, wrong_password};
use crate::{Error, ErrorKind, Result};

/// The private keys, unlocked, under their friendly names.
pub(super) fn keys(bytes: &[u8], password: &Secret) -> Result<Vec<Entry>> {
    let archive = Pkcs12Archive::from_pkcs12(bytes, password.expose()).map_err(|e| refused(e, password))?;
    let named = archive.keys.into_iter().enumerate().map(|(at, bag)| Entry {
        alias: bag.friendly_name.filter(|n| !n.is_empty()).unwrap_or_else(|| format!("#{}", at + 1)),
        der: Ok(bag.key.as_der().to_vec()),
    });
    Ok(named.collect())
}

fn refused(error: Refusal, password: &Secret) -> Error {
    match error {
        Refusal::MacError(_) | Refusal::UnpadError | Refusal::Pkcs5Error(_) if password.is_empty() => {
            wrong_password("the PKCS#12 key store is locked, and no password was given")
        }
        Refusal::MacError(_) | Refusal::UnpadError | Refusal::Pkcs5Error(_) => {
            wrong_password("the password does not open the PKCS#12 key store").with_hint(
                "openssl pkcs12 -info -noout -in FILE shows whether a password fits. If it does there, the file was \
                 changed.",
            )
        }
        Refusal::UnsupportedEncryptionScheme
        | Refusal::UnsupportedMacAlgorithm
        | Refusal::UnsupportedContentType
        | Refusal::UnsupportedCertificateType
        | Refusal::InvalidVersion => {
            Error::new(ErrorKind::InvalidKey, format!("the PKCS#12 key store is of an uncommon kind: {error}")).with_hint(
                "Take the key out as PEM: openssl pkcs12 -in FILE -nocerts -nodes; with -legacy for old ciphers.",
            )
        }
        // The causes of the rest name offsets and lengths, never content.
        _ => damaged("the PKCS#12 key store is damaged: was it cut, or copied as text?").with_source(error),
    }
}
