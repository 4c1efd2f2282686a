//! What is known of a model by its name alone, for those that ask before they call.

use antiphon::core::{Auth, Provider};
use antiphon::{Error, Options, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;
use crate::runtime::Host;

/// What a name says of its model.
struct Found {
    model: String,
    /// `None`: a model of this process.
    provider: Option<&'static Provider>,
    base_url: String,
    has_key: bool,
}

/// Whose model that is, how it is called there, its address, and whether there is a key for it: a dict of
/// `provider`, `model`, `base_url` (`None` for a model of this process), `key_variables`, `has_key` and
/// `needs_key`. Nothing is called.
#[pyfunction]
#[pyo3(signature = (model, base_url=None))]
pub(crate) fn provider_of(
    py: Python<'_>,
    model: String,
    base_url: Option<String>,
) -> PyResult<Bound<'_, PyDict>> {
    let host = Host::current(py)?;
    let found = py.detach(|| {
        host.with_client(|client| -> Result<Found> {
            if model.is_empty() {
                return Err(Error::invalid("model", "must name a model"));
            }
            let options = Options { base_url: base_url.map(Into::into), ..Options::default() };
            let (provider, name) = client.provider_of(&model, &options)?;
            let model = name.to_owned();
            let Some(provider) = provider else {
                return Ok(Found { model, provider: None, base_url: String::new(), has_key: false });
            };
            let base_url = client.base_url(provider, &options).to_string();
            let has_key = client.has_credential(provider, &options)?;
            Ok(Found { model, provider: Some(provider), base_url, has_key })
        })
    });
    let found = found.map_err(|error| errors::to_python(py, &error))?;
    let facts = PyDict::new(py);
    facts.set_item("model", found.model)?;
    let provider = found.provider;
    facts.set_item("provider", provider.map_or(antiphon::providers::LOCAL, |provider| provider.id))?;
    facts.set_item("base_url", provider.map(|_| found.base_url))?;
    facts.set_item("key_variables", provider.map_or_else(Vec::new, |row| row.key_variables.to_vec()))?;
    facts.set_item("has_key", found.has_key)?;
    facts.set_item("needs_key", provider.is_some_and(|row| !row.key_optional && row.auth != Auth::None))?;
    Ok(facts)
}

/// The ids of every provider, `local` and those of `config.toml` included.
#[pyfunction]
pub(crate) fn provider_ids(py: Python<'_>) -> PyResult<Vec<&'static str>> {
    let host = Host::current(py)?;
    let hosted = py.detach(|| host.with_client(antiphon::Client::providers));
    let hosted = hosted.map_err(|error| errors::to_python(py, &error))?;
    Ok(std::iter::once(antiphon::providers::LOCAL).chain(hosted.iter().map(|provider| provider.id)).collect())
}
