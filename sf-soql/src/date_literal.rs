//! Days relative to today, by SOQL's own names.

use std::fmt;

macro_rules! date_literals {
    (
        fixed { $($(#[$doc:meta])* $name:ident $word:literal;)* }
        counted { $($(#[$ndoc:meta])* $nname:ident $nword:literal;)* }
    ) => {
        /// A day or a range of days relative to today, in the time zone of the user that asks.
        ///
        /// Weeks begin where the user's locale has it, fiscal years where the org's settings have it
        /// (SOQL reference, "Date formats and date literals").
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum DateLiteral {
            $($(#[$doc])* $name,)*
            $($(#[$ndoc])* $nname(u32),)*
        }

        impl fmt::Display for DateLiteral {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($word),)*
                    $(Self::$nname(n) => write!(f, concat!($nword, ":{}"), n),)*
                }
            }
        }
    };
}

date_literals! {
    fixed {
        /// The day before today.
        Yesterday "YESTERDAY";
        /// Today, from midnight to midnight.
        Today "TODAY";
        /// The day after today.
        Tomorrow "TOMORROW";
        /// The week before this one.
        LastWeek "LAST_WEEK";
        /// This week.
        ThisWeek "THIS_WEEK";
        /// The week after this one.
        NextWeek "NEXT_WEEK";
        /// The month before this one.
        LastMonth "LAST_MONTH";
        /// This month.
        ThisMonth "THIS_MONTH";
        /// The month after this one.
        NextMonth "NEXT_MONTH";
        /// The last 90 days, today included.
        Last90Days "LAST_90_DAYS";
        /// The next 90 days, from tomorrow.
        Next90Days "NEXT_90_DAYS";
        /// The calendar quarter before this one.
        LastQuarter "LAST_QUARTER";
        /// This calendar quarter.
        ThisQuarter "THIS_QUARTER";
        /// The calendar quarter after this one.
        NextQuarter "NEXT_QUARTER";
        /// The year before this one.
        LastYear "LAST_YEAR";
        /// This year.
        ThisYear "THIS_YEAR";
        /// The year after this one.
        NextYear "NEXT_YEAR";
        /// The fiscal quarter before this one.
        LastFiscalQuarter "LAST_FISCAL_QUARTER";
        /// This fiscal quarter.
        ThisFiscalQuarter "THIS_FISCAL_QUARTER";
        /// The fiscal quarter after this one.
        NextFiscalQuarter "NEXT_FISCAL_QUARTER";
        /// The fiscal year before this one.
        LastFiscalYear "LAST_FISCAL_YEAR";
        /// This fiscal year.
        ThisFiscalYear "THIS_FISCAL_YEAR";
        /// The fiscal year after this one.
        NextFiscalYear "NEXT_FISCAL_YEAR";
    }
    counted {
        /// The last n days, today included.
        LastNDays "LAST_N_DAYS";
        /// The next n days, from tomorrow.
        NextNDays "NEXT_N_DAYS";
        /// The day n days ago.
        NDaysAgo "N_DAYS_AGO";
        /// The n weeks before this one.
        LastNWeeks "LAST_N_WEEKS";
        /// The n weeks after this one.
        NextNWeeks "NEXT_N_WEEKS";
        /// The week n weeks ago.
        NWeeksAgo "N_WEEKS_AGO";
        /// The n months before this one.
        LastNMonths "LAST_N_MONTHS";
        /// The n months after this one.
        NextNMonths "NEXT_N_MONTHS";
        /// The month n months ago.
        NMonthsAgo "N_MONTHS_AGO";
        /// The n quarters before this one.
        LastNQuarters "LAST_N_QUARTERS";
        /// The n quarters after this one.
        NextNQuarters "NEXT_N_QUARTERS";
        /// The quarter n quarters ago.
        NQuartersAgo "N_QUARTERS_AGO";
        /// The n years before this one.
        LastNYears "LAST_N_YEARS";
        /// The n years after this one.
        NextNYears "NEXT_N_YEARS";
        /// The year n years ago.
        NYearsAgo "N_YEARS_AGO";
        /// The n fiscal quarters before this one.
        LastNFiscalQuarters "LAST_N_FISCAL_QUARTERS";
        /// The n fiscal quarters after this one.
        NextNFiscalQuarters "NEXT_N_FISCAL_QUARTERS";
        /// The fiscal quarter n fiscal quarters ago.
        NFiscalQuartersAgo "N_FISCAL_QUARTERS_AGO";
        /// The n fiscal years before this one.
        LastNFiscalYears "LAST_N_FISCAL_YEARS";
        /// The n fiscal years after this one.
        NextNFiscalYears "NEXT_N_FISCAL_YEARS";
        /// The fiscal year n fiscal years ago.
        NFiscalYearsAgo "N_FISCAL_YEARS_AGO";
    }
}
