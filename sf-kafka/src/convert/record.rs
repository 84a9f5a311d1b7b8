//! A Salesforce row as the key and the value of a Kafka record, in Kafka Connect's JSON.
//!
//! What a field becomes:
//!
//! | Salesforce | Connect | payload |
//! |---|---|---|
//! | boolean | `boolean` | `true` |
//! | int | `int32` | `42` |
//! | long | `int64` | `42` |
//! | double, percent | `double` | the digits of the cell, exact: `0.10` stays `0.10` |
//! | currency | `string` | the cell |
//! | date | `int32`, [`DATE`](super::data::DATE) | days since 1970 |
//! | datetime | `int64`, [`TIMESTAMP`](super::data::TIMESTAMP) | milliseconds since 1970 in UTC |
//! | time | `int32`, [`TIME`](super::data::TIME) | milliseconds since midnight |
//! | everything else | `string` | the cell |
//!
//! Dates, datetimes and times can be kept as the text that Salesforce sent. An empty cell is null. A field
//! that the row has no column for is null under a schema, which knows no third thing, and left out without.
//! The schemas are named as Confluent's connectors name them, so that what is registered stays valid.

mod cell;

use std::sync::Arc;

use sf_core::record::{DataType, Field, FieldType, Record, csv_cell};

use super::data::{self, Schema};
use super::json::{JsonConfig, JsonConverter, write_text};
use super::{Error, ErrorKind, Result};
use cell::Shape;

const ID: &str = "Id";
const NAMESPACE: &str = "io.confluent.salesforce";

/// How rows are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonRecordConfig {
    /// Whether the value is written as `{"schema":…,"payload":…}`.
    pub value_schema: bool,
    /// The same for the key.
    pub key_schema: bool,
    /// Date, datetime and time fields that stay text (`skip.epoch.conversion.fields`).
    pub text_fields: Vec<String>,
    /// The fields that the key consists of.
    pub key_fields: Vec<String>,
}

impl Default for JsonRecordConfig {
    fn default() -> Self {
        Self {
            value_schema: false,
            key_schema: false,
            text_fields: Vec::new(),
            key_fields: vec![ID.to_owned()],
        }
    }
}

/// Writes rows of one schema. It is made once; writing allocates nothing but what the buffer grows by.
///
/// ```
/// use std::sync::Arc;
/// use sf_core::record::{Columns, Extra, Field, FieldType, Record, Schema};
/// use sf_kafka::convert::record::{JsonRecord, JsonRecordConfig};
///
/// let fields = vec![
///     Field::new("Id", FieldType::Id),
///     Field::new("AnnualRevenue", FieldType::Currency),
///     Field::new("Latitude", FieldType::Double),
///     Field::new("CreatedDate", FieldType::DateTime),
/// ];
/// let schema = Arc::new(Schema::new("Lead", fields)?);
/// let columns = Columns::new(&schema, ["Id", "AnnualRevenue", "Latitude", "CreatedDate"], Extra::Refuse)?;
/// let mut row = Record::new(Arc::new(columns));
/// row.set_cells(["00Q5g00000ABCDEEA4", "98765.43", "", "2023-11-14T22:13:20.123Z"])?;
///
/// let writer = JsonRecord::new(&schema, &JsonRecordConfig::default())?;
/// let mut value = Vec::new();
/// writer.write_value(&row, &mut value)?;
/// assert_eq!(
///     String::from_utf8(value)?,
///     r#"{"Id":"00Q5g00000ABCDEEA4","AnnualRevenue":"98765.43","Latitude":null,"CreatedDate":1700000000123}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct JsonRecord {
    schema: Arc<sf_core::record::Schema>,
    id: Option<usize>,
    value: Part,
    key: Part,
}

/// The key or the value.
#[derive(Debug, Clone)]
struct Part {
    schema: Arc<Schema>,
    /// What stands before the struct: nothing, or the envelope with the schema.
    head: Vec<u8>,
    enveloped: bool,
    members: Vec<Member>,
}

#[derive(Debug, Clone)]
struct Member {
    /// The position in the schema of the rows.
    at: usize,
    /// `"Name":`
    name: Box<[u8]>,
    shape: Shape,
    required: bool,
}

impl JsonRecord {
    /// A writer for rows of this schema.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] where a field that the settings name does not exist, is none of the kinds that
    /// can be kept as text, or where the key has no fields.
    pub fn new(schema: &Arc<sf_core::record::Schema>, config: &JsonRecordConfig) -> Result<Self> {
        let object = schema.object();
        let find = |name: &String, use_: &str| {
            schema.position(name).ok_or_else(|| {
                let message = format!("{object} has no field {name:?} among those that are read, {use_}");
                Error::new(ErrorKind::Config, message)
            })
        };
        let mut kept = vec![false; schema.fields().len()];
        for name in &config.text_fields {
            let at = find(name, "so it cannot be kept as text")?;
            let data_type = schema.fields()[at].data_type();
            if !matches!(data_type, DataType::Date | DataType::DateTime | DataType::Time) {
                let kind = schema.fields()[at].field_type();
                let message = format!(
                    "{name} of {object} is {kind}: only date, datetime and time fields are converted"
                );
                return Err(Error::new(ErrorKind::Config, message));
            }
            kept[at] = true;
        }
        let key: Vec<_> = config
            .key_fields
            .iter()
            .map(|name| find(name, "so it cannot be in the key"))
            .collect::<Result<_>>()?;
        if key.is_empty() {
            return Err(Error::new(ErrorKind::Config, format!("the key of {object} has no fields")));
        }
        let all: Vec<_> = (0..schema.fields().len()).collect();
        let part = |name: String, members: &[usize], enveloped, doc| {
            Part::new(name, schema.fields(), members, &kept, enveloped, doc)
        };
        Ok(Self {
            schema: Arc::clone(schema),
            id: schema.position(ID),
            value: part(format!("{NAMESPACE}.{object}"), &all, config.value_schema, None)?,
            key: part(
                format!("{NAMESPACE}.{object}Key"),
                &key,
                config.key_schema,
                Some("Unique identifier for the object."),
            )?,
        })
    }

    /// The schema of the values, as Kafka Connect has it.
    pub fn value_schema(&self) -> &Arc<Schema> {
        &self.value.schema
    }

    /// The schema of the keys, as Kafka Connect has it.
    pub fn key_schema(&self) -> &Arc<Schema> {
        &self.key.schema
    }

    /// Appends the value of a row. After an error the buffer is as it was.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Data`] where a cell does not hold what its type says, or the row has no Id. The message
    /// names object, Id and field, and shows the beginning of the cell.
    pub fn write_value(&self, record: &Record, out: &mut Vec<u8>) -> Result<()> {
        self.write(&self.value, record, out)
    }

    /// Appends the key of a row. After an error the buffer is as it was.
    ///
    /// # Errors
    ///
    /// As [`JsonRecord::write_value`].
    pub fn write_key(&self, record: &Record, out: &mut Vec<u8>) -> Result<()> {
        self.write(&self.key, record, out)
    }

    fn write(&self, part: &Part, record: &Record, out: &mut Vec<u8>) -> Result<()> {
        if !Arc::ptr_eq(record.schema(), &self.schema) && *record.schema() != self.schema {
            let (of, given) = (self.schema.object(), record.schema().object());
            return Err(Error::data(format!(
                "a writer for rows of {of} was given a row of {given} with other fields"
            )));
        }
        let start = out.len();
        out.extend_from_slice(&part.head);
        out.push(b'{');
        let mut first = true;
        for member in &part.members {
            let cell = record.cell(member.at);
            if cell.is_none() && !part.enveloped && !member.required {
                continue;
            }
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(&member.name);
            let written = match cell.unwrap_or_default() {
                "" if member.required => false,
                "" => {
                    out.extend_from_slice(b"null");
                    true
                }
                cell => member.shape.write(&self.schema.fields()[member.at], cell, out),
            };
            if !written {
                out.truncate(start);
                return Err(self.refusal(member, record));
            }
        }
        out.extend_from_slice(if part.enveloped { b"}}" } else { b"}" });
        Ok(())
    }

    #[cold]
    fn refusal(&self, member: &Member, record: &Record) -> Error {
        let object = self.schema.object();
        let field = &self.schema.fields()[member.at];
        let id = self.id.and_then(|at| record.cell(at)).filter(|id| !id.is_empty());
        let Some(cell) = record.cell(member.at).filter(|cell| !cell.is_empty()) else {
            return Error::data(format!("a row of {object} has no {}", field.name()));
        };
        // Where it stands, and not what stands there: errors are logged, and a row is somebody's data.
        let why = match csv_cell::decode(field, cell) {
            Err(_) => "what is no value of its type".to_owned(),
            Ok(_) => format!("a value beyond {}", member.shape.range()),
        };
        let (id, name, kind) = (id.unwrap_or("without Id"), field.name(), field.field_type());
        Error::data(format!("{object} {id}: field {name} ({kind}) holds {why}"))
    }
}

impl Part {
    fn new(
        name: String,
        fields: &[Field],
        positions: &[usize],
        kept: &[bool],
        enveloped: bool,
        id_doc: Option<&str>,
    ) -> Result<Self> {
        let mut members = Vec::with_capacity(positions.len());
        let mut schemas = Vec::with_capacity(positions.len());
        for at in positions {
            let field = &fields[*at];
            let shape = if kept[*at] { Shape::Text } else { Shape::of(field.field_type()) };
            let required = field.name().eq_ignore_ascii_case(ID);
            let schema = match (required, id_doc) {
                (false, _) => shape.schema().optional(),
                (true, Some(doc)) => shape.schema().with_doc(doc),
                (true, None) => shape.schema(),
            };
            schemas.push((field.name(), schema));
            let mut name = Vec::new();
            write_text(field.name(), &mut name);
            name.push(b':');
            members.push(Member { at: *at, name: name.into(), shape, required });
        }
        let schema = Schema::structure(schemas)?.named(name);
        let mut head = Vec::new();
        if enveloped {
            head.extend_from_slice(b"{\"schema\":");
            JsonConverter::new(JsonConfig::default()).write_schema(Some(&schema), &mut head)?;
            head.extend_from_slice(b",\"payload\":");
        }
        Ok(Self { schema: Arc::new(schema), head, enveloped, members })
    }
}

impl Shape {
    fn of(kind: FieldType) -> Self {
        match kind {
            FieldType::Boolean => Self::Boolean,
            FieldType::Int => Self::Int32,
            FieldType::Long => Self::Int64,
            FieldType::Double | FieldType::Percent => Self::Number,
            FieldType::Currency => Self::Amount,
            FieldType::Date => Self::Date,
            FieldType::DateTime => Self::DateTime,
            FieldType::Time => Self::Time,
            _ => Self::Text,
        }
    }

    fn schema(self) -> Schema {
        match self {
            Self::Text | Self::Amount => data::Schema::string(),
            Self::Boolean => Schema::boolean(),
            Self::Int32 => Schema::int32(),
            Self::Int64 => Schema::int64(),
            Self::Number => Schema::float64(),
            Self::Date => Schema::date(),
            Self::DateTime => Schema::timestamp(),
            Self::Time => Schema::time(),
        }
    }
}

#[cfg(test)]
mod tests;
