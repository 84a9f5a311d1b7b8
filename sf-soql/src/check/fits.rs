//! Whether a value can be compared with a field of some type.

use sf_core::Id;
use sf_core::record::{DataType, FieldType};

use crate::condition::Operator;
use crate::function::Function;
use crate::literal::{Literal, LiteralType};

/// Why the value does not fit, as the end of a sentence about the field; `None` where it does.
pub(super) fn fits(
    of: FieldType,
    function: Option<Function>,
    operator: Operator,
    value: &Literal,
) -> Option<String> {
    let given = value.literal_type();
    let expected = result_type(of, function)?;
    let several = of == FieldType::MultiPicklist && function.is_none();
    if operator == Operator::Like {
        let text = expected == Expected::Text && !several && !(is_reference(of) && function.is_none());
        return (!text).then(|| "LIKE takes texts only".to_owned());
    }
    let order = matches!(
        operator,
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
    );
    if order && (several || expected == Expected::Boolean) {
        return Some(format!("has no order that {operator} could go by"));
    }
    let good = given == LiteralType::Null
        || match expected {
            Expected::Text => given == LiteralType::Text,
            Expected::Boolean => given == LiteralType::Boolean,
            Expected::Number => given == LiteralType::Number,
            Expected::Currency => matches!(given, LiteralType::Number | LiteralType::Currency),
            Expected::Date => matches!(given, LiteralType::Date | LiteralType::Relative),
            Expected::DateTime => matches!(given, LiteralType::DateTime | LiteralType::Relative),
            Expected::Time => given == LiteralType::Time,
        };
    if !good {
        return Some(format!("is compared with {}, not with {}", shown(given), expected.shown()));
    }
    let no_id = |text: &str| !text.is_empty() && text.parse::<Id>().is_err();
    if is_reference(of) && function.is_none() && value.as_text().is_some_and(no_id) {
        return Some("is compared with a text that is no id of 15 or 18 characters".to_owned());
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Text,
    Boolean,
    Number,
    Currency,
    Date,
    DateTime,
    Time,
}

impl Expected {
    fn shown(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Boolean => "true or false",
            Self::Number | Self::Currency => "a number",
            Self::Date => "a day",
            Self::DateTime => "an instant",
            Self::Time => "a time of day",
        }
    }
}

fn shown(given: LiteralType) -> &'static str {
    match given {
        LiteralType::Null => "null",
        LiteralType::Text => "a text",
        LiteralType::Boolean => "true or false",
        LiteralType::Number => "a number",
        LiteralType::Currency => "an amount of money",
        LiteralType::Date => "a day",
        LiteralType::DateTime => "an instant",
        LiteralType::Time => "a time of day",
        LiteralType::Relative => "a relative day",
    }
}

/// What comparisons with the field, or with the function of it, expect; `None` where nothing can be said.
fn result_type(of: FieldType, function: Option<Function>) -> Option<Expected> {
    match function {
        Some(Function::DayOnly) => return Some(Expected::Date),
        None
        | Some(
            Function::Min
            | Function::Max
            | Function::ConvertTimezone
            | Function::ConvertCurrency
            | Function::ToLabel
            | Function::Format,
        ) => {}
        Some(_) => return Some(Expected::Number),
    }
    match of {
        FieldType::Currency => Some(Expected::Currency),
        FieldType::AnyType
        | FieldType::Address
        | FieldType::Location
        | FieldType::ComplexValue
        | FieldType::Base64
        | FieldType::Json
        | FieldType::Other => None,
        other => Some(match other.data_type() {
            DataType::Text => Expected::Text,
            DataType::Boolean => Expected::Boolean,
            DataType::Integer | DataType::Decimal => Expected::Number,
            DataType::Date => Expected::Date,
            DataType::DateTime => Expected::DateTime,
            DataType::Time => Expected::Time,
        }),
    }
}

pub(super) fn is_number(of: FieldType) -> bool {
    matches!(
        of,
        FieldType::Int | FieldType::Long | FieldType::Double | FieldType::Currency | FieldType::Percent
    )
}

pub(super) fn is_reference(of: FieldType) -> bool {
    matches!(of, FieldType::Id | FieldType::Reference)
}
