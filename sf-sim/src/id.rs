//! Record ids: 15 case-sensitive characters, and the 18-character form with its checksum.

use std::fmt;
use std::str::FromStr;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
/// The part of an id that names the instance of the emulated org.
const INSTANCE: &[u8; 3] = b"5i0";

/// A record id. Ordered as Salesforce orders ids, which is the order of its characters.
///
/// ```
/// use sf_sim::id::RecordId;
///
/// let id: RecordId = "0018d00000DouoH".parse()?;
/// assert_eq!(id.to_string().len(), 18);
/// assert_eq!(id.key_prefix(), "001");
/// assert_eq!(id.to_string().parse::<RecordId>()?, id);
/// # Ok::<(), sf_sim::id::MalformedId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 15]);

/// Text that is no id: neither 15 nor 18 letters and digits, or with a wrong checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedId(String);

impl fmt::Display for MalformedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed id {}", self.0)
    }
}

impl std::error::Error for MalformedId {}

impl RecordId {
    /// The id of record number `n` of the object with this key prefix.
    #[must_use]
    pub fn new(key_prefix: KeyPrefix, n: u64) -> Self {
        let mut id = [b'0'; 15];
        id[..3].copy_from_slice(&key_prefix.0);
        id[3..6].copy_from_slice(INSTANCE);
        base62(n, &mut id[6..]);
        Self(id)
    }

    /// Fifteen bytes that are already known to be an id.
    pub(crate) fn from_stored(bytes: [u8; 15]) -> Self {
        Self(bytes)
    }

    /// The 15-character form.
    #[must_use]
    pub fn as_str15(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The first three characters, which tell the object.
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        self.as_str15().get(..3).unwrap_or_default()
    }

    /// The 15 characters as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 15] {
        &self.0
    }

    /// The 18-character form as bytes, without an allocation.
    #[must_use]
    pub fn bytes18(&self) -> [u8; 18] {
        let mut out = [0; 18];
        out[..15].copy_from_slice(&self.0);
        out[15..].copy_from_slice(&checksum(&self.0));
        out
    }

    /// The 18-character form.
    #[must_use]
    pub fn text18(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.bytes18()).unwrap_or_default())
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let bytes = text.as_bytes();
        let malformed = || MalformedId(text.to_owned());
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Err(malformed());
        }
        let body: [u8; 15] = bytes.get(..15).and_then(|b| b.try_into().ok()).ok_or_else(malformed)?;
        match bytes.len() {
            15 => Ok(Self(body)),
            18 if bytes[15..] == checksum(&body) => Ok(Self(body)),
            _ => Err(malformed()),
        }
    }
}

/// The three characters that all ids of an object begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPrefix([u8; 3]);

impl KeyPrefix {
    /// A prefix written out, as in `KeyPrefix::of("00Q")`; anything but three letters or digits gives `000`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_alphanumeric) => Self(bytes),
            _ => Self(*b"000"),
        }
    }

    /// Number `n` of a family, as `a00`, `a01` … of custom objects.
    #[must_use]
    pub fn numbered(family: char, n: u64) -> Self {
        let mut prefix = [b'0'; 3];
        prefix[0] = u8::try_from(family).unwrap_or(b'a');
        base62(n, &mut prefix[1..]);
        Self(prefix)
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Writes the lowest digits of `n`, as many as `out` holds.
fn base62(mut n: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(n % 62).unwrap_or(0)];
        n /= 62;
    }
}

fn checksum(id: &[u8; 15]) -> [u8; 3] {
    let mut out = [0; 3];
    for (group, check) in id.chunks_exact(5).zip(&mut out) {
        let upper =
            group.iter().rev().fold(0_usize, |bits, c| bits << 1 | usize::from(c.is_ascii_uppercase()));
        *check = CHECK[upper];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn checksums_agree_with_ids_seen_in_recordings() {
        for id in ["0018Z00002rGc7YQAS", "012000000000000AAA", "00D58000000arpqEAA", "000000000000000AAA"] {
            let parsed: RecordId = id[..15].parse().unwrap();
            assert_eq!(parsed.text18(), id);
            assert_eq!(id.parse::<RecordId>().unwrap(), parsed);
        }
    }

    #[test]
    fn a_wrong_checksum_or_length_or_character_is_malformed() {
        for text in [
            "0018Z00002rGc7YQAA",
            "0018Z00002rGc7",
            "0018Z00002rGc7YQ",
            "",
            "0018Z00002rG-7Y",
            "0018Z00002rGc7é",
        ] {
            assert_eq!(text.parse::<RecordId>(), Err(MalformedId(text.to_owned())));
        }
    }

    #[test]
    fn ids_of_one_object_ascend_with_their_number() {
        let prefix = KeyPrefix::of("00Q");
        let ids: Vec<_> = [0, 1, 61, 62, 3_843, 3_844, 1_000_000].map(|n| RecordId::new(prefix, n)).into();
        assert!(ids.is_sorted());
        assert_eq!(ids[0].as_str15(), "00Q5i0000000000");
        assert_eq!(ids[3].as_str15(), "00Q5i0000000010");
        assert_eq!(KeyPrefix::numbered('a', 63).as_str(), "a11");
    }

    proptest! {
        #[test]
        fn every_id_survives_its_18_character_form(text in "[0-9A-Za-z]{15}") {
            let id: RecordId = text.parse().unwrap();
            prop_assert_eq!(id.text18().parse::<RecordId>().unwrap(), id);
            prop_assert_eq!(id.as_str15(), text);
        }

        #[test]
        fn the_checksum_tells_every_change_of_case(text in "[0-9A-Za-z]{15}", at in 0_usize..15) {
            let id: RecordId = text.parse().unwrap();
            let full = id.text18();
            let mut other = full.clone().into_bytes();
            let c = other[at];
            other[at] = if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            let other = String::from_utf8(other).unwrap();
            prop_assert_eq!(other == full, other.parse::<RecordId>().is_ok());
        }
    }
}
