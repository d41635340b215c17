//! One device's socket: waiting for bytes without holding a buffer, reading within the budget, sending in time.

use crate::{
    budget::{Holder, OverBudget, Share},
    ending::Ended,
    seats::Seat,
};
use std::{cell::RefCell, io, net::IpAddr, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

/// As much is read at once, made durable together and acknowledged together.
const CHUNK: usize = 16 << 10;

thread_local! {
    // Shared by all connections of a thread: an idle one holds no read buffer.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into());
}

pub(crate) struct Line {
    stream: TcpStream,
    address: IpAddr,
    reply_timeout: Duration,
    share: Share,
    _seat: Seat,
}

impl Line {
    pub(crate) fn new(
        stream: TcpStream,
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

    /// Whether there is something to read before `deadline`.
    pub(crate) async fn readable(&self, deadline: Instant) -> io::Result<bool> {
        match timeout_at(deadline, self.stream.readable()).await {
            Ok(ready) => ready.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Gives what has come to `take`, at most one chunk; `false` when that was a false alarm.
    /// `waiting` bytes of the connection wait already.
    pub(crate) fn read(
        &mut self,
        waiting: usize,
        holder: Holder,
        take: impl FnOnce(&[u8]),
    ) -> Result<bool, Ended> {
        BUFFER.with_borrow_mut(|buffer| match self.stream.try_read(buffer) {
            Ok(0) => Err(Ended::ByDevice),
            Ok(length) => {
                self.share.hold(waiting + length, holder).map_err(|OverBudget| Ended::OverBudget)?;
                take(&buffer[..length]);
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error.into()),
        })
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
        match timeout(within.min(self.reply_timeout), self.stream.write_all(bytes)).await {
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
