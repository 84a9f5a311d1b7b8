//! Parts that are read again in the file that they were cut from.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::encode::Format;
use super::replay::PIECE;
use super::scan::Scanner;

/// A file that is read twice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    path: PathBuf,
    length: u64,
    changed: Option<SystemTime>,
}

impl Source {
    pub(super) async fn of(path: PathBuf, file: &tokio::fs::File) -> io::Result<Self> {
        let metadata = file.metadata().await?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no file of a disk: it cannot be read twice"));
        }
        Ok(Self { path, length: metadata.len(), changed: metadata.modified().ok() })
    }
}

/// The rows of a part, where they stand in a file that somebody else wrote.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) file: Arc<Source>,
    /// The header as it is sent, with its line end.
    pub(super) header: Bytes,
    pub(super) range: Range<u64>,
    /// How many bytes are sent.
    pub(super) len: u64,
    pub(super) format: Format,
}

impl Stretch {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }
}

/// Reads a stretch as it was read when it was cut.
pub(super) struct Reader {
    stretch: Arc<Stretch>,
    file: tokio::fs::File,
    scanner: Scanner,
    /// Bytes of the file that are left.
    left: u64,
    piece: Vec<u8>,
    /// What is sent next.
    out: BytesMut,
    given: u64,
    ended: bool,
}

fn changed() -> io::Error {
    io::Error::other("the file was changed while it was loaded")
}

impl Reader {
    pub(super) async fn open(stretch: Arc<Stretch>) -> io::Result<Self> {
        let mut file = tokio::fs::File::open(&stretch.file.path).await?;
        if Source::of(stretch.file.path.clone(), &file).await? != *stretch.file {
            return Err(changed());
        }
        file.seek(io::SeekFrom::Start(stretch.range.start)).await?;
        // A quote that was closed when it was cut is closed, or the file is another.
        let scanner = Scanner::new(stretch.format, usize::try_from(stretch.len).unwrap_or(usize::MAX));
        let mut reader = Self {
            file,
            scanner: scanner.behind_the_beginning(),
            left: stretch.range.end - stretch.range.start,
            piece: Vec::new(),
            out: BytesMut::new(),
            given: 0,
            ended: false,
            stretch,
        };
        let header = reader.stretch.header.clone();
        reader.scan(&header)?;
        reader.piece = vec![0; PIECE];
        Ok(reader)
    }

    /// The next piece; `None` after the last one.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        // What is last must not leave before the file was looked at again.
        let all = |reader: &Self| reader.given + reader.out.len() as u64 >= reader.stretch.len;
        while self.left > 0 && (self.out.len() < PIECE || all(self)) {
            let most = self.piece.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let read = self.file.read(&mut self.piece[..most]).await?;
            if read == 0 {
                return Err(changed());
            }
            self.left -= read as u64;
            let piece = std::mem::take(&mut self.piece);
            let scanned = self.scan(&piece[..read]);
            self.piece = piece;
            scanned?;
        }
        if self.left == 0 && !self.ended {
            self.ended = true;
            if self.scanner.finish().map_err(|_| changed())? {
                self.take_record();
            }
            let now = Source::of(self.stretch.file.path.clone(), &self.file).await?;
            if now != *self.stretch.file || self.given + self.out.len() as u64 != self.stretch.len {
                return Err(changed());
            }
        }
        self.given += self.out.len() as u64;
        if self.given > self.stretch.len {
            return Err(changed());
        }
        Ok(Some(self.out.split().freeze()).filter(|piece| !piece.is_empty()))
    }

    fn scan(&mut self, mut input: &[u8]) -> io::Result<()> {
        while self.scanner.next(&mut input).map_err(|_| changed())? {
            self.take_record();
        }
        Ok(())
    }

    fn take_record(&mut self) {
        self.out.extend_from_slice(self.scanner.record());
        self.out.extend_from_slice(self.stretch.format.line_ending.as_str().as_bytes());
    }
}
