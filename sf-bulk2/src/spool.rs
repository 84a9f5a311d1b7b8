//! A temporary file for what does not have to be in memory. It has no name and goes with its last user.

use std::fs::File;
use std::io::{Error, Read, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The file. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Spool(Arc<Mutex<File>>);

/// A place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) at: u64,
    pub(crate) len: usize,
}

impl Spool {
    pub(crate) async fn new() -> Result<Self> {
        Self::new_in(std::env::temp_dir()).await
    }

    async fn new_in(folder: PathBuf) -> Result<Self> {
        blocking(move || {
            let file = tempfile::tempfile_in(&folder).map_err(|e| in_folder(&folder, &e))?;
            Ok(Self(Arc::new(Mutex::new(file))))
        })
        .await
    }

    pub(crate) async fn append(&self, bytes: Bytes) -> Result<Span> {
        Ok(self.append_from(bytes).await?.0)
    }

    /// As `append`, and gives the bytes back.
    pub(crate) async fn append_from<B: AsRef<[u8]> + Send + 'static>(&self, bytes: B) -> Result<(Span, B)> {
        let this = self.clone();
        blocking(move || {
            let mut file = this.0.lock().unwrap_or_else(PoisonError::into_inner);
            let at = file.seek(SeekFrom::End(0))?;
            file.write_all(bytes.as_ref()).map_err(|e| in_folder(&std::env::temp_dir(), &e))?;
            Ok((Span { at, len: bytes.as_ref().len() }, bytes))
        })
        .await
    }

    pub(crate) async fn read(&self, span: Span) -> Result<Vec<u8>> {
        let this = self.clone();
        let mut bytes = vec![0; span.len];
        blocking(move || {
            let mut file = this.0.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(span.at))?;
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        })
        .await
    }
}

impl Spool {
    /// Reads many places, one behind the other.
    pub(crate) async fn read_all(places: Vec<(Self, Span)>) -> Result<Vec<u8>> {
        blocking(move || {
            let mut bytes = vec![0; places.iter().map(|(_, span)| span.len).sum()];
            let mut rest = &mut bytes[..];
            for (spool, span) in places {
                let (place, behind) = rest.split_at_mut(span.len);
                let mut file = spool.0.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(span.at))?;
                file.read_exact(place)?;
                rest = behind;
            }
            Ok(bytes)
        })
        .await
    }
}

/// What went wrong, and where: the file has no name that could tell.
fn in_folder(folder: &Path, error: &Error) -> Error {
    let folder = folder.display();
    let text = format!(
        "{error}, in the folder for temporary files {folder} (`TMPDIR` names it on Unix, `TMP` on Windows)"
    );
    Error::new(error.kind(), text)
}

/// Files block: they are used where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_no_file_can_be_made_the_folder_is_named_with_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let none = folder.path().join("none");
        let error = Spool::new_in(none.clone()).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        let text = error.to_string();
        assert!(text.contains(&none.display().to_string()) && text.contains("TMPDIR"), "{text}");
    }

    #[tokio::test]
    async fn what_was_written_is_read_from_its_place_by_every_clone() {
        let spool = Spool::new().await.unwrap();
        let first = spool.append(Bytes::from_static(b"abc")).await.unwrap();
        let second = spool.clone().append(Bytes::from_static(b"defg")).await.unwrap();
        assert_eq!(second, Span { at: 3, len: 4 });
        assert_eq!(spool.read(second).await.unwrap(), b"defg");
        assert_eq!(spool.read(first).await.unwrap(), b"abc");
        assert!(spool.read(Span { at: 5, len: 9 }).await.is_err());
        let places = vec![
            (spool.clone(), second),
            (Spool::new().await.unwrap(), Span { at: 0, len: 0 }),
            (spool, first),
        ];
        assert_eq!(Spool::read_all(places).await.unwrap(), b"defgabc");
    }
}
