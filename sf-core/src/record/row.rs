//! A row, and how its columns stand to a schema.

use std::fmt;
use std::sync::Arc;

use super::{Field, Schema, Value, csv_cell};
use crate::{Error, ErrorKind, Result};

/// What to do about a column that the schema does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// An error: the rows are not what the caller thinks.
    Refuse,
    /// Read past it.
    Ignore,
}

/// Which column of a CSV body holds which field of a [`Schema`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    schema: Arc<Schema>,
    /// For each field of the schema, its column.
    column_of: Vec<Option<usize>>,
    width: usize,
}

impl Columns {
    /// Finds the fields of the schema in a header, whatever the case of the names. A field without a column
    /// is [`Value::Absent`] in every row; [`Columns::missing`] names those.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] where a column stands twice, or, with [`Extra::Refuse`], where the schema does
    /// not have it.
    pub fn new<'h>(
        schema: &Arc<Schema>,
        header: impl IntoIterator<Item = &'h str>,
        extra: Extra,
    ) -> Result<Self> {
        let refuse = |message| Err(Error::new(ErrorKind::Protocol, message));
        let mut column_of = vec![None; schema.fields().len()];
        let mut unknown: Vec<&str> = Vec::new();
        let mut width = 0;
        for (column, name) in header.into_iter().enumerate() {
            width = column + 1;
            let twice = match schema.position(name) {
                Some(field) => column_of[field].replace(column).is_some(),
                None if extra == Extra::Refuse => {
                    let object = schema.object();
                    return refuse(format!(
                        "column {} of the rows of {object} is {name:?}, which was not asked for",
                        column + 1
                    ));
                }
                None => {
                    let twice = unknown.iter().any(|u| u.eq_ignore_ascii_case(name));
                    unknown.push(name);
                    twice
                }
            };
            if twice {
                return refuse(format!("the rows of {} have the column {name:?} twice", schema.object()));
            }
        }
        Ok(Self { schema: Arc::clone(schema), column_of, width })
    }

    /// The schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// How many cells a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The column of a field of the schema.
    pub fn column_of(&self, field: usize) -> Option<usize> {
        self.column_of.get(field).copied().flatten()
    }

    /// The fields of the schema that no column holds.
    pub fn missing(&self) -> impl Iterator<Item = &Field> {
        self.schema
            .fields()
            .iter()
            .zip(&self.column_of)
            .filter(|(_, column)| column.is_none())
            .map(|(f, _)| f)
    }
}

/// One row: a buffer with the cells one after the other, and where each ends.
///
/// It is made to be used again: a reader fills [`Record::buffers_mut`] with the next row and calls
/// [`Record::check`], and nothing is allocated once the buffers have grown to the longest row.
#[derive(Clone)]
pub struct Record {
    columns: Arc<Columns>,
    /// Where a reader writes. `check` moves it into `text` and `buffers_mut` takes it back, so the UTF-8 is
    /// validated once a row and the same allocation serves both.
    bytes: Vec<u8>,
    text: String,
    ends: Vec<usize>,
    checked: bool,
}

impl Record {
    /// A row without cells yet: it has to be filled before values can be read.
    pub fn new(columns: Arc<Columns>) -> Self {
        Self { columns, bytes: Vec::new(), text: String::new(), ends: Vec::new(), checked: false }
    }

    /// The schema of the row.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.columns.schema
    }

    /// The columns of the row.
    pub fn columns(&self) -> &Arc<Columns> {
        &self.columns
    }

    /// Empties the row and keeps its memory.
    pub fn clear(&mut self) {
        let (bytes, ends) = self.buffers_mut();
        bytes.clear();
        ends.clear();
    }

    /// The buffers for a reader to write the next row into: all cells' bytes one after the other, without
    /// separators and with quoting undone, and the end of each cell. They hold what they held before;
    /// bytes after the last end do no harm. The row cannot be read again before [`Record::check`].
    pub fn buffers_mut(&mut self) -> (&mut Vec<u8>, &mut Vec<usize>) {
        if self.checked {
            self.bytes = std::mem::take(&mut self.text).into_bytes();
            self.checked = false;
        }
        (&mut self.bytes, &mut self.ends)
    }

    /// Checks what a reader wrote: as many cells as columns, and each of them UTF-8.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`], saying how many cells there are or which column is not UTF-8. The reader knows
    /// the line and adds it.
    pub fn check(&mut self) -> Result<()> {
        if self.checked {
            return Ok(());
        }
        let width = self.columns.width;
        if self.ends.len() != width {
            let message = format!(
                "a row of {} has {} cells, the header has {width}",
                self.schema().object(),
                self.ends.len()
            );
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
        match String::from_utf8(std::mem::take(&mut self.bytes)) {
            Ok(text) => self.text = text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                self.bytes = error.into_bytes();
                return Err(self.not_utf8(self.ends.iter().position(|end| at < *end).unwrap_or(width)));
            }
        }
        self.checked = true;
        let mut start = 0;
        for (column, end) in self.ends.iter().enumerate() {
            if *end < start || !self.text.is_char_boundary(*end) {
                self.bytes = std::mem::take(&mut self.text).into_bytes();
                self.checked = false;
                return Err(self.not_utf8(column));
            }
            start = *end;
        }
        Ok(())
    }

    fn not_utf8(&self, column: usize) -> Error {
        let message = format!("column {} of a row of {} is not UTF-8", column + 1, self.schema().object());
        Error::new(ErrorKind::Protocol, message)
    }

    /// Fills the row with these cells, one a column of the header.
    ///
    /// # Errors
    ///
    /// As [`Record::check`].
    pub fn set_cells<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) -> Result<()> {
        self.clear();
        let (bytes, ends) = self.buffers_mut();
        for cell in cells {
            bytes.extend_from_slice(cell.as_ref().as_bytes());
            ends.push(bytes.len());
        }
        self.check()
    }

    /// The text of a field of the schema as it came; `None` where the row has no column for it.
    pub fn cell(&self, field: usize) -> Option<&str> {
        let column = self.columns.column_of(field)?;
        let start = if column == 0 { 0 } else { *self.ends.get(column - 1)? };
        self.text.get(start..*self.ends.get(column)?)
    }

    /// The value of a field of the schema.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Protocol`] where the cell does not hold what its type says, and
    /// [`ErrorKind::InvalidInput`] where the schema has no such field or the row was not checked.
    pub fn value(&self, field: usize) -> Result<Value<'_>> {
        let Some(described) = self.schema().fields().get(field) else {
            let (object, fields) = (self.schema().object(), self.schema().fields().len());
            let message = format!("the schema of {object} has {fields} fields, none at position {field}");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        if !self.checked {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a row was read before it was filled and checked",
            ));
        }
        self.cell(field).map_or(Ok(Value::Absent), |cell| csv_cell::decode(described, cell))
    }

    /// The value of a field by its name, whatever the case.
    ///
    /// # Errors
    ///
    /// As [`Record::value`].
    pub fn get(&self, name: &str) -> Result<Value<'_>> {
        let Some(field) = self.schema().position(name) else {
            let message = format!("the schema of {} has no field {name:?}", self.schema().object());
            return Err(Error::new(ErrorKind::InvalidInput, message));
        };
        self.value(field)
    }

    /// Every field of the schema with its value, in the schema's order.
    pub fn iter(&self) -> impl Iterator<Item = (&Field, Result<Value<'_>>)> {
        self.schema().fields().iter().enumerate().map(|(i, field)| (field, self.value(i)))
    }
}

/// Says how much there is, not what: rows are people's data and do not belong into logs.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("object", &self.schema().object())
            .field("cells", &self.ends.len())
            .field("bytes", &self.ends.last().copied().unwrap_or(0))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::FieldType;
    use super::*;

    fn schema() -> Arc<Schema> {
        let fields = [
            ("Id", FieldType::Id),
            ("Name", FieldType::String),
            ("Account.Name", FieldType::String),
            ("Amount", FieldType::Currency),
        ];
        Arc::new(Schema::new("Opportunity", fields.map(|(n, t)| Field::new(n, t)).into()).unwrap())
    }

    fn record(header: &[&str]) -> Record {
        Record::new(Arc::new(Columns::new(&schema(), header.iter().copied(), Extra::Ignore).unwrap()))
    }

    #[test]
    fn columns_are_found_in_any_order_and_case() {
        let mut row = record(&["AMOUNT", "account.name", "Id"]);
        row.set_cells(["12.50", "Ansprüche", "006"]).unwrap();
        let cells: Vec<_> = (0..4).map(|i| row.cell(i)).collect();
        assert_eq!(cells, [Some("006"), None, Some("Ansprüche"), Some("12.50")]);
        assert_eq!(row.get("NAME").unwrap(), Value::Absent);
        assert_eq!(row.get("account.NAME").unwrap(), Value::Text("Ansprüche".into()));
        assert_eq!(row.columns().missing().map(Field::name).collect::<Vec<_>>(), ["Name"]);
        let values: Vec<_> = row.iter().map(|(f, v)| (f.name(), v.unwrap() == Value::Absent)).collect();
        assert_eq!(values, [("Id", false), ("Name", true), ("Account.Name", false), ("Amount", false)]);
    }

    #[test]
    fn a_column_that_was_not_asked_for_is_refused_or_read_past_as_the_caller_says() {
        let error = Columns::new(&schema(), ["Id", "Emial"], Extra::Refuse).unwrap_err();
        assert_eq!(
            error.to_string(),
            "column 2 of the rows of Opportunity is \"Emial\", which was not asked for"
        );
        let mut row = record(&["Emial", "Id"]);
        row.set_cells(["x", "006"]).unwrap();
        assert_eq!(row.cell(0), Some("006"));
    }

    #[test]
    fn a_column_twice_is_refused() {
        for header in [["Id", "ID"], ["Other", "OTHER"]] {
            let error = Columns::new(&schema(), header, Extra::Ignore).unwrap_err();
            assert!(error.to_string().ends_with("twice"), "{error}");
        }
    }

    #[test]
    fn a_row_with_another_number_of_cells_is_refused() {
        let mut row = record(&["Id", "Name"]);
        assert_eq!(
            row.set_cells(["006"]).unwrap_err().to_string(),
            "a row of Opportunity has 1 cells, the header has 2"
        );
        assert!(row.set_cells(["006", "a", "b"]).is_err());
        assert!(row.value(0).is_err());
        row.set_cells(["006", "a"]).unwrap();
        assert_eq!(row.cell(1), Some("a"));
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_with_their_column() {
        let mut row = record(&["Id", "Name"]);
        let (bytes, ends) = row.buffers_mut();
        bytes.extend_from_slice(b"006\xff");
        ends.extend([3, 4]);
        assert_eq!(row.check().unwrap_err().to_string(), "column 2 of a row of Opportunity is not UTF-8");
        // A letter cut in two by the border of two cells.
        row.clear();
        let (bytes, ends) = row.buffers_mut();
        bytes.extend_from_slice("é".as_bytes());
        ends.extend([1, 2]);
        assert_eq!(row.check().unwrap_err().to_string(), "column 1 of a row of Opportunity is not UTF-8");
        assert_eq!(row.value(0).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn ends_that_go_back_or_beyond_are_refused() {
        for wrong in [[3, 2], [1, 99]] {
            let mut row = record(&["Id", "Name"]);
            let (bytes, ends) = row.buffers_mut();
            bytes.extend_from_slice(b"abc");
            ends.extend(wrong);
            assert!(row.check().is_err(), "{wrong:?}");
            assert_eq!(row.cell(0), None);
        }
    }

    #[test]
    fn bytes_after_the_last_end_are_not_part_of_the_row() {
        let mut row = record(&["Id", "Name"]);
        let (bytes, ends) = row.buffers_mut();
        bytes.extend_from_slice(b"006ab\xff\xff");
        ends.extend([3, 5]);
        row.check().unwrap();
        assert_eq!(row.cell(1), Some("ab"));
    }

    #[test]
    fn the_buffers_are_used_again() {
        let mut row = record(&["Id", "Name"]);
        row.set_cells(["006", "a long name that sets the size"]).unwrap();
        let before = row.buffers_mut().0.as_ptr();
        for _ in 0..3 {
            row.set_cells(["007", "short"]).unwrap();
            assert_eq!(row.cell(1), Some("short"));
        }
        assert_eq!(row.buffers_mut().0.as_ptr(), before);
    }

    #[test]
    fn a_copy_does_not_change_with_the_row_it_was_made_of() {
        let mut row = record(&["Id", "Name"]);
        row.set_cells(["006", "one"]).unwrap();
        let copy = row.clone();
        row.set_cells(["007", "two"]).unwrap();
        assert_eq!(copy.cell(1), Some("one"));
    }

    #[test]
    fn debug_does_not_show_the_data() {
        let mut row = record(&["Id", "Name"]);
        row.set_cells(["006", "Jane Doe"]).unwrap();
        let shown = format!("{row:?}");
        assert!(shown.contains("Opportunity") && !shown.contains("Jane"), "{shown}");
    }
}
