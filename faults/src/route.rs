//! The calls that a fault can hit, and where in a client's work each of them stands.

use sf_sim::fault::Route as On;

/// A column of the table: one kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// The login.
    Token,
    /// The describe of an object.
    Describe,
    /// A page of a REST query.
    QueryPage,
    /// A job is made.
    Create,
    /// An ingest job is made together with its data.
    CreateWithData,
    /// An ingest job gets its data, step by step.
    Upload,
    /// The same within a load.
    UploadInLoad,
    /// An ingest job is said to have all its data.
    Close,
    /// A job is asked how it stands.
    Poll,
    /// A page of a query job's result, found by its locator.
    ResultPage,
    /// The same, several at once, found by the list of pages.
    ParallelPages,
    /// What became of the rows of an ingest job.
    OutcomeFiles,
    /// A row is created.
    RowInsert,
    /// A row is written by its external id.
    RowUpsert,
}

/// One place at which a call of a route stands in a client's work.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) label: &'static str,
    pub(crate) work: Work,
    /// The emulator's route of the call.
    pub(crate) on: On,
    /// Which call of it is hit first.
    pub(crate) nth: u64,
}

/// What a client does from begin to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Login,
    /// A call after the session has ended.
    Renewal,
    Describe,
    Query,
    /// A query job, its result read as rows.
    JobToRows,
    /// The same, as a file.
    JobToFile,
    /// The same, its pages side by side.
    JobInParallel,
    /// An ingest job, step by step.
    Ingest,
    /// A load over several jobs.
    Load,
    /// A small load, in one call.
    Multipart,
    Insert,
    Upsert,
}

impl Work {
    /// Whether it writes rows.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Ingest | Self::Load | Self::Multipart | Self::Insert | Self::Upsert)
    }

    /// Whether it has calls of the same kind on their way at once.
    pub(crate) fn at_once(self) -> u64 {
        if matches!(self, Self::JobInParallel | Self::Load) { 2 } else { 1 }
    }
}

impl Route {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Self; 14] = [
        Self::Token,
        Self::Describe,
        Self::QueryPage,
        Self::Create,
        Self::CreateWithData,
        Self::Upload,
        Self::UploadInLoad,
        Self::Close,
        Self::Poll,
        Self::ResultPage,
        Self::ParallelPages,
        Self::OutcomeFiles,
        Self::RowInsert,
        Self::RowUpsert,
    ];

    /// Its name in the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Describe => "describe",
            Self::QueryPage => "query-page",
            Self::Create => "create",
            Self::CreateWithData => "create-with-data",
            Self::Upload => "upload",
            Self::UploadInLoad => "upload-in-load",
            Self::Close => "close",
            Self::Poll => "poll",
            Self::ResultPage => "result-page",
            Self::ParallelPages => "parallel-pages",
            Self::OutcomeFiles => "outcome-files",
            Self::RowInsert => "row-insert",
            Self::RowUpsert => "row-upsert",
        }
    }

    /// The route of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.name() == name)
    }

    /// Whether a job is there by the time of the call, so that every error must name it.
    pub(crate) fn has_job(self) -> bool {
        matches!(
            self,
            Self::Upload
                | Self::UploadInLoad
                | Self::Close
                | Self::Poll
                | Self::ResultPage
                | Self::ParallelPages
                | Self::OutcomeFiles
        )
    }

    /// Where calls of this route stand.
    pub(crate) fn places(self) -> Vec<Place> {
        let place = |label, work, on, nth| Place { label, work, on, nth };
        match self {
            Self::Token => {
                vec![place("login", Work::Login, On::Token, 1), place("renewal", Work::Renewal, On::Token, 1)]
            }
            Self::Describe => vec![place("describe", Work::Describe, On::Describe, 1)],
            Self::QueryPage => vec![
                place("first page", Work::Query, On::Query, 1),
                place("later page", Work::Query, On::QueryPage, 1),
            ],
            Self::Create => vec![
                place("query job", Work::JobToRows, On::CreateJob, 1),
                place("ingest job", Work::Ingest, On::CreateIngest, 1),
            ],
            Self::CreateWithData => vec![place("multipart", Work::Multipart, On::CreateIngest, 1)],
            Self::Upload => vec![place("upload", Work::Ingest, On::Upload, 1)],
            Self::UploadInLoad => vec![place("upload", Work::Load, On::Upload, 1)],
            Self::Close => vec![place("close", Work::Ingest, On::Close, 1)],
            Self::Poll => vec![
                place("query job", Work::JobToRows, On::JobInfo, 1),
                place("ingest job", Work::Ingest, On::IngestInfo, 1),
            ],
            Self::ResultPage => vec![
                place("first page, to a file", Work::JobToFile, On::Results, 1),
                place("second page, as rows", Work::JobToRows, On::Results, 2),
            ],
            Self::ParallelPages => vec![
                place("list of pages", Work::JobInParallel, On::ResultPages, 1),
                place("a page", Work::JobInParallel, On::Results, 2),
            ],
            Self::OutcomeFiles => vec![
                place("successful", Work::Ingest, On::SuccessfulResults, 1),
                place("failed", Work::Ingest, On::FailedResults, 1),
                place("unprocessed", Work::Ingest, On::UnprocessedRecords, 1),
            ],
            Self::RowInsert => vec![place("insert", Work::Insert, On::Row, 1)],
            Self::RowUpsert => vec![place("upsert", Work::Upsert, On::Row, 1)],
        }
    }
}
