//! As much of DER as key stores need beside what the libraries read.

use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;

/// Whether this is a PKCS#8 key of the algorithm rsaEncryption.
pub(super) fn is_rsa(pkcs8: &[u8]) -> bool {
    PrivateKeyInfoRef::try_from(pkcs8).is_ok_and(|info| info.algorithm.oid == RSA)
}

/// The parts of `SEQUENCE { algorithm AlgorithmIdentifier, data OCTET STRING }` (RFC 5208,
/// "EncryptedPrivateKeyInfo"): the identifier's content and the data.
pub(super) fn encrypted_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (whole, _) = element(der, SEQUENCE)?;
    let (algorithm, rest) = element(whole, SEQUENCE)?;
    let (data, _) = element(rest, OCTETS)?;
    Some((algorithm, data))
}

/// The content of the element at the start, which must have this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7F => (usize::from(length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7F))?;
            (bytes.iter().try_fold(0usize, |n, b| n.checked_mul(256)?.checked_add(usize::from(*b)))?, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
