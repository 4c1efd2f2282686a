//! Asks an engine, and folds what it says.

use antiphon_core::{Backend, Fold, Operation, Request, Response, Result};
use antiphon_engine::Engine;
use futures_util::StreamExt;
use serde_json::Value;

pub(crate) fn request(operation: Operation, value: Value) -> Request {
    Request::read(operation, value.as_object().unwrap().clone()).unwrap()
}

pub(crate) fn run(engine: &Engine, request: Request) -> Result<Response> {
    let mut events = engine.call(request);
    block_on(async move {
        let mut fold = Fold::new();
        while let Some(batch) = events.next().await {
            fold.extend(batch?);
        }
        Ok(fold.finish())
    })
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Wake, Waker};
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(std::sync::Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
