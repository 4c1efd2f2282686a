//! Sessions of a shell, with what is printed and the exit code: `tests/sessions/*.trycmd`.
//!
//! After a wanted change, `TRYCMD=overwrite cargo test --release -p antiphon-cli --test sessions` writes
//! the files anew.

use antiphon::providers::PROVIDERS;

#[test]
fn sessions() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().to_str().unwrap().to_owned();
    let cases = trycmd::TestCases::new();
    // A home of its own, and no keys: an empty variable counts as none.
    for provider in PROVIDERS {
        for name in provider.key_variables.iter().chain(provider.url_variables) {
            cases.env(*name, "");
        }
    }
    let folders = ["ANTIPHON_MODELS_DIR", "HF_HOME", "HF_HUB_CACHE", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];
    for name in ["ANTIPHON_MODEL", "ANTIPHON_LOG"].into_iter().chain(folders) {
        cases.env(name, "");
    }
    cases.env("HOME", &folder).env("XDG_CACHE_HOME", format!("{folder}/cache"));
    cases.env("ANTIPHON_CONFIG_DIR", format!("{folder}/config"));
    cases.insert_var("[HOME]", folder.clone()).unwrap();
    cases.insert_var("[NUMBER]", env!("CARGO_PKG_VERSION")).unwrap();
    cases.case("tests/sessions/*.trycmd");
    cases.run();
}
