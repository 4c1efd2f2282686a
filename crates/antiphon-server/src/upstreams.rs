//! What upstreams do, for `/metrics`.

use antiphon::UpstreamStatus;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Upstream {
    upstream: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Server {
    upstream: String,
    server: String,
}

/// What the client counts of its upstreams, which a reload may replace.
pub(crate) fn registry(upstreams: &[UpstreamStatus]) -> Registry {
    let (up, in_flight) = (Family::<Server, Gauge>::default(), Family::<Server, Gauge>::default());
    let (requests, failures) = (Family::<Server, Counter>::default(), Family::<Server, Counter>::default());
    let waiting = Family::<Upstream, Gauge>::default();
    for status in upstreams {
        let upstream = Upstream { upstream: status.name.clone() };
        waiting.get_or_create(&upstream).set(status.waiting.into());
        for server in &status.servers {
            let labels = Server { upstream: status.name.clone(), server: server.name.clone() };
            up.get_or_create(&labels).set(server.up.into());
            in_flight.get_or_create(&labels).set(server.in_flight.into());
            requests.get_or_create(&labels).inc_by(server.requests);
            failures.get_or_create(&labels).inc_by(server.failures);
        }
    }
    let mut registry = Registry::default();
    if upstreams.is_empty() {
        return registry;
    }
    registry.register("antiphon_upstream_up", "Whether a server of an upstream is asked", up);
    registry.register(
        "antiphon_upstream_in_flight",
        "Requests under way on a server of an upstream",
        in_flight,
    );
    registry.register(
        "antiphon_upstream_requests",
        "Requests that a server of an upstream was sent",
        requests,
    );
    registry.register("antiphon_upstream_failures", "Requests that failed by a server's fault", failures);
    registry.register("antiphon_upstream_waiting", "Requests that wait for a server of an upstream", waiting);
    registry
}
