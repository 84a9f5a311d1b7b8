//! RSA private keys as PEM.

use base64::Engine as _;
use jsonwebtoken::EncodingKey;
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::Kdf;
use sf_core::auth::Secret;

use super::{BASE64, PrivateKey, RSA_ONLY, damaged, der, wrong_password};
use crate::{Error, ErrorKind, Result};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const LOCKED: &str = "ENCRYPTED PRIVATE KEY";
/// Tools ask for at most a million rounds; a file that asks for more would only hold this program up.
const ROUNDS: u32 = 10_000_000;
/// The most memory that scrypt may ask for, in bytes: twice what OpenSSL takes.
const MEMORY: u64 = 1 << 26;

/// The first RSA private key in a PEM text, which may hold certificates beside it.
pub(crate) fn rsa_private_key(text: &str) -> Result<EncodingKey> {
    unlocked_rsa_private_key(text, None)
}

/// The same where a passphrase may lock it.
pub(crate) fn unlocked_rsa_private_key(text: &str, passphrase: Option<&Secret>) -> Result<EncodingKey> {
    let text = with_line_breaks(text);
    let blocks = blocks(&text)?;
    let labels: Vec<_> = blocks.iter().map(|b| b.label).collect();
    let key = blocks.iter().find(|b| matches!(b.label, "PRIVATE KEY" | "RSA PRIVATE KEY"));
    let locked = blocks.iter().find(|b| b.label == LOCKED);
    if let (None, Some(locked), Some(passphrase)) = (key, locked, passphrase) {
        return unlock(locked, passphrase).map(|key| key.0);
    }
    let Some(key) = key else { return Err(no_private_key(&labels)) };
    if key.text.contains("Proc-Type:") && key.text.contains("ENCRYPTED") {
        return Err(encrypted());
    }
    EncodingKey::from_rsa_pem(key.text.as_bytes()).map_err(|e| {
        invalid("the private key is damaged, or not an RSA key").with_hint(RSA_ONLY).with_source(e)
    })
}

/// A PKCS#8 key behind a passphrase, as `openssl pkcs8 -topk8` writes it.
fn unlock(block: &Block<'_>, passphrase: &Secret) -> Result<PrivateKey> {
    let body: String = block.text.lines().filter(|line| !line.starts_with(DASHES)).map(str::trim).collect();
    let bytes =
        BASE64.decode(body).map_err(|_| damaged("the encrypted private key is damaged: it is not base64"))?;
    let info = EncryptedPrivateKeyInfoRef::try_from(&bytes[..]).map_err(|e| match e {
        // Whatever cannot be read at all is damaged; what can, but is unknown, has an older lock.
        _ if der::encrypted_key(&bytes).is_none() => damaged("the encrypted private key is damaged"),
        _ => uncommon(),
    })?;
    let EncryptionScheme::Pbes2(scheme) = &info.encryption_algorithm else { return Err(uncommon()) };
    let bearable = match &scheme.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count <= ROUNDS,
        Kdf::Scrypt(kdf) => kdf
            .cost_parameter
            .checked_mul(128 * u64::from(kdf.block_size))
            .is_some_and(|memory| memory <= MEMORY && kdf.parallelization <= 16),
        _ => false,
    };
    if !bearable {
        return Err(uncommon());
    }
    let key = info.decrypt(passphrase.expose()).map_err(|_| {
        wrong_password("the passphrase does not open the private key")
            .with_hint("openssl pkey -noout -in FILE shows whether a passphrase fits.")
    })?;
    if !der::is_rsa(key.as_bytes()) {
        return Err(Error::new(ErrorKind::NoRsaKey, "the private key is not an RSA key").with_hint(RSA_ONLY));
    }
    PrivateKey::from_pkcs8(key.as_bytes())
}

fn uncommon() -> Error {
    invalid("the private key is encrypted in an uncommon way").with_hint(
        "Encrypt it with AES: openssl pkcs8 -topk8 -v2 aes-256-cbc -in server.key -out server.aes.key.",
    )
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidKey, message)
}

fn encrypted() -> Error {
    invalid("the private key is encrypted with a passphrase")
        .with_hint(
            "Give its passphrase (`PrivateKey::from_encrypted_pem`), or decrypt it first: openssl pkey -in server.key \
             -out server.plain.key.",
        )
}

/// A variable of the environment often carries line breaks as two characters.
fn with_line_breaks(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.contains('\n') { text.to_owned() } else { text.replace("\\r", "").replace("\\n", "\n") }
}

struct Block<'a> {
    label: &'a str,
    text: &'a str,
}

fn blocks(text: &str) -> Result<Vec<Block<'_>>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        let block = &rest[start..];
        let label = block[BEGIN.len()..].split_once(DASHES).map_or("", |(label, _)| label);
        let end = format!("-----END {label}-----");
        let Some(length) = block.find(&end).map(|at| at + end.len()) else {
            return Err(invalid(format!("the PEM block {label:?} has no end"))
                .with_hint(format!("The last line must be {end}: was the text cut, or pasted in part?")));
        };
        blocks.push(Block { label, text: &block[..length] });
        rest = &block[length..];
    }
    Ok(blocks)
}

fn no_private_key(labels: &[&str]) -> Error {
    let has = |what: &str| labels.iter().any(|label| label.contains(what));
    if labels.is_empty() {
        return invalid("the private key is not PEM").with_hint(
            "It begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----. Give the text of the \
             file, not its path; a key store (.jks, .p12) is read by `KeyStore`.",
        );
    }
    if has(LOCKED) {
        return encrypted();
    }
    if has("EC PRIVATE KEY") || has("DSA PRIVATE KEY") || has("OPENSSH PRIVATE KEY") {
        return invalid(format!("the private key is of another kind: {}", labels.join(", ")))
            .with_hint("Salesforce verifies RS256, so the key must be RSA, as PKCS#8 or PKCS#1.");
    }
    if has("CERTIFICATE") || has("PUBLIC KEY") {
        return invalid(format!("there is no private key in the PEM, only {}", labels.join(", "))).with_hint(
            "The certificate goes to the app in the org; here belongs the private key that it was made of.",
        );
    }
    invalid(format!("there is no private key in the PEM, only {}", labels.join(", ")))
}

#[cfg(test)]
pub(crate) mod tests;
