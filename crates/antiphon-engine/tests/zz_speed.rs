use antiphon_core::*;
use antiphon_engine::*;
use futures_util::StreamExt;
use serde_json::json;
use std::time::Instant;
fn run(e: &Engine, v: serde_json::Value) -> (f64, u64) {
    let r = Request::from_json(v.as_object().unwrap().clone()).unwrap();
    let mut s = e.call(r);
    let mut f = Fold::new();
    let t = Instant::now();
    let mut first = None;
    let rt = futures_util::future::poll_fn(|_| std::task::Poll::Ready(()));
    let _ = rt;
    struct W(std::thread::Thread);
    impl std::task::Wake for W {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark()
        }
    }
    let w = std::task::Waker::from(std::sync::Arc::new(W(std::thread::current())));
    let mut cx = std::task::Context::from_waker(&w);
    loop {
        match s.poll_next_unpin(&mut cx) {
            std::task::Poll::Ready(None) => break,
            std::task::Poll::Ready(Some(b)) => {
                let b = b.unwrap();
                if b.iter().any(|e| matches!(e, Event::Text { .. })) && first.is_none() {
                    first = Some(t.elapsed());
                }
                f.extend(b)
            }
            _ => std::thread::park(),
        }
    }
    let r = f.finish();
    let n = r.usage.unwrap().completion_tokens;
    let _ = first;
    (t.elapsed().as_secs_f64(), n)
}
#[test]
fn speed() {
    let e = Engine::load(
        std::path::Path::new("/work/main/build/bench/random-500m.gguf"),
        "r",
        &EngineOptions { threads: Some(2), context: Some(2048), ..Default::default() },
    )
    .unwrap();
    eprintln!("vocab {}", e.info().vocabulary);
    let schema = json!({"type":"object","properties":{"title":{"type":"string","maxLength":60},"score":{"type":"integer","minimum":0,"maximum":100},"tags":{"type":"array","items":{"type":"string","enum":["quick","quiet","cheap","sturdy","light"]},"minItems":3,"maxItems":5},"text":{"type":"string","maxLength":120},"recommended":{"type":"boolean"}},"required":["title","score","tags","text","recommended"],"additionalProperties":false});
    let q = "Tell me about it.";
    let guided = |temp: f64| json!({"messages": q, "guided_json": schema, "max_tokens": 512, "temperature": temp, "seed": 5});
    for temp in [0.0, 1.0] {
        let (_, n) = run(&e, guided(temp));
        let sys = format!("Answer in JSON with this schema: {schema}");
        let free = json!({"messages": [{"role":"system","content":sys},{"role":"user","content":q}], "max_tokens": n, "ignore_eos": true, "temperature": temp, "seed": 5});
        let mut rs = vec![];
        for _ in 0..5 {
            let (a, an) = run(&e, guided(temp));
            let (b, bn) = run(&e, free.clone());
            eprintln!("temp {temp} guided {:.1} free {:.1} tok/s ({an},{bn})", an as f64 / a, bn as f64 / b);
            rs.push((an as f64 / a) / (bn as f64 / b));
        }
        rs.sort_by(f64::total_cmp);
        eprintln!("ratio median {:.3}", rs[2]);
    }
}
