//! Numbers that JSON has no text for. As JSON they become null, and null empties a field of the org.

use std::fmt;

use serde::ser::{self, Serialize};

/// Checks that every number of a value has a text in JSON.
///
/// # Errors
/// Which number has none, and in which field.
pub(super) fn check(value: &(impl Serialize + ?Sized)) -> Result<(), String> {
    match value.serialize(Walk) {
        Err(Found::Number(what)) => Err(what),
        // Whoever writes the JSON says what else is wrong.
        Ok(()) | Err(Found::Other) => Ok(()),
    }
}

/// Why a walk ended.
#[derive(Debug)]
enum Found {
    Number(String),
    Other,
}

impl Found {
    fn within(self, field: impl FnOnce() -> String) -> Self {
        match self {
            Self::Number(what) => Self::Number(format!("{}: {what}", field())),
            Self::Other => Self::Other,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number without a text")
    }
}

impl std::error::Error for Found {}

impl ser::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }
}

/// Looks at every value within a value.
struct Walk;

type Name = &'static str;
type Looked = Result<(), Found>;

fn finite(is_finite: bool, number: f64) -> Looked {
    if is_finite {
        return Ok(());
    }
    Err(Found::Number(format!(
        "{number} is no number of an org; leave the field out, or say that it is null"
    )))
}

macro_rules! passed_by {
    ($($method:ident($($ty:ty),*),)*) => {
        $(fn $method(self, $(_: $ty),*) -> Looked { Ok(()) })*
    };
}

macro_rules! gone_into {
    ($($method:ident($($ty:ty),*),)*) => {
        $(fn $method(self, $(_: $ty),*) -> Result<Self, Found> { Ok(self) })*
    };
}

impl ser::Serializer for Walk {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    passed_by! {
        serialize_bool(bool),
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128),
        serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]), serialize_none(), serialize_unit(),
        serialize_unit_struct(Name), serialize_unit_variant(Name, u32, Name),
    }

    gone_into! {
        serialize_seq(Option<usize>), serialize_tuple(usize), serialize_tuple_struct(Name, usize),
        serialize_tuple_variant(Name, u32, Name, usize), serialize_map(Option<usize>),
        serialize_struct(Name, usize), serialize_struct_variant(Name, u32, Name, usize),
    }

    fn serialize_f32(self, v: f32) -> Looked {
        finite(v.is_finite(), v.into())
    }

    fn serialize_f64(self, v: f64) -> Looked {
        finite(v.is_finite(), v)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Looked {
        v.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: Name, v: &T) -> Looked {
        v.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: Name, _: u32, _: Name, v: &T) -> Looked {
        v.serialize(self)
    }

    /// What shows itself is text, which need not be made.
    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Looked {
        Ok(())
    }
}

macro_rules! lists {
    ($($of:ident::$method:ident,)*) => {
        $(impl ser::$of for Walk {
            type Ok = ();
            type Error = Found;

            fn $method<T: Serialize + ?Sized>(&mut self, v: &T) -> Looked {
                v.serialize(Walk)
            }

            fn end(self) -> Looked {
                Ok(())
            }
        })*
    };
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! structs {
    ($($of:ident)*) => {
        $(impl ser::$of for Walk {
            type Ok = ();
            type Error = Found;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: Name, v: &T) -> Looked {
                v.serialize(Walk).map_err(|found| found.within(|| key.to_owned()))
            }

            fn end(self) -> Looked {
                Ok(())
            }
        })*
    };
}

structs! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Walk {
    type Ok = ();
    type Error = Found;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Looked {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, v: &T) -> Looked {
        v.serialize(Walk)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(&mut self, key: &K, v: &V) -> Looked {
        let name = || serde_json::to_string(key).unwrap_or_default().trim_matches('"').to_owned();
        v.serialize(Walk).map_err(|found| found.within(name))
    }

    fn end(self) -> Looked {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(serde::Serialize)]
    struct Amounts {
        #[serde(rename = "Amount__c")]
        amount: Option<f64>,
        #[serde(flatten)]
        others: BTreeMap<String, f32>,
    }

    fn amounts(amount: Option<f64>, other: f32) -> Amounts {
        Amounts { amount, others: BTreeMap::from([("Other__c".to_owned(), other)]) }
    }

    #[test]
    fn what_would_become_null_is_found_wherever_it_stands() {
        assert_eq!(check(&amounts(Some(f64::MAX), f32::MIN)), Ok(()));
        assert_eq!(check(&amounts(None, 0.0)), Ok(()));
        for (row, begin) in [
            (amounts(Some(f64::NAN), 0.0), "Amount__c: NaN is no number of an org"),
            (amounts(None, f32::INFINITY), "Other__c: inf is no number of an org"),
        ] {
            let what = check(&vec![(1, row)]).unwrap_err();
            assert!(what.starts_with(begin), "{what}");
        }
    }
}
