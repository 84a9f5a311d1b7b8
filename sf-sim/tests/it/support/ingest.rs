//! Ingest jobs, by raw HTTP.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{Org, V, told};

/// A job that was made.
pub(crate) struct Ingest<'a> {
    org: &'a Org,
    pub(crate) id: String,
}

impl Org {
    /// Makes a job of this body.
    pub(crate) async fn ingest(&self, body: Value) -> Ingest<'_> {
        let answer = self.post(&format!("{V}/jobs/ingest"), &body).await;
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        let job: Value = answer.json().await.unwrap();
        Ingest { org: self, id: job["id"].as_str().unwrap().to_owned() }
    }

    /// Makes a job of this body, with this data, and closes it.
    pub(crate) async fn loaded(&self, body: Value, csv: &str) -> Ingest<'_> {
        let job = self.ingest(body).await;
        assert_eq!(told(job.upload(csv).await).await, (201, String::new()));
        assert_eq!(job.set("UploadComplete").await.0, 200);
        job
    }

    /// Inserts rows of an object with this data.
    pub(crate) async fn inserted(&self, object: &str, csv: &str) -> Ingest<'_> {
        self.loaded(json!({ "object": object, "operation": "insert" }), csv).await
    }

    /// What a REST query finds.
    pub(crate) async fn rows(&self, soql: &str) -> Vec<Value> {
        let answer = self.call(Method::GET, &format!("{V}/query")).query(&[("q", soql)]).send();
        let answer: Value = answer.await.unwrap().json().await.unwrap();
        let mut rows = answer["records"].as_array().cloned().unwrap_or_else(|| panic!("{soql}: {answer}"));
        rows.iter_mut().for_each(|row| drop(row.as_object_mut().unwrap().shift_remove("attributes")));
        rows
    }
}

impl Ingest<'_> {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("{V}/jobs/ingest/{}{rest}", self.id)
    }

    pub(crate) async fn upload(&self, csv: &str) -> Response {
        let call = self.org.call(Method::PUT, &self.path("/batches")).header("content-type", "text/csv");
        call.body(csv.to_owned()).send().await.unwrap()
    }

    /// Asks for a state.
    pub(crate) async fn set(&self, state: &str) -> (u16, String) {
        let call = self.org.call(Method::PATCH, &self.path("")).json(&json!({ "state": state }));
        told(call.send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self) -> (u16, String) {
        told(self.org.call(Method::DELETE, &self.path("")).send().await.unwrap()).await
    }

    pub(crate) async fn info(&self) -> Value {
        self.org.json(&self.path("")).await
    }

    /// State, rows processed, rows failed.
    pub(crate) async fn progress(&self) -> (String, u64, u64) {
        let info = self.info().await;
        let count = |name: &str| info[name].as_u64().unwrap();
        let state = info["state"].as_str().unwrap().to_owned();
        (state, count("numberRecordsProcessed"), count("numberRecordsFailed"))
    }

    /// The message of a job that failed as a whole.
    pub(crate) async fn failure(&self) -> String {
        let info = self.info().await;
        assert_eq!(
            (&info["state"], &info["numberRecordsProcessed"]),
            (&json!("Failed"), &json!(0)),
            "{info}"
        );
        info["errorMessage"].as_str().unwrap().to_owned()
    }

    /// A file of outcomes: the header line, and the other lines sorted.
    pub(crate) async fn outcome(&self, name: &str) -> (String, Vec<String>) {
        let (status, text) = self.org.told(&self.path(&format!("/{name}"))).await;
        assert_eq!(status, 200, "{text}");
        let mut lines = text.split_inclusive('\n').map(|line| line.trim_end_matches('\n').to_owned());
        let header = lines.next().unwrap_or_default();
        let mut rows: Vec<String> = lines.collect();
        rows.sort();
        (header, rows)
    }

    /// The errors of the rows that failed, sorted.
    pub(crate) async fn errors(&self) -> Vec<String> {
        let (_, rows) = self.outcome("failedResults").await;
        let errors =
            rows.iter().map(|row| row.split("\",\"").nth(1).unwrap().trim_end_matches('"').to_owned());
        errors.collect()
    }
}
