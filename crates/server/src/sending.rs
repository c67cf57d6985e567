//! The body of an answer on its way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::reading::Piece;

/// The body of an answer.
pub(crate) enum Sending {
    /// All of it is there; taken when it is sent.
    Whole(Option<Bytes>),
    /// Piece by piece, as they come; it ends when nobody makes more.
    Pieces(mpsc::Receiver<Bytes>),
    /// Piece by piece, as they are read; so many bytes are left, where that is known.
    Read(mpsc::Receiver<Piece>, Option<u64>),
}

impl Sending {
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }
}

impl Body for Sending {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Pieces(pieces) => pieces.poll_recv(cx),
            Self::Read(pieces, left) => {
                let piece = match std::task::ready!(pieces.poll_recv(cx)) {
                    // Nobody is to take it for the whole.
                    None => Err(io::ErrorKind::UnexpectedEof.into()),
                    Some(Ok(bytes)) if bytes.is_empty() => return Poll::Ready(None),
                    Some(piece) => piece,
                };
                if let (Ok(bytes), Some(left)) = (&piece, left) {
                    *left = left.saturating_sub(bytes.len() as u64);
                }
                return Poll::Ready(Some(piece.map(Frame::data)));
            }
        };
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Read(_, Some(left)) => SizeHint::with_exact(*left),
            Self::Pieces(_) | Self::Read(_, None) => SizeHint::default(),
        }
    }
}
