//! Files in rows, streamed in and out: the bytes of a file are never in memory as a whole.

use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use super::{LOOK_FIRST, Saved, api_name, object_path, one_row, row_path};
use crate::client::Upload;
use crate::http::{BodyStream, Framing, Response, TransportError, TransportErrorKind};
use crate::{Client, Error, ErrorKind, Id, Result};

/// Bytes that are read from a file at a time.
const PIECE: usize = 64 * 1024;

/// A file to be stored in a row.
#[derive(Clone)]
#[must_use]
pub struct File {
    name: String,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Bytes(Bytes),
    Path(PathBuf),
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("name", &self.name).finish_non_exhaustive()
    }
}

impl File {
    /// A file of this machine, read while it is sent.
    pub fn at(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = path.file_name().map_or_else(|| "file".into(), |name| name.to_string_lossy());
        Self { name: name.into_owned(), content: Content::Path(path.to_owned()) }
    }

    /// A file of these bytes.
    pub fn of(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { name: name.into(), content: Content::Bytes(bytes.into()) }
    }

    /// Its length, and its bytes as they are read.
    async fn open(&self) -> Result<(u64, BodyStream)> {
        let path = match &self.content {
            Content::Bytes(bytes) => {
                let bytes = bytes.clone();
                return Ok((bytes.len() as u64, stream::iter([Ok(bytes)]).boxed()));
            }
            Content::Path(path) => path,
        };
        let unreadable = |e: std::io::Error| {
            Error::new(ErrorKind::Io, format!("{} cannot be read", path.display())).with_source(e)
        };
        let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        let length = file.metadata().await.map_err(unreadable)?.len();
        // One that grows meanwhile is sent as long as it was.
        let bytes = ReaderStream::with_capacity(file.take(length), PIECE).map_err(|e| {
            TransportError::new(TransportErrorKind::Request, "the file cannot be read to its end")
                .with_source(e)
        });
        Ok((length, bytes.boxed()))
    }
}

impl Client {
    /// Creates a row that holds a file: a `ContentVersion` with `VersionData`, an `Attachment` or a `Document` with
    /// `Body`. The file is streamed, as a part of a multipart body.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`ErrorKind::Io`] where the file cannot be read.
    pub async fn create_with_file(
        &self,
        object: &str,
        row: &(impl Serialize + Sync),
        field: &str,
        file: &File,
    ) -> Result<Id> {
        let field = api_name(field, "a field")?;
        let mut fields = one_row(row)?;
        if fields.take_id()?.is_some() || fields.take(field).is_some() {
            let message = format!("a new {object} with a file has neither an Id nor {field} in its row");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let row = serde_json::to_string(&fields).map_err(|e| {
            Error::new(ErrorKind::InvalidInput, "the row cannot be written as JSON").with_source(e)
        })?;
        let boundary: String = std::iter::repeat_with(fastrand::alphanumeric).take(40).collect();
        let shown: String =
            file.name.chars().map(|c| if c == '"' || c.is_control() { '_' } else { c }).collect();
        let part = row_part(object);
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"\r\nContent-Type: application/json\r\n\r\n\
             {row}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{shown}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let file = file.clone();
        let upload = Upload::new(move || {
            let (head, tail, file) = (Bytes::from(head.clone()), Bytes::from(tail.clone()), file.clone());
            Box::pin(async move {
                let (length, content) = file.open().await?;
                let length = length + (head.len() + tail.len()) as u64;
                let body = stream::iter([Ok(head)]).chain(content).chain(stream::iter([Ok(tail)]));
                Ok((length, body.boxed()))
            })
        });
        let request = self
            .post(object_path(object)?)
            .header("Content-Type", &format!("multipart/form-data; boundary={boundary}"))
            .upload(upload);
        let saved: Result<Saved> = request.json().await;
        saved
            .map(|saved| saved.id)
            .map_err(|error| if error.outcome_unknown() { error.with_hint(LOOK_FIRST) } else { error })
    }

    /// Reads the file in a row, as a stream of bytes. A file that breaks off is an error of the stream.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where there is no such row or no file in it.
    pub async fn file(&self, object: &str, id: Id, field: &str) -> Result<Response> {
        let path = format!("{}/{}", row_path(object, id)?, api_name(field, "a field")?);
        let answer = self.get(path).send().await?;
        if answer.framing == Framing::Close {
            let message = format!("the file in {field} of {object} {id} came without its length");
            return Err(Error::new(ErrorKind::Protocol, message).with_hint(
                "Whether it is whole could not be told. Something between here and the org removes it.",
            ));
        }
        Ok(answer)
    }

    /// Writes the file in a row to a writer and returns its length.
    ///
    /// A file that breaks off is read again, and what was written already is passed over, so the writer gets every
    /// byte once. Each new byte starts the client's retry policy over: a long file may break off as often as it likes
    /// as long as it gets on.
    ///
    /// # Errors
    /// As [`file`](Self::file); [`ErrorKind::Io`] of the writer; [`ErrorKind::Protocol`] where the file was changed
    /// in the middle.
    pub async fn download(
        &self,
        object: &str,
        id: Id,
        field: &str,
        writer: &mut (impl AsyncWrite + Unpin + Send),
    ) -> Result<u64> {
        let what = format!("the file in {field} of {object} {id}");
        let mut attempts = self.retry().start();
        let (mut written, mut hash) = (0_u64, DefaultHasher::new());
        loop {
            let mut passing = Passing { left: written, hash: DefaultHasher::new() };
            let mut body = self.file(object, id, field).await?.body;
            let broken = loop {
                let piece = match body.next().await {
                    Some(Ok(piece)) => piece,
                    Some(Err(error)) => break error.during(&what),
                    None if passing.left > 0 => return Err(changed(&what)),
                    None => {
                        writer.flush().await.map_err(|e| unwritable(&what, e))?;
                        return Ok(written);
                    }
                };
                let fresh = passing.pass(&piece);
                if passing.left > 0 {
                    continue;
                }
                if passing.hash.finish() != hash.finish() {
                    return Err(changed(&what));
                }
                if !fresh.is_empty() {
                    attempts.reset();
                }
                writer.write_all(fresh).await.map_err(|e| unwritable(&what, e))?;
                written += fresh.len() as u64;
                hash.write(fresh);
                passing.hash = hash.clone();
            };
            attempts.pause_after(broken, true).await?;
        }
    }
}

/// What the part with the row's other fields is called in a multipart body (REST API guide, "Insert or Update Blob
/// Data"): a `ContentVersion` has a name of its own.
fn row_part(object: &str) -> &'static str {
    if object.eq_ignore_ascii_case("ContentVersion") { "entity_content" } else { "entity_document" }
}

/// The bytes that were written before, coming again.
struct Passing {
    left: u64,
    hash: DefaultHasher,
}

impl Passing {
    /// What of a piece is new.
    fn pass<'p>(&mut self, piece: &'p [u8]) -> &'p [u8] {
        let old = usize::try_from(self.left).unwrap_or(usize::MAX).min(piece.len());
        let (old, fresh) = piece.split_at(old);
        self.hash.write(old);
        self.left -= old.len() as u64;
        fresh
    }
}

fn changed(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("{what} was another one when it was read again after a break"))
        .with_hint("Start again: what was written is the beginning of a file that is no longer there.")
}

fn unwritable(what: &str, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{what} cannot be written")).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_with_the_row_is_called_as_the_object_wants_it() {
        assert_eq!(row_part("contentversion"), "entity_content");
        assert_eq!((row_part("Document"), row_part("Attachment")), ("entity_document", "entity_document"));
    }
}
