//! Date literals by name.

/// A stretch of whole days, weeks … counted from the running one: `LAST_N_WEEKS:2` is from -2 to -1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// What is counted.
    pub unit: Unit,
    /// The first, zero being the running one.
    pub from: i64,
    /// The last, itself included.
    pub to: i64,
}

/// What a [`Period`] counts. The emulated org's fiscal year is the calendar's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Period {
    /// The literal of this name, in any case, with the number after its colon.
    #[must_use]
    pub fn named(name: &str, n: Option<i64>) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let Some(n) = n else {
            return match name.as_str() {
                "TODAY" => Some(Self { unit: Unit::Day, from: 0, to: 0 }),
                "YESTERDAY" => Some(Self { unit: Unit::Day, from: -1, to: -1 }),
                "TOMORROW" => Some(Self { unit: Unit::Day, from: 1, to: 1 }),
                "LAST_90_DAYS" => Some(Self { unit: Unit::Day, from: -90, to: 0 }),
                "NEXT_90_DAYS" => Some(Self { unit: Unit::Day, from: 1, to: 90 }),
                _ => {
                    let (which, unit) = name.split_once('_')?;
                    let at = match which {
                        "LAST" => -1,
                        "THIS" => 0,
                        "NEXT" => 1,
                        _ => return None,
                    };
                    // There is no LAST_DAY: that is YESTERDAY.
                    let unit = Unit::named(unit).filter(|u| *u != Unit::Day)?;
                    Some(Self { unit, from: at, to: at })
                }
            };
        };
        if let Some(unit) = name.strip_prefix("LAST_N_").and_then(Unit::plural) {
            // Of these only the days run up to the present; whole weeks, months … end before the running one.
            return Some(Self { unit, from: -n, to: if unit == Unit::Day { 0 } else { -1 } });
        }
        if let Some(unit) = name.strip_prefix("NEXT_N_").and_then(Unit::plural) {
            return Some(Self { unit, from: 1, to: n });
        }
        let unit = name.strip_prefix("N_")?.strip_suffix("_AGO").and_then(Unit::plural)?;
        Some(Self { unit, from: -n, to: -n })
    }
}

impl Unit {
    fn named(name: &str) -> Option<Self> {
        match name {
            "DAY" => Some(Self::Day),
            "WEEK" => Some(Self::Week),
            "MONTH" => Some(Self::Month),
            "QUARTER" | "FISCAL_QUARTER" => Some(Self::Quarter),
            "YEAR" | "FISCAL_YEAR" => Some(Self::Year),
            _ => None,
        }
    }

    fn plural(name: &str) -> Option<Self> {
        name.strip_suffix('S').and_then(Self::named)
    }
}

impl std::fmt::Display for Period {
    /// The shortest of the literals that mean the same.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            Unit::Day => "DAY",
            Unit::Week => "WEEK",
            Unit::Month => "MONTH",
            Unit::Quarter => "QUARTER",
            Unit::Year => "YEAR",
        };
        let day = self.unit == Unit::Day;
        match (self.from, self.to) {
            (0, 0) if day => f.write_str("TODAY"),
            (-1, -1) if day => f.write_str("YESTERDAY"),
            (1, 1) if day => f.write_str("TOMORROW"),
            (0, 0) => write!(f, "THIS_{unit}"),
            (-1, -1) => write!(f, "LAST_{unit}"),
            (1, 1) => write!(f, "NEXT_{unit}"),
            (1, to) => write!(f, "NEXT_N_{unit}S:{to}"),
            (from, 0) if day => write!(f, "LAST_N_DAYS:{}", -from),
            (from, to) if from == to => write!(f, "N_{unit}S_AGO:{}", -from),
            (from, _) => write!(f, "LAST_N_{unit}S:{}", -from),
        }
    }
}
