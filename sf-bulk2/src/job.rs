//! What the org says about a job.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use sf_core::{ApiVersion, Id};

use crate::{ColumnDelimiter, JobType, LineEnding};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Operation {
    /// Reads rows that are not deleted.
    Query,
    /// Reads deleted and archived rows as well.
    QueryAll,
    /// Makes rows.
    Insert,
    /// Changes rows by their id.
    Update,
    /// Changes the row with an external id, or makes it.
    Upsert,
    /// Moves rows to the recycle bin.
    Delete,
    /// Deletes rows for good.
    HardDelete,
    /// An operation that this crate does not know.
    #[serde(other)]
    Other,
}

/// Where a job stands (Bulk API 2.0 guide, "Job States").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum JobState {
    /// Made, and waiting for data. Query jobs are never in it.
    Open,
    /// Waiting to be worked on.
    UploadComplete,
    /// Being worked on.
    InProgress,
    /// Done: results can be fetched for seven days.
    JobComplete,
    /// Given up by the org.
    Failed,
    /// Ended by somebody.
    Aborted,
    /// A state that this crate does not know: treated as not finished.
    #[serde(other)]
    Other,
}

impl JobState {
    /// Whether the org is done with the job, for better or worse.
    pub fn is_final(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

/// A job as `GET /jobs/query/<id>` or `GET /jobs/ingest/<id>` shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct JobInfo {
    /// The job's id.
    pub id: Id,
    /// Where the job stands.
    pub state: JobState,
    /// What the job does; `None` where the org does not say.
    #[serde(default, deserialize_with = "known")]
    pub operation: Option<Operation>,
    /// What kind of job it is; absent right after creation.
    #[serde(default, deserialize_with = "known")]
    pub job_type: Option<JobType>,
    /// The object that is read or written; empty where the org names none.
    #[serde(default, deserialize_with = "or_empty")]
    pub object: String,
    /// Who made the job.
    #[serde(default, deserialize_with = "known")]
    pub created_by_id: Option<Id>,
    /// When it was made, by the org's clock.
    #[serde(default, deserialize_with = "instant")]
    pub created_date: Option<DateTime<Utc>>,
    /// The field by which an upsert finds its rows.
    #[serde(default)]
    pub external_id_field_name: Option<String>,
    /// The API version of the job: its results can be fetched under this version only.
    pub api_version: ApiVersion,
    /// Rows of the result of a query; rows of a load that were tried, the failed ones among them. It stands
    /// still once the job is complete; absent right after creation.
    #[serde(default)]
    pub number_records_processed: Option<u64>,
    /// Rows of a load that were refused, each with a reason.
    #[serde(default)]
    pub number_records_failed: Option<u64>,
    /// What stands between the cells of the job's data and results.
    #[serde(default, deserialize_with = "known")]
    pub column_delimiter: Option<ColumnDelimiter>,
    /// What ends the lines of the job's data and results.
    #[serde(default, deserialize_with = "known")]
    pub line_ending: Option<LineEnding>,
    /// How often the org tried again by itself.
    #[serde(default)]
    pub retries: Option<u32>,
    /// Milliseconds of work in the org.
    #[serde(default)]
    pub total_processing_time: Option<u64>,
    /// Why the job failed, in the org's words.
    #[serde(default)]
    pub error_message: Option<String>,
}

/// `2023-01-26T14:50:10.000+0000`, which is not quite RFC 3339. What cannot be read is none.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text: Option<String> = known(deserializer)?;
    let at = text.and_then(|text| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f%z").ok());
    Ok(at.map(|at| at.to_utc()))
}

fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(known(deserializer)?.unwrap_or_default())
}

/// A word of the API; one that this crate does not know, as jobs of other kinds may have it, is none.
fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let word = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(word).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_right_after_creation_is_read() {
        let info: JobInfo = serde_json::from_str(
            r#"{"id":"7507Q000009f8jvQAA","operation":"query","object":"Account","createdById":"0057Q0000037T8QQAU","createdDate":"2023-01-26T14:50:10.000+0000","systemModstamp":"2023-01-26T14:50:10.000+0000","state":"UploadComplete","concurrencyMode":"Parallel","contentType":"CSV","apiVersion":53.0,"lineEnding":"LF","columnDelimiter":"COMMA"}"#,
        )
        .unwrap();
        assert_eq!(info.state, JobState::UploadComplete);
        assert_eq!(info.api_version.number(), "53.0");
        assert_eq!(info.number_records_processed, None);
        assert_eq!(info.created_date.unwrap().to_rfc3339(), "2023-01-26T14:50:10+00:00");
        assert_eq!(info.line_ending, Some(LineEnding::Lf));
    }

    #[test]
    fn what_a_job_of_another_api_has_otherwise_is_left_out() {
        let info: JobInfo = serde_json::from_str(
            r#"{"id":"7507Q000009f8jvQAA","operation":null,"object":null,"createdById":"nobody","createdDate":1674744610,"state":"Closed","concurrencyMode":"Serial","contentType":"XML","apiVersion":36.0,"jobType":"Classic","lineEnding":null}"#,
        )
        .unwrap();
        assert_eq!((info.state, info.job_type), (JobState::Other, Some(JobType::Classic)));
        assert_eq!((info.operation, info.created_by_id, info.created_date), (None, None, None));
        assert_eq!(info.object, "");
        let known = r#"{"id":"7507Q000009f8jvQAA","operation":"refresh","state":"Open","apiVersion":65.0}"#;
        assert_eq!(serde_json::from_str::<JobInfo>(known).unwrap().operation, Some(Operation::Other));
    }

    #[test]
    fn a_state_that_is_not_known_is_not_an_error() {
        let info: JobInfo =
            serde_json::from_str(r#"{"id":"7507Q000009f8jvQAA","state":"Paused","apiVersion":70.0}"#)
                .unwrap();
        assert_eq!(info.state, JobState::Other);
    }
}
