//! The characters of incoming JSON: which encoding it has, and texts put together from bytes and escapes.

use std::borrow::Cow;

/// The document in UTF-8. UTF-16 and UTF-32 are known by their byte order mark, or by where the zeros stand
/// in the first characters, which are ASCII in all JSON.
pub(super) fn to_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let pairs = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let units = bytes.chunks(2).map(|pair| match pair {
            [a, b] => of([*a, *b]),
            _ => 0xfffd,
        });
        Cow::Owned(
            char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect::<String>().into_bytes(),
        )
    };
    let quads = |bytes: &[u8], of: fn([u8; 4]) -> u32| {
        let character = |quad: &[u8]| match quad {
            [a, b, c, d] => char::from_u32(of([*a, *b, *c, *d])),
            _ => None,
        };
        let text: String = bytes.chunks(4).map(|quad| character(quad).unwrap_or('\u{fffd}')).collect();
        Cow::Owned(text.into_bytes())
    };
    match bytes {
        [0xef, 0xbb, 0xbf, _, ..] => Cow::Borrowed(&bytes[3..]),
        [0, 0, 0xfe, 0xff, ..] => quads(&bytes[4..], u32::from_be_bytes),
        [0xff, 0xfe, 0, 0, ..] => quads(&bytes[4..], u32::from_le_bytes),
        [0xfe, 0xff, _, _, ..] => pairs(&bytes[2..], u16::from_be_bytes),
        [0xff, 0xfe, _, _, ..] => pairs(&bytes[2..], u16::from_le_bytes),
        [0, 0, 0, _, ..] => quads(bytes, u32::from_be_bytes),
        [_, 0, 0, 0, ..] => quads(bytes, u32::from_le_bytes),
        [0, _, ..] => pairs(bytes, u16::from_be_bytes),
        [_, 0, ..] => pairs(bytes, u16::from_le_bytes),
        _ => Cow::Borrowed(bytes),
    }
}

/// A text that is put together. Halves of surrogate pairs may come one by one.
#[derive(Default)]
pub(super) struct Text {
    done: String,
    /// UTF-16 units that are not in `done` yet.
    units: Vec<u16>,
}

impl Text {
    pub(super) fn push_unit(&mut self, unit: u16) {
        self.units.push(unit);
    }

    /// Appends UTF-8. As the real parser does, it takes overlong forms, and halves of surrogate pairs encoded
    /// one by one. The error is the place of a byte that is wrong even so.
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), usize> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            self.flush();
            self.done.push_str(text);
            return Ok(());
        }
        let mut at = 0;
        while let Some(first) = bytes.get(at) {
            let (more, start) = match first {
                0..0x80 => (0, first & 0x7f),
                0xc0..0xe0 => (1, first & 0x1f),
                0xe0..0xf0 => (2, first & 0x0f),
                0xf0..0xf8 => (3, first & 0x07),
                _ => return Err(at),
            };
            let mut code = u32::from(start);
            for next in at + 1..=at + more {
                match bytes.get(next) {
                    Some(byte @ 0x80..0xc0) => code = code << 6 | u32::from(byte & 0x3f),
                    _ => return Err(next),
                }
            }
            match (u16::try_from(code), char::from_u32(code)) {
                (Ok(unit), _) => self.units.push(unit),
                (_, character) => {
                    let character = character.unwrap_or('\u{fffd}');
                    self.units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
                }
            }
            at += more + 1;
        }
        Ok(())
    }

    fn flush(&mut self) {
        if !self.units.is_empty() {
            self.done.push_str(&String::from_utf16_lossy(&self.units));
            self.units.clear();
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.flush();
        self.done
    }
}
