//! A calendar that is counted day by day, and time zones as tables of their changes.

/// Days since 1900-01-01, a Monday.
pub(super) type Day = i64;

const DAY_MS: i64 = 86_400_000;

fn is_leap(year: i64) -> bool {
    if year % 400 == 0 {
        return true;
    }
    year % 4 == 0 && year % 100 != 0
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

pub(super) fn day(year: i64, month: i64, of_month: i64) -> Day {
    let mut count = 0;
    for earlier in 1900..year {
        for month in 1..=12 {
            count += days_of(earlier, month);
        }
    }
    for earlier in 1..month {
        count += days_of(year, earlier);
    }
    count + of_month - 1
}

/// Year, month and day of month.
pub(super) fn date(day: Day) -> (i64, i64, i64) {
    let (mut year, mut month, mut left) = (1900, 1, day);
    while left >= days_of(year, month) {
        left -= days_of(year, month);
        month += 1;
        if month == 13 {
            year += 1;
            month = 1;
        }
    }
    (year, month, left + 1)
}

/// Zero is Sunday.
pub(super) fn weekday(day: Day) -> i64 {
    (day + 1) % 7
}

pub(super) fn text(day: Day) -> String {
    let (year, month, of_month) = date(day);
    format!("{year:04}-{month:02}-{of_month:02}")
}

/// Milliseconds since the epoch of a time in UTC.
pub(super) fn moment(day: Day, hour: i64, minute: i64) -> i64 {
    (day - self::day(1970, 1, 1)) * DAY_MS + (hour * 60 + minute) * 60_000
}

/// A moment with the offset that it is told with.
pub(super) fn moment_text(ms: i64, offset_minutes: i64) -> String {
    let local = ms + offset_minutes * 60_000;
    let (whole, rest) = (local.div_euclid(DAY_MS), local.rem_euclid(DAY_MS));
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, thousandth) = (rest / 1_000 % 60, rest % 1_000);
    let sign = if offset_minutes < 0 { '-' } else { '+' };
    let zone = format!("{sign}{:02}:{:02}", offset_minutes.abs() / 60, offset_minutes.abs() % 60);
    let day = text(whole + day(1970, 1, 1));
    format!("{day}T{hour:02}:{minute:02}:{second:02}.{thousandth:03}{zone}")
}

/// A time zone's name, and from which moment on it is how many minutes ahead of UTC.
pub(super) struct Zone {
    pub(super) name: &'static str,
    /// Year, month, day and hour in UTC of each change, and the minutes that hold from then on.
    changes: &'static [(i64, i64, i64, i64, i64)],
}

pub(super) const ZONES: [Zone; 4] = [
    Zone { name: "GMT", changes: &[(1970, 1, 1, 0, 0)] },
    Zone { name: "Asia/Tokyo", changes: &[(1970, 1, 1, 0, 540)] },
    Zone { name: "Asia/Kolkata", changes: &[(1970, 1, 1, 0, 330)] },
    Zone {
        name: "America/Los_Angeles",
        changes: &[
            (2021, 11, 7, 9, -480),
            (2022, 3, 13, 10, -420),
            (2022, 11, 6, 9, -480),
            (2023, 3, 12, 10, -420),
            (2023, 11, 5, 9, -480),
            (2024, 3, 10, 10, -420),
            (2024, 11, 3, 9, -480),
            (2025, 3, 9, 10, -420),
            (2025, 11, 2, 9, -480),
            (2026, 3, 8, 10, -420),
            (2026, 11, 1, 9, -480),
        ],
    },
];

impl Zone {
    /// The day and the hour that a moment falls in.
    pub(super) fn local(&self, ms: i64) -> (Day, i64) {
        let mut minutes = 0;
        for (year, month, of_month, hour, from_then) in self.changes {
            if ms >= moment(day(*year, *month, *of_month), *hour, 0) {
                minutes = *from_then;
            }
        }
        let local = ms + minutes * 60_000;
        (local.div_euclid(DAY_MS) + day(1970, 1, 1), local.rem_euclid(DAY_MS) / 3_600_000)
    }
}

impl Zone {
    /// The moment at which a day begins: the one of those that its offsets allow at which it is midnight there.
    pub(super) fn midnight(&self, day: Day) -> i64 {
        for (.., minutes) in self.changes {
            let at = moment(day, 0, 0) - minutes * 60_000;
            if self.local(at) == (day, 0) && self.local(at - 1).0 == day - 1 {
                return at;
            }
        }
        moment(day, 0, 0)
    }
}

/// The days of a date literal: the first, and the first that no longer belongs to it.
pub(super) fn literal(name: &str, n: i64, today: Day) -> (Day, Day) {
    let (year, month, _) = date(today);
    let week = today - weekday(today);
    let month_from = |by: i64| {
        let months = year * 12 + month - 1 + by;
        day(months.div_euclid(12), months.rem_euclid(12) + 1, 1)
    };
    let quarter = (month - 1) / 3 * 3 + 1;
    let quarter_from = |by: i64| {
        let months = year * 12 + quarter - 1 + by * 3;
        day(months.div_euclid(12), months.rem_euclid(12) + 1, 1)
    };
    let year_from = |by: i64| day(year + by, 1, 1);
    match name {
        "TODAY" => (today, today + 1),
        "YESTERDAY" => (today - 1, today),
        "TOMORROW" => (today + 1, today + 2),
        "LAST_90_DAYS" => (today - 90, today + 1),
        "NEXT_90_DAYS" => (today + 1, today + 91),
        "LAST_N_DAYS" => (today - n, today + 1),
        "NEXT_N_DAYS" => (today + 1, today + n + 1),
        "N_DAYS_AGO" => (today - n, today - n + 1),
        "LAST_WEEK" => (week - 7, week),
        "THIS_WEEK" => (week, week + 7),
        "NEXT_WEEK" => (week + 7, week + 14),
        "LAST_N_WEEKS" => (week - 7 * n, week),
        "NEXT_N_WEEKS" => (week + 7, week + 7 + 7 * n),
        "N_WEEKS_AGO" => (week - 7 * n, week - 7 * n + 7),
        "LAST_MONTH" => (month_from(-1), month_from(0)),
        "THIS_MONTH" => (month_from(0), month_from(1)),
        "NEXT_MONTH" => (month_from(1), month_from(2)),
        "LAST_N_MONTHS" => (month_from(-n), month_from(0)),
        "NEXT_N_MONTHS" => (month_from(1), month_from(n + 1)),
        "N_MONTHS_AGO" => (month_from(-n), month_from(1 - n)),
        "LAST_QUARTER" | "LAST_FISCAL_QUARTER" => (quarter_from(-1), quarter_from(0)),
        "THIS_QUARTER" | "THIS_FISCAL_QUARTER" => (quarter_from(0), quarter_from(1)),
        "NEXT_QUARTER" | "NEXT_FISCAL_QUARTER" => (quarter_from(1), quarter_from(2)),
        "LAST_N_QUARTERS" | "LAST_N_FISCAL_QUARTERS" => (quarter_from(-n), quarter_from(0)),
        "NEXT_N_QUARTERS" | "NEXT_N_FISCAL_QUARTERS" => (quarter_from(1), quarter_from(n + 1)),
        "N_QUARTERS_AGO" | "N_FISCAL_QUARTERS_AGO" => (quarter_from(-n), quarter_from(1 - n)),
        "LAST_YEAR" | "LAST_FISCAL_YEAR" => (year_from(-1), year_from(0)),
        "THIS_YEAR" | "THIS_FISCAL_YEAR" => (year_from(0), year_from(1)),
        "NEXT_YEAR" | "NEXT_FISCAL_YEAR" => (year_from(1), year_from(2)),
        "LAST_N_YEARS" | "LAST_N_FISCAL_YEARS" => (year_from(-n), year_from(0)),
        "NEXT_N_YEARS" | "NEXT_N_FISCAL_YEARS" => (year_from(1), year_from(n + 1)),
        "N_YEARS_AGO" | "N_FISCAL_YEARS_AGO" => (year_from(-n), year_from(1 - n)),
        other => panic!("{other}"),
    }
}

/// Every date literal; with `_N_` in it, it is written with a number.
pub(super) const LITERALS: [&str; 44] = [
    "TODAY",
    "YESTERDAY",
    "TOMORROW",
    "LAST_90_DAYS",
    "NEXT_90_DAYS",
    "LAST_N_DAYS",
    "NEXT_N_DAYS",
    "N_DAYS_AGO",
    "LAST_WEEK",
    "THIS_WEEK",
    "NEXT_WEEK",
    "LAST_N_WEEKS",
    "NEXT_N_WEEKS",
    "N_WEEKS_AGO",
    "LAST_MONTH",
    "THIS_MONTH",
    "NEXT_MONTH",
    "LAST_N_MONTHS",
    "NEXT_N_MONTHS",
    "N_MONTHS_AGO",
    "LAST_QUARTER",
    "THIS_QUARTER",
    "NEXT_QUARTER",
    "LAST_N_QUARTERS",
    "NEXT_N_QUARTERS",
    "N_QUARTERS_AGO",
    "LAST_YEAR",
    "THIS_YEAR",
    "NEXT_YEAR",
    "LAST_N_YEARS",
    "NEXT_N_YEARS",
    "N_YEARS_AGO",
    "LAST_FISCAL_QUARTER",
    "THIS_FISCAL_QUARTER",
    "NEXT_FISCAL_QUARTER",
    "LAST_N_FISCAL_QUARTERS",
    "NEXT_N_FISCAL_QUARTERS",
    "N_FISCAL_QUARTERS_AGO",
    "LAST_FISCAL_YEAR",
    "THIS_FISCAL_YEAR",
    "NEXT_FISCAL_YEAR",
    "LAST_N_FISCAL_YEARS",
    "NEXT_N_FISCAL_YEARS",
    "N_FISCAL_YEARS_AGO",
];

/// What a date function gives for a day and an hour.
pub(super) fn part(function: &str, day: Day, hour: i64) -> i64 {
    let (year, month, of_month) = date(day);
    let of_year = day - self::day(year, 1, 1) + 1;
    match function {
        "CALENDAR_MONTH" | "FISCAL_MONTH" => month,
        "CALENDAR_QUARTER" | "FISCAL_QUARTER" => match month {
            1..=3 => 1,
            4..=6 => 2,
            7..=9 => 3,
            _ => 4,
        },
        "CALENDAR_YEAR" | "FISCAL_YEAR" => year,
        "DAY_IN_MONTH" => of_month,
        "DAY_IN_WEEK" => weekday(day) + 1,
        "DAY_IN_YEAR" => of_year,
        "HOUR_IN_DAY" => hour,
        // The first week is from the first to the seventh.
        "WEEK_IN_MONTH" => (of_month + 6) / 7,
        "WEEK_IN_YEAR" => (of_year + 6) / 7,
        other => panic!("{other}"),
    }
}
