"""The Helm chart: linted by Helm itself, rendered, and held against Kubernetes' own schemas."""

import hashlib
import subprocess
from pathlib import Path

import helm_python as helm
import kubernetes_validate
import pytest
import tomllib
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/antiphon"
ANTIPHON = ROOT / "target/release/antiphon"
PAGE = ROOT / "docs/upstreams.md"
VALUES = [*sorted(CHART.glob("ci/*.yaml")), PAGE]

# Kinds that no Kubernetes knows by itself.
CUSTOM = {"ServiceMonitor"}


def values(path):
    text = path.read_text()
    # The page has one example of values.
    return yaml.safe_load(text.split("```yaml\n")[1].split("```")[0] if path == PAGE else text)


def manifests(values):
    rendered = helm.Chart.load(CHART).render(values, name="prod", namespace="llm")
    rendered.pop("antiphon/templates/NOTES.txt")
    documents = [document for text in rendered.values() for document in yaml.safe_load_all(text)]
    return [document for document in documents if document]


def of_kind(documents, kind):
    return {document["metadata"]["name"]: document for document in documents if document["kind"] == kind}


def config(documents):
    return of_kind(documents, "ConfigMap")["prod-antiphon"]["data"]["config.toml"]


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_helm_finds_nothing(path):
    report = helm.lint(CHART, values(path), strict=True)
    worse = [message for message in report["messages"] if message["severity"] > 1]
    assert not worse
    assert not report["errors"]


@pytest.mark.parametrize("version", ["1.31", "1.37"])
@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_kubernetes_takes_what_is_rendered(path, version):
    documents = manifests(values(path))
    kinds = [document["kind"] for document in documents]
    assert "Deployment" in kinds
    assert len(documents) == len({(d["kind"], d["metadata"]["name"]) for d in documents})
    for document in documents:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("path", VALUES, ids=lambda path: path.stem)
def test_no_container_may_more_than_it_must(path):
    pod = of_kind(manifests(values(path)), "Deployment")["prod-antiphon"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_every_pod_of_vllm_is_a_server_of_its_upstream():
    documents = manifests(values(CHART / "ci/whole.yaml"))
    upstreams = tomllib.loads(config(documents))["upstreams"]
    sets, services = of_kind(documents, "StatefulSet"), of_kind(documents, "Service")
    for upstream, replicas in [("llama-3-8b", 2), ("Qwen/Qwen2.5-72B-Instruct", 1)]:
        servers = [server for server in upstreams[upstream]["servers"] if "base_url" in server]
        hosts = [server["base_url"].removeprefix("http://").split(":")[0].split(".") for server in servers]
        name = hosts[0][1]
        assert [host[0] for host in hosts] == [f"{name}-{pod}" for pod in range(replicas)]
        assert all(host[1:] == [name, "llm", "svc"] for host in hosts)
        assert sets[name]["spec"]["replicas"] == replicas
        assert sets[name]["spec"]["serviceName"] == name
        assert services[name]["spec"]["clusterIP"] == "None"
        assert upstreams[upstream]["health"] == "/health"
        labels = sets[name]["spec"]["template"]["metadata"]["labels"]
        assert services[name]["spec"]["selector"].items() <= labels.items()
    container = sets["prod-antiphon-qwen-qwen2-5-72b-instruct"]["spec"]["template"]["spec"]["containers"][0]
    assert container["resources"]["limits"] == {"nvidia.com/gpu": 4}
    assert container["args"][4:6] == ["--tensor-parallel-size", "4"]


def test_a_change_of_the_configuration_restarts_the_pods():
    def annotation(**more):
        pods = of_kind(manifests({**values(CHART / "ci/small.yaml"), **more}), "Deployment")
        return pods["prod-antiphon"]["spec"]["template"]["metadata"]["annotations"]["checksum/config"]

    assert annotation() == annotation() != annotation(extraConfig='[rate_limits]\ndefault = "9/s"')


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"image": {"repository": ""}}, "image.repository"),
        ({"keys": []}, "keys: give at least one"),
        ({"persistence": {"enabled": True}}, "replicas to 1"),
        ({"serviceMonitor": {"enabled": True}}, "serviceMonitor.keySecret.name"),
        ({"keys": [{"name": "a", "sha256": "no"}]}, "sha256"),
        ({"upstreams": [{"name": "a"}]}, "upstreams"),
        ({"upstreams": [{"name": "a", "servres": []}]}, "servres"),
    ],
)
def test_wrong_values_say_what_to_do(more, words):
    chosen = {**values(CHART / "ci/small.yaml"), **more}
    chart = helm.Chart.load(CHART)

    def render():
        chart.validate_schema(chosen)
        chart.render(chosen, name="prod", namespace="llm")

    with pytest.raises(helm.HelmError) as raised:
        render()
    assert words in str(raised.value)


@pytest.mark.skipif(not ANTIPHON.exists(), reason="`make build` makes the command")
@pytest.mark.parametrize(
    "path", [CHART / "ci/small.yaml", CHART / "ci/whole.yaml", PAGE], ids=lambda path: path.stem
)
def test_antiphon_takes_its_configuration(path, tmp_path):
    text = config(manifests(values(path)))
    (tmp_path / "config.toml").write_text(text)
    command = [ANTIPHON, "serve", "--check", "--config", tmp_path / "config.toml"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "upstream llama-3-8b = " in shown.stdout


def test_a_key_is_the_digest_that_the_page_says():
    assert values(PAGE)["keys"][0]["sha256"] == hashlib.sha256(b"hello").hexdigest()


def test_the_examples_beside_the_chart_fit_their_configurations():
    service = values(ROOT / "deploy/kserve/inferenceservice.yaml")
    upstreams = tomllib.loads((ROOT / "deploy/kserve/config.toml").read_text())["upstreams"]
    server = upstreams["llama-3-8b"]["servers"][0]
    assert (
        f"--model_name={server['model'].removeprefix('vllm/')}"
        in service["spec"]["predictor"]["model"]["args"]
    )
    assert server["base_url"].startswith(f"http://{service['metadata']['name']}.")
    assert "health" not in upstreams["llama-3-8b"], "it would wake the service up"
    upstreams = tomllib.loads((ROOT / "deploy/ray/config.toml").read_text())["upstreams"]
    application = (ROOT / "deploy/ray/serve_llm.py").read_text()
    name = upstreams["llama-3-8b"]["servers"][0]["model"].removeprefix("vllm/")
    assert f'"model_id": "{name}"' in application
    compile(application, "serve_llm.py", "exec")
