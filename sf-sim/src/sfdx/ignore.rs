//! `.forceignore`: which files a deployment passes over. Patterns are those of `.gitignore`
//! [Salesforce DX Developer Guide, "How to Exclude Source When Syncing"].

use std::path::Path;

use super::error::LoadError;
use super::project;

const FILE: &str = ".forceignore";

/// The patterns of a project, in their order.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    /// `!`: what an earlier pattern takes out comes back.
    back: bool,
    /// A trailing slash: folders only.
    folder: bool,
    /// From the root, `**` for any number of folders.
    segments: Vec<String>,
}

impl Ignore {
    /// Reads the project's file; none ignores nothing.
    pub(super) fn read(root: &Path) -> Result<Self, LoadError> {
        let file = root.join(FILE);
        if !file.is_file() {
            return Ok(Self::default());
        }
        Ok(Self::parse(&project::text(&file)?))
    }

    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(pattern).collect())
    }

    /// Whether a path below the root is passed over, by itself or with a folder above it.
    pub(super) fn takes(&self, path: &Path, is_folder: bool) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let names: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        (1..=names.len()).any(|depth| {
            let folder = is_folder || depth < names.len();
            let fits = |p: &&Pattern| (folder || !p.folder) && path_fits(&p.segments, &names[..depth]);
            self.0.iter().rev().find(fits).is_some_and(|pattern| !pattern.back)
        })
    }
}

fn pattern(line: &str) -> Option<Pattern> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (back, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let (folder, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
    let mut segments: Vec<String> =
        line.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
    // Without a slash in front or between, the name is meant wherever it stands.
    if !line.contains('/') {
        segments.insert(0, "**".to_owned());
    }
    (!segments.is_empty()).then_some(Pattern { back, folder, segments })
}

fn path_fits(pattern: &[String], names: &[&str]) -> bool {
    match pattern.split_first() {
        None => names.is_empty(),
        // At the end it means what is inside, not the folder itself.
        Some((first, [])) if first == "**" => !names.is_empty(),
        Some((first, rest)) if first == "**" => (0..=names.len()).any(|n| path_fits(rest, &names[n..])),
        Some((first, rest)) => {
            names.split_first().is_some_and(|(name, below)| name_fits(first, name) && path_fits(rest, below))
        }
    }
}

/// One name against a pattern with `*` and `?`.
fn name_fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and up to where it reaches so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, reach)) = star else { return false };
                star = Some((at, reach + 1));
                p = at + 1;
                n = reach + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_out_what_gitignore_says() {
        let cases = [
            ("package.xml", "a/b/package.xml", true),
            ("/package.xml", "a/package.xml", false),
            ("**/objects/Account/**", "app/main/objects/Account/fields/A__c.field-meta.xml", true),
            ("**/objects/Account/**", "app/main/objects/Contact/fields/A__c.field-meta.xml", false),
            ("app/main/objects/Old__c", "app/main/objects/Old__c/Old__c.object-meta.xml", true),
            ("objects/Old__c", "app/objects/Old__c/Old__c.object-meta.xml", false),
            ("*__e", "app/objects/Sent__e/fields/A__c.field-meta.xml", true),
            ("Old?__c/", "app/objects/Old1__c/fields/A__c.field-meta.xml", true),
            ("A__c/", "app/A__c", false),
            ("# a word\n\n", "a word", false),
            ("*.xml\n!keep.xml", "a/keep.xml", false),
            ("*.xml\n!keep.xml", "a/other.xml", true),
            ("a/**/z.xml", "a/z.xml", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
        ];
        for (patterns, path, taken) in cases {
            assert_eq!(Ignore::parse(patterns).takes(Path::new(path), false), taken, "{patterns} {path}");
        }
    }
}
