//! JSON text as a tree, read as leniently and as strictly as Kafka Connect's parser reads it: leading zeros are
//! fine, what follows the first value is not looked at, the encoding is guessed from the first bytes.

use bigdecimal::BigDecimal;
use bigdecimal::num_bigint::BigInt;
use bigdecimal::num_traits::Zero as _;
use indexmap::IndexMap;

use super::text_in;
use crate::convert::{Error, ErrorKind, Result};

/// The limits of the parser that Kafka Connect 4.1 uses.
const MAX_DEPTH: usize = 1_000;
const MAX_NUMBER: usize = 1_000;
const MAX_NAME: usize = 50_000;
const MAX_TEXT: usize = 20_000_000;

/// A piece of JSON.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// There was nothing but white space.
    Missing,
    Null,
    Bool(bool),
    Integer(i64),
    /// An integer beyond 64 bits.
    Big(BigInt),
    Decimal(Box<Decimal>),
    Text(String),
    Array(Vec<Node>),
    /// The last of members with equal names, at the place of the first.
    Object(IndexMap<String, Node>),
}

/// A number with a point or an exponent.
#[derive(Debug, Clone)]
pub(super) struct Decimal {
    pub(super) value: BigDecimal,
    /// As it stood there: what rounds rightly to a float.
    text: Box<str>,
}

impl Node {
    /// A member of an object; nothing else has members.
    pub(super) fn member(&self, name: &str) -> Option<&Node> {
        match self {
            Self::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// What messages call it.
    pub(super) fn kind_name(&self) -> &'static str {
        match self {
            Self::Missing => "MISSING",
            Self::Null => "NULL",
            Self::Bool(_) => "BOOLEAN",
            Self::Integer(_) | Self::Big(_) | Self::Decimal(_) => "NUMBER",
            Self::Text(_) => "STRING",
            Self::Array(_) => "ARRAY",
            Self::Object(_) => "OBJECT",
        }
    }

    /// A number without point and exponent, wrapped to 64 bits.
    pub(super) fn integer(&self) -> Option<i64> {
        matches!(self, Self::Integer(_) | Self::Big(_)).then(|| self.wrapped())
    }

    /// The lowest 64 bits of a number without its fraction; 0 for all else.
    pub(super) fn wrapped(&self) -> i64 {
        match self {
            Self::Integer(v) => *v,
            Self::Big(v) => lowest_bits(v),
            Self::Decimal(number) => {
                let (unscaled, scale) = number.value.as_bigint_and_scale();
                let digits = i64::try_from(number.text.len()).unwrap_or(i64::MAX);
                // 10^64 is a multiple of 2^64, and a scale beyond the digits leaves nothing before the point.
                if scale <= -64 || scale > digits {
                    return 0;
                }
                let power = BigInt::from(10).pow(u32::try_from(scale.unsigned_abs()).unwrap_or(0));
                lowest_bits(&if scale < 0 { unscaled.as_ref() * power } else { unscaled.as_ref() / power })
            }
            _ => 0,
        }
    }

    /// The nearest double of a number; 0 for all else.
    pub(super) fn float64(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "the nearest is asked for")]
        match self {
            Self::Integer(v) => *v as f64,
            Self::Big(v) => v.to_string().parse().unwrap_or(0.0),
            // There is no negative zero among decimals.
            Self::Decimal(number) if !number.value.is_zero() => number.text.parse().unwrap_or(0.0),
            _ => 0.0,
        }
    }

    /// The nearest float of a number; 0 for all else.
    pub(super) fn float32(&self) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "the nearest is asked for")]
        match self {
            Self::Integer(v) => *v as f32,
            Self::Big(v) => v.to_string().parse().unwrap_or(0.0),
            Self::Decimal(number) if !number.value.is_zero() => number.text.parse().unwrap_or(0.0),
            _ => 0.0,
        }
    }
}

fn lowest_bits(value: &BigInt) -> i64 {
    let bytes = value.to_signed_bytes_le();
    let fill = if bytes.last().is_some_and(|b| *b >= 0x80) { 0xff } else { 0 };
    let mut low = [fill; 8];
    for (to, from) in low.iter_mut().zip(&bytes) {
        *to = *from;
    }
    i64::from_le_bytes(low)
}

/// Parses the first value.
pub(super) fn parse(bytes: &[u8]) -> Result<Node> {
    let text = text_in::to_utf8(bytes);
    let mut parser = Parser { bytes: &text, at: 0 };
    parser.skip_white();
    if parser.at == parser.bytes.len() {
        return Ok(Node::Missing);
    }
    let node = parser.value(0)?;
    // A number ends where something else begins, so at the top something has to part it from what follows.
    let number = matches!(node, Node::Integer(_) | Node::Big(_) | Node::Decimal(_));
    if number && !matches!(parser.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n')) {
        return Err(parser.unexpected("white space between values"));
    }
    Ok(node)
}

struct Parser<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_white(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn unexpected(&self, expected: &str) -> Error {
        let at = self.at + 1;
        match self.peek() {
            None => {
                Error::new(ErrorKind::EndOfInput, format!("the end at byte {at}, where {expected} is due"))
            }
            Some(byte) => {
                let shown = char::from(byte).escape_default();
                Error::new(ErrorKind::Syntax, format!("'{shown}' at byte {at}, where {expected} is due"))
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node> {
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.text(MAX_TEXT).map(Node::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            let message =
                format!("Document nesting depth ({depth}) exceeds the maximum allowed ({MAX_DEPTH})");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    /// The real parser calls an end after a comma a syntax error, unlike other early ends.
    fn after_comma(&mut self) -> Result<()> {
        self.skip_white();
        match self.peek() {
            None => Err(Error::new(ErrorKind::Syntax, "the end where more is due after a comma")),
            Some(_) => Ok(()),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node> {
        self.deeper(depth)?;
        self.at += 1;
        self.skip_white();
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Node::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_white();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Node::Array(items));
                }
                _ => return Err(self.unexpected("a comma or the end of the array")),
            }
            self.after_comma()?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node> {
        self.deeper(depth)?;
        self.at += 1;
        self.skip_white();
        let mut members = IndexMap::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Node::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a name in double quotes"));
            }
            let name = self.text(MAX_NAME)?;
            self.skip_white();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("a colon"));
            }
            self.at += 1;
            self.skip_white();
            members.insert(name, self.value(depth)?);
            self.skip_white();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Node::Object(members));
                }
                _ => return Err(self.unexpected("a comma or the end of the object")),
            }
            self.after_comma()?;
        }
    }

    fn word(&mut self, word: &str, node: Node) -> Result<Node> {
        let after = self.bytes[self.at..].strip_prefix(word.as_bytes());
        match after.map(|rest| rest.first().copied()) {
            Some(Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..)) | None => {
                Err(Error::new(ErrorKind::Syntax, format!("an unknown word at byte {}", self.at + 1)))
            }
            Some(_) => {
                self.at += word.len();
                Ok(node)
            }
        }
    }

    fn digits(&mut self) -> Result<usize> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if start == self.at { Err(self.unexpected("a digit")) } else { Ok(self.at - start) }
    }

    fn number(&mut self) -> Result<Node> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let mut length = self.digits()?;
        let mut fraction = 0;
        let mut exponent = None;
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.peek().is_none() {
                return Err(Error::new(ErrorKind::Syntax, "the end where a digit is due after the point"));
            }
            fraction = self.digits()?;
            length += fraction;
        }
        let mantissa = start..self.at;
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            let from = self.at;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            length += self.digits()?;
            exponent = Some(from..self.at);
        }
        if length > MAX_NUMBER {
            let message =
                format!("Number value length ({length}) exceeds the maximum allowed ({MAX_NUMBER})");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let text = |range: std::ops::Range<usize>| String::from_utf8_lossy(&self.bytes[range]);
        let whole = text(mantissa).replace('.', "");
        if fraction == 0 && exponent.is_none() {
            return match whole.parse() {
                Ok(value) => Ok(Node::Integer(value)),
                Err(_) => Ok(Node::Big(whole.parse().unwrap_or_default())),
            };
        }
        let shown = text(start..self.at).into_owned();
        let beyond = || Error::new(ErrorKind::Number, "the exponent is beyond what a decimal can hold");
        let exponent = match exponent {
            None => 0,
            Some(range) => text(range).parse::<i32>().map_err(|_| beyond())?,
        };
        let scale = i64::try_from(fraction).map_err(|_| beyond())? - i64::from(exponent);
        i32::try_from(scale).map_err(|_| beyond())?;
        let value = BigDecimal::from_bigint(whole.parse().unwrap_or_default(), scale);
        Ok(Node::Decimal(Box::new(Decimal { value, text: shown.into_boxed_str() })))
    }

    fn text(&mut self, limit: usize) -> Result<String> {
        self.at += 1;
        let mut out = text_in::Text::default();
        loop {
            let rest = &self.bytes[self.at..];
            let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
            out.push_bytes(&rest[..plain]).map_err(|bad| {
                let at = self.at + bad + 1;
                Error::new(ErrorKind::Syntax, format!("byte {at} is not UTF-8"))
            })?;
            self.at += plain;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut out)?,
                _ => return Err(self.unexpected("the end of the text")),
            }
        }
        self.at += 1;
        let text = out.finish();
        if text.len() > limit && text.encode_utf16().count() > limit {
            let message = format!("a text is longer than the maximum allowed ({limit})");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(text)
    }

    fn escape(&mut self, out: &mut text_in::Text) -> Result<()> {
        self.at += 1;
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let mut unit = 0;
                for _ in 0..4 {
                    let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
                    let digit = digit.ok_or_else(|| self.unexpected("a hexadecimal digit"))?;
                    unit = unit << 4 | u16::try_from(digit).unwrap_or(0);
                    self.at += 1;
                }
                out.push_unit(unit);
                return Ok(());
            }
            _ => return Err(self.unexpected("the rest of an escape")),
        };
        out.push_unit(plain.into());
        self.at += 1;
        Ok(())
    }
}
