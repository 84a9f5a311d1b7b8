//! The further pages of child queries, put where the first one stands.
//!
//! Rows are put together as text: what the org wrote stays as it was, to the last digit.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sf_core::Client;

use crate::error::{Error, ErrorKind, Result};

use super::Query;

/// What an answer has that is not the last of its query.
pub(super) const MARK: &[u8] = b"\"nextRecordsUrl\"";
const MARK_TEXT: &str = "\"nextRecordsUrl\"";
/// The same, where the answer does not say where the rest is.
pub(super) const OPEN: &[u8] = b"\"done\":false";
const OPEN_TEXT: &str = "\"done\":false";
/// How many parents' children are fetched at once.
const AT_ONCE: usize = 4;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    total_size: u64,
    #[serde(default)]
    done: bool,
    next_records_url: Option<String>,
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

/// Where the work is done.
#[derive(Clone, Copy)]
struct Context<'c> {
    query: &'c Query,
    client: &'c Client,
    before: u64,
    /// The bytes of the page and of all that came for its children: several parents' come at once.
    held: &'c AtomicUsize,
}

impl Context<'_> {
    fn protocol(&self, e: serde_json::Error) -> Error {
        self.query.unreadable(self.before, e)
    }

    /// Counts what has come, and refuses it where it is too much.
    fn hold(&self, bytes: usize) -> Result<()> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        check_size(self.query, held)
    }

    fn broken(&self, why: &str) -> Error {
        self.query.failed(self.before, sf_core::Error::new(sf_core::ErrorKind::Protocol, why))
    }
}

/// Whether so many bytes are allowed for a page.
pub(super) fn check_size(query: &Query, bytes: usize) -> Result<()> {
    let most = query.max_page;
    if bytes <= most {
        return Ok(());
    }
    let message = format!(
        "a page of rows with all their children is larger than the {most} bytes allowed for it: limit the \
         child query, query the children on their own, or allow more with `max_page`"
    );
    Err(Error::new(ErrorKind::TooLarge, message))
}

/// A page whose child queries are all answered whole.
pub(super) async fn completed(query: &Query, client: &Client, body: &[u8], before: u64) -> Result<Bytes> {
    let held = AtomicUsize::new(body.len());
    let context = Context { query, client, before, held: &held };
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|e| context.protocol(e))?;
    let next = if answer.done { None } else { answer.next_records_url };
    let rows = rows(context, &answer.records).await?;
    let head = match &next {
        Some(url) => format!("\"done\":false,\"nextRecordsUrl\":{}", quoted(url)),
        None => "\"done\":true".to_owned(),
    };
    let body = format!("{{\"totalSize\":{},{head},\"records\":[{rows}]}}", answer.total_size);
    Ok(body.into())
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Rows, each with all its children, joined by commas.
async fn rows(context: Context<'_>, rows: &[&RawValue]) -> Result<String> {
    // Gathered first: a closure in a stream that crosses threads is more than the compiler can follow.
    let each: Vec<BoxFuture<'_, Result<String>>> =
        rows.iter().map(|row| object(context, row.get())).collect();
    let mut done = futures_util::stream::iter(each).buffered(AT_ONCE);
    let mut out = String::new();
    while let Some(row) = done.try_next().await? {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&row);
    }
    Ok(out)
}

fn goes_on(json: &str) -> bool {
    json.contains(MARK_TEXT) || json.contains(OPEN_TEXT)
}

/// An object with all children within.
fn object<'a>(context: Context<'a>, json: &'a str) -> BoxFuture<'a, Result<String>> {
    async move {
        if !goes_on(json) {
            return Ok(json.to_owned());
        }
        let Members(members) = serde_json::from_str(json).map_err(|e| context.protocol(e))?;
        let mut out = String::from("{");
        for (i, (key, value)) in members.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            out.push_str(&quoted(key));
            out.push(':');
            let text = value.get();
            if !text.starts_with('{') || !goes_on(text) {
                out.push_str(text);
            } else if let Ok(answer) = serde_json::from_str::<Answer<'_>>(text) {
                out.push_str(&whole(context, answer).await?);
            } else {
                out.push_str(&object(context, text).await?);
            }
        }
        out.push('}');
        Ok(out)
    }
    .boxed()
}

/// The answer of a child query with the rows of all its pages.
async fn whole(context: Context<'_>, first: Answer<'_>) -> Result<String> {
    let mut out = rows(context, &first.records).await?;
    let (mut next, mut done) = (first.next_records_url, first.done);
    while !done {
        let more = "the answer of a child query says that there is more and not where";
        let url = next.take().ok_or_else(|| context.broken(more))?;
        let response = context.client.get(url.as_str()).json_answer().response().await;
        let body = response.map_err(|e| context.query.failed(context.before, e))?.body;
        context.hold(body.len())?;
        let answer: Answer<'_> = serde_json::from_slice(&body).map_err(|e| context.protocol(e))?;
        let more = rows(context, &answer.records).await?;
        if !more.is_empty() && !out.is_empty() {
            out.push(',');
        }
        out.push_str(&more);
        if answer.next_records_url.as_deref() == Some(url.as_str()) {
            return Err(context.broken("the answer names itself as the next page"));
        }
        (next, done) = (answer.next_records_url, answer.done);
    }
    Ok(format!("{{\"totalSize\":{},\"done\":true,\"records\":[{out}]}}", first.total_size))
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}
