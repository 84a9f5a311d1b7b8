//! The result of a job: written once as CSV, served in pages.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::format::{Delimiter, LineEnding};
use crate::org::Shared;
use crate::rest::{RowSet, RowSetWriter, Version};
use crate::soql::{Column, Plan, Scope};
use crate::store::Row;

/// Rows that are written before others get at the store again.
const STRETCH: usize = 20_000;
/// Columns come as the statement names them from this version on; before, in the order of the alphabet.
const ORDERED_SINCE: Version = Version(50);

/// The header line and the rows behind it.
#[derive(Debug)]
pub(super) struct JobResult {
    pub(super) header: Bytes,
    pub(super) rows: RowSet,
}

/// Writes the rows of a job. Every header and value is quoted, null is nothing between quotes.
pub(super) fn write(
    org: &Shared,
    plan: &Plan,
    scope: Scope,
    rows: &[Arc<Row>],
    (delimiter, ending): (Delimiter, LineEnding),
    version: Version,
) -> JobResult {
    let (delimiter, ending) = (delimiter.byte(), ending.bytes());
    let mut columns: Vec<&Column> = plan.columns().iter().collect();
    if version < ORDERED_SINCE {
        columns.sort_by_key(|column| column.header());
    }
    let mut header = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        if at > 0 {
            header.push(delimiter);
        }
        header.push(b'"');
        header.extend_from_slice(column.header().as_bytes());
        header.push(b'"');
    }
    header.extend_from_slice(ending);

    let mut writer = RowSetWriter::default();
    for stretch in rows.chunks(STRETCH) {
        org.read(|store| {
            let view = plan.view(store, scope);
            for row in stretch {
                writer.row(|out| {
                    for (at, column) in columns.iter().enumerate() {
                        if at > 0 {
                            out.push(delimiter);
                        }
                        out.push(b'"');
                        view.write_csv(row, column, out);
                        out.push(b'"');
                    }
                    out.extend_from_slice(ending);
                });
            }
        });
    }
    JobResult { header: header.into(), rows: writer.finish() }
}

/// A place in a result, in the form in which orgs name it: `10` is `MTA`.
pub(super) fn locator(row: u64) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(row.to_string())
}

/// The place that a locator names.
pub(super) fn place(locator: &str) -> Option<u64> {
    let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(locator).ok()?).ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locators_are_written_as_recorded() {
        for (row, text) in [(10, "MTA"), (10_000, "MTAwMDA"), (200_000, "MjAwMDAw")] {
            assert_eq!(locator(row), text);
            assert_eq!(place(text), Some(row));
        }
        for text in ["", "null", "MTA=", "LTE", "KzE", "?"] {
            assert_eq!(place(text), None, "{text}");
        }
    }
}
