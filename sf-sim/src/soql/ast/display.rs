//! Tree → statement.

use std::fmt::{self, Display, Formatter, Write as _};

use chrono::DateTime;

use super::{
    Compare, Condition, DataCategory, Expr, FieldGroup, Group, GroupKind, Item, Like, Literal, LiteralKind,
    Name, Nulls, Order, Path, Purpose, Query, Select, TypeOf, Update, With,
};

/// Parts with a text between them.
struct Joined<'a, T>(&'a [T], &'a str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(self.1)?;
            }
            part.fmt(f)?;
        }
        Ok(())
    }
}

fn list<T: Display>(parts: &[T]) -> Joined<'_, T> {
    Joined(parts, ", ")
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.select {
            Select::Count => f.write_str("SELECT COUNT()")?,
            Select::Items(items) => write!(f, "SELECT {}", list(items))?,
        }
        write!(f, " FROM {}", self.object)?;
        if let Some(alias) = &self.alias {
            write!(f, " {alias}")?;
        }
        for (path, alias) in &self.aliases {
            write!(f, ", {path} {alias}")?;
        }
        if let Some(scope) = &self.scope {
            write!(f, " USING SCOPE {scope}")?;
        }
        if let Some(condition) = &self.condition {
            write!(f, " WHERE {condition}")?;
        }
        if let Some(with) = &self.with {
            write!(f, " WITH {with}")?;
        }
        if let Some(group) = &self.group {
            write!(f, " GROUP BY {group}")?;
        }
        if let Some(having) = &self.having {
            write!(f, " HAVING {having}")?;
        }
        if !self.order.is_empty() {
            write!(f, " ORDER BY {}", list(&self.order))?;
        }
        if let Some(limit) = self.limit {
            write!(f, " LIMIT {limit}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, " OFFSET {}", offset.rows)?;
        }
        if !self.purposes.is_empty() {
            write!(f, " FOR {}", list(&self.purposes))?;
        }
        if !self.updates.is_empty() {
            write!(f, " UPDATE {}", list(&self.updates))?;
        }
        if self.all_rows.is_some() {
            f.write_str(" ALL ROWS")?;
        }
        Ok(())
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(expr, None) => expr.fmt(f),
            Self::Value(expr, Some(alias)) => write!(f, "{expr} {alias}"),
            Self::Fields(FieldGroup::All, _) => f.write_str("FIELDS(ALL)"),
            Self::Fields(FieldGroup::Custom, _) => f.write_str("FIELDS(CUSTOM)"),
            Self::Fields(FieldGroup::Standard, _) => f.write_str("FIELDS(STANDARD)"),
            Self::Children(query) => write!(f, "({query})"),
            Self::TypeOf(type_of) => type_of.fmt(f),
        }
    }
}

impl Display for TypeOf {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "TYPEOF {}", self.relationship)?;
        for (object, fields) in &self.cases {
            write!(f, " WHEN {object} THEN {}", list(fields))?;
        }
        if !self.otherwise.is_empty() {
            write!(f, " ELSE {}", list(&self.otherwise))?;
        }
        f.write_str(" END")
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(path) => path.fmt(f),
            Self::Call(call) => write!(f, "{}({})", call.function.name(), call.argument),
            Self::Distance(d) => {
                let unit = if d.miles { "mi" } else { "km" };
                write!(f, "DISTANCE({}, GEOLOCATION({}, {}), '{unit}')", d.field, d.latitude, d.longitude)
            }
        }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Joined(&self.names, ".").fmt(f)
    }
}

/// A condition within another: in parentheses where the grammar wants them.
struct Part<'a>(&'a Condition);

impl Display for Part<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Condition::And(_) | Condition::Or(_) | Condition::Not(_) => write!(f, "({})", self.0),
            _ => self.0.fmt(f),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let parts = |parts: &[Self]| parts.iter().map(|p| Part(p).to_string()).collect::<Vec<_>>();
        let not = |not: &bool| if *not { "NOT " } else { "" };
        match self {
            Self::And(all) => f.write_str(&parts(all).join(" AND ")),
            Self::Or(any) => f.write_str(&parts(any).join(" OR ")),
            Self::Not(inner) => write!(f, "NOT {}", Part(inner)),
            Self::Compare(expr, compare, literal) => write!(f, "{expr} {compare} {literal}"),
            Self::Like(expr, like) => write!(f, "{expr} LIKE {like}"),
            Self::In(expr, literals, negated) => write!(f, "{expr} {}IN ({})", not(negated), list(literals)),
            Self::InSelect(expr, query, negated) => write!(f, "{expr} {}IN ({query})", not(negated)),
            Self::Includes(expr, literals, negated) => {
                write!(f, "{expr} {} ({})", if *negated { "EXCLUDES" } else { "INCLUDES" }, list(literals))
            }
        }
    }
}

impl Display for Compare {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

/// Text between quotes; `wildcards` are the bytes at which `%` and `_` mean themselves.
fn quote(text: &str, wildcards: &[usize], f: &mut Formatter<'_>) -> fmt::Result {
    f.write_char('\'')?;
    for (at, c) in text.char_indices() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\'' | '\\' => write!(f, "\\{c}")?,
            '%' | '_' if wildcards.contains(&at) => write!(f, "\\{c}")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

impl Display for Like {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        quote(&self.text, &self.escaped, f)
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            LiteralKind::Null => f.write_str("null"),
            LiteralKind::Boolean(b) => b.fmt(f),
            LiteralKind::Text(text) => quote(text, &[], f),
            LiteralKind::Number(number) => f.write_str(number),
            LiteralKind::Currency(code, number) => write!(f, "{code}{number}"),
            LiteralKind::Date(date) => write!(f, "{}", date.format("%Y-%m-%d")),
            LiteralKind::DateTime(ms) => {
                let at = DateTime::from_timestamp_millis(*ms).unwrap_or_default();
                write!(f, "{}", at.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
            }
            LiteralKind::Time(ms) => {
                let s = ms / 1000;
                write!(f, "{:02}:{:02}:{:02}.{:03}Z", s / 3600, s / 60 % 60, s % 60, ms % 1000)
            }
            LiteralKind::Period(period) => period.fmt(f),
        }
    }
}

impl Display for With {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode(mode) => mode.fmt(f),
            Self::DataCategory(filters) => write!(f, "DATA CATEGORY {}", Joined(filters, " AND ")),
        }
    }
}

impl Display for DataCategory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.categories.as_slice() {
            [only] => write!(f, "{} {} {only}", self.group, self.selector),
            many => write!(f, "{} {} ({})", self.group, self.selector, list(many)),
        }
    }
}

impl Display for Group {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.kind {
            GroupKind::Plain => list(&self.by).fmt(f),
            GroupKind::Rollup => write!(f, "ROLLUP({})", list(&self.by)),
            GroupKind::Cube => write!(f, "CUBE({})", list(&self.by)),
        }
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        if self.descending {
            f.write_str(" DESC")?;
        }
        match self.nulls {
            None => Ok(()),
            Some(Nulls::First) => f.write_str(" NULLS FIRST"),
            Some(Nulls::Last) => f.write_str(" NULLS LAST"),
        }
    }
}

impl Display for Purpose {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::View => "VIEW",
            Self::Reference => "REFERENCE",
            Self::Update => "UPDATE",
        })
    }
}

impl Display for Update {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tracking => "TRACKING",
            Self::ViewStat => "VIEWSTAT",
        })
    }
}
