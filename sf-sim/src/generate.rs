//! Plausible rows in any number, the same for the same seed.

mod words;

use std::sync::Arc;

use fastrand::Rng;

use crate::id::RecordId;
use crate::schema::{FieldDef, ObjectDef, Type};
use crate::store::{RowError, Store};
use crate::value::{Decimal, Value};

const DAY_MS: i64 = 86_400_000;
const YEAR_SECONDS: i64 = 365 * 86_400;
/// Of so many fields that may be empty, one is.
const ONE_IN_EMPTY: u32 = 5;

/// Adds `n` rows to an object. Every field that a caller may write gets values of its type, awkward text among them
/// (quotes, commas, line ends, letters and signs of many scripts), and is empty now and then where it may be.
/// References name rows that are there. The rows were created within the year before the clock's time.
///
/// ```
/// use sf_sim::{clock::Clock, generate::generate, store::Store};
///
/// let mut store = Store::with_standard_objects(Clock::fixed(1_700_000_000_000));
/// generate(&mut store, "Lead", 1_000, 7)?;
/// assert_eq!(store.table("Lead").map(|leads| leads.len()), Some(1_000));
/// # Ok::<(), sf_sim::store::RowError>(())
/// ```
///
/// # Errors
/// `NOT_FOUND` for an unknown object, `INVALID_TYPE_FOR_OPERATION` for one without rows of its own,
/// `REQUIRED_FIELD_MISSING` when a required reference has no row to point to: generate those first.
pub fn generate(store: &mut Store, object: &str, n: usize, seed: u64) -> Result<(), RowError> {
    let def = store.catalog().get(object).cloned();
    let def = def.ok_or_else(|| RowError::new("NOT_FOUND", "The requested resource does not exist"))?;
    if def.event || !def.createable {
        let message = format!("entity type {} does not support create", def.name);
        return Err(RowError::new("INVALID_TYPE_FOR_OPERATION", message));
    }
    let makers = makers(store, &def)?;
    let now = store.clock().stamp_ms();
    let first = store.table(&def.name).map_or(0, crate::store::Table::len);
    let mut rng = Rng::with_seed(seed);
    let mut values = vec![Value::Null; def.fields().len()];
    let mut person = Person::default();
    for row in 0..n {
        values.fill(Value::Null);
        person.renew(&mut rng, first + row);
        for (at, maker) in &makers {
            values[*at] = maker.make(&def.fields()[*at], &mut rng, &mut person, now);
        }
        let created = now - rng.i64(0..YEAR_SECONDS) * 1000;
        let modified =
            if rng.bool() { created } else { created + rng.i64(0..=(now - created) / 1000) * 1000 };
        store.put_history(&def, &mut values, created, modified)?;
    }
    Ok(())
}

/// How the values of a field are made.
enum Maker {
    Owner(RecordId),
    Parents(Arc<[RecordId]>),
    Word(words::Kind),
    Typed,
    Unset,
}

fn makers(store: &Store, def: &ObjectDef) -> Result<Vec<(usize, Maker)>, RowError> {
    let mut out = Vec::new();
    for (at, field) in def.fields().iter().enumerate() {
        let maker = if field.auto_number || field.is_compound() || field.calculated || field.ty == Type::Id {
            continue;
        } else if field.name == "OwnerId" {
            Maker::Owner(store.running_user())
        } else if !field.createable || matches!(field.name.as_str(), "IsConverted" | "Jigsaw") {
            Maker::Unset
        } else if field.ty == Type::Reference {
            parents(store, field)?
        } else if field.ty.is_text() && field.picklist.is_empty() {
            words::Kind::of(field).map_or(Maker::Typed, Maker::Word)
        } else {
            Maker::Typed
        };
        out.push((at, maker));
    }
    Ok(out)
}

/// Rows that a reference can point to; enough of them, not all.
fn parents(store: &Store, field: &FieldDef) -> Result<Maker, RowError> {
    const ENOUGH: usize = 10_000;
    let tables = field.reference_to.iter().filter_map(|object| store.table(object));
    let rows = tables.flat_map(|table| table.rows()).filter(|row| !row.is_deleted());
    let ids: Arc<[RecordId]> = rows.take(ENOUGH).map(|row| row.id()).collect();
    let emulated = field.reference_to.iter().any(|object| store.catalog().get(object).is_some());
    match (ids.is_empty(), field.nillable) {
        (false, _) => Ok(Maker::Parents(ids)),
        (true, true) => Ok(Maker::Unset),
        (true, false) if !emulated => {
            Ok(Maker::Parents(Arc::new([RecordId::new(crate::id::KeyPrefix::of("00e"), 1)])))
        }
        (true, false) => {
            let message = format!(
                "Required fields are missing: [{}]; generate {} first",
                field.name,
                field.reference_to.join(" or ")
            );
            Err(RowError::new("REQUIRED_FIELD_MISSING", message).on(&field.name))
        }
    }
}

/// What the texts of one row have in common.
#[derive(Default)]
struct Person {
    number: usize,
    first: &'static str,
    last: &'static str,
    company: &'static str,
    place: words::Place,
    /// A buffer for the text being made.
    text: String,
}

impl Person {
    fn renew(&mut self, rng: &mut Rng, number: usize) {
        self.number = number;
        self.first = words::pick(rng, &words::FIRST);
        self.last = words::pick(rng, &words::LAST);
        self.company = words::pick(rng, &words::COMPANIES);
        self.place = words::PLACES[rng.usize(..words::PLACES.len())];
    }
}

impl Maker {
    fn make(&self, field: &FieldDef, rng: &mut Rng, person: &mut Person, now: i64) -> Value {
        let may_be_empty = field.nillable && !field.unique && !field.name_field;
        if may_be_empty && rng.u32(..ONE_IN_EMPTY) == 0 {
            return Value::Null;
        }
        match self {
            Self::Owner(user) => Value::Id(*user),
            Self::Parents(ids) => Value::Id(ids[rng.usize(..ids.len())]),
            Self::Word(kind) => {
                person.text.clear();
                let mut text = std::mem::take(&mut person.text);
                kind.write(&mut text, rng, person, field.unique);
                let value = limited(field, &text);
                person.text = text;
                value
            }
            Self::Typed => typed(field, rng, now),
            Self::Unset => match field.ty {
                Type::Boolean => Value::Bool(false),
                _ => Value::Null,
            },
        }
    }
}

/// Text cut to the field's length.
fn limited(field: &FieldDef, text: &str) -> Value {
    let most = field.length as usize;
    if most == 0 || text.len() <= most {
        return Value::text(text);
    }
    let cut: String = text.chars().take(most).collect();
    Value::text(cut.trim())
}

fn typed(field: &FieldDef, rng: &mut Rng, now: i64) -> Value {
    match field.ty {
        Type::Boolean => Value::Bool(rng.u32(..4) == 0),
        Type::Int | Type::Long => {
            let most = 10_i64.pow(field.digits.clamp(1, 5));
            Value::Int(rng.i64(0..most))
        }
        Type::Double | Type::Currency | Type::Percent => Value::Num(number(field, rng)),
        Type::Date if field.name == "Birthdate" => date(rng.i64(-7_000..13_000) * DAY_MS),
        Type::Date => date(now + rng.i64(-365..365) * DAY_MS),
        Type::DateTime => Value::DateTime(now - rng.i64(0..YEAR_SECONDS) * 1000),
        Type::Time => Value::Time(rng.u32(0..86_400) * 1000),
        Type::Picklist | Type::Combobox | Type::MultiPicklist if !field.picklist.is_empty() => {
            let mut pick = || field.picklist[rng.usize(..field.picklist.len())].value.clone();
            let first = pick();
            let second = pick();
            if field.ty == Type::MultiPicklist && first != second {
                Value::text(format!("{first};{second}"))
            } else {
                Value::Text(first)
            }
        }
        _ => Value::Null,
    }
}

fn date(ms: i64) -> Value {
    chrono::DateTime::from_timestamp_millis(ms).map_or(Value::Null, |at| Value::Date(at.date_naive()))
}

/// Within the field's precision; coordinates and percents within theirs.
fn number(field: &FieldDef, rng: &mut Rng) -> Decimal {
    let scale = u8::try_from(field.scale.min(6)).unwrap_or(0);
    let unit = 10_i64.pow(scale.into());
    let whole = if field.name.contains("Latitude") {
        return Decimal::new(rng.i64(-85 * unit..85 * unit), scale);
    } else if field.name.contains("Longitude") {
        return Decimal::new(rng.i64(-180 * unit..180 * unit), scale);
    } else if field.ty == Type::Percent {
        10_i64.pow(field.precision.saturating_sub(field.scale).clamp(1, 2))
    } else {
        10_i64.pow(field.precision.saturating_sub(field.scale).clamp(1, 8))
    };
    Decimal::new(rng.i64(0..whole * unit), scale)
}

#[cfg(test)]
mod tests;
