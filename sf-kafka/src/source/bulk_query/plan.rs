//! What is read of an object: its fields, its cursor, and the queries.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use sf_core::record::{FieldType, Schema};
use sf_soql::{BulkFields, Condition, Describe, DescribeCache, Select, cursor_field, field, schema_of};
use sha2::{Digest, Sha256};

use super::window::{Start, Window};
use crate::config::TableConfig;
use crate::{Error, Outlook, Result};

/// How one object is read. Made from its describe.
#[derive(Debug, Clone)]
pub struct TablePlan {
    /// The object, spelled as the org spells it.
    pub object: String,
    /// The cursor field.
    pub cursor: String,
    /// Why it is the cursor field, for people.
    pub cursor_reason: String,
    /// The fields that are read, typed.
    pub schema: Arc<Schema>,
    /// Fields that are not read, with the reason.
    pub left_out: Vec<(String, String)>,
    /// Whether rows in the recycle bin are read.
    pub include_deleted: bool,
    /// What changes when another configuration or another shape of the object would give other rows.
    pub hash: String,
    first: Start,
    cursor_is_date: bool,
    overlap: TimeDelta,
}

impl TablePlan {
    /// Asks the org what the object is and decides how it is read.
    ///
    /// # Errors
    /// [`Outlook::Final`] where the object cannot be read at all, naming the reason.
    pub async fn make(describes: &DescribeCache, table: &TableConfig, overlap: TimeDelta) -> Result<Self> {
        let describe = describes.object(&table.object).await?;
        Self::of(&describe, table, overlap)
    }

    fn of(describe: &Describe, table: &TableConfig, overlap: TimeDelta) -> Result<Self> {
        let fields = BulkFields::of(describe);
        fields.check()?;
        let cursor = cursor_field(describe, table.offset_field.as_deref())?;
        if let Some(unknown) = table.keep_iso.iter().find(|n| describe.field(n).is_none()) {
            let text =
                format!("{} has no field {unknown}, which skip.epoch.conversion.fields names", describe.name);
            return Err(Error::new(Outlook::Final, text));
        }
        let filters = |name: &str| describe.field(name).is_some_and(|f| f.filterable);
        if table.since.is_some() && !filters("CreatedDate") {
            let text = format!(
                "{} has no CreatedDate to compare salesforce.since with: leave it out",
                describe.name
            );
            return Err(Error::new(Outlook::Final, text));
        }
        let schema = Arc::new(schema_of(describe, fields.names())?);
        let mut plan = Self {
            object: describe.name.clone(),
            cursor: cursor.name.clone(),
            cursor_reason: cursor_reason(describe, &cursor.name, table.offset_field.is_some()),
            left_out: fields.left_out.iter().map(|(n, r)| ((*n).to_owned(), r.to_string())).collect(),
            include_deleted: table.include_deleted,
            first: Start::First(table.since),
            cursor_is_date: cursor.field_type == FieldType::Date,
            overlap,
            schema,
            hash: String::new(),
        };
        plan.hash = plan.fingerprint();
        Ok(plan)
    }

    /// Where an object begins of which nothing was read yet.
    pub fn first(&self) -> Start {
        self.first
    }

    /// The query of a window's job.
    ///
    /// # Errors
    /// A name that SOQL cannot write, which no describe gives.
    pub fn query(&self, window: &Window) -> Result<String> {
        let names = self.schema.fields().iter().map(|f| f.name().to_owned());
        let select = self.lower_bound(Select::from(&self.object).fields(names), window.start);
        Ok(select.filter(self.before_end(window)).build()?)
    }

    /// The query that asks for the earliest row from `start` on.
    ///
    /// Without `ordered` any row will do: for an org whose index does not carry the order.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn probe(&self, start: Start, ordered: bool) -> Result<String> {
        let select = Select::from(&self.object).fields(["Id".to_owned(), self.cursor.clone()]);
        let mut select = self.lower_bound(select, start);
        if ordered {
            select = select.order_by(field(&self.cursor).asc());
        }
        Ok(select.limit(1).build()?)
    }

    /// A cursor field that is a date tells no time: its last day is read again each time.
    pub fn cursor_is_date(&self) -> bool {
        self.cursor_is_date
    }

    fn before_end(&self, window: &Window) -> Condition {
        let cursor = field(&self.cursor);
        if self.cursor_is_date { cursor.le(window.end.date_naive()) } else { cursor.lt(window.end) }
    }

    fn lower_bound(&self, select: Select, start: Start) -> Select {
        match start {
            Start::First(None) => select,
            Start::First(Some(day)) => select.filter(field("CreatedDate").ge(Start::First(Some(day)).time())),
            Start::At(time) => {
                let from = time.checked_sub_signed(self.overlap).unwrap_or(time);
                let cursor = field(&self.cursor);
                // A day of the org's users begins up to half a day away from UTC's: their last day is read
                // again with the day before it.
                let day = from.date_naive().pred_opt().unwrap_or(NaiveDate::MIN);
                select.filter(if self.cursor_is_date { cursor.ge(day) } else { cursor.ge(from) })
            }
        }
    }

    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for field in self.schema.fields() {
            hash.update(field.name());
            hash.update([0]);
        }
        let rest = format!("{}\0{}\0{}\0{:?}", self.object, self.cursor, self.include_deleted, self.first);
        hash.update(rest);
        hash.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
    }
}

fn cursor_reason(describe: &Describe, cursor: &str, named: bool) -> String {
    if named {
        return "named by salesforce.objectN.offset.field.name".to_owned();
    }
    let better = ["SystemModstamp", "LastModifiedDate"].into_iter().take_while(|name| *name != cursor);
    let missing: Vec<_> = better
        .map(|name| match describe.field(name) {
            None => format!("{} has no {name}", describe.name),
            Some(_) => format!("{name} cannot be filtered by or can be empty"),
        })
        .collect();
    match (missing.is_empty(), cursor) {
        (true, _) => "it moves with every change, also those that Salesforce itself makes".to_owned(),
        (false, "CreatedDate") => {
            format!("{}; changes of rows are not seen, only new rows", missing.join(", "))
        }
        (false, _) => missing.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use serde_json::json;

    use super::*;

    fn describe() -> Describe {
        let field = |name: &str, of: &str| json!({"name":name,"type":of,"filterable":true,"nillable":false});
        serde_json::from_value(json!({
            "name": "Thing__c", "queryable": true,
            "fields": [field("Id", "id"), field("CreatedDate", "datetime"), field("SystemModstamp", "datetime"),
                       field("Where__c", "location"), field("Day__c", "date")],
        }))
        .unwrap()
    }

    fn plan(since: Option<&str>, offset_field: Option<&str>) -> TablePlan {
        let numbered = json!({
            "name": "t", "connector.class": "SalesforceBulkApiV2Source", "salesforce.grant.type": "CLIENT_CREDENTIALS",
            "salesforce.instance": "https://a.my.salesforce.com", "salesforce.consumer.key": "k",
            "salesforce.consumer.secret": "s", "salesforce.object.num": "1", "salesforce.object1": "thing__C",
            "salesforce.object1.topic": "things", "output.data.format": "JSON",
            "salesforce.object1.since": since, "salesforce.object1.offset.field.name": offset_field,
        });
        let text: serde_json::Map<String, serde_json::Value> =
            numbered.as_object().unwrap().clone().into_iter().filter(|(_, v)| !v.is_null()).collect();
        let config =
            crate::config::Config::from_json("t.json", &serde_json::to_string(&text).unwrap()).unwrap();
        let (source, report) = crate::config::BulkQuerySource::parse(&config);
        let source = source.unwrap_or_else(|| panic!("{report}"));
        TablePlan::of(&describe(), &source.tables[0], TimeDelta::minutes(5)).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_window_is_bound_by_the_day_of_creation_and_later_ones_by_the_cursor_alone() {
        let plan = plan(Some("2024-04-01"), None);
        let end = at("2026-05-04T09:12:01Z");
        let first = plan.query(&Window { start: plan.first(), end }).unwrap();
        assert_eq!(
            first,
            "SELECT Id, CreatedDate, SystemModstamp, Day__c FROM Thing__c \
             WHERE CreatedDate >= 2024-04-01T00:00:00Z AND SystemModstamp < 2026-05-04T09:12:01Z"
        );
        let later = plan.query(&Window { start: Start::At(at("2026-05-04T09:00:00Z")), end }).unwrap();
        assert!(
            later.ends_with(
                "WHERE SystemModstamp >= 2026-05-04T08:55:00Z AND SystemModstamp < 2026-05-04T09:12:01Z"
            ),
            "{later}"
        );
    }

    #[test]
    fn a_probe_asks_for_the_earliest_row_only() {
        let probe = plan(None, None).probe(Start::At(at("2026-05-04T09:00:00Z")), true).unwrap();
        assert!(
            probe.starts_with("SELECT Id, SystemModstamp FROM Thing__c WHERE SystemModstamp >= "),
            "{probe}"
        );
        assert!(probe.contains("ORDER BY SystemModstamp") && probe.ends_with("LIMIT 1"), "{probe}");
    }

    #[test]
    fn a_date_as_cursor_reads_its_last_day_again() {
        let plan = plan(None, Some("day__c"));
        let window = Window { start: Start::At(at("2026-05-04T09:00:00Z")), end: at("2026-05-05T01:00:00Z") };
        let query = plan.query(&window).unwrap();
        assert!(query.ends_with("WHERE Day__c >= 2026-05-03 AND Day__c <= 2026-05-05"), "{query}");
    }

    #[test]
    fn the_hash_changes_with_what_would_change_the_rows() {
        let base = plan(None, None).hash;
        assert_eq!(base, plan(None, None).hash);
        assert_ne!(base, plan(Some("2024-04-01"), None).hash);
        assert_ne!(base, plan(None, Some("CreatedDate")).hash);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_the_reason() {
        let plan = plan(None, None);
        assert_eq!(plan.object, "Thing__c");
        assert_eq!(plan.left_out.len(), 1);
        assert_eq!(plan.left_out[0].0, "Where__c");
    }
}
