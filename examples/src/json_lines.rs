//! Rows as JSON, one object a line.

use sf_core::record::csv_cell::{NullCell, encode};
use sf_core::record::{Record, Value};

use crate::Result;

/// Appends a row and a line feed. Numbers keep the digits that the org sent, and what has no value is null.
///
/// # Errors
/// A cell that is not of its field's type.
pub fn push(row: &Record, out: &mut Vec<u8>) -> Result<()> {
    let (mut first, mut cell) = (true, String::new());
    out.push(b'{');
    for (field, value) in row.iter() {
        let value = value?;
        if value == Value::Absent {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, field.name())?;
        out.push(b':');
        cell.clear();
        match &value {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Text(text) => serde_json::to_writer(&mut *out, text)?,
            // As a number of JSON these have no rounding: their text is copied.
            Value::Boolean(_) | Value::Integer(_) | Value::Decimal(_) => {
                encode(&value, NullCell::Empty, &mut cell)?;
                out.extend_from_slice(cell.as_bytes());
            }
            _ => {
                encode(&value, NullCell::Empty, &mut cell)?;
                serde_json::to_writer(&mut *out, &cell)?;
            }
        }
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sf_core::record::{Columns, Extra, Field, FieldType, Schema};

    use super::*;

    #[test]
    fn each_type_has_its_own_json() {
        let fields = [
            ("Name", FieldType::String),
            ("Revenue", FieldType::Currency),
            ("Employees", FieldType::Int),
            ("Active", FieldType::Boolean),
            ("Since", FieldType::Date),
            ("Seen", FieldType::DateTime),
            ("Fax", FieldType::Phone),
        ];
        let schema = Schema::new("Account", fields.map(|(name, of)| Field::new(name, of)).into()).unwrap();
        let columns = Columns::new(&Arc::new(schema), fields.map(|(name, _)| name), Extra::Refuse).unwrap();
        let mut row = Record::new(Arc::new(columns));
        let cells =
            ["A \"quoted\"\nname", "0.10", "12", "true", "2024-12-24", "2024-12-24T18:18:29.000Z", ""];
        row.set_cells(cells).unwrap();
        let mut out = Vec::new();
        push(&row, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"Name\":\"A \\\"quoted\\\"\\nname\",\"Revenue\":0.10,\"Employees\":12,\"Active\":true,\
             \"Since\":\"2024-12-24\",\"Seen\":\"2024-12-24T18:18:29.000Z\",\"Fax\":null}\n"
        );
    }
}
