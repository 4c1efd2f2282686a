//! What is known of models: prices, limits, abilities.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use antiphon::catalog::{Billing, Catalog, Model, sample_spec};
use antiphon::{Error, Map, Usage, local};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::Value;

use crate::runtime::Host;
use crate::{errors, extract, wrap};

/// What this process has registered: a forked child's new client is told, too.
pub(crate) static REGISTERED: LazyLock<Catalog> = LazyLock::new(Catalog::default);

fn catalog(py: Python<'_>) -> PyResult<Catalog> {
    let host = Host::current(py)?;
    Ok(py.detach(|| host.with_client(|client| client.catalog().clone())))
}

fn object(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Map> {
    match extract::to_json(name, value)? {
        Value::Object(map) => Ok(map),
        _ => Err(errors::to_python(value.py(), &Error::invalid(name, "must be a dict"))),
    }
}

/// All that is known of a model, by LiteLLM's names, `None` for what is unknown.
#[pyfunction]
pub(crate) fn model_info(py: Python<'_>, model: &str, provider: Option<&str>) -> PyResult<Py<PyAny>> {
    let model = catalog(py)?.find(model, provider).map_err(|error| errors::to_python(py, &error))?;
    Ok(wrap::json(py, &Value::Object(model.info()))?.unbind())
}

/// What is known of every model, as LiteLLM's `model_cost` has it.
#[pyfunction]
pub(crate) fn model_map(py: Python<'_>) -> PyResult<Py<PyDict>> {
    let models = PyDict::new(py);
    models.set_item("sample_spec", wrap::json(py, &sample_spec())?)?;
    for model in catalog(py)?.models() {
        models.set_item(model.key(), wrap::json(py, &Value::Object(model.to_json()))?)?;
    }
    Ok(models.unbind())
}

/// The names of local models, and of all that something is known of.
#[pyfunction]
pub(crate) fn model_names(py: Python<'_>) -> PyResult<Vec<String>> {
    let host = Host::current(py)?;
    Ok(py.detach(|| {
        host.with_client(|client| {
            let local = local::names(client.config()).into_iter().map(|name| format!("local/{name}"));
            local.chain(client.catalog().models().iter().map(|model| model.key())).collect()
        })
    }))
}

/// The aliases of `config.toml`: what each name stands for.
#[pyfunction]
pub(crate) fn alias_names(py: Python<'_>) -> PyResult<BTreeMap<String, String>> {
    let host = Host::current(py)?;
    Ok(py.detach(|| host.with_client(|client| client.config().aliases.clone())))
}

/// The names of the models that have every word of `query`.
#[pyfunction]
pub(crate) fn search_models(py: Python<'_>, query: &str) -> PyResult<Vec<String>> {
    Ok(catalog(py)?.search(query).iter().map(|model| model.key()).collect())
}

/// Adds models to what is known, or changes what is; returns them as `model_map` does.
#[pyfunction]
pub(crate) fn register_models(py: Python<'_>, model_cost: &Bound<'_, PyDict>) -> PyResult<Py<PyDict>> {
    let catalog = catalog(py)?;
    let mut models = Vec::new();
    for (key, told) in object("model_cost", model_cost)? {
        let Value::Object(told) = told else {
            let error = Error::invalid(format_args!("model_cost[{key:?}]"), "must be a dict");
            return Err(errors::to_python(py, &error));
        };
        let provider = told.get("litellm_provider").and_then(Value::as_str);
        let known = catalog.find(&key, provider).ok();
        let model = Model::from_json(&key, &told, known.as_deref());
        models.push(model.map_err(|error| errors::to_python(py, &error))?);
    }
    let told = PyDict::new(py);
    for model in models {
        told.set_item(model.key(), wrap::json(py, &Value::Object(model.to_json()))?)?;
        REGISTERED.register(model.clone());
        catalog.register(model);
    }
    Ok(told.unbind())
}

/// What a call of that usage cost, prompt and answer apart; `None` is unknown.
#[pyfunction]
pub(crate) fn call_cost(
    py: Python<'_>,
    model: &str,
    provider: Option<&str>,
    usage: &Bound<'_, PyAny>,
    tier: Option<&str>,
    created: Option<u64>,
) -> PyResult<Option<(f64, f64)>> {
    let usage = object("usage", usage)?;
    let usage: Usage = serde_json::from_value(Value::Object(usage))
        .map_err(|error| errors::to_python(py, &Error::invalid("usage", error)))?;
    let cost = catalog(py)?.cost_of(model, provider, &usage, Billing { tier, at: created });
    Ok(cost.map(|cost| (cost.prompt, cost.completion)))
}
