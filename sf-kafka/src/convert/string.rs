//! Kafka Connect's `StringConverter`: what Java's `toString` makes of a value, in an encoding.

use std::sync::Arc;

use super::data::{Schema, Value};
use super::{Error, ErrorKind, Result, java_float, java_text};

/// A character set, of those that every Java has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Charset {
    #[default]
    Utf8,
    Ascii,
    Latin1,
    /// Big-endian; written with a byte order mark, read by it.
    Utf16,
    Utf16Be,
    Utf16Le,
}

/// The converter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StringConverter {
    charset: Charset,
}

impl StringConverter {
    /// Reads the settings: `converter.encoding`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Serialization`] where the encoding is not known.
    pub fn from_properties<'p>(properties: impl IntoIterator<Item = (&'p str, &'p str)>) -> Result<Self> {
        let mut out = Self::default();
        for (name, value) in properties {
            if name == "converter.encoding" {
                out.charset = charset(value).ok_or_else(|| {
                    Error::new(ErrorKind::Serialization, format!("Unsupported encoding {value}"))
                        .caused_by(Error::new(ErrorKind::Charset, value))
                })?;
            }
        }
        Ok(out)
    }

    /// A value as text; null has no bytes.
    pub fn from_connect(&self, value: &Value) -> Option<Vec<u8>> {
        if *value == Value::Null {
            return None;
        }
        let mut out = Vec::new();
        write(value, &mut out);
        Some(self.encode(out))
    }

    /// Text as a value, whose schema is an optional string.
    pub fn to_connect(&self, bytes: Option<&[u8]>) -> (Arc<Schema>, Value) {
        let value = bytes.map_or(Value::Null, |bytes| Value::String(self.decode(bytes)));
        (Arc::new(Schema::string().optional()), value)
    }

    fn encode(self, utf8: Vec<u8>) -> Vec<u8> {
        if self.charset == Charset::Utf8 {
            return utf8;
        }
        let text = String::from_utf8_lossy(&utf8);
        let limit = if self.charset == Charset::Ascii { 0x7f } else { 0xff };
        let narrow = |c: char| u8::try_from(u32::from(c)).ok().filter(|b| *b <= limit).unwrap_or(b'?');
        let units = text.encode_utf16();
        match self.charset {
            Charset::Utf16Le => units.flat_map(u16::to_le_bytes).collect(),
            Charset::Utf16Be => units.flat_map(u16::to_be_bytes).collect(),
            Charset::Utf16 if text.is_empty() => Vec::new(),
            Charset::Utf16 => [0xfe, 0xff].into_iter().chain(units.flat_map(u16::to_be_bytes)).collect(),
            _ => text.chars().map(narrow).collect(),
        }
    }

    fn decode(self, bytes: &[u8]) -> String {
        let utf16 = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
            let units = bytes.chunks(2).map(|pair| match pair {
                [a, b] => of([*a, *b]),
                _ => 0xfffd,
            });
            char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect()
        };
        match (self.charset, bytes) {
            (Charset::Utf8, _) => String::from_utf8_lossy(bytes).into_owned(),
            (Charset::Ascii, _) => {
                bytes.iter().map(|b| if b.is_ascii() { char::from(*b) } else { '\u{fffd}' }).collect()
            }
            (Charset::Latin1, _) => bytes.iter().map(|b| char::from(*b)).collect(),
            (Charset::Utf16, [0xff, 0xfe, rest @ ..]) => utf16(rest, u16::from_le_bytes),
            (Charset::Utf16, [0xfe, 0xff, rest @ ..]) => utf16(rest, u16::from_be_bytes),
            (Charset::Utf16 | Charset::Utf16Be, _) => utf16(bytes, u16::from_be_bytes),
            (Charset::Utf16Le, _) => utf16(bytes, u16::from_le_bytes),
        }
    }
}

fn charset(name: &str) -> Option<Charset> {
    Some(match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => Charset::Utf8,
        "US-ASCII" | "ASCII" => Charset::Ascii,
        "ISO-8859-1" | "ISO8859_1" | "LATIN1" => Charset::Latin1,
        "UTF-16" | "UTF16" => Charset::Utf16,
        "UTF-16BE" => Charset::Utf16Be,
        "UTF-16LE" => Charset::Utf16Le,
        _ => return None,
    })
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Int8(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Int16(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Int32(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Int64(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Float32(v) => java_float::write_f32(*v, out),
        Value::Float64(v) => java_float::write_f64(*v, out),
        Value::String(v) => out.extend_from_slice(v.as_bytes()),
        // Java prints where the bytes lie in memory; a number that never is the same serves nobody.
        Value::Bytes(_) => out.extend_from_slice(b"[B"),
        Value::Decimal(v) => java_text::write_decimal(v, out),
        Value::Instant(v) => java_text::write_instant(*v, out),
        Value::Array(items) => list(b'[', b", ", b']', items.iter(), out, write),
        Value::Map(entries) => list(b'{', b", ", b'}', entries.iter(), out, |(key, value), out| {
            write(key, out);
            out.push(b'=');
            write(value, out);
        }),
        Value::Struct(v) => {
            out.extend_from_slice(b"Struct");
            let set = v.schema().fields().iter().zip(v.values()).filter(|(_, value)| **value != Value::Null);
            list(b'{', b",", b'}', set, out, |(field, value), out| {
                out.extend_from_slice(field.name.as_bytes());
                out.push(b'=');
                write(value, out);
            });
        }
    }
}

fn list<T>(
    open: u8,
    between: &[u8],
    close: u8,
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut each: impl FnMut(T, &mut Vec<u8>),
) {
    out.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.extend_from_slice(between);
        }
        each(item, out);
    }
    out.push(close);
}
