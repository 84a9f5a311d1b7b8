//! Queries over REST: rows as they arrive.

mod complete;
mod explain;
mod page;
mod pages;
mod records;
mod rows;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use sf_core::client::encode_segment;
use sf_core::record::Schema;
use sf_core::{Client, json};

use crate::cache::{DescribeCache, names_missing_field};
use crate::error::{Error, ErrorKind, Result};
use crate::select::Select;

pub use explain::{Plan, PlanNote};
pub use page::Page;
pub use pages::Pages;
pub use records::Records;
pub use rows::Rows;

/// The most bytes of a URL (REST API guide, "Status Codes and Error Responses": 414). `POST` is not offered for
/// queries.
const MAX_URL: usize = 16_384;
/// What `Sforce-Query-Options: batchSize` takes.
const BATCH: std::ops::RangeInclusive<u16> = 200..=2_000;
const DEFAULT_PREFETCH: usize = 2;
const DEFAULT_MAX_PAGE: usize = 256 * 1024 * 1024;

/// A query over REST. Rows come page by page, the next pages while the first are being read.
///
/// ```no_run
/// # async fn example(org: sf_core::Client) -> sf_soql::Result<()> {
/// use serde::Deserialize;
/// use sf_soql::{Query, Select, field, fields_of};
///
/// #[derive(Deserialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Lead {
///     id: String,
///     last_name: String,
/// }
///
/// let select = Select::from("Lead").fields(fields_of::<Lead>()?).filter(field("Rating").eq("Hot"));
/// let mut leads = Query::of(&select)?.rows::<Lead>(&org);
/// while let Some(lead) = leads.next_row().await? {
///     println!("{} {}", lead.id, lead.last_name);
/// }
/// # Ok(())
/// # }
/// ```
///
/// At most [`prefetch`](Self::prefetch) pages are kept beside the one that is being read. Rows of child queries come
/// whole: their further pages are fetched before their parent is shown.
#[derive(Debug, Clone)]
#[must_use]
pub struct Query {
    soql: String,
    all_rows: bool,
    batch_size: Option<u16>,
    prefetch: usize,
    max_page: usize,
    describes: Option<(DescribeCache, String)>,
}

impl Query {
    /// A query by its text.
    pub fn new(soql: impl Into<String>) -> Self {
        Self {
            soql: soql.into(),
            all_rows: false,
            batch_size: None,
            prefetch: DEFAULT_PREFETCH,
            max_page: DEFAULT_MAX_PAGE,
            describes: None,
        }
    }

    /// A query from values. `ALL ROWS` becomes a call of `queryAll`, since REST does not take the words.
    ///
    /// # Errors
    ///
    /// As [`Select::build`].
    pub fn of(select: &Select) -> Result<Self> {
        let mut select = select.clone();
        let all_rows = std::mem::take(&mut select.all_rows);
        let query = Self::new(select.build()?);
        Ok(if all_rows { query.all_rows() } else { query })
    }

    /// Rows in the recycle bin and archived ones too (`queryAll`).
    pub fn all_rows(mut self) -> Self {
        self.all_rows = true;
        self
    }

    /// How many rows a page should have, 200 to 2,000. The org may send fewer, or pass over the wish.
    pub fn batch_size(mut self, rows: u16) -> Self {
        self.batch_size = Some(rows);
        self
    }

    /// How many pages are fetched ahead, at least 1; 2 unless this says otherwise. More smooth out an uneven
    /// pace; they cannot come faster, since each page names the next.
    pub fn prefetch(mut self, pages: usize) -> Self {
        self.prefetch = pages.max(1);
        self
    }

    /// The most bytes of a page with all children of its rows, as they came (256 MiB by default). More is an error.
    pub fn max_page(mut self, bytes: usize) -> Self {
        self.max_page = bytes;
        self
    }

    /// Forgets what this cache knows of the object, and of whatever object the org names, where the org refuses
    /// the query for a field or an object that it does not have: the describe is out of date.
    pub fn describes(mut self, cache: &DescribeCache, object: impl Into<String>) -> Self {
        self.describes = Some((cache.clone(), object.into()));
        self
    }

    /// The query's text.
    pub fn soql(&self) -> &str {
        &self.soql
    }

    /// The answer page by page. Nothing is asked before the first [`Pages::next_page`].
    pub fn pages(&self, client: &Client) -> Pages {
        Pages::new(self.clone(), client.clone())
    }

    /// The rows as structs, or as anything that serde reads from a row's JSON.
    pub fn rows<T: DeserializeOwned>(&self, client: &Client) -> Rows<T> {
        Rows::new(self.pages(client))
    }

    /// The rows as records of a schema, as [`schema_of`](crate::schema_of) makes it: dotted names are read
    /// through the parents' objects, and numbers keep all digits.
    pub fn records(&self, client: &Client, schema: &Arc<Schema>) -> Records {
        Records::new(self.pages(client), Arc::clone(schema))
    }

    /// How many rows there are: the total size that the first page tells, without the rows being read.
    ///
    /// # Errors
    ///
    /// As [`Pages::next_page`].
    pub async fn count(&self, client: &Client) -> Result<u64> {
        let first = self.clone().prefetch(1).pages(client).next_page().await?;
        Ok(first.map_or(0, |page| page.total_size()))
    }

    /// How the org would go about the query.
    ///
    /// # Errors
    ///
    /// As [`Pages::next_page`].
    pub async fn explain(&self, client: &Client) -> Result<Vec<Plan>> {
        self.check(client, "query", "explain").await?;
        explain::explain(client, &self.soql).await.map_err(|e| self.failed(0, e))
    }

    fn call(&self) -> &'static str {
        if self.all_rows { "queryAll" } else { "query" }
    }

    /// What can be known to fail without asking.
    async fn check(&self, client: &Client, call: &str, parameter: &str) -> Result<()> {
        if let Some(rows) = self.batch_size.filter(|rows| !BATCH.contains(rows)) {
            let message = format!("a page of {rows} rows: the org takes 200 to 2000");
            return Err(Error::new(ErrorKind::InvalidQuery, message));
        }
        let token = client.token().await.map_err(|e| self.failed(0, e))?;
        let version = client.api_version();
        let path = format!("services/data/{version}/{call}?{parameter}=");
        let length = token.instance_url.as_str().len() + path.len() + encode_segment(&self.soql).len();
        if length > MAX_URL { Err(self.too_long(length, None)) } else { Ok(()) }
    }

    fn too_long(&self, length: usize, org: Option<sf_core::Error>) -> Error {
        let message = format!(
            "the query makes a URL of {length} bytes and orgs take {MAX_URL}, headers counted: ask for it in parts \
             (fewer values in a list), or make it a Bulk API 2.0 job, which has no such limit"
        );
        match org {
            Some(org) => Error::with_org(ErrorKind::TooLong, message, org),
            None => Error::new(ErrorKind::TooLong, message),
        }
    }

    /// A page that is no answer of a query.
    fn unreadable(&self, rows: u64, error: serde_json::Error) -> Error {
        let protocol = sf_core::Error::new(sf_core::ErrorKind::Protocol, "the rows are not those of a query");
        self.failed(rows, protocol.with_source(json::fault(&error)))
    }

    /// What a failed call means for a query of which so many rows have been fetched.
    fn failed(&self, rows: u64, error: sf_core::Error) -> Error {
        if matches!(error.status(), Some(414 | 431)) {
            return self.too_long(encode_segment(&self.soql).len(), Some(error));
        }
        let (kind, message) = match error.error_code() {
            Some("INVALID_QUERY_LOCATOR") => (
                ErrorKind::CursorExpired,
                format!(
                    "the query's cursor is gone after {rows} rows: orgs keep it for two days. Ask again from there on, ordered \
                     by Id"
                ),
            ),
            Some("INVALID_FIELD") if !error.api_errors().iter().any(names_missing_field) => (
                ErrorKind::InvalidQuery,
                "the org refused the query for what it does with a field".to_owned(),
            ),
            Some("INVALID_FIELD") => (
                ErrorKind::UnknownField,
                "the org refused the query for a field that it does not have".to_owned(),
            ),
            Some("INVALID_TYPE") => (
                ErrorKind::UnknownObject,
                "the org refused the query for an object that it does not have".to_owned(),
            ),
            Some("MALFORMED_QUERY") => {
                (ErrorKind::InvalidQuery, "the org could not read the query".to_owned())
            }
            _ => (ErrorKind::Org, format!("the query failed after {rows} rows")),
        };
        if let Some((cache, object)) = &self.describes {
            cache.forget_refused(object, &error);
        }
        Error::with_org(kind, message, error)
    }
}
