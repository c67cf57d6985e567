//! Listens, takes connections, stops.

use std::future::Future as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use stead_engine::engine::Asker;
use stead_platform::tcp;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};

use crate::limits;
use crate::listen::{Front, ListenError, PublicUrl};
use crate::wire;

/// Who performs operations, and what runs that are started here get.
#[derive(Clone)]
pub struct Host {
    /// Performs operations.
    pub asker: Asker,
    /// Who acts, where nobody was added to the home.
    pub by: String,
    /// The folder that steps of runs started here are relative to.
    pub folder: PathBuf,
    /// The address by which others reach it, where it is behind a proxy.
    pub public: Option<PublicUrl>,
}

/// Measures of a server: its own, or those of a test.
#[derive(Debug, Clone)]
pub struct Measures {
    /// Connections at once.
    pub connections: usize,
    /// Operations at once.
    pub handlers: usize,
    /// Clients that follow what is written, at once.
    pub streams: usize,
    /// How long nothing is told before a sign of life is.
    pub heartbeat: Duration,
    /// The least time between two pieces of what one is told.
    pub stream_pause: Duration,
    /// How long a request waits for its turn.
    pub turn_time: Duration,
    /// Time for the head of a request.
    pub head_time: Duration,
    /// Time for its body.
    pub body_time: Duration,
    /// Bytes of its body.
    pub body_bytes: usize,
    /// Bytes of the body of a request of a webhook.
    pub hook_bytes: usize,
    /// Bytes of a file that is uploaded.
    pub upload_bytes: u64,
    /// How long a client may take in nothing, or send nothing of a file.
    pub stall: Duration,
    /// Times that an address may show what means nobody before it is told to wait.
    pub failures: u32,
    /// In this time.
    pub failure_time: Duration,
    /// Time that requests under way have to end in.
    pub drain: Duration,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            connections: limits::CONNECTIONS,
            handlers: limits::HANDLERS,
            streams: limits::STREAMS,
            heartbeat: limits::HEARTBEAT,
            stream_pause: limits::STREAM_PAUSE,
            turn_time: limits::TURN_TIME,
            head_time: limits::HEAD_TIME,
            body_time: limits::BODY_TIME,
            body_bytes: limits::BODY_BYTES,
            hook_bytes: limits::HOOK_BYTES,
            upload_bytes: limits::UPLOAD_BYTES,
            stall: limits::STALL,
            failures: limits::FAILURES,
            failure_time: limits::FAILURE_TIME,
            drain: limits::DRAIN,
        }
    }
}

/// Ends what a stopping server waits for.
#[derive(Clone)]
pub struct Cut(Arc<Notify>);

impl Cut {
    /// Cuts off requests under way.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// A server that listens.
pub struct Server {
    addr: SocketAddr,
    cut: Cut,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens at an address, see [`listen::address`](crate::listen::address), and answers from now on, on a thread of
    /// its own.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn start(host: Host, addr: SocketAddr, measures: Measures) -> Result<Self, ListenError> {
        let front = Front::new(addr, host.public.clone());
        if front.everybody_shows() {
            if !host.asker.is_anybody_known().map_err(ListenError::Home)? {
                let place = front.public.map_or_else(|| addr.to_string(), |url| url.origin());
                return Err(ListenError::NobodyKnown { place });
            }
        } else if !tcp::TOLD {
            return Err(ListenError::Untold);
        }
        let taken = |e: std::io::Error| ListenError::Taken { addr, why: e.to_string() };
        let machine = |e: std::io::Error| ListenError::Machine { why: e.to_string() };
        let listener = TcpListener::bind(addr).map_err(taken)?;
        listener.set_nonblocking(true).map_err(taken)?;
        let addr = listener.local_addr().map_err(taken)?;
        let own = match addr.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, addr.port())),
            IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, addr.port())),
            _ => addr,
        };
        let url = host.public.as_ref().map_or_else(|| format!("http://{own}"), PublicUrl::origin);
        host.asker.served_at(url);
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(measures.handlers)
            .build()
            .map_err(machine)?;
        let (stop, stopped) = oneshot::channel();
        let cut = Cut(Arc::default());
        let cuts = cut.clone();
        let serve = move || serve(&runtime, listener, host, addr, measures, stopped, &cuts);
        let thread = std::thread::Builder::new().name("http".into()).spawn(serve).map_err(machine)?;
        Ok(Self { addr, cut, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A handle by which a stop that takes too long is made to cut off what it waits for.
    pub fn cut(&self) -> Cut {
        self.cut.clone()
    }

    /// Takes no more, lets requests under way end within their time, and closes.
    pub fn stop(mut self) {
        self.close();
    }

    fn close(&mut self) {
        // A server that has ended already does not hear it.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, there is nothing left to close.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(
    runtime: &Runtime,
    listener: TcpListener,
    host: Host,
    addr: SocketAddr,
    measures: Measures,
    stopped: oneshot::Receiver<()>,
    cut: &Cut,
) {
    let drain = measures.drain;
    runtime.block_on(async {
        // It was made to be used so.
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        let wire = Arc::new(wire::Wire::new(host, addr, measures));
        let accepting = tokio::spawn(wire.clone().accept(listener));
        let _ = stopped.await;
        accepting.abort();
        let _ = accepting.await;
        // What does not end is cut off; what it asked for is durable or was not done.
        let mut drained = std::pin::pin!(wire.drained());
        let mut cut = std::pin::pin!(cut.0.notified());
        let over = std::future::poll_fn(|cx| match drained.as_mut().poll(cx) {
            Poll::Pending => cut.as_mut().poll(cx),
            ready @ Poll::Ready(()) => ready,
        });
        let _ = tokio::time::timeout(drain, over).await;
    });
}
