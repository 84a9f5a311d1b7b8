//! The cells of a row as serde reads them: a struct or a map by the names of the header, a list in its order.

use std::fmt;
use std::str::Utf8Error;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor};
use sf_core::Id;

use crate::{Error, csv_rows};

/// A row. As in the csv crate a cell is read as what the type wants; where the type wants whatever is there, as what
/// it looks like. Nothing of another cell goes into a field: a list or a tuple of several cells is a row, not a field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'de> {
    header: &'de [String],
    /// The cells, one after the other.
    text: &'de str,
    /// Where each ends, on borders of characters.
    ends: &'de [usize],
}

/// Why cells are no row.
pub(crate) struct NoRow {
    what: String,
    source: Option<Utf8Error>,
}

impl NoRow {
    /// As the error that is made of a text.
    pub(crate) fn told(self, error: impl FnOnce(&str) -> Error) -> Error {
        let error = error(&self.what);
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

impl<'de> Row<'de> {
    /// Checks that the cells are text, and as many as the header has.
    pub(crate) fn of(header: &'de [String], cells: csv_rows::Cells<'de>) -> Result<Self, NoRow> {
        let (count, columns) = (cells.ends.len(), header.len());
        if count != columns {
            let what = format!("a row has {count} cells, the header has {columns}");
            return Err(NoRow { what, source: None });
        }
        let no_text = |source| NoRow { what: "a row is not UTF-8".to_owned(), source };
        // Once for the row instead of once for each of its cells, which are short.
        let text = std::str::from_utf8(cells.bytes).map_err(|e| no_text(Some(e)))?;
        // A character over the border of two cells makes text of neither.
        if !cells.ends.iter().all(|&end| text.is_char_boundary(end)) {
            return Err(no_text(None));
        }
        Ok(Self { header, text, ends: cells.ends })
    }

    /// Which row it is, behind the place where it stands; empty where it has no Id that is one.
    pub(crate) fn named(&self) -> String {
        let id = self.cell("Id").filter(|id| id.parse::<Id>().is_ok());
        id.map_or_else(String::new, |id| format!(", with Id {id},"))
    }

    /// The cell of a column.
    fn cell(&self, name: &str) -> Option<&'de str> {
        let at = self.header.iter().position(|h| h == name)?;
        let start = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(at)?)
    }
}

/// Why a row is not what was asked for. It never shows what stands in a cell: that is somebody's data, and errors are
/// logged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl de::Error for Refusal {
    /// In the words of the type that refuses a cell.
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("the cell is not {expected}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("the cell is not {expected}"))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self(format!("the cell is none of {}", known.join(", ")))
    }
}

/// The cells, and how far they were read.
struct Cells<'de> {
    row: Row<'de>,
    at: usize,
    start: usize,
}

impl<'de> Cells<'de> {
    fn of(row: Row<'de>) -> Self {
        Self { row, at: 0, start: 0 }
    }

    fn read<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refusal> {
        let end =
            *self.row.ends.get(self.at).ok_or_else(|| Refusal("the row has no more cells".to_owned()))?;
        let cell = self.row.text.get(self.start..end).unwrap_or_default();
        let column = self.at;
        (self.at, self.start) = (self.at + 1, end);
        seed.deserialize(Cell(cell)).map_err(|e| match self.row.header.get(column) {
            Some(name) => Refusal(format!("column {name}: {e}")),
            None => e,
        })
    }
}

impl<'de> MapAccess<'de> for Cells<'de> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        if self.at == self.row.ends.len() {
            return Ok(None);
        }
        let Some(name) = self.row.header.get(self.at) else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        self.read(seed)
    }
}

impl<'de> SeqAccess<'de> for Cells<'de> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        if self.at == self.row.ends.len() {
            return Ok(None);
        }
        self.read(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.row.ends.len() - self.at)
    }
}

/// What serde asks of a row and of a cell alike.
macro_rules! of_rows_and_cells {
    () => {
        fn deserialize_newtype_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Refusal> {
            visitor.visit_newtype_struct(self)
        }

        fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            visitor.visit_unit()
        }

        fn deserialize_unit_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Refusal> {
            visitor.visit_unit()
        }

        fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            visitor.visit_unit()
        }
    };
}

/// A row of one cell can be read as that cell.
macro_rules! only_cell {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            match self.ends {
                [_] => Cell(self.text).$method(visitor),
                _ => Err(Refusal("a row of several cells is no single value".to_owned())),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Row<'de> {
    type Error = Refusal;

    of_rows_and_cells!();

    only_cell! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32
        deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_map(Cells::of(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_map(Cells::of(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_map(Cells::of(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_seq(Cells::of(self))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        if len != self.ends.len() {
            return Err(Refusal(format!("the row has {} cells, not {len}", self.ends.len())));
        }
        visitor.visit_seq(Cells::of(self))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.ends {
            [_] => Cell(self.text).deserialize_enum(name, variants, visitor),
            _ => Err(Refusal("a row of several cells is no enum".to_owned())),
        }
    }
}

/// One cell. Empty is null.
struct Cell<'de>(&'de str);

macro_rules! parsed {
    ($($method:ident $visit:ident $ty:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let Self(text) = self;
            let value = text.parse::<$ty>();
            let value = value.map_err(|e| Refusal(format!("the cell is no {}: {e}", stringify!($ty))))?;
            visitor.$visit(value)
        })*
    };
}

/// Whether a cell has the form in which orgs write numbers: no sign but a minus, no zeros before the others, and an exponent
/// only behind a fraction, as in `9.12260031E8`.
fn is_number(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let bare = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, rest) = bare.split_once('.').unwrap_or((bare, "0"));
    let (fraction, exponent) = rest.split_once('E').unwrap_or((rest, "0"));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && digits(fraction)
        && digits(exponent.strip_prefix('-').unwrap_or(exponent))
}

fn no_cell<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal(format!("a cell is no {what}")))
}

impl<'de> Deserializer<'de> for Cell<'de> {
    type Error = Refusal;

    of_rows_and_cells!();

    parsed! {
        deserialize_bool visit_bool bool,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
        deserialize_char visit_char char,
    }

    /// What it looks like. Only what an org writes as a number is one: a type that takes anything loses no digit of a
    /// postal code, a phone number or a long key.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let Self(text) = self;
        match text {
            "true" => return visitor.visit_bool(true),
            "false" => return visitor.visit_bool(false),
            text if !is_number(text) => return visitor.visit_borrowed_str(text),
            _ => {}
        }
        if let Ok(number) = text.parse() {
            visitor.visit_u64(number)
        } else if let Ok(number) = text.parse() {
            visitor.visit_i64(number)
        } else if let Some(number) = text.parse().ok().filter(|n: &f64| n.is_finite() && text.contains('.')) {
            visitor.visit_f64(number)
        } else {
            visitor.visit_borrowed_str(text)
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_bytes(self.0.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_borrowed_bytes(self.0.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_enum(BorrowedStrDeserializer::new(self.0))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        no_cell("list")
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Refusal> {
        no_cell("tuple")
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        _: V,
    ) -> Result<V::Value, Refusal> {
        no_cell("tuple")
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        no_cell("map")
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Refusal> {
        no_cell("struct")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    enum Rating {
        Hot,
        Cold,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Name(String);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Lead {
        id: Name,
        #[serde(alias = "Amount__c")]
        amount: Option<f64>,
        rating: Option<Rating>,
        #[serde(default)]
        converted: bool,
        count: i32,
    }

    fn read<T: de::DeserializeOwned>(header: &[&str], cells: &[&str]) -> Result<T, String> {
        let header: Vec<String> = header.iter().map(|&h| h.to_owned()).collect();
        let mut ends = Vec::new();
        for cell in cells {
            ends.push(ends.last().copied().unwrap_or(0) + cell.len());
        }
        let text = cells.concat();
        T::deserialize(Row { header: &header, text: &text, ends: &ends }).map_err(|e| e.to_string())
    }

    /// What the csv crate makes of the same row.
    fn by_csv<T: de::DeserializeOwned>(header: &[&str], cells: &[&str]) -> Option<T> {
        let header: csv::StringRecord = header.iter().collect();
        cells.iter().collect::<csv::StringRecord>().deserialize(Some(&header)).ok()
    }

    #[test]
    fn columns_go_to_fields_by_name_and_an_empty_cell_is_none() {
        let header = ["rating", "unknown", "count", "Amount__c", "id"];
        let lead: Lead = read(&header, &["Cold", "x", "-7", "1.5", "Müller"]).unwrap();
        let expected = Lead {
            id: Name("Müller".to_owned()),
            amount: Some(1.5),
            rating: Some(Rating::Cold),
            converted: false,
            count: -7,
        };
        assert_eq!(lead, expected);
        let lead: Lead = read(&header, &["", "", "0", "", ""]).unwrap();
        assert_eq!((lead.rating, lead.amount, lead.id), (None, None, Name(String::new())));
    }

    #[test]
    fn an_error_names_the_column_and_the_type_and_never_what_stands_in_the_cell() {
        let error = read::<Lead>(&["id", "count"], &["1", "many"]).unwrap_err();
        assert_eq!(error, "column count: the cell is no i32: invalid digit found in string");
        let error = read::<Lead>(&["id", "rating"], &["1", "many"]).unwrap_err();
        assert_eq!(error, "column rating: the cell is none of Hot, Cold");
        #[derive(Debug, Deserialize)]
        struct Net {
            #[serde(rename = "ip")]
            _ip: std::net::IpAddr,
        }
        #[derive(Debug, Deserialize)]
        struct Bytes {
            #[serde(rename = "ip")]
            _ip: serde_json::Map<String, serde_json::Value>,
        }
        for error in [
            read::<Net>(&["ip"], &["many"]).unwrap_err(),
            read::<Bytes>(&["ip"], &["many"]).unwrap_err(),
            read::<BTreeMap<String, std::num::NonZeroU8>>(&["ip"], &["0"]).unwrap_err(),
        ] {
            assert!(error.starts_with("column ip: ") && !error.contains("many"), "{error}");
            assert!(!error.contains('`'), "{error}");
        }
        assert_eq!(read::<Lead>(&["id"], &["1"]).unwrap_err(), "missing field `count`");
        assert!(
            read::<BTreeMap<String, Vec<u8>>>(&["a"], &["1"])
                .unwrap_err()
                .contains("column a: a cell is no list")
        );
    }

    #[test]
    fn a_text_that_looks_like_a_number_of_no_org_is_not_lost_where_anything_is_taken() {
        type Any = BTreeMap<String, serde_json::Value>;
        for text in [
            "NaN",
            "nan",
            "inf",
            "-Infinity",
            "1.0E999",
            "0x1F",
            "007",
            "-01",
            "01067",
            "+4930123",
            "1e3",
            "12E5",
            ".5",
            "5.",
            "1.E5",
            "1.2.3",
            "89490200001234567890",
            "-9223372036854775809",
            "",
        ] {
            let any: Any = read(&["LastName"], &[text]).unwrap();
            assert_eq!(any["LastName"], text);
        }
        for (text, number) in
            [("0", 0.0), ("0.50", 0.5), ("2102.00", 2102.0), ("-9.12260031E8", -912_260_031.0)]
        {
            let any: Any = read(&["Amount"], &[text]).unwrap();
            assert_eq!(any["Amount"].as_f64(), Some(number), "{text}");
        }
        assert_eq!(read::<Any>(&["a"], &["9007199254740993"]).unwrap()["a"], 9_007_199_254_740_993_u64);
    }

    #[test]
    fn fields_of_flattened_structs_are_numbers_and_texts_as_they_say() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct Address {
            zip: String,
            latitude: f64,
        }
        #[derive(Debug, Deserialize, PartialEq)]
        struct Site {
            name: String,
            #[serde(flatten)]
            address: Address,
        }
        let read: Site = read(&["name", "zip", "latitude"], &["Dresden", "01067", "51.05"]).unwrap();
        let address = Address { zip: "01067".to_owned(), latitude: 51.05 };
        assert_eq!(read, Site { name: "Dresden".to_owned(), address });
    }

    #[test]
    fn maps_tuples_lists_and_single_values_are_what_the_csv_crate_makes_of_them() {
        let (header, cells) = (["a", "b", "c"], ["1", "true", "x"]);
        type Map = BTreeMap<String, String>;
        assert_eq!(read::<Map>(&header, &cells).ok(), by_csv::<Map>(&header, &cells));
        type Any = BTreeMap<String, serde_json::Value>;
        for cells in [
            ["1", "true", "x"],
            ["-1", "", "1.0E3"],
            ["7", "1.50", "false"],
            ["18446744073709551615", "-0", "nul"],
        ] {
            assert!(by_csv::<Any>(&header, &cells).is_some());
            assert_eq!(read::<Any>(&header, &cells).ok(), by_csv::<Any>(&header, &cells));
        }
        type Tuple = (u8, bool, String);
        assert_eq!(read::<Tuple>(&header, &cells).ok(), by_csv::<Tuple>(&header, &cells));
        assert_eq!(read::<Vec<String>>(&header, &cells).ok(), by_csv::<Vec<String>>(&header, &cells));
        assert_eq!(read::<u8>(&["a"], &["7"]), Ok(7));
        assert_eq!(read::<Rating>(&["a"], &["Hot"]), Ok(Rating::Hot));
        assert!(read::<u8>(&header, &cells).is_err());
        assert!(read::<(u8, bool)>(&header, &cells).is_err());
    }
}
