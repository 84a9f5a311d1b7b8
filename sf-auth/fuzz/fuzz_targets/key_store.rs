//! A file that somebody calls a key store: an answer, whatever is in it, and memory that the file does not choose.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sf_auth::{KeyStore, PrivateKey};

/// Of every seed.
const PASSWORD: &str = "changeit";
/// Beyond this a length or a cost in the file would have been believed: the most is scrypt's, and 64 MiB.
const MOST: u64 = 80 << 20;

fuzz_target!(|file: &[u8]| {
    let used = allocation_counter::measure(|| read(file));
    assert!(used.bytes_max <= MOST, "{} bytes of file took {} of memory", file.len(), used.bytes_max);
});

fn read(file: &[u8]) {
    told(KeyStore::from_bytes(file).password(PASSWORD).key());
    let Ok(text) = std::str::from_utf8(file) else { return };
    if text.contains("-----BEGIN ") {
        told(PrivateKey::from_pem(text));
        told(PrivateKey::from_encrypted_pem(text, PASSWORD));
    }
    if let Ok(store) = KeyStore::from_data_uri(text) {
        told(store.alias("server").password(PASSWORD).key());
    }
}

/// An error is read by people: its words must not need what failed.
fn told(outcome: sf_auth::Result<PrivateKey>) {
    if let Err(error) = outcome {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(PASSWORD), "{shown}");
    }
}
