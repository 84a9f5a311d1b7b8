//! What conditions, orders and groups read of a row: a field, or what a function makes of one.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _};
use chrono_tz::Tz;

use super::ast::{Call, Distance, Expr, Function};
use super::error::{INVALID_FIELD, MALFORMED_QUERY, SoqlError};
use super::resolve::{Access, Resolver};
use crate::schema::{FieldDef, PicklistValue, Type};
use crate::value::{Cell, Decimal};

/// What is read of a row, or of a group of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Field(Access),
    /// A part of a date; in the user's time zone where the flag is set, else in UTC.
    Date(Access, Function, bool),
    /// What people see of a picklist's value.
    Label(Access, Arc<[PicklistValue]>),
    Distance(Box<Place>),
    /// A value of a group.
    Slot(usize),
}

/// Two places, one of them fixed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) latitude: Access,
    pub(super) longitude: Access,
    pub(super) to: (f64, f64),
    pub(super) miles: bool,
}

/// An operand and what is known of its values.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) operand: Operand,
    /// The path in the casing of the describes.
    pub(super) names: Vec<String>,
    /// The field, or what the function makes of it.
    pub(super) field: FieldDef,
}

impl Resolver<'_> {
    /// What an expression reads of a row.
    pub(super) fn target(&mut self, expr: &Expr) -> Result<Target, SoqlError> {
        match expr {
            Expr::Field(path) => {
                let found = self.find(path)?;
                Ok(Target { operand: Operand::Field(found.access), names: found.names, field: found.field })
            }
            Expr::Distance(distance) => self.distance(distance),
            Expr::Call(call) => self.call(call),
        }
    }

    fn call(&mut self, call: &Call) -> Result<Target, SoqlError> {
        let function = call.function;
        if function.is_date() {
            return self.date_part(call);
        }
        let Expr::Field(_) = &*call.argument else {
            return Err(SoqlError::unexpected(self.soql, call.argument.pos(), &call.argument.to_string()));
        };
        let mut target = self.target(&call.argument)?;
        match (function, target.operand) {
            (Function::ToLabel, Operand::Field(access)) if target.field.ty.is_text() => {
                target.operand = Operand::Label(access, target.field.picklist.as_slice().into());
                Ok(target)
            }
            // The emulated org has one currency.
            (Function::ConvertCurrency, Operand::Field(access)) if target.field.ty == Type::Currency => {
                target.operand = Operand::Field(access);
                Ok(target)
            }
            (Function::ToLabel | Function::ConvertCurrency, _) => {
                let message = format!("field {} does not support {}", target.field.name, function.name());
                Err(self.error(INVALID_FIELD, call.pos, &message))
            }
            // Aggregates belong to groups, FORMAT to the select list, convertTimezone into a date function.
            _ => Err(SoqlError::unexpected(self.soql, call.pos, function.name())),
        }
    }

    fn date_part(&mut self, call: &Call) -> Result<Target, SoqlError> {
        let (argument, local) = match &*call.argument {
            Expr::Call(inner) if inner.function == Function::ConvertTimezone => (&*inner.argument, true),
            other => (other, false),
        };
        let Expr::Field(path) = argument else {
            return Err(SoqlError::unexpected(self.soql, argument.pos(), &argument.to_string()));
        };
        let found = self.find(path)?;
        let moment = local || matches!(call.function, Function::DayOnly | Function::HourInDay);
        let fits = match found.field.ty {
            Type::DateTime => true,
            Type::Date => !moment,
            _ => false,
        };
        if !fits {
            // That it is refused is documented, in which words is not.
            let message =
                format!("field {} does not support date function {}", found.field.name, call.function.name());
            return Err(self.error(INVALID_FIELD, call.pos, &message));
        }
        let ty = if call.function == Function::DayOnly { Type::Date } else { Type::Int };
        let field = FieldDef::new(&found.field.name, &found.field.label, ty);
        let operand = Operand::Date(found.access, call.function, local);
        Ok(Target { operand, names: found.names, field })
    }

    fn distance(&mut self, distance: &Distance) -> Result<Target, SoqlError> {
        let found = self.find(&distance.field)?;
        if !matches!(found.field.ty, Type::Location | Type::Address) {
            let message = format!("field {} does not support DISTANCE", found.field.name);
            return Err(self.error(INVALID_FIELD, distance.pos, &message));
        }
        let to = (distance.latitude.parse().ok(), distance.longitude.parse().ok());
        let (Some(latitude), Some(longitude)) = to else {
            return Err(self.error(MALFORMED_QUERY, distance.pos, "Invalid latitude or longitude"));
        };
        let mut part = |end: &str| {
            let mut path = distance.field.clone();
            if let Some(last) = path.names.last_mut() {
                let whole = &found.field.name;
                // A geolocation's parts are X__Latitude__s, an address's BillingLatitude.
                last.text = match (whole.strip_suffix("__c"), whole.strip_suffix("Address")) {
                    (Some(stem), _) => format!("{stem}__{end}__s"),
                    (None, Some(stem)) => format!("{stem}{end}"),
                    (None, None) => format!("{whole}{end}"),
                };
            }
            self.find(&path).map(|found| found.access)
        };
        let place = Place {
            latitude: part("Latitude")?,
            longitude: part("Longitude")?,
            to: (latitude, longitude),
            miles: distance.miles,
        };
        let mut field = FieldDef::new(&found.field.name, &found.field.label, Type::Double);
        (field.precision, field.scale) = (18, 15);
        Ok(Target { operand: Operand::Distance(Box::new(place)), names: found.names, field })
    }
}

/// What people see of a picklist's value.
pub(super) fn label<'r>(cell: Cell<'r>, values: &'r [PicklistValue]) -> Cell<'r> {
    let Cell::Text(text) = cell else { return cell };
    values.iter().find(|v| &*v.value == text).map_or(cell, |v| Cell::Text(&v.label))
}

/// The part that a date function takes. Fiscal years are the calendar's.
pub(super) fn date_part(cell: Cell<'_>, function: Function, zone: Tz) -> Cell<'static> {
    let (day, hour) = match cell {
        Cell::Date(day) => (day, 0),
        Cell::DateTime(ms) => {
            let Some(at) = DateTime::from_timestamp_millis(ms) else { return Cell::Null };
            let local = at.with_timezone(&zone).naive_local();
            (local.date(), local.hour())
        }
        _ => return Cell::Null,
    };
    Cell::Int(match function {
        Function::DayOnly => return Cell::Date(day),
        Function::CalendarMonth | Function::FiscalMonth => day.month().into(),
        Function::CalendarQuarter | Function::FiscalQuarter => (day.month0() / 3 + 1).into(),
        Function::CalendarYear | Function::FiscalYear => day.year().into(),
        Function::DayInMonth => day.day().into(),
        Function::DayInWeek => day.weekday().number_from_sunday().into(),
        Function::DayInYear => day.ordinal().into(),
        Function::HourInDay => hour.into(),
        Function::WeekInMonth => (day.day0() / 7 + 1).into(),
        Function::WeekInYear => (day.ordinal0() / 7 + 1).into(),
        _ => return Cell::Null,
    })
}

/// The distance on a sphere, to six digits after the point.
pub(super) fn distance(latitude: Cell<'_>, longitude: Cell<'_>, place: &Place) -> Cell<'static> {
    let number = |cell: Cell<'_>| match cell {
        Cell::Num(n) => n.to_string().parse::<f64>().ok(),
        _ => None,
    };
    let (Some(latitude), Some(longitude)) = (number(latitude), number(longitude)) else { return Cell::Null };
    let radius = if place.miles { 3_958.761 } else { 6_371.009 };
    let (a, b) = (latitude.to_radians(), place.to.0.to_radians());
    let turn = (longitude - place.to.1).to_radians();
    let half = ((a - b) / 2.0).sin().powi(2) + a.cos() * b.cos() * (turn / 2.0).sin().powi(2);
    let length = 2.0 * radius * half.sqrt().min(1.0).asin();
    format!("{length:.6}").parse::<Decimal>().map_or(Cell::Null, Cell::Num)
}

/// A value as `FORMAT` shows it in the locale en_US.
pub(super) fn formatted(cell: Cell<'_>, ty: Type, zone: Tz) -> Option<String> {
    let day = |day: NaiveDate| format!("{}/{}/{}", day.month(), day.day(), day.year());
    Some(match cell {
        Cell::Null => return None,
        Cell::Num(n) => {
            let number = if ty == Type::Currency { n.rounded(2) } else { n };
            let text = number.to_string();
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
            let grouped = thousands(whole);
            if ty == Type::Currency {
                format!("{sign}${grouped}.{fraction:0<2}")
            } else if fraction.bytes().all(|b| b == b'0') && n.scale() == 0 {
                format!("{sign}{grouped}")
            } else {
                format!("{sign}{grouped}.{fraction}")
            }
        }
        Cell::Int(n) => {
            format!("{}{}", if n < 0 { "-" } else { "" }, thousands(&n.unsigned_abs().to_string()))
        }
        Cell::Date(date) => day(date),
        Cell::DateTime(ms) => {
            let at = DateTime::from_timestamp_millis(ms)?.with_timezone(&zone).naive_local();
            format!("{}, {}", day(at.date()), at.format("%-I:%M %p"))
        }
        other => match other.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        },
    })
}

fn thousands(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
