//! A serde value as the cells of a row.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Impossible, Serialize};

use super::encode::{self, NOT_APPLICABLE, RowText, null, text};
use crate::Nulls;

/// The columns that rows are written to.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    /// Whether a field that is no column becomes one: as long as the first row is written.
    pub(super) open: bool,
    /// The text that named a column the last time: where it is the very same, nothing has to be compared.
    keys: Vec<Option<&'static str>>,
}

impl Columns {
    /// These columns; none of them: those that the first row has.
    pub(super) fn new(names: Vec<String>) -> Self {
        Self { open: names.is_empty(), names, keys: Vec::new() }
    }
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

impl ser::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Writes a row's cells; columns that it does not name are left empty, which leaves their fields as they are.
pub(super) fn write_row(
    row: &impl Serialize,
    nulls: Nulls,
    columns: &mut Columns,
    out: &mut RowText,
) -> Result<(), Refusal> {
    out.begin(columns.names.len());
    row.serialize(RowSerializer(Cells { nulls, columns, out, next: 0 }))?;
    columns.open = false;
    Ok(())
}

struct Cells<'a> {
    nulls: Nulls,
    columns: &'a mut Columns,
    out: &'a mut RowText,
    /// The column after the one written last: fields come in the same order in nearly every row.
    next: usize,
}

impl Cells<'_> {
    fn place(&mut self, name: &str) -> Result<usize, Refusal> {
        let at = self.next;
        if self.columns.names.get(at).is_some_and(|n| n == name) {
            return Ok(at);
        }
        if let Some(at) = self.columns.names.iter().position(|n| n == name) {
            return Ok(at);
        }
        if !self.columns.open {
            let text = format!(
                "field {name} is no column: the first row did not have it; name all columns beforehand \
                 (`columns`)"
            );
            return Err(Refusal(text));
        }
        self.columns.names.push(name.to_owned());
        self.out.add_column();
        Ok(self.columns.names.len() - 1)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, at: usize, name: &str, field: &T) -> Result<(), Refusal> {
        if self.out.has(at) {
            return Err(Refusal(format!("field {name} stands twice in the row")));
        }
        let nulls = self.nulls;
        self.out
            .cell(at, |out| field.serialize(CellSerializer { nulls, out }))
            .map_err(|e| Refusal(format!("field {name}: {e}")))?;
        self.next = at + 1;
        Ok(())
    }
}

impl ser::SerializeStruct for Cells<'_> {
    type Ok = ();
    type Error = Refusal;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, v: &T) -> Result<(), Refusal> {
        let known = self.columns.keys.get(self.next).copied().flatten();
        if known.is_some_and(|known| std::ptr::eq(known, key)) {
            return self.field(self.next, key, v);
        }
        let at = self.place(key)?;
        if self.columns.keys.len() <= at {
            self.columns.keys.resize(at + 1, None);
        }
        self.columns.keys[at] = Some(key);
        self.field(at, key, v)
    }

    fn end(self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl ser::SerializeMap for Cells<'_> {
    type Ok = ();
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        self.out.name.clear();
        key.serialize(CellSerializer { nulls: Nulls::Ignore, out: &mut self.out.name })
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Refusal> {
        let name = std::mem::take(&mut self.out.name);
        let written = self.place(&name).and_then(|at| self.field(at, &name, v));
        self.out.name = name;
        written
    }

    fn end(self) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Takes structs and maps; everything else is no row.
struct RowSerializer<'a>(Cells<'a>);

fn no_row<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal(format!("{what} is no row: a row is a struct or a map, whose names are the columns")))
}

macro_rules! refuse {
    ($refuse:ident: $($method:ident($($ty:ty),*) -> $ok:ty = $what:literal,)*) => {
        $(fn $method(self, $(_: $ty),*) -> Result<$ok, Refusal> { $refuse($what) })*
    };
}

/// What serde has as generic methods, and rows and cells treat alike.
macro_rules! see_through {
    ($refuse:ident) => {
        fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<(), Refusal> {
            v.serialize(self)
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: Name, v: &T) -> Result<(), Refusal> {
            v.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: Name,
            _: u32,
            _: Name,
            _: &T,
        ) -> Result<(), Refusal> {
            $refuse("an enum with a value")
        }
    };
}

type Name = &'static str;

impl<'a> ser::Serializer for RowSerializer<'a> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Impossible<(), Refusal>;
    type SerializeTuple = Impossible<(), Refusal>;
    type SerializeTupleStruct = Impossible<(), Refusal>;
    type SerializeTupleVariant = Impossible<(), Refusal>;
    type SerializeMap = Cells<'a>;
    type SerializeStruct = Cells<'a>;
    type SerializeStructVariant = Impossible<(), Refusal>;

    refuse! { no_row:
        serialize_bool(bool) -> () = "a boolean",
        serialize_i8(i8) -> () = "a number",
        serialize_i16(i16) -> () = "a number",
        serialize_i32(i32) -> () = "a number",
        serialize_i64(i64) -> () = "a number",
        serialize_u8(u8) -> () = "a number",
        serialize_u16(u16) -> () = "a number",
        serialize_u32(u32) -> () = "a number",
        serialize_u64(u64) -> () = "a number",
        serialize_f32(f32) -> () = "a number",
        serialize_f64(f64) -> () = "a number",
        serialize_char(char) -> () = "a letter",
        serialize_str(&str) -> () = "a text",
        serialize_bytes(&[u8]) -> () = "a byte string",
        serialize_none() -> () = "a null",
        serialize_unit() -> () = "a null",
        serialize_unit_struct(Name) -> () = "a struct without fields",
        serialize_unit_variant(Name, u32, Name) -> () = "an enum",
        serialize_seq(Option<usize>) -> Self::SerializeSeq = "a list",
        serialize_tuple(usize) -> Self::SerializeTuple = "a tuple",
        serialize_tuple_struct(Name, usize) -> Self::SerializeTupleStruct = "a tuple",
        serialize_tuple_variant(Name, u32, Name, usize) -> Self::SerializeTupleVariant = "an enum",
        serialize_struct_variant(Name, u32, Name, usize) -> Self::SerializeStructVariant = "an enum",
    }

    see_through!(no_row);

    fn serialize_map(self, _: Option<usize>) -> Result<Cells<'a>, Refusal> {
        Ok(self.0)
    }

    fn serialize_struct(self, _: Name, _: usize) -> Result<Cells<'a>, Refusal> {
        Ok(self.0)
    }
}

/// Writes one value as the text of a cell.
struct CellSerializer<'a> {
    nulls: Nulls,
    out: &'a mut String,
}

impl CellSerializer<'_> {
    fn null(self) -> Result<(), Refusal> {
        null(self.nulls, self.out);
        Ok(())
    }

    fn integer(self, v: impl itoa::Integer) -> Result<(), Refusal> {
        self.out.push_str(itoa::Buffer::new().format(v));
        Ok(())
    }
}

fn no_number<T>(v: impl Display) -> Result<T, Refusal> {
    Err(Refusal(format!("{v} is no number of an org")))
}

fn no_cell<T>(what: &str) -> Result<T, Refusal> {
    Err(Refusal(format!(
        "{what} is no cell; a field of a parent is named with a dot, as in `Account.Ext__c`"
    )))
}

macro_rules! integers {
    ($($method:ident($ty:ty),)*) => {
        $(fn $method(self, v: $ty) -> Result<(), Refusal> { self.integer(v) })*
    };
}

impl ser::Serializer for CellSerializer<'_> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Impossible<(), Refusal>;
    type SerializeTuple = Impossible<(), Refusal>;
    type SerializeTupleStruct = Impossible<(), Refusal>;
    type SerializeTupleVariant = Impossible<(), Refusal>;
    type SerializeMap = Impossible<(), Refusal>;
    type SerializeStruct = Impossible<(), Refusal>;
    type SerializeStructVariant = Impossible<(), Refusal>;

    integers! {
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128),
    }

    refuse! { no_cell:
        serialize_seq(Option<usize>) -> Self::SerializeSeq = "a list",
        serialize_tuple(usize) -> Self::SerializeTuple = "a tuple",
        serialize_tuple_struct(Name, usize) -> Self::SerializeTupleStruct = "a tuple",
        serialize_tuple_variant(Name, u32, Name, usize) -> Self::SerializeTupleVariant = "an enum with a value",
        serialize_map(Option<usize>) -> Self::SerializeMap = "a map",
        serialize_struct(Name, usize) -> Self::SerializeStruct = "a struct",
        serialize_struct_variant(Name, u32, Name, usize) -> Self::SerializeStructVariant = "an enum with a value",
    }

    see_through!(no_cell);

    #[inline]
    fn serialize_bool(self, v: bool) -> Result<(), Refusal> {
        self.out.push_str(if v { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, v: f32) -> Result<(), Refusal> {
        if !v.is_finite() {
            return no_number(v);
        }
        // Zero has no sign in an org.
        encode::shortest(v + 0.0, self.out);
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, v: f64) -> Result<(), Refusal> {
        if !v.is_finite() {
            return no_number(v);
        }
        // Zero has no sign in an org.
        encode::number(v + 0.0, self.out);
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), Refusal> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<(), Refusal> {
        text(v, self.nulls, self.out).map_err(Refusal)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Refusal> {
        Err(Refusal("bytes are no cell: write them as base64 text".to_owned()))
    }

    fn serialize_none(self) -> Result<(), Refusal> {
        self.null()
    }

    fn serialize_unit(self) -> Result<(), Refusal> {
        self.null()
    }

    fn serialize_unit_struct(self, _: Name) -> Result<(), Refusal> {
        self.null()
    }

    fn serialize_unit_variant(self, _: Name, _: u32, variant: Name) -> Result<(), Refusal> {
        self.serialize_str(variant)
    }

    /// Dates and decimals of other crates come this way: without a text of their own.
    fn collect_str<T: Display + ?Sized>(self, v: &T) -> Result<(), Refusal> {
        let from = self.out.len();
        write!(self.out, "{v}").map_err(|e| Refusal(e.to_string()))?;
        match self.out.get(from..).unwrap_or_default() {
            "" => self.null(),
            NOT_APPLICABLE => text(NOT_APPLICABLE, self.nulls, self.out).map_err(Refusal),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
