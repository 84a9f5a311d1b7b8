//! Statement → tokens.

use chrono::NaiveDate;

use super::error::SoqlError;
use crate::value::{parse_date, parse_datetime, parse_time};

/// A token and the bytes of the statement that it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name or a keyword; SOQL reserves almost nothing, so the parser tells them apart.
    Word,
    /// A quoted string with its escapes undone, and where in it stand wildcards that are meant as themselves.
    Text(String, Vec<usize>),
    Number,
    Date(NaiveDate),
    /// Milliseconds since the epoch.
    DateTime(i64),
    /// Milliseconds since midnight.
    Time(u32),
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Open,
    Close,
    Comma,
    Dot,
    Colon,
    /// A quote that is never closed.
    Quote,
    /// Something that is no token. It counts only when the parser gets there, as in Salesforce, which tells the
    /// first mistake of a statement.
    Bad(Box<SoqlError>),
    End,
}

/// All tokens of a statement; the last is always [`Kind::End`].
pub(super) fn tokens(soql: &str) -> Vec<Token> {
    let mut lexer = Lexer { soql, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let kind = lexer.next();
        let last = matches!(kind, Kind::End | Kind::Bad(_) | Kind::Quote);
        tokens.push(Token { kind, start, end: lexer.at });
        if last {
            break;
        }
    }
    // After a broken token nothing can be told apart any more.
    if !matches!(tokens.last().map(|t| &t.kind), Some(Kind::End)) {
        tokens.push(Token { kind: Kind::End, start: soql.len(), end: soql.len() });
    }
    tokens
}

struct Lexer<'a> {
    soql: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.soql.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.soql.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn next(&mut self) -> Kind {
        let Some(first) = self.rest().chars().next() else { return Kind::End };
        match first {
            'A'..='Z' | 'a'..='z' | '_' => self.word(),
            '\'' => self.text(),
            '0'..='9' => self.figures(),
            '+' | '-' if self.byte(1).is_ascii_digit() || self.byte(1) == b'.' => self.figures(),
            '.' if self.byte(1).is_ascii_digit() => self.figures(),
            _ => self.sign(),
        }
    }

    fn word(&mut self) -> Kind {
        let rest = self.rest().as_bytes();
        let length = rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_');
        let mut length = length.unwrap_or(rest.len());
        // An amount of a currency, as USD5000.50, is one word.
        let amount = length > 3 && rest[..3].iter().all(u8::is_ascii_alphabetic);
        if amount && rest[3..length].iter().all(u8::is_ascii_digit) && rest.get(length) == Some(&b'.') {
            match rest[length + 1..].iter().take_while(|b| b.is_ascii_digit()).count() {
                0 => {}
                digits => length += 1 + digits,
            }
        }
        self.at += length;
        Kind::Word
    }

    fn sign(&mut self) -> Kind {
        let (kind, length) = match (self.byte(0), self.byte(1)) {
            (b'!', b'=') | (b'<', b'>') => (Kind::NotEqual, 2),
            (b'<', b'=') => (Kind::LessOrEqual, 2),
            (b'>', b'=') => (Kind::GreaterOrEqual, 2),
            (b'<', _) => (Kind::Less, 1),
            (b'>', _) => (Kind::Greater, 1),
            (b'=', _) => (Kind::Equal, 1),
            (b'(', _) => (Kind::Open, 1),
            (b')', _) => (Kind::Close, 1),
            (b',', _) => (Kind::Comma, 1),
            (b'.', _) => (Kind::Dot, 1),
            (b':', _) => (Kind::Colon, 1),
            _ => return self.bad(SoqlError::no_viable(self.soql, self.at)),
        };
        self.at += length;
        kind
    }

    fn bad(&mut self, error: SoqlError) -> Kind {
        self.at = self.soql.len();
        Kind::Bad(Box::new(error))
    }

    /// A number, a date, a datetime or a time.
    fn figures(&mut self) -> Kind {
        if self.shaped(0, "dddd-dd-dd") {
            return self.date();
        }
        if self.shaped(0, "dd:dd:dd") {
            let length = 8 + self.fraction(8);
            return match self.literal(length + self.zone(length), parse_time) {
                Some(ms) => Kind::Time(ms),
                None => self.bad(SoqlError::no_viable(self.soql, self.at)),
            };
        }
        let digits = |from: usize| self.rest().bytes().skip(from).take_while(u8::is_ascii_digit).count();
        let mut length = usize::from(matches!(self.byte(0), b'+' | b'-'));
        length += digits(length);
        if self.byte(length) == b'.' {
            length += 1 + digits(length + 1);
        }
        if matches!(self.byte(length), b'e' | b'E') {
            let signed = usize::from(matches!(self.byte(length + 1), b'+' | b'-'));
            match digits(length + 1 + signed) {
                0 => {}
                n => length += 1 + signed + n,
            }
        }
        self.at += length;
        Kind::Number
    }

    /// From a date's first digit: a date, or a datetime when a time follows.
    fn date(&mut self) -> Kind {
        if !matches!(self.byte(10), b'T' | b't') {
            let text = self.rest().get(..10).unwrap_or_default().to_owned();
            return match self.literal(10, parse_date) {
                Some(date) => Kind::Date(date),
                None => self.bad(SoqlError::grammar(self.soql, self.at, &format!("Invalid date: {text}"))),
            };
        }
        // The mistake is where the literal stops being a datetime: a part that is missing, or the zone.
        if !self.shaped(11, "dd:dd:dd") {
            let good = (11..19).find(|i| !self.shaped(*i, if matches!(i, 13 | 16) { ":" } else { "d" }));
            return self.bad(SoqlError::no_viable(self.soql, self.clamp(good.unwrap_or(19))));
        }
        let length = 19 + self.fraction(19);
        let zone = self.zone(length);
        if zone == 0 {
            return self.bad(SoqlError::no_viable(self.soql, self.clamp(length)));
        }
        let text = self.rest().get(..length + zone).unwrap_or_default().to_ascii_uppercase();
        // A zone can carry the first and the last year out of the calendar.
        let year =
            |ms: &i64| chrono::DateTime::from_timestamp_millis(*ms).map(|at| chrono::Datelike::year(&at));
        match parse_datetime(&text).filter(|ms| year(ms).is_some_and(|year| (0..=9_999).contains(&year))) {
            Some(ms) => {
                self.at += length + zone;
                Kind::DateTime(ms)
            }
            None => self.bad(SoqlError::grammar(self.soql, self.at, &format!("Invalid datetime: {text}"))),
        }
    }

    fn clamp(&self, ahead: usize) -> usize {
        (self.at + ahead).min(self.soql.len())
    }

    /// Whether the bytes from `ahead` on have this shape, `d` being a digit.
    fn shaped(&self, ahead: usize, shape: &str) -> bool {
        shape.bytes().enumerate().all(|(i, s)| {
            let found = self.byte(ahead + i);
            if s == b'd' { found.is_ascii_digit() } else { found == s }
        })
    }

    /// The length of `.123`, from `ahead` on.
    fn fraction(&self, ahead: usize) -> usize {
        if self.byte(ahead) != b'.' {
            return 0;
        }
        match self.rest().bytes().skip(ahead + 1).take_while(u8::is_ascii_digit).count() {
            0 => 0,
            digits => digits + 1,
        }
    }

    /// The length of `Z`, `+hh:mm` or the `+hhmm` of the REST API's own answers; zero when there is none.
    fn zone(&self, ahead: usize) -> usize {
        match self.byte(ahead) {
            b'Z' | b'z' => 1,
            b'+' | b'-' if self.shaped(ahead + 1, "dd:dd") => 6,
            b'+' | b'-' if self.shaped(ahead + 1, "dddd") => 5,
            _ => 0,
        }
    }

    fn literal<T>(&mut self, length: usize, parse: fn(&str) -> Option<T>) -> Option<T> {
        let parsed = self.rest().get(..length).and_then(parse)?;
        self.at += length;
        Some(parsed)
    }

    fn text(&mut self) -> Kind {
        let start = self.at;
        let Some(end) = closing_quote(self.rest()) else {
            self.at = self.soql.len();
            return Kind::Quote;
        };
        let body = self.rest().get(1..end).unwrap_or_default();
        let unescaped = unescape(body);
        self.at = start + end + 1;
        match unescaped {
            Ok((text, wildcards)) => Kind::Text(text, wildcards),
            Err(sequence) => {
                let literal = self.soql[start..self.at].to_owned();
                Kind::Bad(Box::new(illegal_sequence(self.soql, start, &literal, &sequence)))
            }
        }
    }
}

/// The refusal of a backslash that escapes nothing.
pub(super) fn illegal_sequence(soql: &str, start: usize, literal: &str, sequence: &str) -> SoqlError {
    let message = format!(
        "Invalid string literal {literal}. Illegal character sequence '{sequence}' in string literal."
    );
    SoqlError::grammar(soql, start, &message)
}

/// Where in `quoted`, which begins with a quote, stands the quote that ends it.
fn closing_quote(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.bytes().enumerate().skip(1).find_map(|(at, byte)| {
        let ends = byte == b'\'' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends.then_some(at)
    })
}

/// Undoes the escapes of a string. Gives the text and where in it an escaped wildcard stands, or the sequence that
/// is no escape.
fn unescape(body: &str) -> Result<(String, Vec<usize>), String> {
    let mut text = String::with_capacity(body.len());
    let mut wildcards = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let mut chars = rest.chars();
        let escape = chars.next().unwrap_or_default();
        rest = chars.as_str();
        match escape {
            'n' | 'N' => text.push('\n'),
            'r' | 'R' => text.push('\r'),
            't' | 'T' => text.push('\t'),
            'b' | 'B' => text.push('\u{8}'),
            'f' | 'F' => text.push('\u{c}'),
            '"' | '\'' | '\\' => text.push(escape),
            '_' | '%' => {
                wildcards.push(text.len());
                text.push(escape);
            }
            'u' => rest = unicode(rest, &mut text)?,
            other => return Err(format!("\\{other}")),
        }
    }
    text.push_str(rest);
    Ok((text, wildcards))
}

/// What follows `\u`: four hexadecimal digits, or a surrogate pair as two escapes. Gives the rest of the string.
fn unicode<'a>(rest: &'a str, text: &mut String) -> Result<&'a str, String> {
    let unit = |rest: &str| {
        let figures = rest.get(..4).filter(|f| f.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u16::from_str_radix(figures, 16).ok()
    };
    let illegal = || format!("\\u{}", rest.chars().take(4).collect::<String>());
    let first = unit(rest).ok_or_else(illegal)?;
    let after = &rest[4..];
    if let Some(c) = char::from_u32(u32::from(first)) {
        text.push(c);
        return Ok(after);
    }
    let second = after.strip_prefix("\\u").and_then(unit).ok_or_else(illegal)?;
    let pair = char::decode_utf16([first, second]).next().and_then(Result::ok).ok_or_else(illegal)?;
    text.push(pair);
    Ok(&after[6..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(soql: &str) -> Vec<Kind> {
        tokens(soql).into_iter().map(|t| t.kind).collect()
    }

    fn only(soql: &str) -> Kind {
        let mut kinds = kinds(soql);
        assert_eq!(kinds.len(), 2, "{kinds:?}");
        kinds.swap_remove(0)
    }

    #[test]
    fn every_escape_of_the_table_is_undone() {
        let cases = [
            (r"'a\nb\Nc'", "a\nb\nc"),
            (r"'\r\R\t\T'", "\r\r\t\t"),
            (r"'\b\B\f\F'", "\u{8}\u{8}\u{c}\u{c}"),
            (r#"'\"\'\\'"#, "\"'\\"),
            (r"'\u0041\u00e4\u20AC'", "Aä€"),
            (r"'\uD83D\uDE42'", "🙂"),
            (r"'O\'Brien'", "O'Brien"),
            (r"'ends in \\'", "ends in \\"),
            ("''", ""),
        ];
        for (literal, text) in cases {
            assert_eq!(only(literal), Kind::Text(text.to_owned(), vec![]), "{literal}");
        }
        assert_eq!(only(r"'10\% of \_x'"), Kind::Text("10% of _x".to_owned(), vec![2, 7]));
    }

    #[test]
    fn any_other_backslash_is_refused_in_the_words_of_an_org() {
        let soql = r"SELECT Id, Data_Quality_Score__c from Contact where FirstName = 'Anne\-Marie'";
        let Some(Kind::Bad(error)) = kinds(soql).into_iter().find(|k| matches!(k, Kind::Bad(_))) else {
            panic!("no bad token");
        };
        let expected = "\nfrom Contact where FirstName = 'Anne\\-Marie'\n                              ^\nERROR at Row:1:Column:64\nInvalid string literal 'Anne\\-Marie'. Illegal character sequence '\\-' in string literal.";
        assert_eq!(*error, SoqlError { code: "MALFORMED_QUERY", message: expected.to_owned() });
        for literal in [r"'\x'", r"'\0'", r"'\u12'", r"'\uD83D'", r"'\uD83Dx'", r"'\uZZZZ'", r"'\ä'"] {
            assert!(matches!(only(literal), Kind::Bad(_)), "{literal}");
        }
    }

    #[test]
    fn numbers_dates_datetimes_and_times_are_told_apart() {
        for number in ["0", "-12", "+3", "1.5", ".5", "-.5", "1e10", "1.5E-3", "2020"] {
            assert_eq!(only(number), Kind::Number, "{number}");
        }
        assert_eq!(only("2020-02-29"), Kind::Date(parse_date("2020-02-29").unwrap()));
        let utc = parse_datetime("2020-01-01T10:00:00Z").unwrap();
        for text in [
            "2020-01-01T10:00:00Z",
            "2020-01-01t10:00:00.000z",
            "2020-01-01T12:00:00+02:00",
            "2020-01-01T05:00:00.000-0500",
        ] {
            assert_eq!(only(text), Kind::DateTime(utc), "{text}");
        }
        assert_eq!(only("13:30:00.000Z"), Kind::Time(48_600_000));
        assert_eq!(kinds("1abc"), [Kind::Number, Kind::Word, Kind::End]);
    }

    #[test]
    fn broken_dates_say_where_they_break() {
        let cases = [
            ("x 2020-13-01", "Invalid date: 2020-13-01"),
            ("x 2020-02-30T00:00:00Z", "Invalid datetime: 2020-02-30T00:00:00Z"),
            ("x 2020-01-01T10:00:00", "line 1:21 no viable alternative at character '<EOF>'"),
            ("x 2020-01-01T10:00:00 ", "line 1:21 no viable alternative at character ' '"),
            ("x 2020-01-01T10:00", "line 1:18 no viable alternative at character '<EOF>'"),
            ("x 2020-01-01T10h", "line 1:15 no viable alternative at character 'h'"),
            ("x \"y\"", "line 1:2 no viable alternative at character '\"'"),
        ];
        for (soql, message) in cases {
            let found = kinds(soql);
            let Some(Kind::Bad(error)) = found.get(1) else { panic!("{soql}: {found:?}") };
            assert!(error.message.ends_with(message), "{soql}: {}", error.message);
        }
    }

    #[test]
    fn signs_words_and_an_open_quote() {
        use Kind::{Close, Colon, Comma, Dot, End, Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
        use Kind::{NotEqual, Open, Quote, Word};
        let expected = [
            Word,
            Dot,
            Word,
            Equal,
            NotEqual,
            NotEqual,
            Less,
            LessOrEqual,
            Greater,
            GreaterOrEqual,
            Open,
            Comma,
            Close,
            Colon,
            Quote,
            End,
        ];
        assert_eq!(kinds("a.B__c = != <> < <= > >= ( , ) : 'x"), expected);
    }
}
