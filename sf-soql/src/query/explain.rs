//! How an org would go about a query.

use serde::Deserialize;
use sf_core::Client;

/// One way to go about a query; the first is the one that the org would take (REST API guide, "Query").
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plan {
    /// How many rows the leading operation is thought to give.
    #[serde(default)]
    pub cardinality: u64,
    /// The fields whose index is used.
    #[serde(default)]
    pub fields: Vec<String>,
    /// `Index`, `Sharing`, `TableScan` or `Other`.
    #[serde(default)]
    pub leading_operation_type: String,
    /// What speaks against other ways.
    #[serde(default)]
    pub notes: Vec<PlanNote>,
    /// The cost by the org's own measure: above 1 the query is not selective.
    #[serde(default)]
    pub relative_cost: f64,
    /// How many rows the object is thought to have.
    #[serde(default)]
    pub sobject_cardinality: u64,
    /// The object.
    #[serde(default)]
    pub sobject_type: String,
}

/// A remark on a [`Plan`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PlanNote {
    /// What it says.
    #[serde(default)]
    pub description: String,
    /// The fields that it is about.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The object that it is about.
    #[serde(default)]
    pub table_enum_or_id: String,
}

pub(super) async fn explain(client: &Client, soql: &str) -> sf_core::Result<Vec<Plan>> {
    #[derive(Deserialize)]
    struct Answer {
        plans: Vec<Plan>,
    }
    Ok(client.get("query").query("explain", soql).json::<Answer>().await?.plans)
}
