//! A job that is made together with its data, in one call, and looking for it where that call got no answer.
//!
//! The body is written here: what HTTP libraries have for it makes bodies of their own, below the seam that all
//! calls cross, and it is two parts between three lines.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use http::Method;
use memchr::memmem;
use sf_core::{Client, Id};

use super::join::meaning;
use super::outcome::Line;
use super::{Echo, Ingest, IngestJob, Outcomes};
use crate::{JobInfo, JobState, JobType, Result};

/// The org takes so many characters of data together with the job (Bulk API 2.0 guide, "Create a Job"). They are
/// never more than bytes.
pub(super) const MOST: u64 = 100_000;

const BOUNDARY: &str = "sf-bulk2-5d1e0b7c94a84f3f";
pub(super) const CONTENT_TYPE: &str = "multipart/form-data; boundary=sf-bulk2-5d1e0b7c94a84f3f";

impl Ingest {
    /// The body of a job with its data. `None` where the data holds the text that would end it.
    pub(super) fn form(&self, csv: &[u8]) -> serde_json::Result<Option<Vec<u8>>> {
        let job = serde_json::to_vec(self)?;
        if [&job, csv].into_iter().any(|part| memmem::find(part, BOUNDARY.as_bytes()).is_some()) {
            return Ok(None);
        }
        let mut body = Vec::with_capacity(csv.len() + job.len() + 400);
        let mut part = |head: &str, content: &[u8]| {
            body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        };
        part("Content-Disposition: form-data; name=\"job\"\r\nContent-Type: application/json", &job);
        part(
            "Content-Disposition: form-data; name=\"content\"; filename=\"content\"\r\nContent-Type: text/csv",
            csv,
        );
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        Ok(Some(body))
    }

    /// Whether a job of the org's list may be one that this user made with its data, at this time or later.
    pub(super) fn may_be(&self, info: &JobInfo, user: Id, since: DateTime<Utc>, client: &Client) -> bool {
        let same = |name: &Option<String>| match (name, &self.external_id_field_name) {
            (Some(theirs), Some(ours)) => theirs.eq_ignore_ascii_case(ours),
            (theirs, ours) => theirs.is_none() || ours.is_some(),
        };
        // One that is made with its data is never open.
        info.state != JobState::Open
            && info.job_type.is_none_or(|job_type| job_type == JobType::V2Ingest)
            && info.operation == Some(self.operation)
            && info.object.eq_ignore_ascii_case(&self.object)
            && same(&info.external_id_field_name)
            && info.column_delimiter.is_none_or(|delimiter| delimiter == self.column_delimiter)
            && info.line_ending.is_none_or(|ending| ending == self.line_ending)
            && info.api_version == client.api_version()
            && info.created_by_id == Some(user)
            && info.created_date.is_some_and(|at| at >= since)
    }
}

/// Whose token it is: from the login, or else from the org.
pub(super) async fn user(client: &Client) -> sf_core::Result<Option<Id>> {
    #[derive(serde::Deserialize)]
    struct Resources {
        #[serde(default)]
        identity: Option<String>,
    }
    if let Some(user) = client.token().await?.user_id {
        return Ok(Some(user));
    }
    let path = format!("/services/data/{}", client.api_version());
    let resources: Resources = client.request(Method::GET, path).json().await?;
    Ok(resources.identity.and_then(|url| url.rsplit('/').next().and_then(|id| id.parse().ok())))
}

/// Rows, whatever their order and however their values are written.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    header: Vec<String>,
    counts: HashMap<String, u64>,
    left: u64,
}

impl Rows {
    /// The rows of data that was written here.
    pub(super) fn of(csv: &[u8], delimiter: u8) -> Result<Self, csv::Error> {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(csv);
        let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let mut rows = Self { header, counts: HashMap::new(), left: 0 };
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            let key = Self::key(record.iter());
            *rows.counts.entry(key).or_default() += 1;
            rows.left += 1;
        }
        Ok(rows)
    }

    /// What a row means, written out.
    fn key<'c>(cells: impl Iterator<Item = &'c str>) -> String {
        let cells: Vec<_> = cells.map(meaning).collect();
        format!("{cells:?}")
    }

    /// Takes a row out; `false` where it is none of them.
    fn take(&mut self, echo: &Echo) -> bool {
        let header = echo.header();
        let same = header.len() == self.header.len()
            && header.iter().zip(&self.header).all(|(a, b)| a.eq_ignore_ascii_case(b));
        let key = Self::key(echo.cells());
        match self.counts.get_mut(&key) {
            Some(count) if same && *count > 0 => {
                *count -= 1;
                self.left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Whether the outcomes of a job that is over are of just these rows.
    pub(super) async fn are_of(mut self, job: &IngestJob) -> Result<bool> {
        Ok(self.all(job.successes().await?, |row| &row.row).await?
            && self.all(job.failures().await?, |row| &row.row).await?
            && self.all(job.unprocessed().await?, |row| row).await?
            && self.left == 0)
    }

    async fn all<T: Line>(&mut self, mut rows: Outcomes<T>, echo: impl Fn(&T) -> &Echo) -> Result<bool> {
        while let Some(row) = rows.next_row().await? {
            if !self.take(echo(&row)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_form_has_the_job_and_its_data_byte_for_byte() {
        let form = Ingest::insert("Account").form(b"Name\na\n").unwrap().unwrap();
        let text = String::from_utf8(form).unwrap();
        let boundary = CONTENT_TYPE.strip_prefix("multipart/form-data; boundary=").unwrap();
        let parts: Vec<_> = text.split(&format!("--{boundary}")).collect();
        assert_eq!((parts[0], parts[3]), ("", "--\r\n"));
        assert_eq!(
            parts[1],
            "\r\nContent-Disposition: form-data; name=\"job\"\r\nContent-Type: application/json\r\n\r\n\
             {\"object\":\"Account\",\"operation\":\"insert\",\"contentType\":\"CSV\",\"columnDelimiter\":\"COMMA\",\
             \"lineEnding\":\"LF\"}\r\n"
        );
        assert_eq!(
            parts[2],
            "\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\
             Content-Type: text/csv\r\n\r\nName\na\n\r\n"
        );
    }

    #[test]
    fn data_that_holds_the_boundary_is_not_put_into_a_form() {
        let csv = format!("Name\n--{BOUNDARY}--\n");
        assert!(Ingest::insert("Account").form(csv.as_bytes()).unwrap().is_none());
    }

    fn echo(header: &[&str], cells: &[&str]) -> Echo {
        Echo::of(Arc::new(header.iter().map(|n| (*n).to_owned()).collect()), cells)
    }

    #[test]
    fn rows_are_compared_as_a_multiset_of_what_they_mean() {
        let csv = b"Id,N\n0017h00000doU3R,912260031\n,\"x\ny\"\n,\"x\ny\"\n";
        let mut rows = Rows::of(csv, b',').unwrap();
        assert!(rows.take(&echo(&["Id", "n"], &["", "x\ny"])));
        assert!(rows.take(&echo(&["Id", "N"], &["0017h00000doU3RAAU", "9.12260031E8"])));
        assert!(rows.take(&echo(&["Id", "N"], &["", "x\ny"])));
        assert!(!rows.take(&echo(&["Id", "N"], &["", "x\ny"])), "there were two of them");
        assert!(!Rows::of(csv, b',').unwrap().take(&echo(&["Id", "M"], &["", "x\ny"])));
        assert_eq!(rows.left, 0);
    }

    #[test]
    fn cells_do_not_run_into_each_other() {
        assert_ne!(Rows::key(["1:a", ""].into_iter()), Rows::key(["", "1:a"].into_iter()));
        assert_ne!(Rows::key(["a", "b"].into_iter()), Rows::key(["ab", ""].into_iter()));
    }
}
