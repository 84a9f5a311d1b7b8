//! Rows as records of a schema.

use std::fmt;
use std::sync::Arc;

use futures_util::Stream;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sf_core::json;
use sf_core::record::{Columns, Extra, Record, Schema};

use crate::error::{Error, ErrorKind, Result};

use super::page::Page;
use super::pages::Pages;

/// The rows of a query as records. Made by [`Query::records`](crate::Query::records).
///
/// A field that the query does not select is absent; a field of a parent that is not there is null.
#[derive(Debug)]
pub struct Records {
    pages: Pages,
    reader: Reader,
    ready: std::vec::IntoIter<Record>,
    /// Why there are no further rows, although there should be.
    failed: Option<Error>,
}

impl Records {
    pub(super) fn new(pages: Pages, schema: Arc<Schema>) -> Self {
        Self { pages, reader: Reader::new(schema), ready: Vec::new().into_iter(), failed: None }
    }

    /// The next row, over the borders of pages; `None` after the last one.
    ///
    /// # Errors
    ///
    /// As [`Pages::next_page`], and [`ErrorKind::Row`] where what comes next is no row. Either is told again by
    /// every further call.
    pub async fn next_record(&mut self) -> Result<Option<Record>> {
        loop {
            if let Some(record) = self.ready.next() {
                return Ok(Some(record));
            }
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            let Some(page) = self.pages.next_page().await? else { return Ok(None) };
            let (rows, failed) = self.reader.read(&page);
            (self.ready, self.failed) = (rows.into_iter(), failed);
        }
    }

    /// The rows as a stream. It ends after an error.
    pub fn stream(self) -> impl Stream<Item = Result<Record>> {
        futures_util::stream::unfold(Some(self), |records| async move {
            let mut records = records?;
            match records.next_record().await {
                Ok(record) => record.map(|record| (Ok(record), Some(records))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

/// What a key of a row is about.
#[derive(Debug)]
enum Target {
    Field(usize),
    Parent(Level),
    Nothing,
}

/// The keys of one object, each found once: nearly all rows of a query have the same.
#[derive(Debug, Default)]
struct Level {
    /// The names of the parents on the way, each with a dot.
    prefix: String,
    keys: Vec<(String, Target)>,
}

impl Level {
    /// Where the key stands in `keys`; rows repeat their order, so it is nearly always where it was last time.
    fn find(&mut self, key: &str, expected: usize, schema: &Schema) -> usize {
        if self.keys.get(expected).is_some_and(|(known, _)| known == key) {
            return expected;
        }
        if let Some(at) = self.keys.iter().position(|(known, _)| known == key) {
            return at;
        }
        let name = format!("{}{key}", self.prefix);
        let prefix = format!("{name}.");
        let below =
            |field: &str| field.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(&prefix));
        let target = if let Some(field) = schema.position(&name) {
            Target::Field(field)
        } else if schema.fields().iter().any(|f| below(f.name())) {
            Target::Parent(Self { prefix, keys: Vec::new() })
        } else {
            Target::Nothing
        };
        self.keys.push((key.to_owned(), target));
        self.keys.len() - 1
    }
}

/// The cells of the row in hand, in the order in which they came.
#[derive(Default)]
struct Cells {
    text: String,
    /// For each field of the schema, where its cell stands.
    spans: Vec<Option<(usize, usize)>>,
}

/// Without what stands in them: rows are people's data and do not belong into logs.
impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Reader {
    schema: Arc<Schema>,
    level: Level,
    cells: Cells,
    columns: Option<Arc<Columns>>,
}

impl Reader {
    fn new(schema: Arc<Schema>) -> Self {
        let cells = Cells { text: String::new(), spans: vec![None; schema.fields().len()] };
        Self { schema, level: Level::default(), cells, columns: None }
    }

    /// The rows of a page; of one that is broken, those before the break.
    fn read(&mut self, page: &Page) -> (Vec<Record>, Option<Error>) {
        let mut records = Vec::new();
        let read = std::str::from_utf8(page.body()).map_err(|e| e.to_string()).and_then(|text| {
            let mut json = serde_json::Deserializer::from_str(text);
            let visitor = PageVisitor { reader: self, records: &mut records };
            json.deserialize_map(visitor).map_err(|e| json::fault(&e))
        });
        match read {
            Ok(()) => (records, None),
            Err(why) => {
                let before = page.rows_before() + records.len() as u64;
                let message = format!("row {} is not what a query answers", before + 1);
                let why = sf_core::Error::new(sf_core::ErrorKind::Protocol, why);
                (records, Some(Error::with_org(ErrorKind::Row, message, why)))
            }
        }
    }

    /// The record of the cells in hand.
    fn record(&mut self) -> sf_core::Result<Record> {
        let spans = &self.cells.spans;
        let same = |columns: &Columns| {
            spans.iter().enumerate().all(|(field, span)| columns.column_of(field).is_some() == span.is_some())
        };
        let columns = match &self.columns {
            Some(columns) if same(columns) => Arc::clone(columns),
            // The first row, or one whose TYPEOF chose other fields.
            _ => {
                let names = self.schema.fields().iter().zip(&self.cells.spans);
                let header = names.filter(|(_, span)| span.is_some()).map(|(field, _)| field.name());
                let columns = Arc::new(Columns::new(&self.schema, header, Extra::Refuse)?);
                Arc::clone(self.columns.insert(columns))
            }
        };
        let mut record = Record::new(Arc::clone(&columns));
        let (bytes, ends) = record.buffers_mut();
        bytes.reserve_exact(self.cells.text.len());
        ends.reserve_exact(columns.width());
        for (field, span) in self.cells.spans.iter().enumerate() {
            if columns.column_of(field).is_some() {
                let cell = span.and_then(|(from, to)| self.cells.text.get(from..to)).unwrap_or_default();
                bytes.extend_from_slice(cell.as_bytes());
                ends.push(bytes.len());
            }
        }
        record.check()?;
        Ok(record)
    }
}

struct PageVisitor<'r> {
    reader: &'r mut Reader,
    records: &'r mut Vec<Record>,
}

impl<'de> Visitor<'de> for PageVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer of a query")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> std::result::Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "records" {
                map.next_value_seed(&mut self)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<(), A::Error> {
        loop {
            self.reader.cells.text.clear();
            self.reader.cells.spans.fill(None);
            let Reader { schema, level, cells, .. } = &mut *self.reader;
            if seq.next_element_seed(RowSeed { schema, level, cells })?.is_none() {
                return Ok(());
            }
            self.records.push(self.reader.record().map_err(serde::de::Error::custom)?);
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut PageVisitor<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_seq(PageVisitor { reader: self.reader, records: self.records })
    }
}

/// Reads a row, or the object of a parent within one.
struct RowSeed<'r> {
    schema: &'r Schema,
    level: &'r mut Level,
    cells: &'r mut Cells,
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    /// A parent that is not there: all its fields are null.
    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        let prefix = &self.level.prefix;
        for (field, span) in self.schema.fields().iter().zip(&mut self.cells.spans) {
            let begin = field.name().get(..prefix.len());
            if begin.is_some_and(|begin| begin.eq_ignore_ascii_case(prefix)) {
                *span = Some((0, 0));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut expected = 0;
        while let Some(at) = map.next_key_seed(Key { schema: self.schema, level: self.level, expected })? {
            expected = at + 1;
            match self.level.keys.get_mut(at).map(|(_, target)| target) {
                Some(Target::Field(field)) => {
                    let value: &RawValue = map.next_value()?;
                    let start = self.cells.text.len();
                    push_cell(value.get(), &mut self.cells.text).map_err(serde::de::Error::custom)?;
                    if let Some(span) = self.cells.spans.get_mut(*field) {
                        *span = Some((start, self.cells.text.len()));
                    }
                }
                Some(Target::Parent(level)) => {
                    map.next_value_seed(RowSeed { schema: self.schema, level, cells: self.cells })?;
                }
                Some(Target::Nothing) | None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A value as the text of a cell: null is empty, texts lose their quotes, all else stays as it was written.
fn push_cell(json: &str, out: &mut String) -> serde_json::Result<()> {
    if let Some(text) = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        if text.as_bytes().contains(&b'\\') {
            out.push_str(&serde_json::from_str::<String>(json)?);
        } else {
            out.push_str(text);
        }
    } else if json != "null" {
        out.push_str(json);
    }
    Ok(())
}

/// Finds a key without making a `String` of it.
struct Key<'r> {
    schema: &'r Schema,
    level: &'r mut Level,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, key: &str) -> std::result::Result<usize, E> {
        Ok(self.level.find(key, self.expected, self.schema))
    }
}
