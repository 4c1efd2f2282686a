//! Which GGUF of a repository is meant.

use antiphon_core::{Error, Kind, Result};

/// Quantisations in the order in which they are taken where nobody says: Q4_K_M loses little and is a third of
/// the size, then the nearest to it.
const PREFERRED: &[&str] = &[
    "Q4_K_M", "MXFP4", "Q4_K_S", "Q4_K_XL", "Q4_K_L", "IQ4_XS", "IQ4_NL", "Q4_0", "Q4_1", "Q4", "Q5_K_M",
    "Q5_K_S", "Q5_0", "Q5_1", "Q6_K", "Q8_0", "Q3_K_L", "Q3_K_M", "Q3_K_S", "F16", "FP16", "BF16", "Q2_K",
    "F32",
];

/// The file that `which` means among these paths, a file or a quantisation; without it, the usual one. A model in
/// several files is meant by its first.
pub(super) fn choose<'a>(paths: &[&'a str], which: Option<&str>) -> Option<&'a str> {
    let models = || paths.iter().copied().filter(|path| is_model(path));
    let Some(which) = which else {
        return models().min_by_key(|path| (rank(path), path.len(), *path));
    };
    if let Some(path) = models().find(|path| *path == which || file_name(path) == which) {
        return Some(path);
    }
    models().filter(|path| has_label(path, which)).min_by_key(|path| (path.len(), *path))
}

/// That nothing of these paths is meant.
pub(super) fn nothing(repository: &str, paths: &[&str], which: Option<&str>) -> Error {
    let models = paths.iter().copied().filter(|path| is_model(path)).collect::<Vec<_>>();
    let error = |message: String| Error::new(Kind::NotFound, message).param("model");
    match which {
        Some(which) if !models.is_empty() => {
            error(format!("model: {repository} has no {which}")).hint(format!("it has {}", some(&models)))
        }
        _ => error(format!("model: {repository} has no GGUF file: it has {}", some(paths)))
            .hint("such repositories mostly end in -GGUF; `antiphon zoo list` shows some that run here"),
    }
}

fn some(paths: &[&str]) -> String {
    const SHOWN: usize = 12;
    let shown = paths.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match paths.len() {
        0 => "nothing".to_owned(),
        1..=SHOWN => shown,
        more => format!("{shown} and {} more", more - SHOWN),
    }
}

/// All files of the model whose first one is `path`, in their order.
pub(super) fn parts<'a>(path: &'a str, paths: &[&'a str]) -> Result<Vec<&'a str>> {
    let Some((start, _, count)) = split(path) else { return Ok(vec![path]) };
    (1..=count)
        .map(|number| {
            let part = paths.iter().copied().find(|other| {
                split(other).is_some_and(|(other, at, of)| other == start && at == number && of == count)
            });
            part.ok_or_else(|| {
                Error::new(Kind::NotFound, format!("model: {path}: part {number} of {count} is not there"))
                    .param("model")
            })
        })
        .collect()
}

/// Whether a program can load it by itself: no projector of images, no importance matrix, no later part.
fn is_model(path: &str) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    let is_first = split(path).is_none_or(|(_, number, _)| number == 1);
    name.ends_with(".gguf") && !name.contains("mmproj") && !name.contains("imatrix") && is_first
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn rank(path: &str) -> usize {
    PREFERRED.iter().position(|label| has_label(path, label)).unwrap_or(PREFERRED.len())
}

/// Whether the file's name has that quantisation as a word: `Q4_0` is not in `Q4_0_4_4`.
fn has_label(path: &str, label: &str) -> bool {
    let (name, label) = (file_name(path).to_ascii_uppercase(), label.to_ascii_uppercase());
    let is_edge =
        |c: Option<char>, more: &str| c.is_none_or(|c| !c.is_ascii_alphanumeric() && !more.contains(c));
    !label.is_empty()
        && name.match_indices(&label).any(|(at, _)| {
            is_edge(name[..at].chars().next_back(), "")
                && is_edge(name[at + label.len()..].chars().next(), "_")
        })
}

/// `x-00002-of-00003.gguf`: what comes before, 2 and 3.
fn split(path: &str) -> Option<(&str, u32, u32)> {
    let stem = path.strip_suffix(".gguf")?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (start, number) = rest.rsplit_once('-')?;
    let number_of = |text: &str| (text.len() == 5).then(|| text.parse().ok()).flatten();
    Some((start, number_of(number)?, number_of(count)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(paths: &[&str], which: Option<&str>, expected: Option<&str>) {
        assert_eq!(choose(paths, which), expected, "{paths:?} {which:?}");
    }

    #[test]
    fn the_usual_one_is_q4_k_m_or_the_nearest_to_it() {
        let paths = [
            "README.md",
            "m-Q8_0.gguf",
            "m-Q4_K_M.gguf",
            "m-Q2_K.gguf",
            "mmproj-m-F16.gguf",
            "m.imatrix.gguf",
        ];
        check(&paths, None, Some("m-Q4_K_M.gguf"));
        check(&["m.q8_0.gguf", "m.fp16.gguf", "m.q4_0_4_4.gguf"], None, Some("m.q8_0.gguf"));
        check(&["gemma_q4_0-it.gguf", "gemma-mmproj.gguf"], None, Some("gemma_q4_0-it.gguf"));
        check(&["m.gguf"], None, Some("m.gguf"));
        check(&["README.md", "model.safetensors", "mmproj.gguf"], None, None);
        check(
            &["Phi-3-mini-4k-instruct-q4.gguf", "Phi-3-mini-4k-instruct-fp16.gguf"],
            None,
            Some("Phi-3-mini-4k-instruct-q4.gguf"),
        );
    }

    #[test]
    fn a_file_or_a_quantisation_is_asked_for() {
        let paths = ["a/m-Q8_0.gguf", "m-IQ4_XS.gguf", "m-Q4_0.gguf", "m-Q4_0_4_4.gguf"];
        check(&paths, Some("Q8_0"), Some("a/m-Q8_0.gguf"));
        check(&paths, Some("q8_0"), Some("a/m-Q8_0.gguf"));
        check(&paths, Some("m-Q8_0.gguf"), Some("a/m-Q8_0.gguf"));
        check(&paths, Some("a/m-Q8_0.gguf"), Some("a/m-Q8_0.gguf"));
        check(&paths, Some("Q4_0"), Some("m-Q4_0.gguf"));
        check(&paths, Some("Q4"), None);
        let error = nothing("o/r", &paths, Some("Q6_K")).to_string();
        assert!(error.contains("o/r has no Q6_K") && error.contains("m-IQ4_XS.gguf"), "{error}");
        assert!(nothing("o/r", &["x.bin"], Some("Q6_K")).to_string().contains("o/r has no GGUF file"));
    }

    #[test]
    fn a_model_in_parts_is_all_of_them() {
        let paths = ["q/m-Q4_K_M-00002-of-00002.gguf", "q/m-Q4_K_M-00001-of-00002.gguf"];
        check(&paths, None, Some(paths[1]));
        check(&paths, Some("Q4_K_M"), Some(paths[1]));
        assert_eq!(parts(paths[1], &paths).unwrap(), [paths[1], paths[0]]);
        let error = parts(paths[1], &paths[1..]).unwrap_err();
        assert!(error.message().contains("part 2 of 2"), "{error}");
        assert_eq!(parts("m.gguf", &["m.gguf"]).unwrap(), ["m.gguf"]);
    }
}
