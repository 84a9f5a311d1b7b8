//! The rows: as the pages that an org sends, and as structs.

use std::sync::LazyLock;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub const SOQL: &str = "SELECT Id, FirstName, LastName, Company, Email, Phone, City, AnnualRevenue, CreatedDate, \
                        Description FROM Lead";

pub const COLUMNS: [&str; 10] = [
    "Id",
    "FirstName",
    "LastName",
    "Company",
    "Email",
    "Phone",
    "City",
    "AnnualRevenue",
    "CreatedDate",
    "Description",
];

/// A row that was read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "only filled")]
pub struct Lead {
    id: String,
    first_name: Option<String>,
    last_name: String,
    company: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    city: Option<String>,
    annual_revenue: Option<f64>,
    created_date: String,
    description: Option<String>,
}

/// A row to be written. It borrows everything, so that making it costs nobody anything.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewLead {
    external_id: &'static str,
    first_name: Option<&'static str>,
    last_name: &'static str,
    company: &'static str,
    email: &'static str,
    phone: Option<&'static str>,
    city: &'static str,
    annual_revenue: f64,
    is_converted: bool,
    description: &'static str,
}

/// The header line of a page.
pub fn header() -> String {
    COLUMNS.map(|c| format!("\"{c}\"")).join(",") + "\n"
}

/// A page as an org sends it: a header line, every cell quoted, some empty, some with quotes and line ends in them.
pub fn page(rows: u64) -> Bytes {
    let mut out = header();
    for i in 0..rows {
        let phone = if i % 3 == 0 { String::new() } else { format!("+49 30 {i:07}") };
        let description =
            if i % 10 == 0 { "said \"\"yes\"\",\nthen called" } else { "met at the fair, wants a call" };
        out.push_str(&format!(
            "\"00Q5i{i:010}AAA\",\"Given{i}\",\"Family{i}\",\"Company number {i} & Sons\",\"someone{i}@example.com\",\
             \"{phone}\",\"Mönchengladbach\",\"{}.50\",\"2024-12-24T18:18:29.000Z\",\"{description}\"\n",
            i * 7
        ));
    }
    Bytes::from(out)
}

/// A thousand rows, again and again. Some need quotes; none has a line end in a cell, so that the server counts
/// rows by counting lines.
pub fn new_leads(rows: u64) -> impl Iterator<Item = NewLead> + Send + Unpin {
    static LEADS: LazyLock<Vec<NewLead>> = LazyLock::new(|| (0..1000).map(new_lead).collect());
    LEADS.iter().copied().cycle().take(usize::try_from(rows).expect("as many rows as memory has addresses"))
}

fn new_lead(i: u32) -> NewLead {
    let text = |text: String| -> &'static str { text.leak() };
    NewLead {
        external_id: text(format!("lead-{i:010}")),
        first_name: (i % 5 != 0).then(|| text(format!("Given{i}"))),
        last_name: text(format!("Family{i}")),
        company: text(format!("Company number {i} & Sons")),
        email: text(format!("someone{i}@example.com")),
        phone: (i % 3 != 0).then(|| text(format!("+49 30 {i:07}"))),
        city: "Mönchengladbach",
        annual_revenue: f64::from(i) * 7.0 + 0.5,
        is_converted: i % 2 == 0,
        description: if i % 10 == 0 { "said \"yes\", then called" } else { "met at the fair; wants a call" },
    }
}
