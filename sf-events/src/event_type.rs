//! The definition of an event in the org, from its describe.

use serde::Deserialize;
use sf_core::record::{Field, FieldType};

/// The definition of a platform event in the org.
#[derive(Debug, Clone)]
pub struct EventType {
    name: String,
    createable: bool,
    fields: Vec<EventField>,
}

#[derive(Debug, Clone)]
pub(crate) struct EventField {
    pub(crate) field: Field,
    /// Whether the publisher may set it: `CreatedDate`, `ReplayId` and their like are the org's.
    pub(crate) createable: bool,
    pub(crate) defaulted: bool,
}

impl EventField {
    pub(crate) fn name(&self) -> &str {
        self.field.name()
    }

    /// Whether an event without it is refused.
    pub(crate) fn required(&self) -> bool {
        self.createable
            && !self.defaulted
            && !self.field.nillable()
            && self.field.field_type() != FieldType::Boolean
    }
}

impl EventType {
    /// The API name, as the org spells it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the fields that a publisher can set.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|f| f.createable).map(EventField::name)
    }

    /// The names of the fields that an event must have.
    pub fn required_fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(|f| f.required()).map(EventField::name)
    }

    pub(crate) fn createable(&self) -> bool {
        self.createable
    }

    pub(crate) fn all(&self) -> &[EventField] {
        &self.fields
    }
}

/// The keys of a describe that are needed here; it has many more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Describe {
    name: String,
    createable: bool,
    fields: Vec<DescribeField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribeField {
    name: String,
    #[serde(rename = "type")]
    field_type: String,
    #[serde(default = "yes")]
    createable: bool,
    #[serde(default = "yes")]
    nillable: bool,
    #[serde(default)]
    defaulted_on_create: bool,
    #[serde(default)]
    length: u32,
}

fn yes() -> bool {
    true
}

impl From<Describe> for EventType {
    fn from(describe: Describe) -> Self {
        let fields = describe.fields.into_iter().map(|f| EventField {
            field: Field::new(f.name, FieldType::from_describe(&f.field_type))
                .with_nillable(f.nillable)
                .with_length(f.length),
            createable: f.createable,
            defaulted: f.defaulted_on_create,
        });
        Self { name: describe.name, createable: describe.createable, fields: fields.collect() }
    }
}
