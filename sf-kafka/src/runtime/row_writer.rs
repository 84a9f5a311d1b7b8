//! A row as key and value, by the converters of a configuration.

use std::sync::Arc;

use sf_core::record::{Record, Schema};

use crate::config::{BulkQuerySource, KeyConverter, TableConfig};
use crate::convert::record::{JsonRecord, JsonRecordConfig};
use crate::{Error, Outlook, Result};

/// Writes rows into two buffers that it keeps.
pub(super) struct RowWriter {
    json: JsonRecord,
    /// The position of the Id, where the key is plain text.
    plain_key: Option<usize>,
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl RowWriter {
    pub(super) fn new(schema: &Arc<Schema>, config: &BulkQuerySource, table: &TableConfig) -> Result<Self> {
        let (key_schema, plain) = match &config.key_converter {
            KeyConverter::Json(json) => (json.schemas_enable, false),
            KeyConverter::Text => (false, true),
        };
        let settings = JsonRecordConfig {
            value_schema: config.value_converter.schemas_enable,
            key_schema,
            text_fields: table.keep_iso.clone(),
            ..JsonRecordConfig::default()
        };
        let json = JsonRecord::new(schema, &settings).map_err(|e| {
            Error::new(Outlook::Final, "rows of this object cannot be converted").with_source(e)
        })?;
        let plain_key = if plain { schema.position("Id") } else { None };
        Ok(Self { json, plain_key, key: Vec::new(), value: Vec::new() })
    }

    pub(super) fn write(&mut self, row: &Record) -> Result<()> {
        self.key.clear();
        self.value.clear();
        let wrong = |e| Error::new(Outlook::Final, "a row cannot be converted").with_source(e);
        match self.plain_key {
            Some(id) => self.key.extend_from_slice(row.cell(id).unwrap_or_default().as_bytes()),
            None => self.json.write_key(row, &mut self.key).map_err(wrong)?,
        }
        self.json.write_value(row, &mut self.value).map_err(wrong)
    }

    pub(super) fn size(&self) -> usize {
        self.key.len() + self.value.len()
    }
}
