//! What a user may have meant by a name that we do not know.

/// The most similar candidate, if any is similar enough; of equals the first.
///
/// Leading parts that both names share count for nothing: `salesforce.foo` is not near to
/// `salesforce.since`, however much of the two is the same.
pub(crate) fn nearest<S: AsRef<str>>(given: &str, candidates: impl IntoIterator<Item = S>) -> Option<S> {
    const LONGEST: usize = 120;
    if given.len() > LONGEST {
        return None;
    }
    let given = normal(given);
    let mut best: Option<(usize, S)> = None;
    for candidate in candidates {
        let Some(distance) = distance(&given, &normal(candidate.as_ref())) else { continue };
        if best.as_ref().is_none_or(|(least, _)| distance < *least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn normal(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], ".")
}

fn distance(given: &str, known: &str) -> Option<usize> {
    if given.len() >= 4 && known.ends_with(&format!(".{given}")) {
        return Some(1);
    }
    let (given, known) = without_shared_parts(given, known);
    let longer_word = given.strip_prefix(known).is_some_and(|more| !more.contains('.'));
    if given.len() >= 4 && known.len() >= 4 && (known.starts_with(given) || longer_word) {
        return Some(strsim::damerau_levenshtein(given, known).min(2));
    }
    let distance = strsim::damerau_levenshtein(given, known);
    (distance * 3 <= given.len().max(known.len())).then_some(distance)
}

fn without_shared_parts<'a>(mut a: &'a str, mut b: &'a str) -> (&'a str, &'a str) {
    while let (Some((part_a, rest_a)), Some((part_b, rest_b))) = (a.split_once('.'), b.split_once('.')) {
        if part_a != part_b {
            break;
        }
        (a, b) = (rest_a, rest_b);
    }
    (a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 8] = [
        "salesforce.object",
        "salesforce.object1",
        "salesforce.since",
        "salesforce.username",
        "kafka.topic",
        "poll.interval.ms",
        "name",
        "tasks.max",
    ];

    #[test]
    fn slips_of_typing_find_the_name() {
        for (given, meant) in [
            ("salesforce.objct", "salesforce.object"),
            ("salesforce.objects", "salesforce.object"),
            ("salesforce_object", "salesforce.object"),
            ("Salesforce.Since", "salesforce.since"),
            ("salesforce.user", "salesforce.username"),
            ("object", "salesforce.object"),
            ("topic", "kafka.topic"),
            ("poll.interval", "poll.interval.ms"),
            ("nmae", "name"),
            ("task.max", "tasks.max"),
        ] {
            assert_eq!(nearest(given, KNOWN), Some(meant), "{given}");
        }
    }

    #[test]
    fn what_only_looks_alike_by_its_beginning_is_not_near() {
        for given in [
            "salesforce.foo",
            "salesforce.object1.foo",
            "kafka.hosts",
            "foo",
            "",
            "database.url",
            &"x".repeat(500),
        ] {
            assert_eq!(nearest(given, KNOWN), None, "{given}");
        }
    }
}
