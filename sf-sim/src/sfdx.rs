//! Loads an SFDX project: its objects, fields and platform events, and the records of its data plans.

mod error;
mod field;
mod ignore;
mod links;
mod metadata_record;
mod object;
mod parts;
mod plan;
mod project;
mod record_type;
mod xml;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

pub use error::LoadError;

use crate::store::Store;

/// What a project brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Objects that were defined and standard objects that got fields, in order of name.
    pub objects: Vec<String>,
    /// How many records of each object were added.
    pub rows: BTreeMap<String, usize>,
    /// What stands in the project and is not emulated.
    pub notes: Vec<String>,
}

/// What the project has and the org lacks, in small letters.
#[derive(Debug, Default)]
struct Absent {
    objects: HashSet<String>,
    /// As `object.field`.
    fields: HashSet<String>,
}

impl Absent {
    fn object(&self, name: &str) -> bool {
        self.objects.contains(&name.to_ascii_lowercase())
    }

    fn field(&self, object: &str, name: &str) -> bool {
        self.fields.contains(&format!("{object}.{name}").to_ascii_lowercase())
    }
}

/// Loads the project in this folder, the one with `sfdx-project.json`.
///
/// ```no_run
/// use sf_sim::{clock::Clock, sfdx, store::Store};
///
/// let mut store = Store::with_standard_objects(Clock::system());
/// let loaded = sfdx::load("my-project".as_ref(), &mut store)?;
/// for note in &loaded.notes {
///     eprintln!("{note}");
/// }
/// # Ok::<(), sfdx::LoadError>(())
/// ```
///
/// What is understood by the emulator becomes part of the store; everything else is named in [`Loaded::notes`].
///
/// # Errors
/// [`LoadError`] with file, line where it is known, and what to do: a folder that is no project, a file that cannot be
/// read or parsed, a record that the org would refuse. The store may hold a part of the project then.
pub fn load(path: &Path, store: &mut Store) -> Result<Loaded, LoadError> {
    let project = project::open(path)?;
    let mut loaded = Loaded { notes: project.notes.clone(), ..Loaded::default() };
    let folders = project.folders()?;
    let mut absent = Absent::default();
    object::load(&project, &folders, &mut absent, store, &mut loaded)?;
    metadata_record::load(&project, &folders.custom_metadata, store, &mut loaded)?;
    plan::load(&project, &folders.data, &absent, store, &mut loaded)?;
    Ok(loaded)
}

#[cfg(test)]
mod tests;
