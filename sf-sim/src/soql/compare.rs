//! How text compares: without regard to case, unless a field says otherwise, and without an allocation.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::schema::{FieldDef, PicklistValue, Type};
use crate::value::Cell;

/// A character's lower case where that is one character.
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// How two texts compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Ignored,
    Told,
}

impl Case {
    pub(super) fn of(case_sensitive: bool) -> Self {
        if case_sensitive { Self::Told } else { Self::Ignored }
    }

    pub(super) fn same(self, a: &str, b: &str) -> bool {
        match self {
            Self::Told => a == b,
            // Equal letters of different case can differ in length only outside ASCII.
            Self::Ignored if a.is_ascii() && b.is_ascii() => a.eq_ignore_ascii_case(b),
            Self::Ignored => a.chars().map(fold).eq(b.chars().map(fold)),
        }
    }

    pub(super) fn order(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Told => a.cmp(b),
            Self::Ignored => {
                let differ = a
                    .bytes()
                    .zip(b.bytes())
                    .position(|(x, y)| !x.is_ascii() || !y.is_ascii() || !x.eq_ignore_ascii_case(&y));
                let Some(at) = differ else { return a.len().cmp(&b.len()) };
                // What came before is ASCII in both, so `at` is a boundary in both.
                let (a, b) = (a.get(at..).unwrap_or_default(), b.get(at..).unwrap_or_default());
                a.chars().map(fold).cmp(b.chars().map(fold))
            }
        }
    }

    fn char(self, c: char) -> char {
        match self {
            Self::Told => c,
            Self::Ignored => fold(c),
        }
    }
}

/// How the values of a field are ordered: text by its letters, a picklist's values as the picklist has them
/// [SOQL reference, "ORDER BY", "MIN()"].
#[derive(Clone, Debug)]
pub(super) struct Collation {
    case: Case,
    values: Arc<[PicklistValue]>,
}

impl Collation {
    pub(super) fn of(field: &FieldDef) -> Self {
        let listed = field.ty == Type::Picklist;
        let values = if listed { field.picklist.as_slice().into() } else { Arc::default() };
        Self { case: Case::of(field.case_sensitive), values }
    }

    /// Values that the picklist does not have come behind those that it has.
    fn rank(&self, text: &str) -> usize {
        self.values.iter().position(|v| v.value.eq_ignore_ascii_case(text)).unwrap_or(self.values.len())
    }

    /// How two values of the field stand to each other; both are there.
    pub(super) fn order(&self, a: Cell<'_>, b: Cell<'_>) -> Ordering {
        match (a, b) {
            (Cell::Text(a), Cell::Text(b)) if self.values.is_empty() => self.case.order(a, b),
            (Cell::Text(a), Cell::Text(b)) => {
                let (first, second) = (self.rank(a), self.rank(b));
                let unlisted = first == second && first == self.values.len();
                first
                    .cmp(&second)
                    .then_with(|| if unlisted { self.case.order(a, b) } else { Ordering::Equal })
            }
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(&b),
            (Cell::Int(a), Cell::Int(b)) => a.cmp(&b),
            (Cell::Num(a), Cell::Num(b)) => a.cmp(&b),
            (Cell::Id(a), Cell::Id(b)) => a.cmp(&b),
            (Cell::Date(a), Cell::Date(b)) => a.cmp(&b),
            (Cell::DateTime(a), Cell::DateTime(b)) => a.cmp(&b),
            (Cell::Time(a), Cell::Time(b)) => a.cmp(&b),
            // Values of one field are of one type.
            _ => Ordering::Equal,
        }
    }
}

/// A compiled `LIKE` pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern {
    case: Case,
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// `%`.
    Run,
    /// `_`.
    One,
    /// A character, folded already.
    Char(char),
}

impl Pattern {
    /// `escaped` are the bytes of `text` at which a wildcard means itself.
    pub(super) fn new(text: &str, escaped: &[usize], case: Case) -> Self {
        let mut parts = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let part = match c {
                '%' if !escaped.contains(&at) => Part::Run,
                '_' if !escaped.contains(&at) => Part::One,
                c => Part::Char(case.char(c)),
            };
            // Two runs match what one does, and cost time.
            if part != Part::Run || parts.last() != Some(&Part::Run) {
                parts.push(part);
            }
        }
        Self { case, parts }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut at = 0;
        // Where the last run stands, and what it has not swallowed yet.
        let mut run: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            let next = rest.next();
            match (self.parts.get(at), next) {
                (Some(Part::Run), _) => {
                    rest = before;
                    at += 1;
                    if at == self.parts.len() {
                        return true;
                    }
                    run = Some((at, rest.clone()));
                    continue;
                }
                (Some(Part::One), Some(_)) => {
                    at += 1;
                    continue;
                }
                (Some(Part::Char(wanted)), Some(c)) if self.case.char(c) == *wanted => {
                    at += 1;
                    continue;
                }
                (None, None) => return true,
                (Some(_), None) => return false,
                _ => {}
            }
            let Some((after, mut from)) = run.take() else { return false };
            if from.next().is_none() {
                return false;
            }
            rest = from.clone();
            at = after;
            run = Some((after, from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_counts_only_where_it_is_told() {
        assert!(Case::Ignored.same("Müller AG", "MÜLLER ag"));
        assert!(!Case::Told.same("a", "A"));
        assert_eq!(Case::Ignored.order("apple", "Banana"), Ordering::Less);
        assert_eq!(Case::Told.order("apple", "Banana"), Ordering::Greater);
        assert_eq!(Case::Ignored.order("ab", "ABC"), Ordering::Less);
        assert_eq!(Case::Ignored.order("xÄ", "xä"), Ordering::Equal);
    }

    #[test]
    fn patterns_match_runs_single_characters_and_escaped_wildcards() {
        let cases = [
            ("acme%", "ACME Corp", true),
            ("%corp", "Acme Corp", true),
            ("%me c%", "Acme Corp", true),
            ("acme", "Acme Corp", false),
            ("a_me%", "acme", true),
            ("_", "", false),
            ("_", "ä", true),
            ("%", "", true),
            ("%%b%%", "abc", true),
            ("%ab%ab", "abab", true),
            ("%aab", "aaaab", true),
            ("%ab%ab", "ab", false),
            ("", "", true),
            ("", "x", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::new(pattern, &[], Case::Ignored).matches(text), expected, "{pattern} {text}");
        }
        let half = Pattern::new("50%", &[2], Case::Ignored);
        assert!(half.matches("50%") && !half.matches("501"));
        assert!(!Pattern::new("a%", &[], Case::Told).matches("Ab"));
    }

    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(('%', rest)), _) => (0..=text.len()).any(|n| slow(rest, &text[n..])),
            (Some(('_', p)), Some((_, t))) => slow(p, t),
            (Some((c, p)), Some((d, t))) => c.eq_ignore_ascii_case(d) && slow(p, t),
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_agree_with_a_slow_matcher(pattern in "[abA%_]{0,8}", text in "[abB]{0,10}") {
            let (p, t): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Pattern::new(&pattern, &[], Case::Ignored).matches(&text), slow(&p, &t));
        }

        #[test]
        fn comparing_agrees_with_comparing_folded_text(a in ".{0,6}", b in ".{0,6}") {
            let folded = |text: &str| text.chars().map(fold).collect::<String>();
            prop_assert_eq!(Case::Ignored.same(&a, &b), folded(&a) == folded(&b));
            prop_assert_eq!(Case::Ignored.order(&a, &b), folded(&a).cmp(&folded(&b)));
        }
    }
}
