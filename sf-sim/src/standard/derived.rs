//! Fields that the org works out from others when a row is written.

use chrono::Datelike as _;

use crate::schema::ObjectDef;
use crate::value::{Decimal, Value};

/// What a stage of an opportunity brings: its name, probability, forecast category and the category's label.
const STAGES: [(&str, i64, &str, &str); 10] = [
    ("Prospecting", 10, "Pipeline", "Pipeline"),
    ("Qualification", 10, "Pipeline", "Pipeline"),
    ("Needs Analysis", 20, "Pipeline", "Pipeline"),
    ("Value Proposition", 50, "Pipeline", "Pipeline"),
    ("Id. Decision Makers", 60, "Pipeline", "Pipeline"),
    ("Perception Analysis", 70, "Pipeline", "Pipeline"),
    ("Proposal/Price Quote", 75, "Pipeline", "Pipeline"),
    ("Negotiation/Review", 90, "Pipeline", "Pipeline"),
    ("Closed Won", 100, "Closed", "Closed"),
    ("Closed Lost", 0, "Omitted", "Omitted"),
];

/// Fills the fields that the org works out from others.
pub(crate) fn derive(def: &ObjectDef, values: &mut [Value], stamp_ms: i64) {
    let mut row = Row { def, values };
    match def.name.as_str() {
        "Opportunity" => opportunity(&mut row),
        "Case" => case(&mut row, stamp_ms),
        "User" => user(&mut row),
        "Attachment" => size(&mut row, "Body", "BodyLength"),
        "ContentVersion" => content_version(&mut row),
        _ => {}
    }
}

struct Row<'a> {
    def: &'a ObjectDef,
    values: &'a mut [Value],
}

impl Row<'_> {
    fn get(&self, name: &str) -> &Value {
        self.def.field(name).map_or(&Value::Null, |(at, _)| &self.values[at])
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some((at, _)) = self.def.field(name) {
            self.values[at] = value;
        }
    }

    fn text(&self, name: &str) -> String {
        match self.get(name) {
            Value::Text(text) => text.to_string(),
            _ => String::new(),
        }
    }
}

fn opportunity(row: &mut Row<'_>) {
    let stage = row.text("StageName");
    let known = STAGES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(&stage));
    let (_, probability, category, category_label) = known.unwrap_or(&STAGES[0]);
    if row.get("Probability").is_null() {
        row.set("Probability", Value::Num(Decimal::from(*probability)));
    }
    row.set("ForecastCategory", Value::text(*category));
    if row.get("ForecastCategoryName").is_null() {
        row.set("ForecastCategoryName", Value::text(*category_label));
    }
    row.set("IsClosed", Value::Bool(stage.starts_with("Closed")));
    row.set("IsWon", Value::Bool(stage == "Closed Won"));
    let expected = match (row.get("Amount"), row.get("Probability")) {
        (Value::Num(amount), Value::Num(percent)) => expected(*amount, *percent),
        _ => None,
    };
    row.set("ExpectedRevenue", expected.map_or(Value::Null, Value::Num));
    if let Value::Date(close) = *row.get("CloseDate") {
        let quarter = close.month0() / 3 + 1;
        row.set("FiscalYear", Value::Int(close.year().into()));
        row.set("FiscalQuarter", Value::Int(quarter.into()));
        row.set("Fiscal", Value::text(format!("{} {quarter}", close.year())));
    }
}

/// `amount × percent / 100`, in cents.
fn expected(amount: Decimal, percent: Decimal) -> Option<Decimal> {
    let product = i128::from(amount.unscaled()) * i128::from(percent.unscaled());
    let scale = u32::from(amount.scale()) + u32::from(percent.scale()) + 2;
    let mut product = if scale < 2 { product * 10_i128.pow(2 - scale) } else { product };
    if scale > 2 {
        let unit = 10_i128.checked_pow(scale - 2)?;
        product = (product + product.signum() * unit / 2) / unit;
    }
    Some(Decimal::new(i64::try_from(product).ok()?, 2))
}

fn case(row: &mut Row<'_>, stamp_ms: i64) {
    let closed = row.text("Status") == "Closed";
    row.set("IsClosed", Value::Bool(closed));
    match (closed, row.get("ClosedDate").is_null()) {
        (true, true) => row.set("ClosedDate", Value::DateTime(stamp_ms)),
        (false, false) => row.set("ClosedDate", Value::Null),
        _ => {}
    }
}

/// The bytes of a file, which is kept as base64.
fn size(row: &mut Row<'_>, file: &str, size: &str) {
    let text = row.text(file);
    let padding = text.bytes().rev().take_while(|b| *b == b'=').count();
    let bytes = (text.len() / 4 * 3).saturating_sub(padding);
    row.set(size, i64::try_from(bytes).map_or(Value::Null, Value::Int));
}

fn content_version(row: &mut Row<'_>) {
    size(row, "VersionData", "ContentSize");
    let path = row.text("PathOnClient");
    let name = path.rsplit(['/', '\\']).next().unwrap_or(&path);
    let (title, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if row.get("Title").is_null() && !title.is_empty() {
        row.set("Title", Value::text(title));
    }
    if !extension.is_empty() {
        row.set("FileExtension", Value::text(extension));
        row.set("FileType", Value::text(extension.to_ascii_uppercase()));
    }
}

fn user(row: &mut Row<'_>) {
    if row.get("CommunityNickname").is_null() {
        let name = row.text("Username");
        let nickname: String = name.split('@').next().unwrap_or_default().chars().take(40).collect();
        row.set("CommunityNickname", Value::text(nickname));
    }
}
