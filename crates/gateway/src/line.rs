//! One device's socket: waiting for bytes without holding a buffer, reading within the budget, sending in time.

use crate::{
    budget::{Holder, OverBudget, Share},
    ending::Ended,
    seats::Seat,
};
use std::{
    cell::RefCell,
    future::poll_fn,
    net::IpAddr,
    pin::Pin,
    task::{Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// As much is read at once, made durable together and acknowledged together.
pub(crate) const CHUNK: usize = 16 << 10;

thread_local! {
    // Shared by all connections of a thread: an idle one holds no read buffer.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into());
}

/// Bytes as they are, or within TLS.
pub(crate) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

pub(crate) struct Line {
    stream: Stream,
    address: IpAddr,
    reply_timeout: Duration,
    share: Share,
    _seat: Seat,
}

impl Line {
    pub(crate) fn new(
        stream: Stream,
        address: IpAddr,
        reply_timeout: Duration,
        share: Share,
        seat: Seat,
    ) -> Self {
        Self { stream, address, reply_timeout, share, _seat: seat }
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Waits for bytes until `deadline`, and gives them to `take`, at most one chunk. `waiting` bytes of the connection
    /// wait already. `false` when nothing came in time.
    ///
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn read(
        &mut self,
        deadline: Instant,
        waiting: usize,
        holder: Holder,
        take: impl FnOnce(&[u8]),
    ) -> Result<bool, Ended> {
        let (stream, share) = (&mut self.stream, &mut self.share);
        let mut take = Some(take);
        let reading = poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
                let bytes = buffer.filled();
                if bytes.is_empty() {
                    return Poll::Ready(Err(Ended::ByDevice));
                }
                share.hold(waiting + bytes.len(), holder).map_err(|OverBudget| Ended::OverBudget)?;
                if let Some(take) = take.take() {
                    take(bytes);
                }
                Poll::Ready(Ok(true))
            })
        });
        timeout_at(deadline, reading).await.unwrap_or(Ok(false))
    }

    /// Gives back what does not wait any longer.
    pub(crate) fn settle(&mut self, waiting: usize, holder: Holder) {
        // It was counted when it was read, so it fits.
        let _ = self.share.hold(waiting, holder);
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        self.send_within(bytes, self.reply_timeout).await
    }

    /// As `send`, in less time than a reply may take if need be.
    pub(crate) async fn send_within(&mut self, bytes: &[u8], within: Duration) -> Result<(), Ended> {
        if bytes.is_empty() {
            return Ok(());
        }
        let sending = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(within.min(self.reply_timeout), sending).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Ended::ReplyTimeout),
        }
    }

    /// Says goodbye after the last reply.
    pub(crate) async fn close(&mut self) {
        // The other side may be gone already, which is as good.
        let _ = self.stream.shutdown().await;
    }
}
