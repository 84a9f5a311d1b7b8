//! Decompression, once, above the seam.

use std::io;

use ::http::header;
use async_compression::tokio::bufread::GzipDecoder;
use futures_util::future::ready;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio_util::io::{ReaderStream, StreamReader};

use super::{Framing, Response, TransportError, TransportErrorKind};

/// The size of one decompressed piece: large enough that rows rarely straddle two.
const PIECE: usize = 64 * 1024;

/// Undoes the body's `Content-Encoding`: `gzip`, or none.
///
/// A gzip body carries its own length and checksum, so its end is known even where the connection's
/// end is all that frames it.
///
/// # Errors
/// An encoding that was not asked for. A damaged or cut gzip body shows as an error of the stream.
pub fn decoded(mut response: Response) -> Result<Response, TransportError> {
    let encoding = response.header("content-encoding").map(str::to_ascii_lowercase);
    match encoding.as_deref() {
        None | Some("" | "identity") => Ok(response),
        Some("gzip" | "x-gzip") => {
            response.headers.remove(header::CONTENT_ENCODING);
            response.headers.remove(header::CONTENT_LENGTH);
            // Servers that compress say so of bodies too that turn out to be empty, as those of 201, 204 and 304 are: where
            // the end is known, nothing is nothing.
            let whole_if_empty = response.framing == Framing::Explicit;
            let raw = response.body.map_err(io::Error::other);
            let mut raw = Box::pin(raw.try_filter(|piece| ready(!piece.is_empty())).peekable());
            response.body = stream::once(async move {
                let empty = whole_if_empty && raw.as_mut().peek().await.is_none();
                let mut gzip = GzipDecoder::new(StreamReader::new(raw));
                gzip.multiple_members(true);
                let pieces = ReaderStream::with_capacity(gzip, PIECE).map_err(undo_io);
                if empty { stream::empty().boxed() } else { pieces.boxed() }
            })
            .flatten()
            .boxed();
            response.framing = Framing::Explicit;
            Ok(response)
        }
        Some(other) => Err(TransportError::new(
            TransportErrorKind::Broken,
            format!("the body is encoded as {other:?}, which was not asked for"),
        )),
    }
}

/// The decoder speaks `io::Error`; what came from below it is handed on as it was.
fn undo_io(error: io::Error) -> TransportError {
    match error.downcast::<TransportError>() {
        Ok(transport) => transport,
        Err(error) => {
            TransportError::new(TransportErrorKind::Broken, "the compressed body is damaged or incomplete")
                .with_source(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderMap, HeaderValue, StatusCode};
    use bytes::Bytes;
    use tokio::io::AsyncWriteExt;

    use super::*;

    async fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = async_compression::tokio::write::GzipEncoder::new(Vec::new());
        encoder.write_all(text).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    }

    fn response(body: Vec<u8>) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let pieces: Vec<_> = body.chunks(7).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        Response {
            status: StatusCode::OK,
            headers,
            framing: Framing::Close,
            body: futures_util::stream::iter(pieces).boxed(),
        }
    }

    #[tokio::test]
    async fn a_gzip_body_is_undone_and_its_end_is_known() {
        let text = b"\"Id\",\"Name\"\n".repeat(500);
        let answer = decoded(response(gzip(&text).await)).unwrap();
        assert_eq!(answer.framing, Framing::Explicit);
        assert_eq!(answer.collect(1 << 20).await.unwrap(), text);
    }

    #[tokio::test]
    async fn a_gzip_body_that_is_cut_or_wrong_anywhere_is_an_error() {
        let whole = gzip(&b"\"Id\",\"Name\"\n".repeat(50)).await;
        for cut in 0..whole.len() {
            let error = decoded(response(whole[..cut].to_vec())).unwrap().collect(1 << 20).await;
            assert!(error.is_err(), "{cut} of {} bytes passed as a whole body", whole.len());
        }
        // What is wrong shows at the checksum at the latest. (The header's time and system are not covered by it.)
        for wrong in 10..whole.len() {
            let mut bytes = whole.clone();
            bytes[wrong] ^= 0x55;
            let error = decoded(response(bytes)).unwrap().collect(1 << 20).await;
            assert!(error.is_err(), "a body with a wrong byte at {wrong} passed");
        }
    }

    #[tokio::test]
    async fn nothing_is_no_damaged_gzip_body_where_its_end_is_known() {
        for (framing, whole) in [(Framing::Explicit, true), (Framing::Close, false)] {
            let empty = Response { framing, ..response(Vec::new()) };
            assert_eq!(decoded(empty).unwrap().collect(9).await.is_ok(), whole, "{framing:?}");
        }
        let mut broken = Response { framing: Framing::Explicit, ..response(Vec::new()) };
        let error = TransportError::new(TransportErrorKind::Broken, "the connection broke");
        broken.body = futures_util::stream::iter([Ok(Bytes::new()), Err(error)]).boxed();
        assert!(decoded(broken).unwrap().collect(9).await.is_err());
    }

    #[tokio::test]
    async fn an_encoding_that_was_not_asked_for_is_refused() {
        let mut answer = response(Vec::new());
        answer.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
        assert!(decoded(answer).unwrap_err().to_string().contains("br"));
    }
}
