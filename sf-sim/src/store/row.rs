//! One version of a row, packed: a bit a field, eight bytes a value, one buffer for all text.

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};

use super::error::RowError;
use crate::id::RecordId;
use crate::schema::{ObjectDef, Type};
use crate::value::{Cell, Decimal, Value};

/// One version of a row. It never changes: a write makes a new version, so who holds an `Arc` of one keeps
/// seeing what was there.
#[derive(Clone, Debug)]
pub struct Row {
    id: RecordId,
    deleted: bool,
    /// How many of `cells` are the bitmap of the fields that have a value; the values follow, in field order.
    bitmap_words: u16,
    cells: Box<[u64]>,
    text: Box<str>,
    late: Option<Box<Late>>,
}

/// A version that readers do not see before a time, and what they see until then.
#[derive(Clone, Debug)]
struct Late {
    visible_at: i64,
    previous: Option<Arc<Row>>,
}

const TAG_BITS: u32 = 4;
/// Offsets and lengths within the text of a row.
const SPAN_BITS: u32 = 30;
const SPAN_MAX: u64 = (1 << SPAN_BITS) - 1;
const NUM_SCALE_BITS: u32 = 5;

const BOOL: u64 = 1;
const INT: u64 = 2;
const NUM: u64 = 3;
const TEXT: u64 = 4;
const ID: u64 = 5;
const DATE: u64 = 6;
const DATETIME: u64 = 7;
const TIME: u64 = 8;
/// Numbers too wide for their slot stand as text.
const WIDE_INT: u64 = 9;
const WIDE_NUM: u64 = 10;

impl Row {
    /// Packs one cell a field.
    ///
    /// # Errors
    /// `STRING_TOO_LONG` when the texts together pass a gibibyte.
    pub(crate) fn pack(id: RecordId, deleted: bool, values: &[Cell<'_>]) -> Result<Self, RowError> {
        let words = values.len().div_ceil(64);
        let mut cells = Vec::with_capacity(words + values.len());
        cells.resize(words, 0_u64);
        // Room enough that nothing grows; what is kept is cut to size below.
        let mut text = String::with_capacity(values.iter().map(text_size).sum());
        // Rows name few users, most of them several times.
        let mut ids: Vec<(RecordId, usize)> = Vec::new();
        for (at, value) in values.iter().enumerate() {
            if value.is_null() {
                continue;
            }
            cells[at / 64] |= 1 << (at % 64);
            let slot = slot(value, &mut text, &mut ids)
                .ok_or_else(|| RowError::new("STRING_TOO_LONG", "record is too large"))?;
            cells.push(slot);
        }
        let bitmap_words = u16::try_from(words).unwrap_or(u16::MAX);
        Ok(Self {
            id,
            deleted,
            bitmap_words,
            cells: cells.as_slice().into(),
            text: text.as_str().into(),
            late: None,
        })
    }

    /// The row's id.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// Whether this version is in the recycle bin.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Whether the row was deleted before a time: its last stamp is that of its deletion.
    pub(crate) fn deleted_before(&self, object: &ObjectDef, ms: i64) -> bool {
        let stamp = object.system().modstamp.map(|at| self.get(at));
        self.deleted && matches!(stamp, Some(Cell::DateTime(at)) if at < ms)
    }

    /// The value of the field at this place of its object; null when it has none.
    #[must_use]
    pub fn get(&self, field: usize) -> Cell<'_> {
        let (word, bit) = (field / 64, field % 64);
        if word >= usize::from(self.bitmap_words) || self.cells[word] >> bit & 1 == 0 {
            return Cell::Null;
        }
        let below = self.cells[word] & ((1_u64 << bit) - 1);
        let before: u32 = self.cells[..word].iter().map(|w| w.count_ones()).sum::<u32>() + below.count_ones();
        let slot = self.cells[usize::from(self.bitmap_words) + before as usize];
        self.unpack(slot)
    }

    /// One value a field of its object.
    pub(crate) fn values(&self, object: &ObjectDef) -> Vec<Value> {
        (0..object.fields().len()).map(|at| self.get(at).to_value()).collect()
    }

    /// The JSON of an address or a location, made of the values of its parts; null when all of them are.
    #[must_use]
    pub fn compound_json(&self, object: &ObjectDef, field: usize) -> serde_json::Value {
        let Some(whole) = object.fields().get(field) else { return serde_json::Value::Null };
        let keys: &[&str] = match whole.ty {
            Type::Address => &[
                "city",
                "country",
                "countryCode",
                "geocodeAccuracy",
                "latitude",
                "longitude",
                "postalCode",
                "state",
                "stateCode",
                "street",
            ],
            Type::Location => &["latitude", "longitude"],
            _ => return self.get(field).to_json(),
        };
        let parts: Vec<_> = object
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, f)| f.compound.as_deref().is_some_and(|c| c.eq_ignore_ascii_case(&whole.name)))
            .collect();
        let value = |key: &str| {
            parts
                .iter()
                .find(|(_, f)| part_key(&f.name).eq_ignore_ascii_case(key))
                .map_or(Cell::Null, |(at, _)| self.get(*at))
        };
        if keys.iter().all(|key| value(key).is_null()) {
            return serde_json::Value::Null;
        }
        let has_codes = parts.iter().any(|(_, f)| f.name.ends_with("CountryCode"));
        let shown = keys.iter().filter(|key| has_codes || !matches!(**key, "countryCode" | "stateCode"));
        shown.map(|key| ((*key).to_owned(), value(key).to_json())).collect::<serde_json::Map<_, _>>().into()
    }

    /// The version that readers see at this time, which is this one unless it is late.
    #[must_use]
    pub fn visible(&self, now_ms: i64) -> Option<&Self> {
        let mut row = self;
        while let Some(late) = &row.late {
            if late.visible_at <= now_ms {
                break;
            }
            row = late.previous.as_deref()?;
        }
        Some(row)
    }

    /// The version that readers see at this time, to keep.
    #[must_use]
    pub fn visible_arc(self: &Arc<Self>, now_ms: i64) -> Option<&Arc<Self>> {
        let mut row = self;
        while let Some(late) = &row.late {
            if late.visible_at <= now_ms {
                break;
            }
            row = late.previous.as_ref()?;
        }
        Some(row)
    }

    /// Hides this version until `visible_at`; readers see `previous` till then.
    pub(crate) fn delayed(mut self, visible_at: i64, previous: Option<Arc<Self>>) -> Self {
        self.late = Some(Box::new(Late { visible_at, previous }));
        self
    }

    /// The version without the ones before it, for when everyone sees it.
    pub(crate) fn settled(self: &Arc<Self>, now_ms: i64) -> Arc<Self> {
        match &self.late {
            Some(late) if late.visible_at <= now_ms => Arc::new(Self { late: None, ..Self::clone(self) }),
            _ => self.clone(),
        }
    }

    fn unpack(&self, slot: u64) -> Cell<'_> {
        let payload = slot >> TAG_BITS;
        // Sign-extends: the payload is the slot's upper 60 bits.
        let signed = slot.cast_signed() >> TAG_BITS;
        match slot & ((1 << TAG_BITS) - 1) {
            BOOL => Cell::Bool(payload != 0),
            INT => Cell::Int(signed),
            NUM => {
                let scale = u8::try_from(payload & ((1 << NUM_SCALE_BITS) - 1)).unwrap_or(0);
                Cell::Num(Decimal::new(signed >> NUM_SCALE_BITS, scale))
            }
            TEXT => Cell::Text(self.span(payload)),
            ID => match self.span(payload).as_bytes().try_into() {
                Ok(bytes) => Cell::Id(RecordId::from_stored(bytes)),
                Err(_) => Cell::Null,
            },
            DATE => i32::try_from(signed)
                .ok()
                .and_then(NaiveDate::from_num_days_from_ce_opt)
                .map_or(Cell::Null, Cell::Date),
            DATETIME => Cell::DateTime(signed),
            TIME => Cell::Time(u32::try_from(payload).unwrap_or(0)),
            WIDE_INT => self.span(payload).parse().map_or(Cell::Null, Cell::Int),
            WIDE_NUM => {
                let (unscaled, scale) = self.span(payload).split_once('/').unwrap_or_default();
                match (unscaled.parse(), scale.parse()) {
                    (Ok(unscaled), Ok(scale)) => Cell::Num(Decimal::new(unscaled, scale)),
                    _ => Cell::Null,
                }
            }
            _ => Cell::Null,
        }
    }

    fn span(&self, payload: u64) -> &str {
        let at = usize::try_from(payload & SPAN_MAX).unwrap_or(0);
        let len = usize::try_from(payload >> SPAN_BITS).unwrap_or(0);
        self.text.get(at..at + len).unwrap_or_default()
    }
}

fn text_size(value: &Cell<'_>) -> usize {
    match value {
        Cell::Text(text) => text.len(),
        Cell::Id(_) => 15,
        _ => 0,
    }
}

fn part_key(name: &str) -> &str {
    const KEYS: [&str; 10] = [
        "GeocodeAccuracy",
        "CountryCode",
        "StateCode",
        "PostalCode",
        "Latitude",
        "Longitude",
        "Country",
        "Street",
        "State",
        "City",
    ];
    let name = name.strip_suffix("__s").unwrap_or(name);
    KEYS.into_iter().find(|key| name.ends_with(key)).unwrap_or(name)
}

fn slot(value: &Cell<'_>, text: &mut String, ids: &mut Vec<(RecordId, usize)>) -> Option<u64> {
    let tagged = |tag: u64, payload: i64| payload.cast_unsigned() << TAG_BITS | tag;
    let fits = |n: i64, bits: u32| n << bits >> bits == n;
    Some(match *value {
        Cell::Null => 0,
        Cell::Bool(b) => tagged(BOOL, i64::from(b)),
        Cell::Int(n) if fits(n, TAG_BITS) => tagged(INT, n),
        Cell::Int(n) => span(WIDE_INT, &n.to_string(), text)?,
        Cell::Num(n) if fits(n.unscaled(), TAG_BITS + NUM_SCALE_BITS) => {
            tagged(NUM, n.unscaled() << NUM_SCALE_BITS | i64::from(n.scale()))
        }
        Cell::Num(n) => span(WIDE_NUM, &format!("{}/{}", n.unscaled(), n.scale()), text)?,
        Cell::Text(t) => span(TEXT, t, text)?,
        Cell::Id(id) => match ids.iter().find(|(known, _)| *known == id) {
            Some((_, at)) => place(ID, *at, 15)?,
            None => {
                ids.push((id, text.len()));
                span(ID, id.as_str15(), text)?
            }
        },
        Cell::Date(d) => tagged(DATE, i64::from(d.num_days_from_ce())),
        Cell::DateTime(ms) => tagged(DATETIME, ms),
        Cell::Time(ms) => tagged(TIME, i64::from(ms)),
    })
}

fn span(tag: u64, part: &str, text: &mut String) -> Option<u64> {
    let at = text.len();
    text.push_str(part);
    place(tag, at, part.len())
}

fn place(tag: u64, at: usize, len: usize) -> Option<u64> {
    let (at, len) = (u64::try_from(at).ok()?, u64::try_from(len).ok()?);
    (at <= SPAN_MAX && len <= SPAN_MAX).then_some((len << SPAN_BITS | at) << TAG_BITS | tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse_date;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (any::<i64>(), 0_u8..=18).prop_map(|(n, scale)| Value::Num(Decimal::new(n, scale))),
            ".{0,20}".prop_map(Value::text),
            "[0-9A-Za-z]{15}".prop_map(|id| Value::Id(id.parse().unwrap())),
            (0_i64..4_102_444_800_000).prop_map(Value::DateTime),
            (0_u32..86_400_000).prop_map(Value::Time),
            (1_i32..3_000_000).prop_map(|d| Value::Date(NaiveDate::from_num_days_from_ce_opt(d).unwrap())),
        ]
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_it_was_packed(values in proptest::collection::vec(any_value(), 0..150)) {
            let id: RecordId = "00Q5i0000000001".parse().unwrap();
            let cells: Vec<_> = values.iter().map(Value::as_cell).collect();
            let row = Row::pack(id, false, &cells).unwrap();
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(row.get(at).to_value(), value.clone());
                if let (Cell::Num(a), Value::Num(b)) = (row.get(at), value) {
                    prop_assert_eq!(a.scale(), b.scale());
                }
            }
            prop_assert_eq!(row.get(values.len() + 64), Cell::Null);
        }
    }

    #[test]
    fn an_id_named_twice_is_kept_once() {
        let id: RecordId = "0055i0000000001".parse().unwrap();
        let row = Row::pack(id, false, &[Cell::Id(id), Cell::Null, Cell::Id(id)]).unwrap();
        assert_eq!(row.text.len(), 15);
        assert_eq!(row.get(2), Cell::Id(id));
    }

    #[test]
    fn a_late_version_hides_behind_the_one_before() {
        let id: RecordId = "0055i0000000001".parse().unwrap();
        let day = parse_date("2024-01-31").unwrap();
        let version = |n| Row::pack(id, false, &[Cell::Int(n), Cell::Date(day)]).unwrap();
        let first = Arc::new(version(1).delayed(100, None));
        let second = Arc::new(version(2).delayed(200, Some(first)));
        let seen = |now| second.visible(now).map(|row| row.get(0));
        assert_eq!(seen(99), None);
        assert_eq!(seen(100), Some(Cell::Int(1)));
        assert_eq!(seen(199), Some(Cell::Int(1)));
        assert_eq!(seen(200), Some(Cell::Int(2)));
        assert_eq!(second.settled(200).visible(0).map(|row| row.get(0)), Some(Cell::Int(2)));
    }
}
