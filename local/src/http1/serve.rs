//! Accepts connections until told to stop, then finishes what has begun.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::{Connection, End};
use super::message::{Reply, Request};

/// What one request may bring.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a head that are read before it is refused.
    pub head_bytes: usize,
    /// Bytes of a body, transfer encoding taken away.
    pub body_bytes: usize,
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request; it is not cancelled when the client goes away. `None` cuts the connection without an answer.
    fn handle(&self, request: Request) -> impl Future<Output = Option<Reply>> + Send;
}

/// A connection without a request is closed after this time, as API Gateway does it.
const IDLE: Duration = Duration::from_mins(1);
/// How long the listener rests when the system has no file handle left for a new connection.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Serves until `stop` turns true (or its sender is gone), then waits for the requests that have begun.
pub async fn serve<H: Handler>(
    listener: TcpListener,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
    handler: Arc<H>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, limits, stop.clone(), Arc::clone(&handler)));
                }
                Err(_) => tokio::time::sleep(EXHAUSTED).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Returns when the sender said so or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stopped| *stopped).await);
}

async fn converse<H: Handler>(
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
    handler: Arc<H>,
) {
    drop(stream.set_nodelay(true));
    let mut connection = Connection::new(stream, peer, limits);
    loop {
        let begun = tokio::select! {
            biased;
            begun = tokio::time::timeout(IDLE, connection.wait()) => begun.unwrap_or(false),
            () = stopped(&mut stop) => false,
        };
        if !begun {
            return;
        }
        match connection.request().await {
            Ok((request, keep)) => {
                let with_body = request.method != "HEAD";
                let Some(reply) = handler.handle(request).await else { return };
                let keep = keep && !*stop.borrow();
                if connection.reply(&reply, with_body, keep).await.is_err() {
                    return;
                }
                if !keep {
                    return connection.close().await;
                }
            }
            Err(End::Gone) => return,
            Err(End::Refused(reply)) => {
                drop(connection.reply(&reply, true, false).await);
                return connection.close_early().await;
            }
        }
    }
}
