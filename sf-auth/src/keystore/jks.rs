//! Java's own key store, JKS.
//!
//! Read here because the libraries for it allocate what a length in the file says, and index past the end
//! of a cut one. The format is small: a count of entries, each a tag, an alias, a date and either a locked
//! key with its certificates or one certificate, and at the end a SHA-1 over password and content.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY as SHA1};
use sf_core::auth::Secret;

use super::{damaged, der, wrong_password};
use crate::{Error, ErrorKind, Result};

const KEY: u32 = 1;
const CERTIFICATE: u32 = 2;
const DIGEST: usize = 20;
/// The words that Java mixes into the digest of the whole.
const SALT: &[u8] = b"Mighty Aphrodite";
/// 1.3.6.1.4.1.42.2.17.1.1, the way in which Java locks a key in this format, with its tag and length.
const PROTECTOR: &[u8] = &[0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01];

/// A key that is still locked.
pub(super) struct Locked<'a> {
    pub(super) alias: String,
    protected: &'a [u8],
}

/// The keys of a store whose digest fits the password.
pub(super) fn entries<'a>(bytes: &'a [u8], password: &Secret) -> Result<Vec<Locked<'a>>> {
    let content = bytes.len().checked_sub(DIGEST).ok_or_else(cut)?;
    let (content, stored) = bytes.split_at(content);
    let mut rest = Rest(content);
    rest.u32()?;
    let version = rest.u32()?;
    if !matches!(version, 1 | 2) {
        return Err(damaged(format!("the JKS key store has the version {version}, which does not exist")));
    }
    let mut keys = Vec::new();
    for _ in 0..rest.u32()? {
        let tag = rest.u32()?;
        let alias = rest.text()?;
        rest.take(8)?;
        match tag {
            KEY => {
                let length = rest.u32()?;
                keys.push(Locked { alias, protected: rest.take(length)? });
                for _ in 0..rest.u32()? {
                    rest.certificate(version)?;
                }
            }
            CERTIFICATE => rest.certificate(version)?,
            _ => {
                return Err(damaged(format!(
                    "the JKS key store is damaged: it has an entry of the kind {tag}"
                )));
            }
        }
    }
    if !rest.0.is_empty() {
        return Err(damaged(format!("the JKS key store is damaged: {} bytes too many", rest.0.len())));
    }
    // The structure is whole, so what does not fit is far more likely the password than the file.
    if sha1(&[&utf16(password), SALT, content]).as_ref() != stored {
        return Err(wrong_password("the password does not open the JKS key store")
            .with_hint("keytool -list -keystore FILE shows whether a password fits. If it does there, the file was changed."));
    }
    Ok(keys)
}

impl Locked<'_> {
    /// The key as PKCS#8.
    pub(super) fn unlock(&self, password: &Secret) -> Result<Vec<u8>> {
        let broken = || damaged(format!("the key {:?} of the JKS key store is damaged", self.alias));
        let (algorithm, data) = der::encrypted_key(self.protected).ok_or_else(broken)?;
        if !algorithm.starts_with(PROTECTOR) {
            return Err(Error::new(
                ErrorKind::InvalidKey,
                format!("the key {:?} of the JKS key store is locked in an unknown way", self.alias),
            ));
        }
        let (salt, rest) = data.split_at_checked(DIGEST).ok_or_else(broken)?;
        let (locked, check) = rest.split_at_checked(rest.len().wrapping_sub(DIGEST)).ok_or_else(broken)?;
        let password = utf16(password);
        // Each block of the mask is the SHA-1 of the password and the block before it.
        let mut mask = salt.to_vec();
        let mut key = Vec::with_capacity(locked.len());
        for block in locked.chunks(DIGEST) {
            mask = sha1(&[&password, &mask]).as_ref().to_vec();
            key.extend(block.iter().zip(&mask).map(|(byte, mask)| byte ^ mask));
        }
        if sha1(&[&password, &key]).as_ref() != check {
            return Err(wrong_password(format!(
                "the password opens the JKS key store, but not its key {:?}, which has one of its own",
                self.alias
            ))
            .with_hint("Give the key's password as well, or make them one: keytool -keypasswd."));
        }
        Ok(key)
    }
}

/// Java's characters, high byte first.
fn utf16(password: &Secret) -> Vec<u8> {
    password.expose().encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn sha1(parts: &[&[u8]]) -> digest::Digest {
    let mut context = digest::Context::new(&SHA1);
    for part in parts {
        context.update(part);
    }
    context.finish()
}

fn cut() -> Error {
    damaged("the JKS key store is damaged: it ends too early")
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: u32) -> Result<&'a [u8]> {
        let length = usize::try_from(length).map_err(|_| cut())?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(cut)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*taken))
    }

    /// A length of two bytes and a text.
    fn text(&mut self) -> Result<String> {
        let (length, rest) = self.0.split_first_chunk().ok_or_else(cut)?;
        self.0 = rest;
        let text = self.take(u32::from(u16::from_be_bytes(*length)))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Skips a certificate.
    fn certificate(&mut self, version: u32) -> Result<()> {
        if version == 2 {
            self.text()?;
        }
        let length = self.u32()?;
        self.take(length).map(drop)
    }
}
