//! What the fields of an object are.

use std::cmp::Ordering;
use std::fmt;

use crate::{Error, ErrorKind, Result};

/// The type of a field, in the words of an object's describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldType {
    /// The record's own id.
    Id,
    /// Text of one line.
    String,
    /// The id of another record.
    Reference,
    /// True or false, never null.
    Boolean,
    /// A whole number of up to 8 digits, or what a formula makes of it.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// A number with decimals. Decimal all the same: Salesforce keeps the digits.
    Double,
    /// An amount of money.
    Currency,
    /// A percentage: 12.5 is 12.5 %.
    Percent,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// A time of day.
    Time,
    /// One of a list of values.
    Picklist,
    /// Several of a list of values, joined by `;`.
    MultiPicklist,
    /// A list of values that takes others as well.
    Combobox,
    /// Text of several lines, perhaps with markup.
    TextArea,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A link.
    Url,
    /// Text that some users see masked.
    EncryptedString,
    /// A value whose type differs from row to row.
    AnyType,
    /// Bytes. Bulk API 2.0 queries cannot read them.
    Base64,
    /// A compound of street, city and so on. Bulk API 2.0 queries cannot read it.
    Address,
    /// A compound of latitude and longitude. Bulk API 2.0 queries cannot read it.
    Location,
    /// A structure that only metadata objects have.
    ComplexValue,
    /// JSON as text.
    Json,
    /// A type that this version does not know; read as text.
    Other,
}

/// The describe's word for each type.
const WORDS: &[(&str, FieldType)] = &[
    ("id", FieldType::Id),
    ("string", FieldType::String),
    ("reference", FieldType::Reference),
    ("boolean", FieldType::Boolean),
    ("int", FieldType::Int),
    ("long", FieldType::Long),
    ("double", FieldType::Double),
    ("currency", FieldType::Currency),
    ("percent", FieldType::Percent),
    ("date", FieldType::Date),
    ("datetime", FieldType::DateTime),
    ("time", FieldType::Time),
    ("picklist", FieldType::Picklist),
    ("multipicklist", FieldType::MultiPicklist),
    ("combobox", FieldType::Combobox),
    ("textarea", FieldType::TextArea),
    ("phone", FieldType::Phone),
    ("email", FieldType::Email),
    ("url", FieldType::Url),
    ("encryptedstring", FieldType::EncryptedString),
    ("anyType", FieldType::AnyType),
    ("base64", FieldType::Base64),
    ("address", FieldType::Address),
    ("location", FieldType::Location),
    ("complexvalue", FieldType::ComplexValue),
    ("json", FieldType::Json),
];

impl FieldType {
    /// The type that a describe names. A word that this version does not know is [`FieldType::Other`]: a new
    /// type in an org must not stop those who read other fields.
    pub fn from_describe(word: &str) -> Self {
        WORDS.iter().find(|(w, _)| w.eq_ignore_ascii_case(word)).map_or(Self::Other, |(_, t)| *t)
    }

    /// The describe's word for it; `other` for [`FieldType::Other`].
    pub fn as_str(self) -> &'static str {
        WORDS.iter().find(|(_, t)| *t == self).map_or("other", |(w, _)| w)
    }

    /// What a cell of this type holds.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Int | Self::Long => DataType::Integer,
            Self::Double | Self::Currency | Self::Percent => DataType::Decimal,
            Self::Date => DataType::Date,
            Self::DateTime => DataType::DateTime,
            Self::Time => DataType::Time,
            _ => DataType::Text,
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a cell holds, whatever the field is called in Salesforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal number, exact.
    Decimal,
    /// A day.
    Date,
    /// An instant, in UTC.
    DateTime,
    /// A time of day.
    Time,
}

/// A field of a [`Schema`]. The name may be dotted, as in `Account.Name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: Box<str>,
    field_type: FieldType,
    nillable: bool,
    length: u32,
    digits: u32,
    precision: u32,
    scale: u32,
}

impl Field {
    /// A field that may be null, of no particular length.
    pub fn new(name: impl Into<Box<str>>, field_type: FieldType) -> Self {
        Self { name: name.into(), field_type, nillable: true, length: 0, digits: 0, precision: 0, scale: 0 }
    }

    /// Says whether a row may have no value here.
    #[must_use]
    pub fn with_nillable(mut self, nillable: bool) -> Self {
        self.nillable = nillable;
        self
    }

    /// Says how many characters a text may have.
    #[must_use]
    pub fn with_length(mut self, length: u32) -> Self {
        self.length = length;
        self
    }

    /// Says how many digits a whole number may have.
    #[must_use]
    pub fn with_digits(mut self, digits: u32) -> Self {
        self.digits = digits;
        self
    }

    /// Says how many digits a decimal may have, and how many of them after the point.
    #[must_use]
    pub fn with_precision(mut self, precision: u32, scale: u32) -> Self {
        self.precision = precision;
        self.scale = scale;
        self
    }

    /// The name as Salesforce spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Salesforce's type.
    pub fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// What a cell of it holds.
    pub fn data_type(&self) -> DataType {
        self.field_type.data_type()
    }

    /// Whether a row may have no value here.
    pub fn nillable(&self) -> bool {
        self.nillable
    }

    /// The most characters of a text; 0 where that is not said.
    pub fn length(&self) -> u32 {
        self.length
    }

    /// The most digits of a whole number; 0 where that is not said.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    /// The most digits of a decimal; 0 where that is not said.
    pub fn precision(&self) -> u32 {
        self.precision
    }

    /// The digits after the point of a decimal.
    pub fn scale(&self) -> u32 {
        self.scale
    }
}

/// The fields of the rows of one object, in order. Names are found whatever their case, as in Salesforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    object: Box<str>,
    fields: Vec<Field>,
    /// Positions in the order of the names without case, to look names up without copying them.
    by_name: Vec<usize>,
}

impl Schema {
    /// A schema of these fields.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] where two fields have the same name, case aside.
    pub fn new(object: impl Into<Box<str>>, fields: Vec<Field>) -> Result<Self> {
        let object = object.into();
        let mut by_name: Vec<usize> = (0..fields.len()).collect();
        by_name.sort_by(|a, b| compare(&fields[*a].name, &fields[*b].name));
        for pair in by_name.windows(2) {
            let (first, second) = (&fields[pair[0]].name, &fields[pair[1]].name);
            if first.eq_ignore_ascii_case(second) {
                let message = format!("the schema of {object} has the field {second} twice");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        Ok(Self { object, fields, by_name })
    }

    /// The object's name.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The fields, in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Where a field stands, whatever the case of the name.
    pub fn position(&self, name: &str) -> Option<usize> {
        let found = self.by_name.binary_search_by(|i| compare(&self.fields[*i].name, name));
        found.ok().map(|at| self.by_name[at])
    }

    /// A field by its name, whatever the case.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.position(name).map(|i| &self.fields[i])
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    a.bytes().map(|b| b.to_ascii_lowercase()).cmp(b.bytes().map(|b| b.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_a_describe_is_its_own_type() {
        for (word, field_type) in WORDS {
            assert_eq!(FieldType::from_describe(word), *field_type);
            assert_eq!(field_type.as_str(), *word);
        }
        assert_eq!(FieldType::from_describe("dataCategoryGroupReference"), FieldType::Other);
        assert_eq!(FieldType::Other.data_type(), DataType::Text);
    }

    #[test]
    fn numbers_with_decimals_are_decimals_and_the_others_integers() {
        for word in ["double", "currency", "percent"] {
            assert_eq!(FieldType::from_describe(word).data_type(), DataType::Decimal);
        }
        for word in ["int", "long"] {
            assert_eq!(FieldType::from_describe(word).data_type(), DataType::Integer);
        }
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let fields = ["Name", "Account.Name", "Id", "AccountId"];
        let schema = Schema::new("Contact", fields.map(|n| Field::new(n, FieldType::String)).into()).unwrap();
        for (i, name) in fields.iter().enumerate() {
            assert_eq!(schema.position(name), Some(i));
            assert_eq!(schema.position(&name.to_uppercase()), Some(i));
        }
        assert_eq!(schema.position("Account"), None);
        assert_eq!(schema.field("account.name").unwrap().name(), "Account.Name");
    }

    #[test]
    fn a_field_twice_is_refused_whatever_its_case() {
        let fields = ["Name", "Id", "NAME"].map(|n| Field::new(n, FieldType::String));
        let error = Schema::new("Contact", fields.into()).unwrap_err();
        assert_eq!(error.to_string(), "the schema of Contact has the field NAME twice");
    }
}
