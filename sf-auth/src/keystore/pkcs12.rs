//! PKCS#12 key stores.

use p12_keystore::Pkcs12Archive;
use p12_keystore::error::Error as Refusal;
use sf_core::auth::Secret;

use super::{Entry, damaged, wrong_password};
use crate::{Error, ErrorKind, Result};

/// 1.3.6.1.4.1.11591.4.11, scrypt, with its tag and length. No tool locks a PKCS#12 by it, and the library would
/// let a file ask for a gigabyte that way. What is itself locked comes from one who knows the password.
const SCRYPT: &[u8] = &[0x06, 0x09, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x04, 0x0B];

/// The private keys, unlocked, under their friendly names.
pub(super) fn keys(bytes: &[u8], password: &Secret) -> Result<Vec<Entry>> {
    if bytes.windows(SCRYPT.len()).any(|window| window == SCRYPT) {
        return Err(uncommon(&Refusal::UnsupportedEncryptionScheme));
    }
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
        | Refusal::InvalidVersion => uncommon(&error),
        // The causes of the rest name offsets and lengths, never content.
        _ => damaged("the PKCS#12 key store is damaged: was it cut, or copied as text?").with_source(error),
    }
}

fn uncommon(error: &Refusal) -> Error {
    Error::new(ErrorKind::InvalidKey, format!("the PKCS#12 key store is of an uncommon kind: {error}"))
        .with_hint(
            "Take the key out as PEM: openssl pkcs12 -in FILE -nocerts -nodes; with -legacy for old ciphers.",
        )
}
