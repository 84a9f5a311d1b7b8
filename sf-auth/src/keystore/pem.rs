//! RSA private keys as PEM.

use jsonwebtoken::EncodingKey;

use crate::{Error, ErrorKind, Result};

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The first RSA private key in a PEM text, which may hold certificates beside it.
pub(crate) fn rsa_private_key(text: &str) -> Result<EncodingKey> {
    let text = with_line_breaks(text);
    let blocks = blocks(&text)?;
    let labels: Vec<_> = blocks.iter().map(|b| b.label).collect();
    let key = blocks.iter().find(|b| matches!(b.label, "PRIVATE KEY" | "RSA PRIVATE KEY"));
    let Some(key) = key else { return Err(no_private_key(&labels)) };
    if key.text.contains("Proc-Type:") && key.text.contains("ENCRYPTED") {
        return Err(encrypted());
    }
    EncodingKey::from_rsa_pem(key.text.as_bytes()).map_err(|e| {
        invalid("the private key is damaged, or not an RSA key")
            .with_hint("Salesforce verifies RS256, so the key must be RSA: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048.")
            .with_source(e)
    })
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidKey, message)
}

fn encrypted() -> Error {
    invalid("the private key is encrypted with a passphrase")
        .with_hint("Decrypt it first: openssl pkey -in server.key -out server.plain.key.")
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
             file, not its path; a key store (.jks, .p12) must be converted first.",
        );
    }
    if has("ENCRYPTED PRIVATE KEY") {
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
