//! SOQL's functions: aggregates, parts of dates, and how values are shown.
//!
//! ```
//! use sf_soql::Select;
//! use sf_soql::function::{count_rows, format, max};
//!
//! assert_eq!(Select::from("Lead").field(count_rows()).build()?, "SELECT COUNT() FROM Lead");
//! let soql = Select::from("Opportunity").field(format(max("Amount")).alias("most")).build()?;
//! assert_eq!(soql, "SELECT FORMAT(MAX(Amount)) most FROM Opportunity");
//! # Ok::<(), sf_soql::Error>(())
//! ```

use bigdecimal::BigDecimal;

use crate::expr::{DistanceUnit, Expr, Node};

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $variant:ident $word:literal $aggregate:literal;)*) => {
        /// A function that a query calls.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Function {
            $($variant,)*
        }

        impl Function {
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            pub(crate) fn is_aggregate(self) -> bool {
                match self {
                    $(Self::$variant => $aggregate,)*
                }
            }
        }

        $(
            $(#[$doc])*
            pub fn $name(of: impl Into<Expr>) -> Expr {
                Expr(Node::Call(Function::$variant, Some(Box::new(of.into()))))
            }
        )*
    };
}

functions! {
    /// `COUNT(field)`: how many rows have a value.
    count Count "COUNT" true;
    /// `COUNT_DISTINCT(field)`: how many different values there are.
    count_distinct CountDistinct "COUNT_DISTINCT" true;
    /// `SUM(field)`.
    sum Sum "SUM" true;
    /// `AVG(field)`.
    avg Avg "AVG" true;
    /// `MIN(field)`.
    min Min "MIN" true;
    /// `MAX(field)`.
    max Max "MAX" true;
    /// `GROUPING(field)`: 1 in a subtotal over the field, 0 elsewhere.
    grouping Grouping "GROUPING" false;
    /// `CALENDAR_MONTH(field)`: 1 to 12.
    calendar_month CalendarMonth "CALENDAR_MONTH" false;
    /// `CALENDAR_QUARTER(field)`: 1 to 4.
    calendar_quarter CalendarQuarter "CALENDAR_QUARTER" false;
    /// `CALENDAR_YEAR(field)`.
    calendar_year CalendarYear "CALENDAR_YEAR" false;
    /// `DAY_IN_MONTH(field)`: 1 to 31.
    day_in_month DayInMonth "DAY_IN_MONTH" false;
    /// `DAY_IN_WEEK(field)`: 1 (Sunday) to 7.
    day_in_week DayInWeek "DAY_IN_WEEK" false;
    /// `DAY_IN_YEAR(field)`: 1 to 366.
    day_in_year DayInYear "DAY_IN_YEAR" false;
    /// `DAY_ONLY(field)`: the day of a datetime.
    day_only DayOnly "DAY_ONLY" false;
    /// `FISCAL_MONTH(field)`.
    fiscal_month FiscalMonth "FISCAL_MONTH" false;
    /// `FISCAL_QUARTER(field)`.
    fiscal_quarter FiscalQuarter "FISCAL_QUARTER" false;
    /// `FISCAL_YEAR(field)`.
    fiscal_year FiscalYear "FISCAL_YEAR" false;
    /// `HOUR_IN_DAY(field)`: 0 to 23.
    hour_in_day HourInDay "HOUR_IN_DAY" false;
    /// `WEEK_IN_MONTH(field)`.
    week_in_month WeekInMonth "WEEK_IN_MONTH" false;
    /// `WEEK_IN_YEAR(field)`: the first week is 1 to 7 January.
    week_in_year WeekInYear "WEEK_IN_YEAR" false;
    /// `convertTimezone(field)`: a datetime in the user's time zone; within a function of dates only.
    convert_timezone ConvertTimezone "convertTimezone" false;
    /// `toLabel(field)`: a picklist's value as the user sees it.
    to_label ToLabel "toLabel" false;
    /// `FORMAT(field)`: a number or a date in the user's locale.
    format Format "FORMAT" false;
    /// `convertCurrency(field)`: an amount in the user's currency.
    convert_currency ConvertCurrency "convertCurrency" false;
}

/// `COUNT()`: the number of rows and nothing else. It stands alone in its query, and the answer has it as the
/// total size.
pub fn count_rows() -> Expr {
    Expr(Node::Call(Function::Count, None))
}

/// `DISTANCE(field, GEOLOCATION(latitude, longitude), unit)`: how far a location is from a point.
///
/// ```
/// use sf_soql::function::distance;
/// use sf_soql::{DistanceUnit, Select};
///
/// let (latitude, longitude) = ("52.52".parse()?, "13.405".parse()?);
/// let far = distance("Place__c", latitude, longitude, DistanceUnit::Kilometers);
/// let soql = Select::from("Shop__c").field("Name").filter(far.lt(20)).build()?;
/// assert_eq!(
///     soql,
///     "SELECT Name FROM Shop__c WHERE DISTANCE(Place__c, GEOLOCATION(52.52, 13.405), 'km') < 20"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn distance(
    from: impl Into<Expr>,
    latitude: BigDecimal,
    longitude: BigDecimal,
    unit: DistanceUnit,
) -> Expr {
    Expr(Node::Distance { from: Box::new(from.into()), latitude, longitude, unit })
}
