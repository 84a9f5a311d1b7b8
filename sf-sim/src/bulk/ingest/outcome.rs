//! What became of the rows: the cells of outcome files, and the rows of one transaction after another.

use std::borrow::Cow;

use bytes::Bytes;

use crate::bulk::format::{Delimiter, LineEnding};
use crate::id::RecordId;
use crate::schema::FieldDef;
use crate::store::{RowError, from_text};
use crate::value::Value;

/// What became of one row.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Done { id: RecordId, created: bool },
    Failed { id: Option<RecordId>, error: RowError },
}

/// `CODE:message:field field --`
pub(super) fn error_text(error: &RowError) -> String {
    let fields: String = error.fields.iter().map(|field| format!("{field} ")).collect();
    format!("{}:{}:{fields}--", error.code, error.message)
}

/// Rows of one kind of outcome, in blocks of one transaction each. Their order says nothing about the upload's.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: Vec<Bytes>,
    bytes: u64,
}

impl Blocks {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds the rows of a transaction, in an order of their own.
    pub(super) fn add(&mut self, mut rows: Vec<Vec<u8>>, random: &mut fastrand::Rng) {
        if rows.is_empty() {
            return;
        }
        random.shuffle(&mut rows);
        let block: Bytes = rows.concat().into();
        self.bytes += block.len() as u64;
        // Transactions end in any order; the blocks are handed out just so at each call.
        let place = random.usize(..=self.blocks.len());
        self.blocks.insert(place, block);
    }

    /// All rows, or all but those of the last block.
    pub(super) fn take(&self, late: bool) -> Vec<Bytes> {
        let whole = self.blocks.len().saturating_sub(usize::from(late));
        self.blocks.iter().take(whole).cloned().collect()
    }
}

/// Writes lines with every cell quoted.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineWriter {
    pub(super) delimiter: Delimiter,
    pub(super) ending: LineEnding,
}

impl LineWriter {
    pub(super) fn line<'a>(self, cells: impl IntoIterator<Item = Cow<'a, str>>) -> Vec<u8> {
        let mut out = Vec::new();
        for (at, cell) in cells.into_iter().enumerate() {
            if at > 0 {
                out.push(self.delimiter.byte());
            }
            out.push(b'"');
            Value::text(&*cell).write_csv(&mut out);
            out.push(b'"');
        }
        out.extend_from_slice(self.ending.bytes());
        out
    }

    /// The header line: two columns of the org's own, then the upload's line as it stands there.
    pub(super) fn header(self, columns: [&str; 2], upload: &str) -> Bytes {
        let mut out = self.line(columns.map(Cow::from));
        out.truncate(out.len() - self.ending.bytes().len());
        if !upload.is_empty() {
            out.push(self.delimiter.byte());
            out.extend_from_slice(upload.as_bytes());
        }
        out.extend_from_slice(self.ending.bytes());
        out.into()
    }
}

/// A cell of a successful row as the org writes it again: its value, not what was sent.
pub(super) fn rewritten<'a>(field: &FieldDef, text: &'a str) -> Cow<'a, str> {
    match from_text(field, text) {
        Ok(Value::Num(_)) => {
            text.trim().parse::<f64>().map_or(Cow::Borrowed(text), |n| java_double(n).into())
        }
        Ok(
            value @ (Value::Bool(_) | Value::Int(_) | Value::Date(_) | Value::DateTime(_) | Value::Time(_)),
        ) => {
            let mut out = Vec::new();
            value.write_csv(&mut out);
            String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::from)
        }
        _ => Cow::Borrowed(text),
    }
}

/// A double as Java's `Double.toString` writes it, which is what the org's numbers look like: `30.0`, `9.12260031E8`.
fn java_double(number: f64) -> String {
    if number == 0.0 {
        return "0.0".to_owned();
    }
    let magnitude = number.abs();
    if (1e-3..1e7).contains(&magnitude) {
        let text = number.to_string();
        return if text.contains('.') { text } else { text + ".0" };
    }
    let text = format!("{number:e}");
    let (figures, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let figures = if figures.contains('.') { figures.to_owned() } else { format!("{figures}.0") };
    format!("{figures}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Type;

    #[test]
    fn numbers_are_written_as_java_writes_them() {
        // From the documentation of Double.toString, and from a report of a real org: 912260031.
        for (number, text) in [
            (912_260_031.0, "9.12260031E8"),
            (30.0, "30.0"),
            (-1.5, "-1.5"),
            (0.001, "0.001"),
            (0.000_1, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (10_000_000.0, "1.0E7"),
            (0.0, "0.0"),
        ] {
            assert_eq!(java_double(number), text);
        }
    }

    #[test]
    fn a_cell_is_written_as_its_value() {
        for (ty, sent, told) in [
            (Type::Boolean, "YES", "true"),
            (Type::Date, "2024-01-31", "2024-01-31"),
            (Type::DateTime, "2024-01-31T10:00:00+02:00", "2024-01-31T08:00:00.000Z"),
            (Type::DateTime, "2024-01-31", "2024-01-31T00:00:00.000Z"),
            (Type::Currency, "12", "12.0"),
            (Type::Int, "30", "30"),
            (Type::String, " as it is ", " as it is "),
        ] {
            assert_eq!(rewritten(&FieldDef::new("F", "F", ty), sent), told);
        }
    }

    #[test]
    fn an_error_names_its_fields_before_the_dashes() {
        let error = RowError::new("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]").on("Name");
        let recorded = "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --";
        assert_eq!(error_text(&error), recorded);
        let error = RowError::new("ENTITY_IS_DELETED", "entity is deleted");
        assert_eq!(error_text(&error), "ENTITY_IS_DELETED:entity is deleted:--");
    }
}
