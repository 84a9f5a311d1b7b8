//! Values as SOQL writes them. The only place that quotes.

use bigdecimal::BigDecimal;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};
use sf_core::Id;
use sf_core::record::Value;
use sf_core::record::csv_cell::{NullCell, encode};

use crate::date_literal::DateLiteral;
use crate::error::{Error, ErrorKind, Result};

/// The most characters of a text in a condition (SOQL reference, "SOQL and SOSL limits").
const MAX_TEXT: usize = 4_000;

/// A value in a condition. It is made from Rust's own types, so there is nothing to quote by hand.
///
/// `f64` is missing on purpose: a decimal goes in as [`BigDecimal`] and keeps its digits.
///
/// ```
/// use sf_soql::{Select, field};
///
/// let soql = Select::from("Contact").fields(["Id"]).filter(field("LastName").eq("O'Hara")).build()?;
/// assert_eq!(soql, r"SELECT Id FROM Contact WHERE LastName = 'O\'Hara'");
/// # Ok::<(), sf_soql::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Literal(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Null,
    Text(String),
    /// A text in which `%` and `_` are wildcards where they are not escaped. It holds the escapes already.
    Pattern(String),
    Boolean(bool),
    Integer(i128),
    Decimal(BigDecimal),
    Date(NaiveDate),
    DateTime(DateTime<Utc>),
    Time(NaiveTime),
    /// An amount in a currency of its own, by its ISO code.
    Currency(String, BigDecimal),
    Relative(DateLiteral),
}

/// What kinds of field a literal can be compared with, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LiteralType {
    Null,
    Text,
    Boolean,
    Number,
    Currency,
    Date,
    DateTime,
    Time,
    /// A relative day: it goes with dates and datetimes.
    Relative,
}

impl Literal {
    /// The literal `null`. It can be compared by `=` and `!=` only.
    pub const NULL: Self = Self(Kind::Null);

    /// A `LIKE` pattern as the caller writes it: `%` stands for any text and `_` for one character.
    pub(crate) fn pattern(text: &str) -> Self {
        Self(Kind::Pattern(escaped(text)))
    }

    /// A `LIKE` pattern for a text that has no wildcards of its own, between these.
    pub(crate) fn pattern_around(before: &str, text: &str, after: &str) -> Self {
        let text = escaped(text).replace('%', "\\%").replace('_', "\\_");
        Self(Kind::Pattern(format!("{before}{text}{after}")))
    }

    /// An amount in a currency, by its ISO code: `USD5000`. Orgs of several currencies compare it with
    /// amounts in others at their rates; a plain number is taken for an amount in the user's own.
    ///
    /// ```
    /// use sf_soql::{Literal, Select, field};
    ///
    /// let large = field("Amount").gt(Literal::currency("USD", "5000".parse()?));
    /// let soql = Select::from("Opportunity").field("Id").filter(large).build()?;
    /// assert_eq!(soql, "SELECT Id FROM Opportunity WHERE Amount > USD5000");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn currency(iso_code: impl Into<String>, amount: BigDecimal) -> Self {
        Self(Kind::Currency(iso_code.into(), amount))
    }

    pub(crate) fn literal_type(&self) -> LiteralType {
        match &self.0 {
            Kind::Null => LiteralType::Null,
            Kind::Text(_) | Kind::Pattern(_) => LiteralType::Text,
            Kind::Boolean(_) => LiteralType::Boolean,
            Kind::Integer(_) | Kind::Decimal(_) => LiteralType::Number,
            Kind::Currency(..) => LiteralType::Currency,
            Kind::Date(_) => LiteralType::Date,
            Kind::DateTime(_) => LiteralType::DateTime,
            Kind::Time(_) => LiteralType::Time,
            Kind::Relative(_) => LiteralType::Relative,
        }
    }

    /// The text of a text literal that is no pattern.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.0 == Kind::Null
    }

    /// Appends the literal's text, or says why SOQL has none for it.
    pub(crate) fn write(&self, out: &mut String) -> Result<()> {
        match &self.0 {
            Kind::Null => out.push_str("null"),
            Kind::Text(text) => quote(&escaped(text), out)?,
            Kind::Pattern(text) => quote(text, out)?,
            Kind::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            Kind::Integer(value) => out.push_str(&value.to_string()),
            Kind::Relative(value) => out.push_str(&value.to_string()),
            Kind::Decimal(value) => push_decimal(value, out)?,
            Kind::Time(time) => write_time(*time, out)?,
            Kind::Currency(code, amount) => {
                if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
                    return Err(invalid(format!("{code:?} is not the ISO code of a currency, such as USD")));
                }
                out.push_str(code);
                push_decimal(amount, out)?;
            }
            Kind::Date(day) => plain(Value::Date(*day), out)?,
            Kind::DateTime(instant) => write_instant(*instant, out)?,
        }
        Ok(())
    }
}

/// What a CSV cell and SOQL write alike: days, and numbers digit by digit.
fn plain(value: Value<'_>, out: &mut String) -> Result<()> {
    encode(&value, NullCell::Empty, out).map_err(|e| invalid(e.to_string()))
}

/// A number, digit by digit.
pub(crate) fn push_decimal(value: &BigDecimal, out: &mut String) -> Result<()> {
    plain(Value::Decimal(value.clone()), out)
}

fn write_time(time: NaiveTime, out: &mut String) -> Result<()> {
    let nanos = time.nanosecond();
    if !nanos.is_multiple_of(1_000_000) || nanos >= 1_000_000_000 {
        return Err(invalid(format!("{time} is finer than a millisecond, and SOQL is not: round it first")));
    }
    out.push_str(&time.format("%H:%M:%S%.3fZ").to_string());
    Ok(())
}

fn write_instant(instant: DateTime<Utc>, out: &mut String) -> Result<()> {
    let nanos = instant.nanosecond();
    if !nanos.is_multiple_of(1_000_000) {
        let message = format!(
            "{instant} is finer than a millisecond, and SOQL is not: round it first (`trunc_subsecs(3)`)"
        );
        return Err(invalid(message));
    }
    plain(Value::Date(instant.date_naive()), out)?;
    let format = if nanos == 0 { "T%H:%M:%SZ" } else { "T%H:%M:%S%.3fZ" };
    out.push_str(&instant.format(format).to_string());
    Ok(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

fn quote(escaped: &str, out: &mut String) -> Result<()> {
    if escaped.contains('\0') {
        return Err(invalid("a text in a condition holds a NUL character, which SOQL cannot write"));
    }
    let length = escaped.chars().count();
    if length > MAX_TEXT {
        let message =
            format!("a text in a condition has {length} characters, escapes counted; SOQL allows {MAX_TEXT}");
        return Err(invalid(message));
    }
    out.push('\'');
    out.push_str(escaped);
    out.push('\'');
    Ok(())
}

/// Escapes what SOQL reserves (SOQL reference, "Quoted string escape sequences"). NUL has no escape and stays
/// for [`quote`] to refuse.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0' => out.push(c),
            c if c.is_ascii_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self(Kind::Text(text.to_owned()))
    }
}

impl From<String> for Literal {
    fn from(text: String) -> Self {
        Self(Kind::Text(text))
    }
}

impl From<&String> for Literal {
    fn from(text: &String) -> Self {
        Self(Kind::Text(text.clone()))
    }
}

impl From<Id> for Literal {
    fn from(id: Id) -> Self {
        Self(Kind::Text(id.to_string()))
    }
}

impl From<&Id> for Literal {
    fn from(id: &Id) -> Self {
        (*id).into()
    }
}

impl From<bool> for Literal {
    fn from(value: bool) -> Self {
        Self(Kind::Boolean(value))
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Literal {
            fn from(value: $integer) -> Self {
                Self(Kind::Integer(i128::from(value)))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl From<BigDecimal> for Literal {
    fn from(value: BigDecimal) -> Self {
        Self(Kind::Decimal(value))
    }
}

impl From<NaiveDate> for Literal {
    fn from(day: NaiveDate) -> Self {
        Self(Kind::Date(day))
    }
}

impl From<NaiveTime> for Literal {
    fn from(time: NaiveTime) -> Self {
        Self(Kind::Time(time))
    }
}

impl<Tz: TimeZone> From<DateTime<Tz>> for Literal {
    fn from(instant: DateTime<Tz>) -> Self {
        Self(Kind::DateTime(instant.to_utc()))
    }
}

impl From<DateLiteral> for Literal {
    fn from(value: DateLiteral) -> Self {
        Self(Kind::Relative(value))
    }
}

impl<T: Into<Literal>> From<Option<T>> for Literal {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;
    use proptest::prelude::*;

    use super::*;

    fn text(literal: impl Into<Literal>) -> String {
        let mut out = String::new();
        literal.into().write(&mut out).unwrap();
        out
    }

    fn refusal(literal: impl Into<Literal>) -> String {
        let error = literal.into().write(&mut String::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery);
        error.to_string()
    }

    fn instant(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    #[test]
    fn each_type_is_written_as_soql_has_it() {
        assert_eq!(text("Acme"), "'Acme'");
        assert_eq!(text(String::from("")), "''");
        assert_eq!(text("0017h00000doU3R".parse::<Id>().unwrap()), "'0017h00000doU3RAAU'");
        let id: &Id = &"0017h00000doU3R".parse().unwrap();
        assert_eq!(text(id), "'0017h00000doU3RAAU'");
        assert_eq!(text(true), "true");
        assert_eq!(text(-5), "-5");
        assert_eq!(text(u64::MAX), "18446744073709551615");
        assert_eq!(text("1000000.50".parse::<BigDecimal>().unwrap()), "1000000.50");
        assert_eq!(text("1E6".parse::<BigDecimal>().unwrap()), "1000000");
        assert_eq!(text("-1E-7".parse::<BigDecimal>().unwrap()), "-0.0000001");
        assert_eq!(text(NaiveDate::from_ymd_opt(2024, 1, 31).unwrap()), "2024-01-31");
        assert_eq!(text(instant("2024-01-31T10:00:00Z")), "2024-01-31T10:00:00Z");
        assert_eq!(text(instant("2024-01-31T10:00:00.5+02:00")), "2024-01-31T08:00:00.500Z");
        assert_eq!(text(NaiveTime::from_hms_opt(13, 30, 0).unwrap()), "13:30:00.000Z");
        assert_eq!(text(Literal::currency("EUR", "-12.50".parse().unwrap())), "EUR-12.50");
        assert_eq!(text(DateLiteral::LastNDays(30)), "LAST_N_DAYS:30");
        assert_eq!(text(None::<i32>), "null");
        assert_eq!(text(Some(5)), "5");
    }

    #[test]
    fn every_reserved_character_is_escaped() {
        assert_eq!(text("it's"), r"'it\'s'");
        assert_eq!(text(r"a\"), r"'a\\'");
        assert_eq!(text("' OR Name != '"), r"'\' OR Name != \''");
        assert_eq!(text(r"\'"), r"'\\\''");
        assert_eq!(text("\n\r\t\u{8}\u{c}\u{1}\u{7f}"), r"'\n\r\t\b\f\u0001\u007f'");
        assert_eq!(text("100% \"sure\" _"), "'100% \"sure\" _'");
    }

    #[test]
    fn a_pattern_keeps_its_wildcards_and_a_text_in_a_pattern_loses_them() {
        assert_eq!(text(Literal::pattern("Ac_e%'")), r"'Ac_e%\''");
        assert_eq!(text(Literal::pattern_around("%", r"100%_\", "%")), r"'%100\%\_\\%'");
    }

    #[test]
    fn what_soql_cannot_write_is_refused() {
        assert_eq!(refusal("a\0b"), "a text in a condition holds a NUL character, which SOQL cannot write");
        assert!(
            refusal(NaiveTime::from_hms_micro_opt(1, 2, 3, 4).unwrap()).contains("finer than a millisecond")
        );
        assert!(refusal(Literal::currency("usd", 1.into())).contains("ISO code"));
        assert!(refusal("x".repeat(4_001)).contains("4001 characters"));
        assert!(refusal("'".repeat(2_001)).contains("4002 characters"));
        assert!(refusal(instant("2024-01-31T10:00:00.0001Z")).contains("finer than a millisecond"));
        assert!(refusal(instant("9999-12-31T23:59:59Z") + chrono::TimeDelta::days(1)).contains("year 10000"));
        assert!(refusal(BigDecimal::new(1.into(), i64::MIN)).contains("400 digits"));
    }

    /// Reads a literal back by the table of the SOQL reference, written without a look at `escaped`.
    fn unquote(literal: &str) -> Option<String> {
        let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
        let mut out = String::new();
        let mut rest = inner.chars();
        while let Some(c) = rest.next() {
            match c {
                '\'' => return None,
                '\\' => out.push(match rest.next()? {
                    'n' | 'N' => '\n',
                    'r' | 'R' => '\r',
                    't' | 'T' => '\t',
                    'b' | 'B' => '\u{8}',
                    'f' | 'F' => '\u{c}',
                    c @ ('"' | '\'' | '\\') => c,
                    'u' => {
                        let digits: String = rest.by_ref().take(4).collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    _ => return None,
                }),
                c if c.is_ascii_control() => return None,
                c => out.push(c),
            }
        }
        Some(out)
    }

    proptest! {
        #[test]
        fn any_text_survives_quoting(given in "[^\0]{0,60}|['\\\\\"nrtbfu%_0-9\u{1}-\u{1f}]{0,60}") {
            prop_assert_eq!(unquote(&text(given.as_str())), Some(given));
        }
    }
}
