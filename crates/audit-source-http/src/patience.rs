use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::places::Doing;

/// A connection whose peer has to take what is written within some time: one that reads no answers would keep its place for ever. It
/// notes when an answer is written, in part and as a whole.
pub(crate) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Runs while the peer takes nothing.
    waiting: Option<Pin<Box<Sleep>>>,
    doing: Arc<Doing>,
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S, patience: Duration, doing: Arc<Doing>) -> Self {
        Self { stream, patience, waiting: None, doing }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.doing.written();
        }
    }

    fn bounded<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&written);
        self.bounded(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.note(&written);
        self.bounded(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.doing.flushed();
        }
        self.bounded(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.bounded(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const LATER: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn who_reads_an_answer_piece_by_piece_is_seen_to() {
        let doing = Arc::new(Doing::new(std::time::Instant::now()));
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut writer = Patient::new(ours, LATER, Arc::clone(&doing));
        doing.answered();
        let mut before = doing.idle_since(LATER).unwrap();
        for round in 0..20_usize {
            std::thread::sleep(Duration::from_millis(1));
            let pieces = [io::IoSlice::new(&[0; 32]), io::IoSlice::new(&[0; 32])];
            let written = if round.is_multiple_of(2) {
                writer.write(&[0; 64]).await
            } else {
                writer.write_vectored(&pieces).await
            };
            let written = written.unwrap();
            let after = doing.idle_since(LATER).unwrap();
            assert!(after > before, "round {round}");
            before = after;
            theirs.read_exact(&mut vec![0; written]).await.unwrap();
        }
        writer.flush().await.unwrap();
        assert!(doing.is_waiting());
    }
}
