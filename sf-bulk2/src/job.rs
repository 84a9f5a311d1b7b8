//! What the org says about a job.

use serde::{Deserialize, Serialize};
use sf_core::{ApiVersion, Id};

/// What a query job reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operation {
    /// Rows that are not deleted.
    Query,
    /// Deleted and archived rows as well.
    QueryAll,
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

/// A job as `GET /jobs/query/<id>` shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct JobInfo {
    /// The job's id.
    pub id: Id,
    /// Where the job stands.
    pub state: JobState,
    /// What the job reads; `None` for jobs of other kinds.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// The object of the query.
    #[serde(default)]
    pub object: String,
    /// The API version of the job: its results can be fetched under this version only.
    pub api_version: ApiVersion,
    /// Rows of the result. It stands still once the job is complete; absent right after creation.
    #[serde(default)]
    pub number_records_processed: Option<u64>,
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
    }

    #[test]
    fn a_state_that_is_not_known_is_not_an_error() {
        let info: JobInfo =
            serde_json::from_str(r#"{"id":"7507Q000009f8jvQAA","state":"Paused","apiVersion":70.0}"#)
                .unwrap();
        assert_eq!(info.state, JobState::Other);
    }
}
